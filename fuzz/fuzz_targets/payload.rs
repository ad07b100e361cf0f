//! Fuzzes `bpm_testkit::fuzz::PAYLOAD`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| (bpm_testkit::fuzz::PAYLOAD.run)(data));
