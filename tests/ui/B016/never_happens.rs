#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        let decision: Decision = user approve { order: &order }
            on error _ => { fail "nobody decided"; }
            on after 0s => { fail "nobody had time"; };
        let payment = service charge(&order)
            on error _ => { fail "not charged"; }
            on error Declined => { fail "declined"; };
        'packing: scope {
            service pack(&order);
        }
        on after 3d => { fail "late"; }
        also after 5d => { service tell("them"); }
    }
}

fn main() {}
