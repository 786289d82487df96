//! What a success carries: one struct per kind of reply.

use crate::changes::{ListChangesReply, UndoReply};
use crate::gate::{
    ChooseModeReply, ExplainReply, GrantAlwaysReply, ListGrantsReply, OfferGrantReply, ReadAuditReply,
    VerifyAuditReply, WritePolicyReply,
};
use crate::{Blob, JobListing, ReadTimingReply, ScreenReply, SearchLogReply, WaitReply};
use pryx_terms::{Actor, Approval, Confinement, JobRecord, Stream, ToolResult, ToolSpec};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A reply, by action. Made by the server; a client knows from its request what to expect.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Reply {
    /// To `hello`.
    Hello(HelloReply),
    /// To `status`.
    Status(StatusReply),
    /// To `list_tools`.
    ListTools(ListToolsReply),
    /// To `call_tool`.
    CallTool(Box<CallToolReply>),
    /// To `exec`.
    Exec(Box<ExecReply>),
    /// To `list_jobs`.
    ListJobs(ListJobsReply),
    /// To `read_log`.
    ReadLog(Box<ReadLogReply>),
    /// To `search_log`.
    SearchLog(Box<SearchLogReply>),
    /// To `read_timing`.
    ReadTiming(Box<ReadTimingReply>),
    /// To `follow`.
    Follow(Box<FollowReply>),
    /// To `send_input`.
    SendInput(Done),
    /// To `send_keys`.
    SendKeys(Done),
    /// To `screen`.
    Screen(Box<ScreenReply>),
    /// To `wait`.
    Wait(Box<WaitReply>),
    /// To `resize`.
    Resize(Done),
    /// To `close_windows`.
    CloseWindows(CloseWindowsReply),
    /// To `stop`.
    Stop(StopReply),
    /// To `list_approvals`.
    ListApprovals(ListApprovalsReply),
    /// To `resolve_approval`.
    ResolveApproval(Done),
    /// To `list_changes`.
    ListChanges(ListChangesReply),
    /// To `undo`.
    Undo(Box<UndoReply>),
    /// To `choose_mode`.
    ChooseMode(ChooseModeReply),
    /// To `explain`.
    Explain(Box<ExplainReply>),
    /// To `offer_grant`.
    OfferGrant(Box<OfferGrantReply>),
    /// To `grant`.
    GrantAlways(Box<GrantAlwaysReply>),
    /// To `change_call`.
    ChangeCall(Done),
    /// To `list_grants`.
    ListGrants(ListGrantsReply),
    /// To `revoke_grant`.
    RevokeGrant(Done),
    /// To `write_policy`.
    WritePolicy(WritePolicyReply),
    /// To `read_audit`.
    ReadAudit(ReadAuditReply),
    /// To `verify_audit`.
    VerifyAudit(VerifyAuditReply),
    /// To `cancel`.
    Cancel(Done),
    /// To `shutdown`.
    Shutdown(Done),
}

impl Reply {
    pub(crate) const COUNT: usize = 33;
}

/// Nothing more to say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {}

/// The server's side of `hello`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelloReply {
    /// [`crate::PROTOCOL_VERSION`] of the server.
    pub protocol: u32,
    /// Version of the hands.
    pub version: String,
    /// Process id of the hands.
    pub pid: u32,
    /// The machine they are on; hands of earlier versions don't tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<Machine>,
}

/// What a client that is elsewhere has to know of the machine the hands are on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Its operating system, as Rust names it ("linux", "macos").
    pub os: String,
    /// The same for people and models, with version and processor.
    pub system: String,
    /// The user's home directory there: where commands run when no directory is said.
    pub home: PathBuf,
    /// The user's shell there.
    pub shell: PathBuf,
}

/// What the hands are doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusReply {
    /// Version of the hands.
    pub version: String,
    /// Process id of the hands.
    pub pid: u32,
    /// Seconds since they started.
    pub uptime_s: u64,
    /// Jobs that run, terminals included.
    pub running_jobs: u32,
    /// Connections that are open, this one included.
    pub connections: u32,
    /// Their data directory.
    pub home: PathBuf,
    /// On whose behalf this connection speaks, as the hands work it out; absent from older hands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub you: Option<Actor>,
    /// What holds an agent's commands: the kernel's means with what they can't, or "none" and why; absent from older
    /// hands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<Confinement>,
}

/// The tools.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ListToolsReply {
    /// In the order they should be shown to a model.
    pub tools: Vec<ToolSpec>,
}

/// What a tool call came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallToolReply {
    /// The result.
    pub result: ToolResult,
}

/// The job that `exec` started; ended unless `detach` was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecReply {
    /// Its record.
    pub job: JobRecord,
}

/// Jobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListJobsReply {
    /// Newest first.
    pub jobs: Vec<JobListing>,
    /// Whether there are more than this one reply holds: ask again, with the last of these as `after`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
}

/// A range of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadLogReply {
    /// The job, as it is now.
    pub job: JobRecord,
    /// The stream read.
    pub stream: Stream,
    /// Offset of the first byte given.
    pub offset: u64,
    /// The bytes.
    pub data: Blob,
    /// Whether the stream's present end was reached.
    pub at_end: bool,
}

/// The end of `follow`: the job, as it then was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowReply {
    /// Its record.
    pub job: JobRecord,
    /// Somebody closed the window; the job goes on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub closed: bool,
}

/// To `close_windows`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloseWindowsReply {
    /// How many were told.
    pub closed: u32,
}

/// What `stop` ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopReply {
    /// The jobs it stopped, with how they ended.
    pub stopped: Vec<JobRecord>,
}

/// Questions that wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListApprovalsReply {
    /// Oldest first.
    pub approvals: Vec<Approval>,
}
