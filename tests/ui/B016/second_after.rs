#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) -> u64 {
        let payment = service charge(&order)
            on after 90m => { fail "slow"; }
            on after 2h => { fail "very slow"; };
        return payment.amount;
    }
}

fn main() {}
