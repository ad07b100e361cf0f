#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order, n: u32) {
        race 3 of { a: { wait 1s; } b: { wait 2s; } }
        race 0 of { a: { wait 1s; } b: { wait 2s; } }
        race n of { a: { wait 1s; } b: { wait 2s; } }
        service charge(&order)
            also every 0s => { }
            also after 3 => { };
    }
}

fn main() {}
