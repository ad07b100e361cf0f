#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        parallel {
            pay after say: { let payment = service charge(&order); }
            pack after pay: { let parcel = service pack(&order); }
            say after pack: { service tell("x"); }
            free: { let n = service count(1); }
        }
    }
}

fn main() {}
