#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) -> u64 {
        let payment = service charge(&order)?;
        let parcel = service pack(&order).await;
        let wait = pack(&order).await;
        let early = if order.total > 3 { return 3 } else { 4 };
        return payment.amount;
    }
}

fn main() {}
