//! Tests of the whole, through the public API.

#![allow(
    unreachable_pub,
    reason = "the programs of the documentation are public where yours would be"
)]
#![allow(clippy::unwrap_used, reason = "a test says by a panic what is wrong")]

mod built;
mod diary;
mod docs;
mod engine;
mod examples;
mod house;
mod kill;
mod pages;
mod random;
mod readme;
mod recovery;
mod tidy;
mod ui;
