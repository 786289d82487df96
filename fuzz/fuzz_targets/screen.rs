//! The screen model, played from a log and its times.

#![no_main]

use std::sync::LazyLock;

static PLACE: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a directory"));

libfuzzer_sys::fuzz_target!(|data: &[u8]| pryx_hands::fuzz::screen(PLACE.path(), data));
