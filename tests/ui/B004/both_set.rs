#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) -> u64 {
        parallel {
            a: { let x = 1; service tell("a"); }
            b: { let x = 2; }
        }
        return x;
    }
}

fn main() {}
