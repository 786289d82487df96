//! Who acts, and who made something stop.

use crate::SessionId;
use serde::{Deserialize, Serialize};
use std::fmt;

/// On whose behalf something is done. The hands work it out themselves; a request can't raise it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Actor {
    /// A human at the command line: recorded, not asked.
    Person,
    /// A model, or anything that one of its jobs started.
    Agent {
        /// The conversation it belongs to, where it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session: Option<SessionId>,
    },
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Person => "person",
            Self::Agent { .. } => "agent",
        })
    }
}

/// Why a job was made to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// Somebody asked for it.
    Asked,
    /// Its time was up.
    Timeout,
}

/// The record of a stop: which signal it took, and who wanted it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopCause {
    /// Why.
    pub reason: StopReason,
    /// Who asked, in words ("pryx stop", "turn cancelled").
    pub by: String,
    /// The last signal that was sent, by name ("TERM", "KILL").
    pub signal: String,
}
