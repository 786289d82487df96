//! What a person asks the gate, and tells it: modes, grants, explanations, policies, the audit log.

use pryx_terms::{ApprovalId, Explanation, Grant, GrantId, GrantOffer, GrantTerms, JobId, SessionId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// `choose_mode`: once for a session, before it first acts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChooseMode {
    /// The conversation.
    pub session: SessionId,
    /// A ready mode, or the name of a policy file.
    pub mode: String,
    /// The directory that is its workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<PathBuf>,
}

/// What a session runs under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChooseModeReply {
    /// The mode or policy.
    pub mode: String,
    /// Its workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<PathBuf>,
}

/// `explain`: what the gate would say to a command of an agent's. Nothing is run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explain {
    /// A command line, as an agent would give it to bash.
    pub command: String,
    /// The directory it would run in.
    pub cwd: PathBuf,
    /// PATH and HOME are taken from here.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// The mode or policy to ask; that of the session, else the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// The conversation whose rules and grants hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
}

/// Why a command gets the answer it gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExplainReply {
    /// The answer, taken apart.
    pub explanation: Explanation,
}

/// `offer_grant`: what a grant for the command of a question would be. Nothing is saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferGrant {
    /// The question.
    pub approval: ApprovalId,
    /// How it is wanted.
    #[serde(default)]
    pub terms: GrantTerms,
}

/// A grant that could be saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferGrantReply {
    /// The offer.
    pub offer: GrantOffer,
}

/// `grant`: answers a question with yes, and saves a grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantAlways {
    /// The question.
    pub approval: ApprovalId,
    /// How it is wanted.
    #[serde(default)]
    pub terms: GrantTerms,
}

/// What was granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantAlwaysReply {
    /// The grant.
    pub grant: Grant,
}

/// `change_call`: puts another command in place of the one that a question is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeCall {
    /// The question.
    pub approval: ApprovalId,
    /// The command to look at instead.
    pub command: String,
}

/// `list_grants`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListGrants {}

/// The grants that hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListGrantsReply {
    /// Newest first.
    pub grants: Vec<Grant>,
}

/// `revoke_grant`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokeGrant {
    /// Which.
    pub grant: GrantId,
}

/// `write_policy`: puts a policy file in place, if it can be understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WritePolicy {
    /// Its name.
    pub name: String,
    /// The whole file.
    pub text: String,
}

/// Where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WritePolicyReply {
    /// The file.
    pub file: PathBuf,
    /// What it was before, if it was there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<PathBuf>,
    /// What in it may not be meant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// `read_audit`: rows of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadAudit {
    /// Only of this conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// Only of this job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobId>,
    /// Only of the call that this row belongs to, that row among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
    /// Only from this time on, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<pryx_terms::Timestamp>,
    /// The newest so many; the server gives 1,000 at most at once.
    #[serde(default = "default_rows")]
    pub limit: u32,
    /// Only rows with a smaller number: how to go on backwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
}

fn default_rows() -> u32 {
    100
}

/// A row of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditLine {
    /// Its number; 1 is the first.
    pub seq: u64,
    /// When it was written, RFC 3339.
    pub at: String,
    /// What it tells about: `ruling`, `approval`, `started`, `ended`, `refused`, `mode`, `grant`, `policy`, `act`.
    pub kind: String,
    /// On whose behalf: `person` or `agent`.
    pub actor: String,
    /// The conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// The job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// The rest.
    pub body: serde_json::Value,
    /// Its hash, in which the one of the row before is contained.
    pub hash: String,
}

/// Rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadAuditReply {
    /// In the order they were written.
    pub rows: Vec<AuditLine>,
}

/// `verify_audit`: walks the whole chain.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyAudit {}

/// What the walk found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyAuditReply {
    /// Rows that are as they were written, up to the fault if there is one.
    pub rows: u64,
    /// The first row that is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<AuditBreak>,
}

/// Where the chain breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditBreak {
    /// The row, or the place where one is missing.
    pub seq: u64,
    /// What is wrong, in words.
    pub what: String,
}
