#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        loop {
            parallel {
                pay: { let payment = service charge(&order); if payment.amount > 3 { break; } }
                pack: { let parcel = service pack(&order); }
            }
        }
    }
}

fn main() {}
