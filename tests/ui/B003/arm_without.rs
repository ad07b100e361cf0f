#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order, decision: Decision) -> String {
        match decision {
            Decision::Approved { by } => { let who = by; }
            Decision::Rejected(reason) => { let who = reason; }
            Decision::Later => { service tell("later"); }
        }
        return who;
    }
}

fn main() {}
