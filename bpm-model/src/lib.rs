//! The process graph, its checks, the expression language and the pictures of bpm-engine.

pub mod el;
pub mod spell;
