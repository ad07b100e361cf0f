#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        'all: scope {
            service charge(&order);
        } retry 3 on error _ => { service tell("us"); } undo tell("them");
        scope { wait 3d; } onn after 3d => { }
        'last: service tell("all");
    }
}

fn main() {}
