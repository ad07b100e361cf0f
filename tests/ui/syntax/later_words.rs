#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) -> u64 {
        let pickup: Payment = receive picked_up[order.id.clone()];
        let payment = service charge(&order)
            retry 3
            on receive stop[order.id.clone()] as why: Decision => { match why { _ => return 0 } }
            undo tell("x");
        select {
            after 3d => { let winner = service pack(&order); }
        }
        let again = order.total > pickup.amount;
        if again {
            goto 'start;
        }
        return payment.amount + winner.weight as u64;
    }
}

fn main() {}
