//! What the gate says to a plan, and what a human says to the gate.

use crate::{ApprovalId, Confinement, Plan, PlanHash, SessionId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The three answers a policy can give. Deny beats ask beats allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Runs without a question.
    Allow,
    /// A human decides.
    Ask,
    /// Never runs.
    Deny,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Allow => "allow",
            Self::Ask => "ask",
            Self::Deny => "deny",
        })
    }
}

/// The rule that decided: its name, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleRef {
    /// The rule's name ("read-only-command", "unknown-program").
    pub name: String,
    /// The file and line, or "built in".
    pub source: String,
}

/// Rules that ask about files alone.
const FILES_ALONE: &[&str] = &["writes-files", "reads-secrets"];

/// Whether a yes to what this rule asks opens the network too: so it is with all but those that ask about files alone.
#[must_use]
pub fn opens_network(rule: &str) -> bool {
    !FILES_ALONE.contains(&rule)
}

/// The gate's answer to a plan, with its reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruling {
    /// The answer.
    pub verdict: Verdict,
    /// The rule that gave it.
    pub rule: RuleRef,
    /// One sentence for a person.
    pub reason: String,
}

/// A question that waits for a human. It carries the plan itself: what is shown is what would run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Its identifier.
    pub id: ApprovalId,
    /// The conversation that asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// What would run.
    pub plan: Plan,
    /// The plan's hash; an answer counts for this plan alone.
    pub plan_hash: PlanHash,
    /// Why it is asked.
    pub ruling: Ruling,
    /// What the kernel would hold it to after a yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<Confinement>,
    /// When it was asked.
    pub asked: Timestamp,
    /// No answer until then is a no.
    pub expires: Timestamp,
}

/// A human's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// This once.
    Once,
    /// The same command, for the rest of this session.
    Session,
    /// And a grant, for what is like it.
    Always,
    /// Not this, but another command in its place; that one is asked anew.
    Changed,
    /// No.
    No,
}

/// How a question ended, and through whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Resolution {
    /// A human answered.
    Person {
        /// What they said.
        answer: Answer,
    },
    /// Nobody answered in time.
    Timeout,
    /// The turn was stopped, or whoever asked went away.
    Cancelled,
}

/// Why a tool call did not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Refusal {
    /// A rule forbids it.
    Policy,
    /// It needs a human and there was none to ask.
    NobodyToAsk,
    /// A human said no.
    Person,
    /// Nobody answered in time.
    Timeout,
    /// The question was withdrawn.
    Cancelled,
    /// What would run is no longer what was approved.
    Drift {
        /// What changed.
        what: String,
    },
}
