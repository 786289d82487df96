//! The frame decoder and the decoders of messages.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pryx_hands::fuzz::frames(data));
