#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        'orders: for item in order.items {
            parallel {
                pay: { let payment = service charge(&order); continue 'orders; }
                count: { let n = service count(item); }
            }
        }
    }
}

fn main() {}
