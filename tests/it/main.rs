//! Everything through the public API, in one binary.

mod ui;
