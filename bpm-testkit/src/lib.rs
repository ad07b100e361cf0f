//! Tests for stores and processes of bpm-engine.

pub mod arbitrary;
pub mod audit;
pub mod explorer;
pub mod store_conformance;
