#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        let payment = service charge(&order) undo refund(&order);
        let parcel = service pack(&order) undo refnd(&payment);
    }
}

fn main() {}
