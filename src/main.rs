//! The approval demo.

fn main() {}
