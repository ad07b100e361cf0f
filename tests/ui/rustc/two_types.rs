#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        if order.total > 3 { let x = service charge(&order); } else { let x = service pack(&order); }
    }
}

fn main() {}
