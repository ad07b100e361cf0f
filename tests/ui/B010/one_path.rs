#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        if order.total > 1_000 {
            let payment = service charge(&order);
        }
        user hand_over { order: &order } undo refund(&payment);
    }
}

fn main() {}
