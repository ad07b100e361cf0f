#![allow(unused)]

use bpm_engine::prelude::*;

struct NotStorable;

#[service_task]
async fn not_storable() -> NotStorable {
    NotStorable
}

fn main() {}
