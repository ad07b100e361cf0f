#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        let first = service charge(&order);
        let second = service charge(&order);
    }
}

fn main() {}
