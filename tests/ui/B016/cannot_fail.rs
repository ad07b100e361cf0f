#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        let decision: Decision = user approve { order: &order }
            on error _ => { fail "nobody decided"; }
            on after 0s => { fail "nobody had time"; };
    }
}

fn main() {}
