//! The engine of bpm-engine: tokens, events and turns over a store.
