#![deny(unused_variables)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order, decision: Decision) {
        let payment = service charge(&order);
        match decision {
            Decision::Approved { by } => { service count(1); }
            Decision::Rejected(_) | Decision::Later => {}
        }
        let (low, high) = (1, 2);
        if low > 3 { 'again: service count(low); }
    }
}

fn main() {}
