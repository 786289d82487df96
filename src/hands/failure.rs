//! What keeps the daemon from running at all, sorted by who can act.

use std::io;
use std::path::PathBuf;

/// Why the daemon did not start, or could not go on.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// Another daemon serves this runtime directory. Nothing is wrong.
    #[error("the hands run already, as process {pid}")]
    AlreadyRunning {
        /// Its process id; 0 when it could not be read.
        pid: u32,
    },
    /// The user can mend it: a directory, its owner, its permissions, its length.
    #[error("{what}: {source}")]
    Place {
        /// Which, and for what.
        what: String,
        /// The system's word.
        #[source]
        source: io::Error,
    },
    /// A directory or socket is not what it must be; going on could hand the machine to somebody else.
    #[error("{path} {problem}")]
    Unsafe {
        /// Which.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        problem: String,
    },
    /// The database can't be used; the gate can't rule without it.
    #[error("{0}")]
    Store(String),
    /// There are no hands for this system.
    #[error("pryx's hands run on Linux and macOS so far")]
    Unsupported,
}

#[cfg(unix)]
impl DaemonError {
    pub(crate) fn place(what: impl Into<String>, source: impl Into<io::Error>) -> Self {
        Self::Place { what: what.into(), source: source.into() }
    }
}
