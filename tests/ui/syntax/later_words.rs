#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) -> u64 {
        let pickup: Payment = receive picked_up[order.id.clone()];
        let payment = service charge(&order) retry 3 on receive declined[order.id.clone()] => { fail "declined"; } undo tell("x");
        inclusive {
            a: { let winner = service pack(&order); }
            b: { service tell("b"); }
        }
        let again = order.total > pickup.amount;
        if again {
            goto 'start;
        }
        return payment.amount + winner.weight as u64;
    }
}

fn main() {}
