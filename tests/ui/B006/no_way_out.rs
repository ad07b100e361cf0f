#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        loop {
            let payment = service charge(&order);
        }
    }
}

fn main() {}
