#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        let payment = service charge(&order) retry 0 timeout 0s;
        let parcel = service pack(&order) retry 3 every 5m..1s;
        service tell("x") retry 3 every 30 timeout 2.5;
        wait 0d;
        wait 14;
    }
}

fn main() {}
