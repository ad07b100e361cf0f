#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order, decision: Decision) {
        match decision {
            Decision::Approved { by } => { service tell(&by); }
            Decision::Rejected(reason) => { 'again: service tell(&reason); }
        }
    }
}

fn main() {}
