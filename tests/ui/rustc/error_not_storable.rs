#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        service charge(&order)
            on error error => { service tell(&error.to_string()); };
    }
}

fn main() {}
