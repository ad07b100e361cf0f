#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        parallel {
            invoice: { let payment = service charge(&order); }
            parcel after invoce: { let parcel = service pack(&order); }
        }
    }
}

fn main() {}
