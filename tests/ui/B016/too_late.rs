#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        'packing: scope {
            service pack(&order);
        }
        on after 3d => { fail "late"; }
        also after 5d => { service tell("them"); }
    }
}

fn main() {}
