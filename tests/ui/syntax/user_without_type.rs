#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        let decision = user approve { order: &order };
        service tell(&decision);
    }
}

fn main() {}
