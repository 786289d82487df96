//! What strips escape sequences from output.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pryx_hands::fuzz::plain(data));
