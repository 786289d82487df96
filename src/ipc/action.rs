//! Everything a client can ask for: one closed enum, one struct per action.

use crate::changes::{ListChanges, ListChangesReply, Undo, UndoReply};
use crate::gate::{
    ChangeCall, ChooseMode, ChooseModeReply, Explain, ExplainReply, GrantAlways, GrantAlwaysReply, ListGrants,
    ListGrantsReply, OfferGrant, OfferGrantReply, ReadAudit, ReadAuditReply, RevokeGrant, VerifyAudit,
    VerifyAuditReply, WritePolicy, WritePolicyReply,
};
use crate::logs::{ReadTiming, ReadTimingReply, SearchLog, SearchLogReply};
use crate::reply::{
    CallToolReply, CloseWindowsReply, Done, ExecReply, FollowReply, HelloReply, ListApprovalsReply, ListJobsReply,
    ListToolsReply, ReadLogReply, Reply, StatusReply, StopReply,
};
use crate::{Blob, ErrorCode, Screen, ScreenReply, SendKeys, Wait, WaitReply, WireError};
use pryx_terms::{Answer, ApprovalId, CallKey, JobId, SessionId, Stream, StreamBytes, TerminalName};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// An action with the type of its reply.
pub trait Action: Serialize + DeserializeOwned + Into<Request> {
    /// The verb on the wire.
    const NAME: &'static str;
    /// What a success carries.
    type Reply: DeserializeOwned;
}

macro_rules! actions {
    ($( $(#[$doc:meta])* $name:ident = $wire:literal -> $reply:ty; )*) => {
        /// A request, by action.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Request { $( $(#[$doc])* $name($name), )* }

        impl Request {
            /// Every action's name, for error messages and documentation.
            pub const ACTIONS: &'static [&'static str] = &[$($wire),*];

            /// The verb on the wire.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self { $( Self::$name(_) => $wire, )* }
            }

            pub(crate) fn decode(action: &str, data: &RawValue) -> Result<Self, WireError> {
                match action {
                    $( $wire => serde_json::from_str::<$name>(data.get())
                        .map(Self::$name)
                        .map_err(|e| WireError::new(ErrorCode::BadData, format!("the data of {:?} don't fit: {e}", $wire))), )*
                    other => {
                        let shown: String = other.chars().take(40).collect();
                        Err(WireError::new(ErrorCode::UnknownAction, format!("there is no action {shown:?}"))
                            .hint(format!("actions: {}", Self::ACTIONS.join(", "))))
                    }
                }
            }

            pub(crate) fn data(&self) -> Result<serde_json::Value, serde_json::Error> {
                match self { $( Self::$name(data) => serde_json::to_value(data), )* }
            }
        }

        $(
            impl Action for $name {
                const NAME: &'static str = $wire;
                type Reply = $reply;
            }
            impl std::convert::From<$name> for Request {
                fn from(data: $name) -> Self { Self::$name(data) }
            }
        )*
    };
}

