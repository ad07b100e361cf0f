//! Fuzzes `bpm_testkit::fuzz::HISTORY_ROW`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| (bpm_testkit::fuzz::HISTORY_ROW.run)(data));
