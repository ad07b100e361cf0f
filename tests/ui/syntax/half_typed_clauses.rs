#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        service charge(&order) on
        'first: service charge(&order) on error Declined
        'second: service charge(&order) on error
        'third: service charge(&order) also every
        'all: scope {
            service tell("all")
        } on after 3d =>
        race 2 of
        let parcel = service pack(&order) on after order. => { }
        scope
    }
}

fn main() {}
