//! Tests for stores and processes of bpm-engine.

pub mod store_conformance;
