#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        let n = 0;
        loop {
            if n > 10 { break; }
            if n > 3 {
                let n = service count(n);
            } else {
                let n = n + 1;
            }
        }
    }
}

fn main() {}
