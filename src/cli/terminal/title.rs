//! The title of the person's window while a terminal is shown in it: who has the terminal. What a program says of titles
//! doesn't get here.

use crate::cli::out;
use pryx_terms::visible;

/// Longest title. What is longer no bar shows.
const MAX_TITLE: usize = 80;

/// Terminals without a window.
const NO_TITLES: &[&str] = &["", "dumb", "linux"];

/// A title that is set, and taken back when dropped.
pub struct Title(());

impl Title {
    /// Keeps the present title for later; nothing where there is none.
    pub fn begin(terminal: &str) -> Option<Self> {
        if NO_TITLES.contains(&terminal) {
            return None;
        }
        out::data(b"\x1b[22;2t").ok().map(|()| Self(()))
    }

    /// Shows this one.
    pub fn set(&self, text: &str) {
        let text: String = visible(text).chars().take(MAX_TITLE).collect();
        // A terminal that is gone shows nothing.
        let _ = out::data(format!("\x1b]2;{text}\x1b\\").as_bytes());
    }
}

impl Drop for Title {
    fn drop(&mut self) {
        // Where titles can't be kept, none is better than one that is true no more.
        let _ = out::data(b"\x1b]2;\x1b\\\x1b[23;2t");
    }
}
