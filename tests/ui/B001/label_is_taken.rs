#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        'step: let payment = service charge(&order);
        'step: let parcel = service pack(&order);
    }
}

fn main() {}
