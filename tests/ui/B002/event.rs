#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        let payment = service charge(&order)
            on eror Declined => { return; }
            on every 1d => { return; }
            also at process.now => { }
            on monday => { let parcel = 3; };
    }
}

fn main() {}
