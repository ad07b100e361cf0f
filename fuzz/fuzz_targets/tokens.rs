//! Fuzzes the macros. Only they can call what is behind their entry points, so their sources are
//! modules of this program.

#![no_main]

extern crate proc_macro;

#[allow(dead_code, unused_imports, missing_docs, reason = "the entry points are not here")]
#[path = "../../bpm-macros/src"]
mod macros {
    pub mod expand;
    pub mod fuzzed;
    pub mod lower;
    pub mod mentions;
    pub mod pattern;
    pub mod report;
    pub mod spacing;
    pub mod syntax;
    pub mod task;
    pub mod workflow;
}

use macros::{expand, lower, mentions, pattern, report, spacing, syntax, task, workflow};

libfuzzer_sys::fuzz_target!(|data: &[u8]| macros::fuzzed::run(data));
