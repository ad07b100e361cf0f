#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(amount: u64) {
        if "amuont > 50" { service tell("big"); }
    }
}

fn main() {}
