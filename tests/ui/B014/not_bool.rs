#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(amount: u64) {
        while "amount + 1u" { let n = service count(1); }
    }
}

fn main() {}
