//! What a human allowed beyond this once: which commands, where, until when, how often.

use crate::{GrantId, SessionId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What a grant is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum GrantSubject {
    /// One command, word for word, in one directory. For what no pattern can be trusted to describe.
    Exact {
        /// The command.
        command: String,
        /// The directory.
        cwd: PathBuf,
    },
    /// Programs with their arguments: each program of a command that would be asked must fit one of them.
    Commands {
        /// Patterns, as in a policy file.
        patterns: Vec<String>,
    },
    /// Requests to hosts.
    Hosts {
        /// Names, or `*.` before one.
        hosts: Vec<String>,
    },
    /// A tool of an integration.
    Tool {
        /// Its name.
        name: String,
    },
}

/// Where a grant holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum GrantScope {
    /// In one directory and below it.
    Workspace {
        /// Which.
        root: PathBuf,
    },
    /// Everywhere on this machine.
    Host,
    /// For requests to other machines.
    Network,
    /// For one integration's tools.
    Integration,
}

/// A grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Its identifier.
    pub id: GrantId,
    /// The tool it is for.
    pub tool: String,
    /// What it is for.
    pub subject: GrantSubject,
    /// Where it holds.
    pub scope: GrantScope,
    /// The one session it holds in; without, it holds in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// When it was made.
    pub made: Timestamp,
    /// When it ends; without, it holds for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// How often it can still be used; without, as often as wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses_left: Option<u32>,
    /// How often it was used.
    pub used: u32,
    /// The command it was made for.
    pub made_for: String,
}

/// How a human wants a grant: what the card offers, and may be changed before it is saved.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantTerms {
    /// The pattern for commands, instead of the one that was worked out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Everywhere on this machine instead of in the workspace.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub everywhere: bool,
    /// Only in the session that asks.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub session: bool,
    /// Seconds until it ends; without, it holds for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u64>,
    /// How often it can be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses: Option<u32>,
}

/// A grant as it would be saved, shown before it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantOffer {
    /// The grant.
    pub grant: Grant,
    /// A wider pattern that could be chosen instead, where there is a sensible one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wider: Option<String>,
    /// Commands it would cover.
    pub matches: Vec<String>,
    /// Commands it would not.
    pub misses: Vec<String>,
}
