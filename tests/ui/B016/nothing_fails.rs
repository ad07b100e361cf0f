#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        'think: scope {
            wait 3d;
        }
        on error Failure { message, .. } => { fail "{message}"; }
    }
}

fn main() {}
