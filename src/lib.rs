//! Long-running business processes as checked Rust.
