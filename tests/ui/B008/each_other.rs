#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) -> u64 {
        parallel {
            pay after pack: { let payment = service charge(&order); }
            pack after pay: { let parcel = service pack(&order); }
        }
        return payment.amount;
    }
}

fn main() {}
