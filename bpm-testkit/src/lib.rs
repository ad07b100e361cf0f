//! Tests for stores and processes of bpm-engine.
