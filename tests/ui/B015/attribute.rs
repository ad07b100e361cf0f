#![allow(unused)]

use bpm_engine::prelude::*;

#[service_task(retry 0, timeout 30)]
async fn never() {}

#[service_task(retry 5 every 1m..30s timeout 0s)]
async fn hasty() {}

#[service_task(retry 5 every 0s then suspend)]
async fn breathless() {}

fn main() {}
