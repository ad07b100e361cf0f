#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) -> u32 {
        let tries = 0;
        tries += 1;
        return tries;
    }
}

fn main() {}