actions! {
    /// Opens the conversation.
    Hello = "hello" -> HelloReply;
    /// What the hands are doing.
    Status = "status" -> StatusReply;
    /// The tools a model can be given.
    ListTools = "list_tools" -> ListToolsReply;
    /// A model's act. It passes the gate.
    CallTool = "call_tool" -> CallToolReply;
    /// A command of the person, or of a program they run. It passes the gate, which lets a person's own act through.
    Exec = "exec" -> ExecReply;
    /// Jobs, newest first.
    ListJobs = "list_jobs" -> ListJobsReply;
    /// A range of a job's log.
    ReadLog = "read_log" -> ReadLogReply;
    /// The lines of a job's log that match a pattern.
    SearchLog = "search_log" -> SearchLogReply;
    /// When the bytes of a job's log came.
    ReadTiming = "read_timing" -> ReadTimingReply;
    /// A job's output from an offset on, as events; if wanted until it ends.
    Follow = "follow" -> FollowReply;
    /// Bytes for a job's terminal or standard input.
    SendInput = "send_input" -> Done;
    /// Text and keys for a job's terminal.
    SendKeys = "send_keys" -> Done;
    /// What a job's terminal shows now.
    Screen = "screen" -> ScreenReply;
    /// Answered when a job has come to a point.
    Wait = "wait" -> WaitReply;
    /// A new size for a job's terminal.
    Resize = "resize" -> Done;
    /// Tells everybody who has a window onto a job to leave it. The job goes on.
    CloseWindows = "close_windows" -> CloseWindowsReply;
    /// Ends a job and everything it started.
    Stop = "stop" -> StopReply;
    /// Questions that wait for a human.
    ListApprovals = "list_approvals" -> ListApprovalsReply;
    /// A human's answer.
    ResolveApproval = "resolve_approval" -> Done;
    /// What tools did to files.
    ListChanges = "list_changes" -> ListChangesReply;
    /// Files become what they were before a tool changed them.
    Undo = "undo" -> UndoReply;
    /// Chooses the mode of a session.
    ChooseMode = "choose_mode" -> ChooseModeReply;
    /// What the gate would say to a command, and why.
    Explain = "explain" -> ExplainReply;
    /// What a grant for a question's command would be.
    OfferGrant = "offer_grant" -> OfferGrantReply;
    /// Answers a question with yes and saves a grant.
    GrantAlways = "grant" -> GrantAlwaysReply;
    /// Puts another command in the place of a question's.
    ChangeCall = "change_call" -> Done;
    /// The grants that hold.
    ListGrants = "list_grants" -> ListGrantsReply;
    /// Ends a grant.
    RevokeGrant = "revoke_grant" -> Done;
    /// Puts a policy file in place.
    WritePolicy = "write_policy" -> WritePolicyReply;
    /// Rows of the audit log.
    ReadAudit = "read_audit" -> ReadAuditReply;
    /// Walks the chain of the audit log.
    VerifyAudit = "verify_audit" -> VerifyAuditReply;
    /// Gives up a request of this connection.
    Cancel = "cancel" -> Done;
    /// Ends the daemon. Jobs and their keepers go on unless `stop_jobs` is said.
    Shutdown = "shutdown" -> Done;
}

// The reply enum is matched with the actions in reply.rs; this line keeps the two lists from drifting apart.
const _: () = assert!(Request::ACTIONS.len() == Reply::COUNT);

/// `hello`: versions and name of the client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`crate::PROTOCOL_VERSION`] of the client.
    pub protocol: u32,
    /// Its name, for the log ("pryx", "my-script").
    pub client: String,
    /// Its version.
    #[serde(default)]
    pub version: String,
}

/// `status`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {}

/// `list_tools`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListTools {}

/// `call_tool`: one act that a model asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallTool {
    /// Idempotency key: the same key is never carried out twice.
    pub key: CallKey,
    /// The conversation.
    pub session: SessionId,
    /// The tool's name.
    pub tool: String,
    /// Its arguments, as the model gave them.
    pub arguments: serde_json::Value,
    /// The directory to act in.
    pub cwd: PathBuf,
    /// The environment offered; the hands pass on what their own list allows.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Whether somebody can answer a question on this connection. If not, what would be asked is refused.
    #[serde(default)]
    pub can_ask: bool,
}

/// `exec`: run a command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exec {
    /// Idempotency key. Without one, a new key is made and the request can't be repeated safely.
    #[serde(default = "CallKey::generate")]
    pub key: CallKey,
    /// Program and arguments.
    pub argv: Vec<String>,
    /// The directory to run in.
    pub cwd: PathBuf,
    /// The environment; provider keys and loader variables are dropped.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// A terminal, or pipes.
    #[serde(default)]
    pub io: Io,
    /// Where it reads from.
    #[serde(default)]
    pub stdin: Stdin,
    /// Stops the command after this many milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// Answer as soon as it was started.
    #[serde(default)]
    pub detach: bool,
    /// Makes it a terminal of that name: a persistent shell that `attach` finds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminal: Option<TerminalName>,
    /// A name it shares with others, to find and stop them by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Lets it outlive `stop` of all jobs.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keep: bool,
    /// Holds it in the sandbox of this mode (`read-only`, `workspace`; `full` is none). Without one a person's command
    /// is not held. What an agent's process says here is nothing: its commands are held as the gate rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// When a request is sent again because its connection was lost: how much of each stream came over that one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub have: Vec<StreamBytes>,
    /// Runs it in a terminal instead of in a process of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inside: Option<Inside>,
}

/// A command in a terminal: typed at its prompt when it is free. One argument is a line for its shell as it stands, several
/// are words. Without a terminal of that name one is started, in the directory that the last one was left in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inside {
    /// Which.
    pub terminal: TerminalName,
    /// Change to `cwd` before; else it runs where the terminal is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub enter: bool,
    /// Variables that are exported before, and stay.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, String>,
}

/// How a command's output is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Io {
    /// A PTY: the command sees a terminal of that size.
    Tty {
        /// Lines.
        rows: u16,
        /// Columns.
        cols: u16,
    },
    /// Pipes: stdout and stderr apart, byte for byte.
    Pipes,
}

