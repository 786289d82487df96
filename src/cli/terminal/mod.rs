//! The person's own terminal: its size, raw mode, keys. What differs by system is in one file each.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::{Keys, Raw, Resizes, can_ask, in_foreground, size};
#[cfg(windows)]
pub use windows::{Keys, Raw, Resizes, can_ask, in_foreground, size};

/// What came of waiting for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pressed {
    /// One key, by itself.
    Key(u8),
    /// Several at once: a paste, a cursor key, or a sentence typed ahead.
    Several,
    /// None in the time given.
    Nothing,
    /// None: the question is taken back.
    Stopped,
}

/// Lines and columns of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Lines.
    pub rows: u16,
    /// Columns.
    pub cols: u16,
}

impl Size {
    /// What a terminal is taken to be when it doesn't tell: the size every program can live with.
    pub const UNKNOWN: Self = Self { rows: 24, cols: 80 };
}
