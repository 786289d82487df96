//! Terminals of Linux and macOS.

use super::Pressed;
use super::Size;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::termios::{LocalModes, OptionalActions, Termios};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

/// The size of the terminal on stdout, else stderr, else stdin.
pub fn size() -> Size {
    let read = |fd: std::os::fd::BorrowedFd<'_>| {
        let size = rustix::termios::tcgetwinsize(fd).ok()?;
        (size.ws_row > 0 && size.ws_col > 0).then_some(Size { rows: size.ws_row, cols: size.ws_col })
    };
    read(io::stdout().as_fd())
        .or_else(|| read(io::stderr().as_fd()))
        .or_else(|| read(io::stdin().as_fd()))
        .unwrap_or(Size::UNKNOWN)
}

/// Whether we may read from the terminal on stdin: a background process that tries is stopped by the kernel.
pub fn in_foreground() -> bool {
    rustix::termios::tcgetpgrp(io::stdin()).is_ok_and(|group| group == rustix::process::getpgrp())
}

fn open_tty() -> io::Result<OwnedFd> {
    open_tty_as(OFlags::empty())
}

fn open_tty_as(flags: OFlags) -> io::Result<OwnedFd> {
    Ok(rustix::fs::open("/dev/tty", OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOCTTY | flags, Mode::empty())?)
}

/// Whether a person can be asked: there is a controlling terminal, and we are in its foreground.
pub fn can_ask() -> bool {
    open_tty().is_ok_and(|tty| rustix::termios::tcgetpgrp(&tty).is_ok_and(|g| g == rustix::process::getpgrp()))
}

/// How long a terminal may take to its last answers. One at the other end of the world needs that long.
const LAST_ANSWERS: Duration = Duration::from_millis(300);

/// Takes the answers that the terminal may still give to what a program has asked it: left to themselves they would be
/// typed into the shell that comes next. Answers come in order, so one that everybody understands is asked for last. To be
/// called in raw mode.
pub fn swallow_answers() {
    const LAST: &[u8] = b"\x1b[0n";
    // Somebody else of this process may read it first: this one must not wait for what is gone.
    let Ok(tty) = open_tty_as(OFlags::NONBLOCK) else { return };
    let until = Instant::now() + LAST_ANSWERS;
    let (mut seen, mut chunk) = (Vec::new(), [0_u8; 1024]);
    if rustix::io::write(&tty, b"\x1b[5n").is_err() {
        return;
    }
    while !seen.windows(LAST.len()).any(|part| part == LAST) {
        let left = Timespec::try_from(until.saturating_duration_since(Instant::now())).ok();
        let mut fds = [PollFd::new(&tty, PollFlags::IN)];
        match poll(&mut fds, left.as_ref()) {
            Ok(1..) => match rustix::io::read(&tty, &mut chunk) {
                Ok(count @ 1..) => seen.extend_from_slice(&chunk[..count]),
                Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
                _ => return,
            },
            // Whoever else reads it has it, or it comes no more.
            _ => return,
        }
    }
}

/// Raw mode on stdin's terminal, undone when dropped.
pub struct Raw {
    before: Termios,
}

impl Raw {
    /// Switches to raw mode: each key arrives at once, and Ctrl-C is a byte like any other.
    ///
    /// # Errors
    /// When stdin is no terminal.
    pub fn enter() -> io::Result<Self> {
        let before = rustix::termios::tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        // What was typed ahead is meant for the command, so nothing is flushed.
        rustix::termios::tcsetattr(io::stdin(), OptionalActions::Drain, &raw)?;
        Ok(Self { before })
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // If the terminal is gone there is nothing to restore.
        let _ = rustix::termios::tcsetattr(io::stdin(), OptionalActions::Drain, &self.before);
    }
}

/// The window's changes of size.
pub struct Resizes(tokio::signal::unix::Signal);

impl Resizes {
    /// Starts watching.
    ///
    /// # Errors
    /// When the signal can't be watched.
    pub fn watch() -> io::Result<Self> {
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::window_change()).map(Self)
    }

    /// Resolves with the new size after a change.
    pub async fn next(&mut self) -> Size {
        match self.0.recv().await {
            Some(()) => size(),
            None => std::future::pending().await,
        }
    }
}

/// Single keys from the controlling terminal, for a question; independent of stdin, which may be a pipe.
pub struct Keys {
    tty: OwnedFd,
    before: Termios,
}

