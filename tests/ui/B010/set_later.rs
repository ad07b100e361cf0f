#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        let parcel = service pack(&order) undo refund(&payment);
        let payment = service charge(&order);
        service tell(&order.id) undo tell("x");
    }
}

fn main() {}
