#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        let payment = service charge(&order) retri 3 timeout 3s;
        service tell("x") retry 3 then fail;
        let parcel = service pack(&order) timeout 3s retry 2 timeout 4s;
    }
}

fn main() {}
