//! The nouns that brain, hands and protocol share.
//!
//! Plain data: no I/O, no async, nothing that knows a socket or a model. Whatever two rooms must agree on lives
//! here once, so that they never need to name each other.

mod act;
mod activity;
mod bytes;
mod change;
mod explanation;
mod grant;
mod id;
mod job;
mod outcome;
mod plain;
mod plan;
mod reach;
mod redact;
mod ruling;
mod sandbox;
mod secret;
mod sequences;
mod switched;
mod tool;
mod usage;
mod visible;

pub use act::{Actor, StopCause, StopReason};
pub use activity::{Activity, Live};
pub use bytes::ByteCount;
pub use change::{FileChange, FileDiff, FileState};
pub use explanation::{ExplainedPart, Explanation};
pub use grant::{Grant, GrantOffer, GrantScope, GrantSubject, GrantTerms};
pub use id::{ApprovalId, BadId, CallKey, ChangeId, GrantId, JobId, SessionId, TerminalName, TurnId};
pub use job::{JobRecord, JobState, Seen, Stream, StreamBytes};
pub use outcome::Outcome;
pub use plain::{Keep, PlainFilter};
pub use plan::{Access, Plan, PlanHash, Program};
pub use reach::{Area, Contacts, Reach};
pub use redact::{Sensitive, redact, redact_argv, redact_json, sensitive};
pub use ruling::{Answer, Approval, Refusal, Resolution, RuleRef, Ruling, Verdict, opens_network};
pub use sandbox::Confinement;
pub use secret::Secret;
pub use sequences::{MAX_SEQUENCE, Sequences, Token};
pub use switched::{Switched, is_question};
pub use tool::{Excerpt, ToolResult, ToolSpec};
pub use usage::Usage;
pub use visible::{is_deceptive, upright, visible};

/// A point in time, RFC 3339 on the wire.
pub use jiff::Timestamp;
