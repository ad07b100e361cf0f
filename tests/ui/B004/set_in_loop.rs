#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) -> u32 {
        let n = 0;
        parallel {
            up: { let n = service count(n); }
            look: { if n > 3 { service tell("many"); } }
        }
        return n;
    }
}

fn main() {}
