//! Tests of the whole, through the public API.

mod built;
mod docs;
mod engine;
mod house;
mod pages;
mod readme;
