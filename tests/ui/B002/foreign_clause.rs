#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        user hand_over { order: &order } retry 3;
        wait 3d timeout 5d;
    }
}

fn main() {}
