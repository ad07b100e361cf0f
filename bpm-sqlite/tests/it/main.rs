//! The SQLite store, through its public API and beside it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod conformance;
mod files;
mod processes;
mod rows;
mod views;
