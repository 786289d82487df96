//! Errors as they travel: a code for programs, a sentence and a hint for people.

use serde::{Deserialize, Serialize};

/// What went wrong, for programs. The list is closed within a protocol version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// A line was no JSON object of the form of a request.
    BadFrame,
    /// A line was longer than the limit; the connection is closed.
    FrameTooLarge,
    /// A request with an id came before `hello`.
    HelloRequired,
    /// The two sides speak different versions.
    VersionMismatch,
    /// No such action.
    UnknownAction,
    /// The data don't fit the action.
    BadData,
    /// No such job, terminal, approval or request.
    NotFound,
    /// The gate said no.
    Refused,
    /// The command could not be started.
    SpawnFailed,
    /// The request was cancelled.
    Cancelled,
    /// A limit was reached (connections, requests, jobs); later it may work.
    Busy,
    /// The hands are ending.
    ShuttingDown,
    /// Disk, database or another part of the machine failed.
    Machine,
}

/// An error reply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct WireError {
    /// For programs.
    pub code: ErrorCode,
    /// One sentence for a person.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Whether the same request may succeed later.
    #[serde(default)]
    pub retryable: bool,
}

impl WireError {
    /// An error that asking again won't mend.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let retryable = matches!(code, ErrorCode::Busy | ErrorCode::ShuttingDown);
        Self { code, message: message.into(), hint: None, retryable }
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
