#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) -> String {
        if order.total > 1_000 { let note = "big".to_owned(); }
        service tell(&order.id);
        return format!("{note}!");
    }
}

fn main() {}
