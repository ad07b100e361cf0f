#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) -> u64 {
        loop {
            if order.total > 3 { break; }
            let payment = service charge(&order);
        }
        return payment.amount;
    }
}

fn main() {}
