//! Fuzzes `bpm_testkit::fuzz::EL`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| (bpm_testkit::fuzz::EL.run)(data));
