//! The SQLite store, through its public API and beside it.

mod conformance;
