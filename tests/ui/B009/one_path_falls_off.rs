#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) -> u64 {
        if order.total > 1_000 {
            return order.total;
        }
        service tell("small");
    }
}

fn main() {}
