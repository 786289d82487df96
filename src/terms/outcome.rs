//! How a process ended.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The end of a job, as its keeper's `waitpid` reported it; an end that nobody observed is never given a code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Outcome {
    /// It called exit.
    Exited {
        /// The exit status, 0 to 255.
        code: u8,
    },
    /// A signal ended it.
    Signaled {
        /// The signal's number on the machine it ran on.
        signal: i32,
    },
    /// The end was not observed.
    Lost {
        /// Why there is no code.
        reason: String,
    },
}

impl Outcome {
    /// The code a shell would report: the exit status, or 128 plus the signal; nothing for a lost job.
    #[must_use]
    pub fn shell_code(&self) -> Option<u8> {
        match self {
            Self::Exited { code } => Some(*code),
            Self::Signaled { signal } => Some(u8::try_from(128 + signal).unwrap_or(u8::MAX)),
            Self::Lost { .. } => None,
        }
    }

    /// Whether the command reported success.
    #[must_use]
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Exited { code: 0 })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited { code } => write!(f, "exit {code}"),
            Self::Signaled { signal } => write!(f, "signal {signal}"),
            Self::Lost { reason } => write!(f, "lost: {reason}"),
        }
    }
}
