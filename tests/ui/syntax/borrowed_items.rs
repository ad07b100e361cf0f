#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        for item in &order.items {
            let n = service count(item);
        }
        for item in order.items.iter() {
            'again: let n = service count(item);
        }
    }
}

fn main() {}