impl Default for Io {
    fn default() -> Self {
        Self::Tty { rows: 24, cols: 80 }
    }
}

/// Where a command reads from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stdin {
    /// The terminal it runs in; nothing when it runs on pipes.
    #[default]
    Inherit,
    /// A pipe that `send_input` fills and ends.
    Pipe,
    /// Nothing: it reads end of file at once.
    Null,
}

/// `list_jobs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListJobs {
    /// Ended jobs too.
    #[serde(default)]
    pub all: bool,
    /// At most so many.
    #[serde(default = "default_limit")]
    pub limit: u32,
    /// Only those with that tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Only those that come after this job in the list: how a long one is read on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<JobId>,
}

fn default_limit() -> u32 {
    100
}

/// `read_log`: a range of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadLog {
    /// Job id, an unambiguous beginning of one, a terminal's name, or `last`.
    pub job: String,
    /// Which stream; the job's first by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<Stream>,
    /// First byte wanted.
    #[serde(default)]
    pub offset: u64,
    /// At most so many bytes; the server gives at most 256 KiB at once.
    #[serde(default = "default_read")]
    pub limit: u32,
}

fn default_read() -> u32 {
    64 * 1024
}

/// Where following a job begins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum FollowFrom {
    /// With the first byte.
    #[default]
    Start,
    /// With that byte of each stream.
    Offset {
        /// Bytes to skip.
        offset: u64,
    },
    /// That many bytes before the end of each stream.
    Tail {
        /// Bytes wanted.
        bytes: u64,
    },
    /// Behind what came over a connection that was lost: of each stream so many bytes; of those not named, none.
    Have {
        /// How many.
        have: Vec<StreamBytes>,
    },
}

/// `follow`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Follow {
    /// As in [`ReadLog::job`].
    pub job: String,
    /// Where to begin.
    #[serde(flatten)]
    pub from: FollowFrom,
    /// Only this stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<Stream>,
    /// Go on until the job has ended; else the reply comes when all that is there now was sent.
    #[serde(default = "yes")]
    pub until_end: bool,
    /// It is a window, which `close_windows` closes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub view: bool,
}

fn yes() -> bool {
    true
}

/// `send_input`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendInput {
    /// As in [`ReadLog::job`].
    pub job: String,
    /// The bytes, as typed.
    #[serde(default)]
    pub data: Blob,
    /// Ends the standard input of a job that reads from a pipe.
    #[serde(default)]
    pub eof: bool,
    /// Makes it safe to send again after a lost connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<InputPart>,
    /// They are a window's: what its terminal says by itself (answers, mouse, focus) goes on only to a program that wants it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub window: bool,
}

/// Which part of somebody's input this is. What the hands know of the same key already is not typed again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputPart {
    /// Whoever types has a key of their own.
    pub key: CallKey,
    /// Bytes of theirs that came before these.
    pub offset: u64,
}

/// `resize`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resize {
    /// As in [`ReadLog::job`].
    pub job: String,
    /// Lines.
    pub rows: u16,
    /// Columns.
    pub cols: u16,
}

/// `close_windows`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloseWindows {
    /// As in [`ReadLog::job`].
    pub job: String,
}

/// What `stop` ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "target", rename_all = "snake_case")]
pub enum StopTarget {
    /// One job, as in [`ReadLog::job`].
    Job {
        /// Which.
        job: String,
    },
    /// All of them.
    All {
        /// Those too that were started to outlive this.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        kept: bool,
    },
    /// Those with that tag.
    Tag {
        /// Which.
        tag: String,
    },
}

/// `stop`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// What.
    #[serde(flatten)]
    pub target: StopTarget,
    /// Milliseconds between SIGTERM and SIGKILL.
    #[serde(default = "default_grace")]
    pub grace_ms: u64,
    /// Who asks, in words, for the record.
    #[serde(default = "default_by")]
    pub by: String,
}

fn default_grace() -> u64 {
    2_000
}

fn default_by() -> String {
    "a client".to_owned()
}

/// `list_approvals`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListApprovals {}

/// `resolve_approval`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolveApproval {
    /// Which question.
    pub approval: ApprovalId,
    /// The answer.
    pub answer: Answer,
}

/// `cancel`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancel {
    /// The id of a request of this connection.
    pub request: u64,
}

/// `shutdown`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shutdown {
    /// Stop the jobs first.
    #[serde(default)]
    pub stop_jobs: bool,
    /// Those too that were started to outlive a stop of all.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub kept: bool,
}
