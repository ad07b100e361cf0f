#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        let n = 0;
        while n < 10 {
            let n = n + 1;
        }
        service tell("done");
    }
}

fn main() {}
