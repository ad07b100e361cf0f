#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        let payment = service charge(&order);
        fail "charged {} for nothing", payment.amount;
        service tell("unreachable");
    }
}

fn main() {}
