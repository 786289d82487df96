//! What follows a terminal's modes.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pryx_hands::fuzz::modes(data));
