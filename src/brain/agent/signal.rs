//! What goes into the machine and what comes out of it.

use crate::compact::Rewrite;
use crate::event::{BudgetReached, Payload, Status};
use crate::message::{Message, ModelAnswer};
use crate::store::OpenTurn;
use pryx_terms::{Answer, Approval, ApprovalId, CallKey, JobId, JobRecord, Resolution, Stream, ToolResult, TurnId};
use serde_json::Value;

/// Everything that can happen to a turn.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Input {
    /// The person wants something.
    UserTurn {
        /// The new turn.
        turn: TurnId,
        /// What they wrote.
        request: String,
        /// The same, with the data handed over beside it.
        message: Message,
        /// Steps that it may have.
        steps: u32,
    },
    /// The person wants the conversation made smaller, and nothing else.
    Compact {
        /// The new turn.
        turn: TurnId,
        /// What they wrote.
        request: String,
    },
    /// The last turn was cut off: find out what its calls came to, and end it.
    TakeUp(OpenTurn),
    /// A request goes out.
    Prepared {
        /// Tokens that it has besides the conversation, before any correction.
        fixed: u64,
    },
    /// A request was not sent: it fills the model's window.
    WindowFills {
        /// Tokens that it has besides the conversation, before any correction.
        fixed: u64,
    },
    /// The model said a bit more.
    TextDelta(String),
    /// The provider tries again, or does something else that a waiting person wants to know.
    ProviderNotice {
        /// For programs.
        code: &'static str,
        /// For the person.
        message: String,
    },
    /// Nothing is asked for a while, and why; then, without words, it goes on.
    ProviderWaits(Option<String>),
    /// A request would cost more than a budget holds.
    BudgetReached(Box<BudgetReached>),
    /// The person said whether to go on all the same.
    Spend(bool),
    /// The model is through.
    ModelFinished(ModelAnswer),
    /// The model can't be had.
    ModelFailed(Failure),
    /// The hands can't be had, so there are no tools to offer to the model.
    HandsFailed(Failure),
    /// Something happened to the call that is under way.
    Tool(CallKey, ToolInput),
    /// The person answered a question.
    Answered {
        /// Which.
        approval: ApprovalId,
        /// What they said.
        answer: Answer,
    },
    /// The person wants it to stop.
    Cancel,
    /// Most of the time that the turn was given is over.
    TimeShort,
    /// The time that the turn was given is over.
    TimeUp,
}

/// What can happen to a tool call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ToolInput {
    /// Its command was started.
    Started(Box<JobRecord>),
    /// Its command printed.
    Output {
        /// The job.
        job: JobId,
        /// Where.
        stream: Stream,
        /// Offset of the first byte.
        offset: u64,
        /// How many bytes.
        bytes: u64,
        /// As text.
        text: String,
    },
    /// The gate asks.
    ApprovalNeeded(Box<Approval>),
    /// The gate has its answer.
    ApprovalResolved {
        /// To which question.
        approval: ApprovalId,
        /// How it ended.
        resolution: Resolution,
    },
    /// It is over.
    Finished(Box<ToolResult>),
    /// It was given up, and the hands said no more about it.
    Cancelled,
    /// The hands can't be reached or failed; nothing is known about it.
    HandsFailed(Failure),
}

/// A failure in the words that a surface shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// For programs.
    pub(crate) code: String,
    /// One sentence.
    pub(crate) message: String,
    /// What to do.
    pub(crate) hint: Option<String>,
}

/// What the driver has to do, in order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Effect {
    /// Ask the model, with the history as it is now.
    CallModel {
        /// Whether it may call tools. In a turn's last step it may only answer.
        may_act: bool,
    },
    /// Have the model summarize a part of the conversation.
    Summarize {
        /// It, as text.
        transcript: String,
        /// Most tokens of the summary.
        most: u64,
    },
    /// Store what became of messages of the history: some are shorter from now on, some aren't sent any more.
    Rewrite(Vec<Rewrite>),
    /// Remember that nothing is asked for a while, and why; then, without words, that it goes on.
    Wait(Option<String>),
    /// Drop the model's answer.
    StopModel,
    /// Have the hands carry out a call.
    CallTool {
        /// Its key, the same however often it's sent.
        key: CallKey,
        /// The tool.
        tool: String,
        /// Its arguments, an object.
        arguments: Value,
    },
    /// Have the hands give the call up. What it came to is still awaited.
    StopTool,
    /// Tell the gate what the person said.
    Resolve {
        /// To which question.
        approval: ApprovalId,
        /// What.
        answer: Answer,
    },
    /// Tell who waits before a request whether to go on beyond a budget.
    Spend(bool),
    /// Store an event, then show it.
    Emit(Payload),
    /// Store a message of the history.
    Persist(Message),
    /// The turn is over.
    Finish(Status),
}
