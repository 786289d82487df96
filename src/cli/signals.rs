//! What the person or the system says to the whole process: Ctrl-C, terminate, hang up.

use std::io;

/// A request to end, with the exit code that tells of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ending {
    /// 128 plus the signal's number.
    pub code: u8,
    /// For the record of what was stopped.
    pub name: &'static str,
}

/// Waits for requests to end.
#[cfg(unix)]
pub struct Endings {
    int: tokio::signal::unix::Signal,
    term: tokio::signal::unix::Signal,
    hup: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Endings {
    /// Starts watching: from now on the signals don't kill the process.
    ///
    /// # Errors
    /// When a signal can't be watched.
    pub fn watch() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            int: signal(SignalKind::interrupt())?,
            term: signal(SignalKind::terminate())?,
            hup: signal(SignalKind::hangup())?,
        })
    }

    /// The next one.
    pub async fn next(&mut self) -> Ending {
        tokio::select! {
            _ = self.int.recv() => Ending { code: super::exit::INTERRUPTED, name: "Ctrl-C" },
            _ = self.term.recv() => Ending { code: 143, name: "SIGTERM" },
            _ = self.hup.recv() => Ending { code: 129, name: "SIGHUP" },
        }
    }
}

/// Waits for requests to end.
#[cfg(windows)]
pub struct Endings;

#[cfg(windows)]
impl Endings {
    /// Starts watching.
    ///
    /// # Errors
    /// Never.
    pub fn watch() -> io::Result<Self> {
        Ok(Self)
    }

    /// The next one.
    pub async fn next(&mut self) -> Ending {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Ending { code: super::exit::INTERRUPTED, name: "Ctrl-C" }
    }
}
