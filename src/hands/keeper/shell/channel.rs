//! The private channel on which a terminal's shell tells when a command starts and ends.
//!
//! A message is seven fields, each ended by a NUL: key, kind, code, directory, PATH, settings, text. The shell waits until
//! it is answered with a line end. Whatever doesn't begin with the key is dropped; what comes from another process
//! than the shell is kept apart by the kernel's word, so it can't even mutilate a message.

use super::peer::{self, Sender};
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

/// Longest message kept. A directory and a PATH have 4 KiB each at most in practice; more would be memory for whoever
/// writes to the channel without end.
const MAX_MESSAGE: usize = 64 * 1024;

/// Processes whose unfinished messages are kept. The shell and the child that makes its prompt are two.
const MAX_SENDERS: usize = 4;

/// Fields of a message.
const FIELDS: usize = 7;

/// What the shell tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::keeper) enum Kind {
    /// A line was entered; its text may come with it.
    Typed,
    /// What is printed from here on is the command's.
    Start,
    /// The command has ended with that code.
    End,
    /// So it has, and the shell turns to its prompt.
    Prompt,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::keeper) struct Report {
    pub kind: Kind,
    pub code: u8,
    pub cwd: PathBuf,
    pub path: String,
    pub settings: String,
    pub text: String,
    pub from: Sender,
    /// The process that wrote it; 0 where the system doesn't tell.
    pub pid: i32,
}

/// The keeper's end.
pub(in crate::keeper) struct Channel {
    stream: UnixStream,
    /// Where a shell that can't read from the stream is answered.
    answers: Option<OwnedFd>,
    key: Vec<u8>,
    unfinished: Vec<(i32, Vec<u8>)>,
    closed: bool,
}

impl Channel {
    /// A new one, with the end for the shell. The key is its first line there.
    pub fn new(answers: Option<OwnedFd>) -> io::Result<(Self, UnixStream)> {
        let (own, shells) = UnixStream::pair()?;
        peer::ask_for_senders(&own)?;
        own.set_nonblocking(true)?;
        // Longer than any guess; from the kernel's generator.
        let key = format!("{}{}", pryx_terms::CallKey::generate(), pryx_terms::CallKey::generate()).into_bytes();
        let mut channel = Self { stream: own, answers, key, unfinished: Vec::new(), closed: false };
        let mut line = channel.key.clone();
        line.push(b'\n');
        channel.write(&line)?;
        Ok((channel, shells))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &self.answers {
            Some(fd) => rustix::io::write(fd, bytes).map(drop).map_err(io::Error::from),
            None => self.stream.write_all(bytes),
        }
    }

    /// What to poll; nothing when the shell's end is closed everywhere.
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        (!self.closed).then(|| self.stream.as_fd())
    }

    /// Lets the shell go on. One that has gone needs no answer.
    pub fn answer(&mut self) {
        let _ = self.write(b"\n");
    }

    /// Reads once. `shell` is the process whose words count.
    pub fn read(&mut self, shell: i32) -> Vec<Report> {
        let mut bytes = vec![0_u8; MAX_MESSAGE];
        match peer::receive(&self.stream, &mut bytes) {
            Ok((0, _)) => self.closed = true,
            Ok((count, sender)) => return self.take(&bytes[..count], sender, shell),
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
            Err(_) => self.closed = true,
        }
        Vec::new()
    }

    fn take(&mut self, bytes: &[u8], sender: i32, shell: i32) -> Vec<Report> {
        let from = peer::judge(sender, shell);
        if from == Sender::Stranger {
            return Vec::new();
        }
        let mut text = match self.unfinished.iter().position(|(pid, _)| *pid == sender) {
            Some(at) => self.unfinished.swap_remove(at).1,
            None => Vec::new(),
        };
        text.extend_from_slice(bytes);
        let mut reports = Vec::new();
        let rest = self.split(&text, (from, sender), &mut reports);
        if !rest.is_empty() && rest.len() <= MAX_MESSAGE && self.unfinished.len() < MAX_SENDERS {
            self.unfinished.push((sender, rest.to_vec()));
        }
        reports
    }

    /// Takes the whole messages out, and gives back what may be the beginning of one more.
    fn split<'a>(&self, mut text: &'a [u8], (from, pid): (Sender, i32), reports: &mut Vec<Report>) -> &'a [u8] {
        loop {
            let Some(at) = find(text, &self.key) else {
                // Of a key that is cut in two, the first part.
                let keep = text.len().min(self.key.len() - 1);
                return &text[text.len() - keep..];
            };
            text = &text[at..];
            let ends: Vec<usize> =
                text.iter().enumerate().filter(|(_, b)| **b == 0).map(|(at, _)| at).take(FIELDS).collect();
            let [_, .., end] = ends[..] else { return text };
            if ends.len() < FIELDS {
                return text;
            }
            let fields: Vec<&[u8]> = text[..end].split(|b| *b == 0).collect();
            reports.extend(report(&self.key, &fields, (from, pid)));
            text = &text[end + 1..];
        }
    }
}

/// Any bytes on the channel do no harm, and mean the same however they arrive. A byte 0xfe stands for the key, which
/// nobody could guess.
#[cfg(any(test, fuzzing))]
#[expect(clippy::expect_used, reason = "to panic is how a fuzz target says that something is wrong")]
pub(crate) fn any_bytes(portion: usize, data: &[u8]) {
    let own = i32::try_from(std::process::id()).expect("a process id");
    let (mut parts, _shell) = Channel::new(None).expect("a pair of sockets");
    let mut text = Vec::new();
    for byte in data {
        match byte {
            0xfe => text.extend_from_slice(&parts.key),
            byte => text.push(*byte),
        }
    }
    text.truncate(MAX_MESSAGE);
    let in_parts: Vec<Report> = text.chunks(portion).flat_map(|part| parts.take(part, own, own)).collect();
    let kept: usize = parts.unfinished.iter().map(|(_, bytes)| bytes.len()).sum();
    assert!(kept <= MAX_MESSAGE, "{kept} bytes are kept");
    parts.unfinished.clear();
    assert_eq!(in_parts, parts.take(&text, own, own), "portions of {portion}");
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|part| part == wanted)
}

fn report(key: &[u8], fields: &[&[u8]], (from, pid): (Sender, i32)) -> Option<Report> {
    use std::os::unix::ffi::OsStrExt;
    let [given, kind, code, cwd, path, settings, text] = fields else { return None };
    let words = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let kind = match *kind {
        b"typed" => Kind::Typed,
        b"start" => Kind::Start,
        b"end" => Kind::End,
        b"prompt" => Kind::Prompt,
        _ => return None,
    };
    if *given != key {
        return None;
    }
    Some(Report {
        kind,
        code: words(code).parse().ok()?,
        cwd: PathBuf::from(std::ffi::OsStr::from_bytes(cwd)),
        path: words(path),
        settings: words(settings),
        text: words(text),
        from,
        pid,
    })
}
