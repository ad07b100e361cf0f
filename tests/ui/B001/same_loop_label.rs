#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        'again: loop {
            let payment = service charge(&order);
            if payment.amount > 1 { break 'again; }
        }
        'again: loop {
            let parcel = service pack(&order);
            if parcel.weight > 1 { break 'again; }
        }
    }
}

fn main() {}
