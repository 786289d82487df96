//! The private channel of a terminal's shell.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pryx_hands::fuzz::hooks(data));
