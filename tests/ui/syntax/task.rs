#![allow(unused)]

use bpm_engine::prelude::*;

#[service_task]
fn not_async() {}

#[service_task(retry 3, timout 3s, undo words(), 7)]
async fn words() {}

#[service_task]
async fn generic<T>(value: T) {}

#[service_task]
struct NotAFunction;

fn main() {}
