#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        loop {
            service pack(&order)
                also every 1d => {
                    service tell("us");
                    break;
                }
        }
    }
}

fn main() {}
