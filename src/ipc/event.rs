//! What the server tells while a request is under way: one closed enum, one struct per event.

use crate::Blob;
use pryx_terms::{Approval, ApprovalId, JobId, JobRecord, Resolution, Stream};
use serde::{Deserialize, Serialize};

/// An event of one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", content = "data", rename_all = "snake_case")]
pub enum Event {
    /// A command was started.
    JobStarted(Box<JobStarted>),
    /// It printed.
    Output(Output),
    /// It is held back: its log can't grow.
    JobHeld(JobHeld),
    /// Its log can grow again, and it goes on.
    JobResumed(JobResumed),
    /// Of a window: who has the terminal now.
    TerminalHeld(TerminalHeld),
    /// It ended, all its output having been sent.
    JobEnded(Box<JobEnded>),
    /// A human must decide. Answer with `resolve_approval`, on any connection.
    ApprovalNeeded(Box<ApprovalNeeded>),
    /// The question is settled, by whomever.
    ApprovalResolved(ApprovalResolved),
}

/// A command was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobStarted {
    /// Its record.
    pub job: JobRecord,
}

/// Bytes of a stream, in order and without gaps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Which job.
    pub job: JobId,
    /// Which stream.
    pub stream: Stream,
    /// Offset of the first byte in the stream.
    pub offset: u64,
    /// The bytes, unchanged.
    pub data: Blob,
}

/// A command is held back until its log can grow: no byte of it is lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobHeld {
    /// Which job.
    pub job: JobId,
    /// The system's word ("No space left on device").
    pub reason: String,
}

/// A command that was held back goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobResumed {
    /// Which job.
    pub job: JobId,
}

/// Who has a terminal: a person, a command that was given to it, or nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminalHeld {
    /// The terminal.
    pub job: JobId,
    /// A person types, or runs something of their own.
    #[serde(default)]
    pub person: bool,
    /// The command that runs in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running: Option<JobId>,
    /// Its text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Commands that wait for the terminal.
    #[serde(default)]
    pub waiting: u32,
}

/// A command ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobEnded {
    /// Its record.
    pub job: JobRecord,
}

/// A human must decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalNeeded {
    /// The question, with the plan.
    pub approval: Approval,
}

/// A question is settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalResolved {
    /// Which.
    pub approval: ApprovalId,
    /// How.
    pub resolution: Resolution,
}
