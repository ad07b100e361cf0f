#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        let tries = 3;
        let payment = service charge(&order) retry tries;
        let parcel = service pack(&order) retry -1 timeout std::time::Duration::from_secs(30);
    }
}

fn main() {}
