//! The log of one command that runs in a terminal: a range of the terminal's own log, written as that one grows.

use super::times::Times;
use pryx_terms::Stream;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

/// Bytes copied at once from the terminal's log, where the two have come apart.
const CHUNK: u64 = 64 * 1024;

/// A log that follows another.
pub(super) struct Tee {
    file: File,
    /// The log it follows.
    source: File,
    /// Where in that log it begins.
    from: u64,
    bytes: u64,
    times: Times,
}

impl Tee {
    /// The file for it. Whoever makes it decides whether the command runs: hands that take it first have given it up.
    pub fn claim(dir: &Path) -> io::Result<File> {
        OpenOptions::new().append(true).create_new(true).mode(0o600).open(dir.join(Stream::Tty.file_name()))
    }

    /// A log in that file, from a byte of the terminal's log on.
    pub fn open(file: File, dir: &Path, terminal: &Path, from: u64, size: (u16, u16)) -> io::Result<Self> {
        let stream = Stream::Tty;
        let source = File::open(terminal.join(stream.file_name()))?;
        let mut times = Times::open(dir, stream);
        times.resized(size.0, size.1);
        Ok(Self { file, source, from, bytes: 0, times })
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    pub fn resized(&mut self, rows: u16, cols: u16) {
        self.times.resized(rows, cols);
    }

    /// Takes bytes that were just written to the terminal's log, which has `end` bytes now. What can't be written is
    /// left to [`Tee::catch_up`].
    pub fn write(&mut self, bytes: &[u8], end: u64) {
        if self.from + self.bytes + bytes.len() as u64 == end
            && let Ok(count) = self.file.write(bytes)
        {
            self.note(count as u64);
        }
    }

    /// Writes what the terminal's log has and this one has not.
    pub fn catch_up(&mut self, end: u64) -> io::Result<()> {
        while self.from + self.bytes < end {
            let at = self.from + self.bytes;
            let mut chunk = vec![0; usize::try_from((end - at).min(CHUNK)).unwrap_or_default()];
            self.source.read_exact_at(&mut chunk, at)?;
            match self.file.write(&chunk) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => self.note(count as u64),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn note(&mut self, count: u64) {
        self.bytes += count;
        self.times.note(self.bytes);
    }
}
