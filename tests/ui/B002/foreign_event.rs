#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        wait 3d on error _ => { let parcel = 3; }
        let double = order.total * 2 also every 1d => { }
        if parcel > double { wait 3s; } on after 3d => { }
    }
}

fn main() {}