impl Keys {
    /// Opens the terminal and makes keys arrive one by one; Ctrl-C still interrupts.
    ///
    /// # Errors
    /// When there is no terminal.
    pub fn open() -> io::Result<Self> {
        let tty = open_tty()?;
        let before = rustix::termios::tcgetattr(&tty)?;
        let mut single = before.clone();
        single.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        // What was typed before the question was on the screen is no answer to it: Flush drops it.
        rustix::termios::tcsetattr(&tty, OptionalActions::Flush, &single)?;
        Ok(Self { tty, before })
    }

    /// Waits for a key, for `stop` to be hung up, or for `patience` to be over.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn next(&self, stop: &impl AsFd, patience: Option<Duration>) -> io::Result<Pressed> {
        let patience = patience.and_then(|time| Timespec::try_from(time).ok());
        loop {
            let mut fds = [PollFd::new(&self.tty, PollFlags::IN), PollFd::new(stop, PollFlags::IN)];
            match poll(&mut fds, patience.as_ref()) {
                Ok(0) => return Ok(Pressed::Nothing),
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(e) => return Err(e.into()),
            }
            if !fds[1].revents().is_empty() {
                return Ok(Pressed::Stopped);
            }
            let mut keys = [0_u8; 256];
            return match rustix::io::read(&self.tty, &mut keys) {
                Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(1) => Ok(Pressed::Key(keys[0])),
                Ok(_) => Ok(Pressed::Several),
                Err(rustix::io::Errno::INTR) => continue,
                Err(e) => Err(e.into()),
            };
        }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        let _ = rustix::termios::tcsetattr(&self.tty, OptionalActions::Now, &self.before);
    }
}

/// Longest line. Keys have some hundred characters, tokens of a login some thousand.
const MAX_LINE: usize = 16 * 1024;

/// A line from the controlling terminal, shown or not. Read key by key: the kernel's own lines have 4,095 bytes at most, and
/// Ctrl-C would leave a terminal that shows nothing any more.
///
/// # Errors
/// When there is no terminal, it goes away, or Ctrl-C is pressed ([`io::ErrorKind::Interrupted`]).
pub fn read_line(prompt: &str, shown: bool) -> io::Result<pryx_terms::Secret> {
    let tty = open_tty()?;
    let before = rustix::termios::tcgetattr(&tty)?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
    // What was typed before the prompt was shown is no secret that was asked for.
    rustix::termios::tcsetattr(&tty, OptionalActions::Flush, &silent)?;
    let keys = Keys { tty, before };
    rustix::io::write(&keys.tty, prompt.as_bytes())?;
    let mut line = Vec::new();
    let read = keys_of_line(&keys, shown, &mut line);
    // The terminal did not show the end of the line by itself; if it is gone, nobody misses it.
    let _ = rustix::io::write(&keys.tty, b"\n");
    read?;
    String::from_utf8(line).map(pryx_terms::Secret::new).map_err(|_| io::ErrorKind::InvalidData.into())
}

fn keys_of_line(keys: &Keys, shown: bool, line: &mut Vec<u8>) -> io::Result<()> {
    loop {
        let mut bytes = [0_u8; 1024];
        let count = match rustix::io::read(&keys.tty, &mut bytes) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => count,
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        };
        for byte in &bytes[..count] {
            match byte {
                b'\r' | b'\n' => return Ok(()),
                // Ctrl-C, Ctrl-\
                0x03 | 0x1c => return Err(io::ErrorKind::Interrupted.into()),
                // Ctrl-D
                0x04 if line.is_empty() => return Err(io::ErrorKind::UnexpectedEof.into()),
                // Ctrl-U
                0x15 => while take_back(keys, shown, line)? {},
                0x7f | 0x08 => drop(take_back(keys, shown, line)?),
                byte if line.len() < MAX_LINE => {
                    line.push(*byte);
                    if shown && *byte >= b' ' {
                        rustix::io::write(&keys.tty, &[*byte])?;
                    }
                }
                _ => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
    }
}

/// Takes the last character away, with all of its bytes; false when there is none.
fn take_back(keys: &Keys, shown: bool, line: &mut Vec<u8>) -> io::Result<bool> {
    if line.is_empty() {
        return Ok(false);
    }
    while line.pop().is_some_and(|last| last & 0xc0 == 0x80) {}
    if shown {
        rustix::io::write(&keys.tty, b"\x08 \x08")?;
    }
    Ok(true)
}
