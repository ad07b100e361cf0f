#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) -> u64 {
        let pickup: Payment = receive picked_up[order.id.clone()];
        wait 14d;
        let payment = service charge(&order) retry 3 every 1s..1m undo tell("x");
        race {
            a: { let winner = service pack(&order); }
            b: { fail "no"; }
        }
        if order.total > pickup.amount {
            fail "too much: {}", order.total;
        }
        return payment.amount + winner.weight as u64;
    }
}

fn main() {}
