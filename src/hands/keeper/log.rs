//! One stream's log: every byte once, in order, or the stream is held back.

use super::modes::Scanner;
use super::tee::Tee;
use super::times::Times;
use pryx_terms::Stream;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Bytes read and written at once. The kernel's pipe and PTY buffers are no larger, so more would only cost memory.
const CHUNK: usize = 256 * 1024;

/// Chunks taken from one stream before the others, the clients and the timers get their turn.
const TURN: usize = 2;

/// How far reading came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// There may be more.
    More,
    /// Nothing is there now.
    Empty,
    /// The log can't be written; nothing is read until it can.
    Paused,
    /// Nobody can write to the stream any more.
    Closed,
}

/// A stream and its log.
pub(super) struct StreamLog {
    pub stream: Stream,
    source: Option<OwnedFd>,
    file: File,
    bytes: u64,
    chunk: Box<[u8]>,
    /// The part of `chunk` that is not in the file yet.
    kept: std::ops::Range<usize>,
    trouble: Option<String>,
    times: Times,
    /// What a terminal's program has switched on.
    pub scanner: Option<Scanner>,
    /// Where the bytes of the command that runs in a terminal go too.
    tee: Option<Tee>,
}

impl StreamLog {
    pub fn open(dir: &Path, stream: Stream) -> io::Result<Self> {
        let path = dir.join(stream.file_name());
        let file = std::fs::OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)?;
        let chunk = vec![0; CHUNK].into_boxed_slice();
        Ok(Self {
            stream,
            source: None,
            file,
            bytes: 0,
            chunk,
            kept: 0..0,
            trouble: None,
            times: Times::open(dir, stream),
            scanner: (stream == Stream::Tty).then(Scanner::default),
            tee: None,
        })
    }

    pub fn attach(&mut self, source: OwnedFd) {
        self.source = Some(source);
    }

    /// The terminal has a new size.
    pub fn resized(&mut self, rows: u16, cols: u16) {
        self.times.resized(rows, cols);
        if let Some(tee) = &mut self.tee {
            tee.resized(rows, cols);
        }
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Why it can't be written.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// What to poll for reading; nothing while it is held back.
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.source.as_ref().filter(|_| self.trouble.is_none()).map(|fd| fd.as_fd())
    }

    /// Writes what was kept, if anything.
    pub fn retry(&mut self) {
        self.write_kept();
    }

    /// From here on, or from an earlier byte of the log on, the bytes go into a second log too.
    pub fn begin_tee(&mut self, tee: Tee) {
        self.tee = Some(tee);
        self.write_kept();
    }

    /// The second log is whole.
    pub fn end_tee(&mut self) {
        self.tee = None;
    }

    /// Bytes in the second log.
    pub fn tee_bytes(&self) -> Option<u64> {
        self.tee.as_ref().map(Tee::bytes)
    }

    /// Reads what is there, a few chunks at most, into the log.
    pub fn pump(&mut self) -> Progress {
        for _ in 0..TURN {
            if self.trouble.is_some() {
                return Progress::Paused;
            }
            match self.fill() {
                Progress::More => {}
                other => return other,
            }
        }
        Progress::More
    }

    /// One write for as many reads as fit: a PTY gives at most a page at a time.
    fn fill(&mut self) -> Progress {
        let mut filled = 0;
        let mut progress = Progress::More;
        while let Some(source) = self.source.as_ref().filter(|_| filled < CHUNK) {
            match rustix::io::read(source, &mut self.chunk[filled..]) {
                Ok(0) => self.source = None,
                Ok(count) => filled += count,
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => {
                    progress = Progress::Empty;
                    break;
                }
                // EIO: the terminal was hung up (vhangup). Nothing can come from it any more.
                Err(_) => self.source = None,
            }
        }
        if let Some(scanner) = &mut self.scanner {
            scanner.feed(&self.chunk[..filled]);
        }
        self.kept = 0..filled;
        self.write_kept();
        if self.source.is_none() {
            self.times.flush();
        }
        match (&self.trouble, &self.source) {
            (Some(_), _) => Progress::Paused,
            (None, None) => Progress::Closed,
            (None, Some(_)) => progress,
        }
    }

    fn write_kept(&mut self) {
        while !self.kept.is_empty() {
            match self.file.write(&self.chunk[self.kept.clone()]) {
                Ok(0) => return self.trouble = Some("the log takes no more bytes".to_owned()),
                Ok(count) => {
                    let fresh = self.kept.start..self.kept.start + count;
                    self.kept.start += count;
                    self.bytes += count as u64;
                    self.times.note(self.bytes);
                    if let Some(tee) = &mut self.tee {
                        tee.write(&self.chunk[fresh], self.bytes);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return self.trouble = Some(super::words(&error)),
            }
        }
        // A second log that can't be written holds the stream back like the first.
        self.trouble = self.tee.as_mut().and_then(|tee| tee.catch_up(self.bytes).err()).map(|error| error.to_string());
    }
}

/// Reads one line of at most `limit` bytes; nothing at an early end of file.
pub(super) fn read_line(mut input: impl Read, limit: usize) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let mut chunk = [0_u8; 8 * 1024];
    loop {
        let count = match input.read(&mut chunk) {
            Ok(0) => return Ok(None),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if let Some(end) = chunk[..count].iter().position(|b| *b == b'\n') {
            line.extend_from_slice(&chunk[..end]);
            return Ok(Some(line));
        }
        line.extend_from_slice(&chunk[..count]);
        if line.len() > limit {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the line is too long"));
        }
    }
}
