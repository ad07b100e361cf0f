#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        if order.total > 3 {
            fail "no {payment} for {}", order.id, order.total;
        }
        fail order.id;
    }
}

fn main() {}
