#![allow(unused)]

#[path = "../shop.rs"]
mod shop;

use bpm_engine::prelude::*;
use shop::*;

workflow! {
    process P(order: Order) {
        let reminders = 0;
        let weight = 0;
        'pack: scope {
            wait 3d;
            let reminders = reminders + 1;
        }
        also every 1d => {
            let reminders = reminders + 1;
            service tell(&format!("{reminders}"));
        }
        race 2 of {
            a: { wait 3s; let weight = 1; }
            b: { wait 4s; let weight = 2; }
            c: { wait 5s; }
        }
        'all: service tell(&format!("{weight}"));
    }
}

fn main() {}
