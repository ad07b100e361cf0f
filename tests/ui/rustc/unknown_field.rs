#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        let payment = service charge(&order);
        let amount = payment.amuont * 2;
        service tell(&format!("{amount}"));
    }
}

fn main() {}
