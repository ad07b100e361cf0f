#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        let payment = service charge(&order)
            on error _ => { fail "not charged"; }
            on error Declined => { fail "declined"; };
    }
}

fn main() {}
