#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        'pay: scope {
            let payment = service charge(&order);
            let parcel = service pack(&order);
        }
        on error Failure { message, .. } => {
            service tell(&format!("{message} {}", payment.amount));
            return;
        }
        'all: service tell(&format!("{} {}", payment.amount, parcel.weight));
    }
}

fn main() {}
