//! Model providers: one file per wire format, and what they share. A provider takes a request, hands out text as it
//! arrives, and gives the whole answer at the end.

mod anthropic;
mod chain;
#[cfg(test)]
mod chain_tests;
mod circuit;
pub(crate) mod client;
mod discreet;
mod error;
mod fit;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod format_tests;
mod frames;
mod gemini;
#[cfg(test)]
mod golden_tests;
mod http;
mod limiter;
mod offline;
mod ollama;
mod openai_chat;
mod openai_responses;
mod paying;
#[cfg(test)]
mod prefix_tests;
mod retry;
mod sse;
#[cfg(test)]
pub(crate) mod stub;
mod thinking;
mod wire;
#[cfg(test)]
mod wire_tests;

pub(crate) use chain::Chain;
pub use chain::{Candidate, Route, Traffic};
pub(crate) use error::{BUDGET_REACHED, ProviderError};
pub use http::Patience;
pub(crate) use offline::OfflineProvider;

use crate::context::{Fence, System};
use crate::event::BudgetReached;
use crate::message::{Message, ModelAnswer};
use crate::think::Think;
use error::Fault;
use futures_util::future::BoxFuture;
use pryx_terms::{Outcome, ToolResult, ToolSpec};
use serde_json::Value;
use sse::SseEvent;
use std::sync::Arc;
use thinking::Thought;
use tokio::sync::mpsc;

/// What a model is asked.
#[derive(Debug, Clone)]
pub(crate) struct ModelRequest {
    /// The provider's name for the model.
    pub(crate) model: String,
    /// The system prompt.
    pub(crate) system: Arc<System>,
    /// The conversation.
    pub(crate) messages: Arc<Vec<Message>>,
    /// The tools it may call.
    pub(crate) tools: Arc<[ToolSpec]>,
    /// The marks around text from outside.
    pub(crate) fence: Arc<Fence>,
    /// Whether it may call tools now. They stay listed, because the history holds calls of them.
    pub(crate) may_act: bool,
    /// Tokens that all of it is guessed to be.
    pub(crate) guessed: u64,
    /// Most tokens of the answer, where a limit is known.
    pub(crate) answer: Option<u64>,
    /// How hard to think, where the person says so.
    pub(crate) think: Option<Think>,
    /// The same as the model that is asked takes it: the first is asked for, those behind it when that is refused.
    pub(crate) thoughts: Vec<Thought>,
}

impl ModelRequest {
    /// How hard to think, as this request says it.
    fn thought(&self) -> Option<&Thought> {
        self.thoughts.first()
    }
}

/// What is told while an answer is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ModelEvent {
    /// The request goes out.
    Prepared {
        /// Tokens that it has besides the conversation, before any correction.
        fixed: u64,
    },
    /// The next piece of its text.
    Text(String),
    /// A budget doesn't hold the request. With a person there, their word is waited for.
    BudgetReached(Box<BudgetReached>),
    /// Nothing is done for a while, and why; then, without words, it goes on.
    Waits(Option<String>),
    /// Something for whoever waits: it is tried again, and why.
    Notice {
        /// For programs.
        code: &'static str,
        /// For the person.
        message: String,
    },
}

/// Somebody who answers requests. Dropping the future gives the request up at once.
pub(crate) trait Provider: Send + Sync {
    /// Whether its requests list the tools; else the hands needn't be asked for them.
    fn wants_tools(&self) -> bool;

    /// Asks, sends what arrives into the sink, and returns the whole answer.
    fn stream(
        &self,
        request: ModelRequest,
        sink: mpsc::Sender<ModelEvent>,
    ) -> BoxFuture<'_, Result<ModelAnswer, ProviderError>>;
}

/// What an event of a stream brought that can be shown.
#[derive(Debug, PartialEq, Eq)]
enum Content {
    Nothing,
    Text(String),
}

impl Content {
    fn of(text: String) -> Self {
        if text.is_empty() { Self::Nothing } else { Self::Text(text) }
    }
}

/// The part of a wire format that reads an answer, without I/O.
trait Decode: Send {
    /// Takes the next event.
    fn event(&mut self, event: &SseEvent) -> Result<Content, Fault>;
    /// The format's own end was read: nothing more will come.
    fn ended(&self) -> bool;
    /// The answer is whole, though counts may still follow.
    fn complete(&self) -> bool;
    /// The whole answer.
    fn finish(self: Box<Self>) -> Result<ModelAnswer, Fault>;
}

/// A call's arguments out of their text: an object, or the text itself when it is no JSON.
fn arguments(text: String) -> Value {
    match serde_json::from_str(&text) {
        Ok(value @ Value::Object(_)) => value,
        _ => Value::String(text),
    }
}

/// Whether a provider that asks should be told that a call went wrong.
fn is_error(result: &ToolResult) -> bool {
    match result {
        ToolResult::Ran { job, .. } => job.outcome().is_some_and(|outcome| !Outcome::is_success(outcome)),
        ToolResult::Waits { .. } | ToolResult::Text { .. } => false,
        ToolResult::Refused { .. } | ToolResult::Failed { .. } => true,
    }
}
