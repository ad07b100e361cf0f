#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        loop {
            race {
                pay: { service charge(&order); break; }
                late: { scope { wait 3d; continue; } }
            }
        }
    }
}

fn main() {}
