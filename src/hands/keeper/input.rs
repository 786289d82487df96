//! What was sent to the command and waits until it reads. Bounded: a full queue makes its sender wait, not the keeper.

use super::command::Sink;
use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd};

/// Bytes that wait. More than one piece, so that a sender is never slower than the command; little enough that a
/// command which never reads costs nothing.
const LIMIT: usize = 128 * 1024;

/// Input on its way to the command.
pub(super) struct Input {
    sink: Sink,
    queue: VecDeque<u8>,
    end: bool,
    /// Why nothing more is taken.
    closed: Option<&'static str>,
}

/// Whether input was taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    Yes,
    /// Not now: ask again when the queue has drained.
    Later,
    Never(&'static str),
}

impl Input {
    pub fn new(sink: Sink) -> Self {
        let closed = matches!(sink, Sink::Nothing).then_some("the command reads from nothing");
        Self { sink, queue: VecDeque::new(), end: false, closed }
    }

    pub fn offer(&mut self, bytes: &[u8]) -> Taken {
        if let Some(why) = self.closed {
            return Taken::Never(why);
        }
        if self.end {
            return Taken::Never("its standard input was ended already");
        }
        if !self.queue.is_empty() && self.queue.len() + bytes.len() > LIMIT {
            return Taken::Later;
        }
        self.queue.extend(bytes);
        self.flush();
        Taken::Yes
    }

    pub fn end(&mut self) -> Taken {
        match (&self.sink, self.closed) {
            (_, Some(why)) => Taken::Never(why),
            (Sink::Pipe(_), None) => {
                self.end = true;
                self.flush();
                Taken::Yes
            }
            (_, None) => Taken::Never("it reads from a terminal, which has no end; send Ctrl-D (\\u0004) instead"),
        }
    }

    /// The command ended, or nobody can reach it any more.
    pub fn close(&mut self, why: &'static str) {
        self.queue.clear();
        self.sink = Sink::Nothing;
        self.closed = Some(why);
    }

    /// What waits is not for whoever reads next.
    pub fn forget(&mut self) {
        self.queue.clear();
    }

    /// What to poll for writing: only while something waits.
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        match &self.sink {
            Sink::Terminal(fd) | Sink::Pipe(fd) if !self.queue.is_empty() => Some(fd.as_fd()),
            _ => None,
        }
    }

    /// Everything has been taken.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub fn flush(&mut self) {
        let (Sink::Terminal(fd) | Sink::Pipe(fd)) = &self.sink else { return };
        while !self.queue.is_empty() {
            match rustix::io::write(fd, self.queue.as_slices().0) {
                Ok(count) => drop(self.queue.drain(..count)),
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => return,
                Err(_) => return self.close("the command has closed its standard input"),
            }
        }
        if self.end {
            self.close("its standard input was ended already");
        }
    }
}
