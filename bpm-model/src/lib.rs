//! The process graph, its checks, the expression language and the pictures of bpm-engine.
//!
//! This crate knows graphs only: no IO, no clock, no async, no macros. What a macro emits, what a
//! builder makes and what an import reads is the same [`Graph`](graph::Graph), checked by the
//! same rules.

pub mod check;
pub mod duration;
pub mod el;
pub mod finding;
pub mod fingerprint;
pub mod graph;
pub mod kind;
mod layout;
pub mod policy;
pub mod render;
pub mod spell;
