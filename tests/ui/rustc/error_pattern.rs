#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        let payment = service charge(&order)
            on error Decision::Rejected(why) => { fail "{why}"; }
            on error Declined { why } => { fail "{why}"; }
            on error Declined if order.totl > 3 => { fail "no"; };
        service tell("all") on after order.total => { fail "late"; }
        'all: scope { service pack(&order); }
            on error Failure { node, message } => { fail "{node} {message}"; }
            on error Failure { nod, .. } => { fail "{nod}"; }
            on error Declined => { fail "declined"; }
    }
}

fn main() {}
