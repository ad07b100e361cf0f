#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) -> u64 {
        let payment = service charge
        let rest =
        let more = order.
        if order.total > 3 {
            service tell("big")
        }
        return payment.amount;
    }
}

fn main() {}
