#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P() -> u32 {
        let total = 0;
        while total < 10 {
            'again: total = service count(total);
        }
        return total;
    }
}

fn main() {}
