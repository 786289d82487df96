//! What the root package hands down: directories, the binary, deadlines. And the names of the files below them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Everything the hands need to know about the world.
#[derive(Debug, Clone)]
pub struct HandsConfig {
    /// The data directory (`~/.pryx`), absolute.
    pub home: PathBuf,
    /// Where sockets, lock and metadata live: private, absolute, short (a socket's path has about 100 bytes).
    pub run_dir: PathBuf,
    /// The pryx binary, started as `exe __keeper JOB_DIR SOCKET` for each job.
    pub exe: PathBuf,
    /// Its version, told to clients.
    pub version: String,
    /// The hands end themselves when for so long there was no job, no terminal and no connection.
    pub idle_timeout: Duration,
    /// How long a question waits for a human before it counts as a no.
    pub approval_timeout: Duration,
    /// The mode or policy of sessions whose client names none.
    pub mode: String,
    /// How long logs are kept.
    pub logs: LogLimits,
    /// What all commands of agents may do.
    pub sandbox: SandboxConfig,
    /// The `PATH` for commands whose client offers none.
    pub path_env: String,
    /// The person's way out of a closed network, for the requests that the hands make themselves.
    #[cfg(unix)]
    pub proxies: crate::Proxies,
    /// The user's home directory: `HOME` for commands whose client offers none.
    pub user_home: PathBuf,
    /// Who and where (`USER`, `SHELL`, `LANG`) for commands of a client that offers nothing of the kind: one on another
    /// machine, say.
    pub own_env: BTreeMap<String, String>,
    /// The operating system in words, told to clients.
    pub system: String,
}

/// What the person lets every command of an agent do, beyond its session's mode.
#[derive(Debug, Clone, Default)]
pub struct SandboxConfig {
    /// Write these, and what is below them.
    pub writable: Vec<PathBuf>,
    /// Use these TCP ports, of this machine and of others: the kernel tells ports apart, not machines.
    pub ports: Vec<u16>,
}

/// When the logs of jobs that have ended are removed. Those of running jobs, and of jobs that are kept, never are.
#[derive(Debug, Clone, Copy)]
pub struct LogLimits {
    /// Older ones are.
    pub max_age: Duration,
    /// With more bytes than this, the oldest are.
    pub max_total: u64,
    /// The newest so many stay, whatever their age and size.
    pub keep_last: usize,
}

impl HandsConfig {
    /// `hands.db`.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.home.join("hands.db")
    }

    /// The directory of policy files.
    #[must_use]
    pub fn policies_dir(&self) -> PathBuf {
        policies_dir(&self.home)
    }

    /// The directory with one directory per job.
    #[must_use]
    pub fn jobs_dir(&self) -> PathBuf {
        self.home.join("jobs")
    }

    /// The directory with copies of what files were before a tool changed them.
    #[must_use]
    pub fn undo_dir(&self) -> PathBuf {
        self.home.join("undo")
    }

    /// The daemon's own log.
    #[must_use]
    pub fn log_file(&self) -> PathBuf {
        self.home.join("hands.log")
    }

    /// The directory with one socket per keeper.
    #[must_use]
    pub fn keepers_dir(&self) -> PathBuf {
        self.run_dir.join("k")
    }
}

/// The directory of policy files in a data directory.
#[must_use]
pub fn policies_dir(home: &Path) -> PathBuf {
    home.join("policies")
}

/// The hands' socket in a runtime directory.
#[must_use]
pub fn socket_path(run_dir: &Path) -> PathBuf {
    run_dir.join("hands.sock")
}

/// The file whose lock the one daemon of a runtime directory holds.
#[must_use]
pub fn lock_path(run_dir: &Path) -> PathBuf {
    run_dir.join("hands.lock")
}

/// Tells scripts and `pryx doctor` which daemon runs.
#[must_use]
pub fn metadata_path(run_dir: &Path) -> PathBuf {
    run_dir.join("metadata.json")
}

/// What hands and keepers are started with, for the allocator of static builds (mimalloc): by itself it takes huge pages, so
/// that a process which needs one MiB holds nine, and it holds on to what was freed. They run for long and do little; the
/// commands that they start don't get these variables.
pub const FRUGAL: [(&str, &str); 2] = [("MIMALLOC_ALLOW_THP", "0"), ("MIMALLOC_PURGE_DELAY", "0")];
