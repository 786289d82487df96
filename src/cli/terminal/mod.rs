//! The person's own terminal: its size, raw mode, keys. What differs by system is in one file each.

mod guard;
mod title;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use super::failure::Failure;
pub use guard::Guard;
use pryx_terms::Secret;
pub use title::Title;
#[cfg(unix)]
use unix::read_line;
#[cfg(unix)]
pub use unix::{Keys, Raw, Resizes, can_ask, in_foreground, size, swallow_answers};
#[cfg(windows)]
use windows::read_line;
#[cfg(windows)]
pub use windows::{Keys, Raw, Resizes, can_ask, in_foreground, size, swallow_answers};

/// What came of waiting for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(windows, expect(dead_code, reason = "no key is read by itself there"))]
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

/// A line that the terminal doesn't show.
///
/// # Errors
/// When nobody can be asked, or Ctrl-C is pressed.
pub fn secret(prompt: &str) -> Result<Secret, Failure> {
    read_line(prompt, false).map_err(|error| not_read(&error))
}

/// A line that the terminal shows.
///
/// # Errors
/// As [`secret`].
pub fn line(prompt: &str) -> Result<String, Failure> {
    read_line(prompt, true).map(|line| line.expose().to_owned()).map_err(|error| not_read(&error))
}

fn not_read(error: &std::io::Error) -> Failure {
    match error.kind() {
        std::io::ErrorKind::Interrupted => Failure::new("stopped: nothing was changed").code(super::exit::INTERRUPTED),
        _ => Failure::because("nobody can be asked here", error),
    }
}

/// Asks for a yes or a no by one key. Nothing when nobody can be asked.
pub fn yes_or_no(question: &str) -> Option<bool> {
    let (never, _keep) = std::io::pipe().ok()?;
    let keys = Keys::open().ok()?;
    super::out::mutter(&format!("{question} [y/n] "));
    let answer = loop {
        match keys.next(&never, None) {
            Ok(Pressed::Key(b'y' | b'Y')) => break true,
            Ok(Pressed::Key(b'n' | b'N' | b'q' | 0x1b) | Pressed::Stopped) | Err(_) => break false,
            Ok(Pressed::Key(_) | Pressed::Several | Pressed::Nothing) => {}
        }
    };
    drop(keys);
    super::out::talk(if answer { "yes" } else { "no" });
    Some(answer)
}
