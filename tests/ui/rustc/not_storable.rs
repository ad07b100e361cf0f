#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        let guard = std::rc::Rc::new(std::cell::Cell::new(3)).clone();
        service tell(&format!("{}", guard.get()));
    }
}

fn main() {}
