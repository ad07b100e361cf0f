//! Tests of the whole, through the public API.

mod built;
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
