//! The engine through its public API, one binary.

mod engine;
mod house;
