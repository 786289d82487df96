//! What knows how a viewer's terminal was left.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pryx_hands::fuzz::viewer(data));
