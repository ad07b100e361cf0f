#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        wait
        let payment = service charge(&order) retry
        let parcel = service pack(&order) undo
        service tell("x") timeout 3s undo refund
        if order.total > 3 {
            fail;
        }
        fail ("too much");
    }
}

fn main() {}
