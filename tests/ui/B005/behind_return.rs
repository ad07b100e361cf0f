#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) -> u64 {
        return order.total;
        let payment = service charge(&order);
        service tell("never");
        return payment.amount;
    }
}

fn main() {}
