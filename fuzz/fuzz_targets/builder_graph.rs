//! Fuzzes `bpm_testkit::fuzz::BUILDER_GRAPH`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| (bpm_testkit::fuzz::BUILDER_GRAPH.run)(data));
