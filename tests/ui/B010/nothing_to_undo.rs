#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        let fee = order.total / 10 undo tell("fee");
        wait 3d undo tell("waited");
        if fee > 3 {
            service tell("expensive");
        } undo tell("chosen");
    }
}

fn main() {}
