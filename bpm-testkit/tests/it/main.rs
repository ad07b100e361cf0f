//! The test kit, and the engine with its virtual clock.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod conformance;
mod soundness;
