//! What a surface sees of a session: one closed enum, one struct per event. `docs/events.md` describes them for
//! scripts; the golden file beside this one pins their JSON. What is unknown is absent.

use crate::cost::Budget;
use pryx_terms::{
    Activity, Approval, ApprovalId, CallKey, JobId, JobRecord, JobState, Outcome, Refusal, Resolution, Ruling,
    SessionId, StopCause, Stream, Timestamp, ToolResult, TurnId, Usage,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::PathBuf;

/// An event with its envelope.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The conversation.
    pub session_id: SessionId,
    /// The kind of surface that the turn came from ("cli").
    pub surface: String,
    /// Counts up by one over the whole session: a surface that knows its last one misses nothing.
    pub version: u64,
    /// When it happened.
    pub timestamp: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub payload: Payload,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", content = "payload")]
pub enum Payload {
    /// A conversation began.
    #[serde(rename = "session.started")]
    SessionStarted(SessionStarted),
    /// A conversation goes on in another process than the last one.
    #[serde(rename = "session.resumed")]
    SessionResumed(SessionResumed),
    /// A request of the person was taken up.
    #[serde(rename = "turn.started")]
    TurnStarted(TurnStarted),
    /// A piece of the answer, as it arrives.
    #[serde(rename = "message.delta")]
    MessageDelta(MessageDelta),
    /// The model asks for an act.
    #[serde(rename = "tool.request")]
    ToolRequest(ToolRequest),
    /// The gate asks a person.
    #[serde(rename = "approval.needed")]
    ApprovalNeeded(Box<ApprovalNeeded>),
    /// The gate's question is settled.
    #[serde(rename = "approval.resolved")]
    ApprovalResolved(ApprovalResolved),
    /// A command was started.
    #[serde(rename = "tool.executing")]
    ToolExecuting(ToolExecuting),
    /// It printed.
    #[serde(rename = "tool.output")]
    ToolOutput(ToolOutput),
    /// The act is over, or was not allowed.
    #[serde(rename = "tool.complete")]
    ToolComplete(Box<ToolComplete>),
    /// What one call of the model took.
    #[serde(rename = "usage")]
    ModelUsage(ModelUsage),
    /// One whole text of the model.
    #[serde(rename = "message")]
    MessageText(MessageText),
    /// Room was made in the model's window.
    #[serde(rename = "context.compacted")]
    ContextCompacted(ContextCompacted),
    /// A request would cost more than a budget holds. With a person there, they are asked.
    #[serde(rename = "budget.reached")]
    BudgetReached(Box<BudgetReached>),
    /// The person said whether to go on.
    #[serde(rename = "budget.resolved")]
    BudgetResolved(BudgetResolved),
    /// Something a person may want to know while they wait.
    #[serde(rename = "notice")]
    Notice(Notice),
    /// The turn is over.
    #[serde(rename = "turn.completed")]
    TurnCompleted(TurnCompleted),
    /// Something went wrong.
    #[serde(rename = "error")]
    Error(ErrorReport),
}

/// `session.started`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionStarted {
    /// `provider/model`.
    pub model: String,
    /// The directory it works in.
    pub workspace: PathBuf,
}

/// `session.resumed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionResumed {
    /// `provider/model` from now on.
    pub model: String,
    /// The directory it works in from now on.
    pub workspace: PathBuf,
    /// Turns it had before.
    pub turns: u64,
}

/// `turn.started`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnStarted {
    /// The turn.
    pub turn: TurnId,
    /// What the person wrote.
    pub request: String,
}

/// `message.delta`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageDelta {
    /// The next piece of text.
    pub text: String,
}

/// `tool.request`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolRequest {
    /// The call.
    pub call: CallKey,
    /// The tool ("shell.exec").
    pub tool: String,
    /// The arguments, as the model gave them.
    pub arguments: Value,
}

/// `approval.needed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalNeeded {
    /// The call that waits for it.
    pub call: CallKey,
    /// The question, with what would run.
    pub approval: Approval,
}

/// `approval.resolved`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalResolved {
    /// The call that waited.
    pub call: CallKey,
    /// Which question.
    pub approval: ApprovalId,
    /// How it ended.
    pub resolution: Resolution,
}

/// `tool.executing`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolExecuting {
    /// The call.
    pub call: CallKey,
    /// The job that carries it out.
    pub job: JobId,
    /// The command, as a person would type it.
    pub command: String,
    /// The directory.
    pub cwd: PathBuf,
}

/// `tool.output`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolOutput {
    /// The call.
    pub call: CallKey,
    /// The job.
    pub job: JobId,
    /// Where it came out.
    pub stream: Stream,
    /// Offset of the first byte in the stream's log.
    pub offset: u64,
    /// How many bytes of the log this is.
    pub bytes: u64,
    /// The bytes as text. Not exact where they are no UTF-8: the job's log is. Absent in what is stored, for the same
    /// reason: the log has it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
}

/// `tool.complete`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolComplete {
    /// The call.
    pub call: CallKey,
    /// The tool.
    pub tool: String,
    /// What it came to.
    #[serde(flatten)]
    pub end: ToolEnd,
}

/// What a tool call came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum ToolEnd {
    /// A command ran.
    Ran(Box<RanEnd>),
    /// A tool that needs no process answered.
    Answered {
        /// Bytes of its answer.
        bytes: u64,
    },
    /// It was not allowed, and did not run.
    Refused {
        /// Through whom.
        refusal: Refusal,
        /// What the gate had said, with the rule.
        ruling: Ruling,
    },
    /// It could not be started, or its arguments made no sense.
    Failed {
        /// What was wrong.
        message: String,
    },
    /// The turn was stopped while it ran or waited.
    Cancelled,
}

