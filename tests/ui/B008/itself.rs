#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        parallel {
            pay after pay: { let payment = service charge(&order); }
            pack: { let parcel = service pack(&order); }
        }
    }
}

fn main() {}
