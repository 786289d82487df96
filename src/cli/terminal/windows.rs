//! Terminals of Windows: no raw mode and no questions yet, since the hands don't run there so far.

use super::Size;
use std::io;

/// The size every program can live with.
pub fn size() -> Size {
    Size::UNKNOWN
}

/// There are no background process groups.
pub fn in_foreground() -> bool {
    true
}

/// Nobody can be asked, so what would be asked is refused.
pub fn can_ask() -> bool {
    false
}

/// No window is joined here, so nothing was asked.
pub fn swallow_answers() {}

/// Raw mode.
pub struct Raw;

impl Raw {
    /// Not supported here.
    ///
    /// # Errors
    /// Always.
    pub fn enter() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// The window's changes of size: not told here.
pub struct Resizes;

impl Resizes {
    /// Starts watching.
    ///
    /// # Errors
    /// Never.
    pub fn watch() -> io::Result<Self> {
        Ok(Self)
    }

    /// Never resolves.
    pub async fn next(&mut self) -> Size {
        std::future::pending().await
    }
}

/// Single keys.
pub struct Keys;

impl Keys {
    /// Not supported here.
    ///
    /// # Errors
    /// Always.
    pub fn open() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Never a key.
    ///
    /// # Errors
    /// Always.
    pub fn next<T>(&self, _stop: &T, _patience: Option<std::time::Duration>) -> io::Result<super::Pressed> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Not supported here: what is to be said is said by options, a key is piped in.
///
/// # Errors
/// Always.
pub fn read_line(_prompt: &str, _shown: bool) -> io::Result<pryx_terms::Secret> {
    Err(io::ErrorKind::Unsupported.into())
}
