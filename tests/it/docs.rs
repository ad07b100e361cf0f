//! The documentation is true.
