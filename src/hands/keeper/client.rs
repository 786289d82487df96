//! One connection to the keeper. Changes are merged while a client doesn't read, so a slow one costs a few flags.

use super::detach::non_blocking;
use super::wire::{FromKeeper, KeeperRecord, MAX_LINE, Pulse, ShellState, ToKeeper, VERSION, line};
use pryx_ipc::Frames;
use pryx_terms::JobId;
use rustix::net::SendFlags;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

/// Bytes taken from a client at once.
const CHUNK: usize = 64 * 1024;

/// What a client has not been told yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct News {
    state: bool,
    grew: bool,
    pause: bool,
    pulse: bool,
    ended: bool,
    gone: bool,
    shell: bool,
}

pub(super) struct Client {
    stream: UnixStream,
    inbox: Frames,
    out: Vec<u8>,
    news: News,
    watches: bool,
    /// The command that it asks about, instead of the whole job.
    pub of: Option<JobId>,
    /// Input that the command can't take yet; until it does, nothing more is read from this client.
    pub held: Option<Vec<u8>>,
    broken: bool,
}

/// How things are, for what a client is to be told.
pub(super) struct Now<'a> {
    pub record: &'a KeeperRecord,
    pub pulse: Pulse,
    pub shell: Option<ShellState>,
}

/// What happened, for those who watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Grew,
    Pause,
    Pulse,
    Ended,
    Gone,
    Shell,
}

impl Client {
    /// Takes a connection, if it is of our own user.
    pub fn new(stream: UnixStream) -> io::Result<Self> {
        if peer_uid(&stream)? != rustix::process::geteuid().as_raw() {
            return Err(io::Error::from(io::ErrorKind::PermissionDenied));
        }
        non_blocking(&stream)?;
        let (inbox, out) = (Frames::default(), Vec::new());
        Ok(Self { stream, inbox, out, news: News::default(), watches: false, of: None, held: None, broken: false })
    }

    pub fn fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }

    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// There is nothing to tell it.
    pub fn close(&mut self) {
        self.broken = true;
    }

    pub fn wants_write(&self) -> bool {
        !self.out.is_empty() || self.news != News::default()
    }

    /// Reads what is there. The messages are taken with [`Client::next`].
    pub fn read(&mut self) {
        let mut chunk = vec![0_u8; CHUNK];
        match rustix::io::read(&self.stream, &mut chunk) {
            Ok(0) => self.broken = true,
            Ok(count) => self.inbox.push(&chunk[..count]),
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
            Err(_) => self.broken = true,
        }
    }

    /// The next message; nothing while input of this client is held.
    pub fn next(&mut self) -> Option<ToKeeper> {
        while self.held.is_none() {
            match self.inbox.next_line() {
                // What a later version says is skipped.
                Ok(Some(text)) if text.len() <= MAX_LINE => match serde_json::from_slice(text) {
                    Ok(message) => return Some(message),
                    Err(_) => continue,
                },
                Ok(None) => return None,
                Ok(Some(_)) | Err(_) => {
                    self.broken = true;
                    return None;
                }
            }
        }
        None
    }

    pub fn greet(&mut self, watch: bool, of: Option<JobId>) {
        self.watches |= watch;
        self.of = of;
        self.news.state = true;
    }

    /// Answers something that this client sent. It waits for the answer, so they can't pile up.
    pub fn answer(&mut self, message: &FromKeeper) {
        self.out.extend(line(message));
    }

    pub fn note(&mut self, change: Change) {
        if !self.watches {
            return;
        }
        match change {
            Change::Grew => self.news.grew = true,
            Change::Pause => self.news.pause = true,
            Change::Pulse => self.news.pulse = true,
            Change::Ended => self.news.ended = true,
            Change::Gone => self.news.gone = true,
            Change::Shell => self.news.shell = self.of.is_none(),
        }
    }

    /// Writes as much as the client takes.
    pub fn flush(&mut self, now: &Now<'_>) {
        if self.out.is_empty() {
            self.compose(now);
        }
        while !self.out.is_empty() && !self.broken {
            match rustix::net::send(&self.stream, &self.out, SendFlags::empty()) {
                Ok(count) => drop(self.out.drain(..count)),
                Err(rustix::io::Errno::AGAIN) => return,
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => self.broken = true,
            }
            if self.out.is_empty() {
                self.compose(now);
            }
        }
    }

    fn compose(&mut self, now: &Now<'_>) {
        let Now { record, pulse, shell } = now;
        let news = std::mem::take(&mut self.news);
        let mut say = |message: FromKeeper| self.out.extend(line(&message));
        if news.state {
            say(FromKeeper::State { v: VERSION, record: (*record).clone(), pulse: Some(*pulse), shell: shell.clone() });
        }
        if news.pause {
            say(match &record.paused {
                Some(reason) => FromKeeper::Paused { reason: reason.clone() },
                None => FromKeeper::Resumed,
            });
        }
        if news.ended {
            say(FromKeeper::Ended { record: (*record).clone() });
        } else if news.grew {
            say(FromKeeper::Grew { output: record.output.clone() });
        }
        if news.pulse {
            say(FromKeeper::Pulse(*pulse));
        }
        if let Some(shell) = shell.as_ref().filter(|_| news.shell && !news.state) {
            say(FromKeeper::Shell(shell.clone()));
        }
        if news.gone {
            say(FromKeeper::Gone);
        }
    }
}

#[cfg(target_os = "linux")]
fn peer_uid(stream: &UnixStream) -> io::Result<u32> {
    Ok(rustix::net::sockopt::socket_peercred(stream)?.uid.as_raw())
}

#[cfg(not(target_os = "linux"))]
fn peer_uid(stream: &UnixStream) -> io::Result<u32> {
    use std::os::fd::AsRawFd;
    let (mut uid, mut gid) = (0, 0);
    // SAFETY: the descriptor is open, both pointers are to live values.
    let done = unsafe { libc::getpeereid(stream.as_raw_fd(), &raw mut uid, &raw mut gid) };
    if done == 0 { Ok(uid) } else { Err(io::Error::last_os_error()) }
}
