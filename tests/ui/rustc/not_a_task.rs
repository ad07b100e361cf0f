#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

async fn unmarked(order: &Order) -> u64 {
    order.total
}

workflow! {
    process P(order: Order) {
        let amount = service unmarked(&order);
        let payment = service Parcel(&order);
        service tell(&format!("{amount}"));
    }
}

fn main() {}