/// How a command ended. With neither `exit_code` nor `signal` its end was not observed, or it still runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RanEnd {
    /// The command.
    pub command: String,
    /// The directory.
    pub cwd: PathBuf,
    /// The job; `pryx log` shows its output.
    pub job: JobId,
    /// Its exit status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<u8>,
    /// The number of the signal that ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// Why there is neither.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<String>,
    /// From start to end. Absent while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Bytes it printed.
    pub bytes: u64,
    /// Processes it started that are still alive.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub survivors: Vec<u32>,
    /// Who stopped it, if somebody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<StopCause>,
    /// What it waits for, when it runs and waits for somebody to type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits: Option<Activity>,
}

/// `usage`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelUsage {
    /// `provider/model`.
    pub model: String,
    /// The counts that the provider gave.
    #[serde(flatten)]
    pub tokens: Usage,
    /// What it cost, in micro-dollars. Absent when the price or the counts are not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_micros: Option<u64>,
}

/// `budget.reached`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetReached {
    /// `provider/model` that would be asked.
    pub model: String,
    /// Why it isn't.
    #[serde(flatten)]
    pub reason: BudgetReason,
}

/// Why a request can't be paid for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum BudgetReason {
    /// A budget doesn't hold it.
    Limit {
        /// Which, and how much of it is used.
        #[serde(flatten)]
        budget: Budget,
        /// What the request may cost with the shortest answer that is worth asking for.
        needed_micros: u64,
    },
    /// Nobody knows what the model costs, so no budget can hold.
    Unpriced,
}

/// `budget.resolved`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetResolved {
    /// Whether to go on.
    pub allowed: bool,
}

/// `message`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageText {
    /// The whole text; what `message.delta` gave in pieces.
    pub text: String,
    /// Whether this is the turn's answer, not a remark before the next act.
    pub answer: bool,
}

/// `context.compacted`. Tokens are guesses, corrected by what the provider counted before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContextCompacted {
    /// Tokens of a request before.
    pub before: u64,
    /// And after.
    pub after: u64,
    /// Tokens that the model reads at once.
    pub window: u64,
    /// Messages whose results were trimmed or left out.
    pub trimmed: u32,
    /// Messages that a summary stands for from now on.
    pub summarized: u32,
}

/// `notice`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// For programs ("provider_retry", "answer_cut").
    pub code: String,
    /// One sentence for a person.
    pub message: String,
}

/// `turn.completed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnCompleted {
    /// The turn.
    pub turn: TurnId,
    /// How it ended.
    pub status: Status,
    /// Calls of the model.
    pub steps: u32,
    /// Tokens over all its calls of the model.
    pub usage: Usage,
    /// The jobs that ran in it, the last ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub jobs: Vec<JobLink>,
    /// Jobs before those.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more_jobs: u32,
    /// What the last step failed with, when the answer claims success and doesn't say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsaid_failure: Option<String>,
}

/// A job behind an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobLink {
    /// Which.
    pub job: JobId,
    /// Its command, shortened.
    pub command: String,
    /// Its exit status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<u8>,
    /// The number of the signal that ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// Whether it ran on when the turn last saw it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub runs: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// How a turn ended. A turn whose last tool call was refused, with nothing run after it, has the status of that
/// refusal, whatever the model said afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// With an answer.
    Done,
    /// A person said no, or did not answer in time.
    Declined,
    /// A rule forbids it, nobody was there to ask, or what would run had changed since it was approved.
    Blocked,
    /// The model could not be reached or answered nonsense.
    ProviderError,
    /// The hands could not be reached or failed.
    HandsError,
    /// The embedded planner has no command for the request.
    NothingToRun,
    /// A budget was reached, and nobody said to go on. The session can go on later.
    OverBudget,
    /// The turn's time was up, or its steps.
    Timeout,
    /// The model went round in circles, and was told so before.
    Stuck,
    /// It was stopped.
    Interrupted,
}

/// `error`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorReport {
    /// For programs ("unauthorized", "rate_limited").
    pub code: String,
    /// One sentence for a person.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl ToolEnd {
    /// The part of a result that a surface needs; the output itself went out as `tool.output`.
    #[must_use]
    pub fn of(result: &ToolResult) -> Self {
        match result {
            ToolResult::Ran { job, .. } => Self::Ran(Box::new(RanEnd::of(job))),
            ToolResult::Waits { job, activity, .. } => {
                Self::Ran(Box::new(RanEnd { waits: Some(*activity), ..RanEnd::of(job) }))
            }
            ToolResult::Text { text } => Self::Answered { bytes: text.len() as u64 },
            ToolResult::Refused { refusal, ruling } => {
                Self::Refused { refusal: refusal.clone(), ruling: ruling.clone() }
            }
            ToolResult::Failed { message } => Self::Failed { message: message.clone() },
        }
    }
}

impl RanEnd {
    fn of(job: &JobRecord) -> Self {
        let mut end = Self {
            command: job.command.clone(),
            cwd: job.cwd.clone(),
            job: job.id.clone(),
            exit_code: None,
            signal: None,
            lost: None,
            duration_ms: None,
            bytes: job.total_bytes(),
            survivors: Vec::new(),
            stopped: None,
            waits: None,
        };
        if let JobState::Ended { outcome, ended, survivors, stopped, .. } = &job.state {
            match outcome {
                Outcome::Exited { code } => end.exit_code = Some(*code),
                Outcome::Signaled { signal } => end.signal = Some(*signal),
                Outcome::Lost { reason } => end.lost = Some(reason.clone()),
            }
            end.duration_ms = Some(job.duration_ms(*ended));
            end.survivors.clone_from(survivors);
            end.stopped.clone_from(stopped);
        }
        end
    }
}

#[cfg(test)]
mod tests;
