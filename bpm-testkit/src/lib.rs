//! Tests for stores and processes of bpm-engine.

pub mod arbitrary;
pub mod audit;
pub mod blocks;
pub mod clock;
pub mod events;
pub mod explorer;
pub mod readings;
pub mod store_conformance;
