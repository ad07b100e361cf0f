#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        parallel {
            pay: { let payment = service charge(&order); }
            look: { let amount = payment.amount; service tell(&format!("{amount}")); }
        }
    }
}

fn main() {}
