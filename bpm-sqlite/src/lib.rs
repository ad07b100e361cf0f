//! The SQLite store of bpm-engine.
