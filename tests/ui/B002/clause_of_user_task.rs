#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        let decision: bool = user approve { order: &order } for group "managers" prioritty 3;
        if decision { service tell("all"); }
    }
}

fn main() {}
