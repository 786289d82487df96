//! A job: one command, its state, and how much it printed.

use crate::{Actor, Confinement, JobId, Outcome, SessionId, StopCause, TerminalName};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Where bytes of a job came from. On a terminal everything arrives as one stream, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// The PTY master: stdout and stderr as a terminal would show them.
    Tty,
    /// A pipe on file descriptor 1.
    Stdout,
    /// A pipe on file descriptor 2.
    Stderr,
}

impl Stream {
    /// The file in the job's directory that holds the stream's bytes, unchanged.
    #[must_use]
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Tty | Self::Stdout => "log",
            Self::Stderr => "log.err",
        }
    }
}

/// How many bytes a stream of a job has produced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamBytes {
    /// Which stream.
    pub stream: Stream,
    /// Bytes in its log so far.
    pub bytes: u64,
}

/// Whether a job still runs, and if not, how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum JobState {
    /// The command runs.
    Running {
        /// Its process id.
        pid: u32,
    },
    /// The command ended.
    Ended {
        /// How.
        outcome: Outcome,
        /// When.
        ended: Timestamp,
        /// Processes it started that were still alive then: owned, listed, stopped with the job.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        survivors: Vec<u32>,
        /// Who stopped it, if somebody did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stopped: Option<StopCause>,
        /// How the end is known; absent where nobody saw it, and in records of older versions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seen: Option<Seen>,
    },
}

/// How the end of a job came to be known: how sure its code is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seen {
    /// The kernel told its parent, the keeper.
    Waitpid,
    /// The shell it ran in told the keeper, and the kernel vouched that it was that shell.
    Hook,
    /// The shell it ran in told the keeper, known by its secret alone.
    Nonce,
    /// It never ran; the reason says why.
    Never,
}

/// What is known about a job. `pryx ps --json` prints these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRecord {
    /// Its identifier, also the name of its directory below `jobs/`.
    pub id: JobId,
    /// The command as a person would type it.
    pub command: String,
    /// The directory it was started in.
    pub cwd: PathBuf,
    /// On whose behalf.
    pub actor: Actor,
    /// The conversation it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// The terminal's name, when the job is a persistent shell or ran in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminal: Option<TerminalName>,
    /// The persistent shell it ran in; absent for the shell itself and for commands with a process of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<JobId>,
    /// A name it shares with others, to find and stop them by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// A person typed it at the prompt of the persistent shell: then nobody gave it to the hands.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_hand: bool,
    /// Milliseconds that it waited because a person had the terminal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waited_ms: Option<u64>,
    /// Whether it outlives `stop` of all jobs.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keep: bool,
    /// What the kernel holds it to; absent in records of versions that didn't know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<Confinement>,
    /// When it was started.
    pub started: Timestamp,
    /// Running or ended.
    #[serde(flatten)]
    pub state: JobState,
    /// How much each of its streams has produced.
    pub output: Vec<StreamBytes>,
}

impl JobRecord {
    /// How it ended, when it has.
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        match &self.state {
            JobState::Running { .. } => None,
            JobState::Ended { outcome, .. } => Some(outcome),
        }
    }

    /// Milliseconds from start to end, or to `now` while it runs.
    #[must_use]
    pub fn duration_ms(&self, now: Timestamp) -> u64 {
        let end = match &self.state {
            JobState::Running { .. } => now,
            JobState::Ended { ended, .. } => *ended,
        };
        u64::try_from(end.as_millisecond() - self.started.as_millisecond()).unwrap_or(0)
    }

    /// Bytes over all streams.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        self.output.iter().map(|s| s.bytes).sum()
    }
}
