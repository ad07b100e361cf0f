#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(amount: u64) {
        if "amount >" { service tell("big"); }
    }
}

fn main() {}
