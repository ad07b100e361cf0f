#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        if order.total > 3 { break; }
        service tell("done");
    }
}

fn main() {}
