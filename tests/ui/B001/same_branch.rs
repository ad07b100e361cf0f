#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        parallel {
            work: { let payment = service charge(&order); }
            work: { let parcel = service pack(&order); }
        }
    }
}

fn main() {}
