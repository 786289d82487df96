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
mod retry;
mod sse;
#[cfg(test)]
pub(crate) mod stub;
mod wire;
#[cfg(test)]
mod wire_tests;

pub(crate) use chain::Chain;
pub use chain::{Candidate, Route, Traffic};
pub(crate) use error::ProviderError;
pub use http::Patience;
pub(crate) use offline::OfflineProvider;

use crate::context::Fence;
use crate::message::{Message, ModelAnswer, Part};
use error::Fault;
use futures_util::future::BoxFuture;
use pryx_terms::{Outcome, ToolResult, ToolSpec};
use serde_json::Value;
use sse::SseEvent;
use std::sync::Arc;
use tokio::sync::mpsc;

/// What a model is asked.
#[derive(Debug, Clone)]
pub(crate) struct ModelRequest {
    /// The provider's name for the model.
    pub(crate) model: String,
    /// The system prompt.
    pub(crate) system: Arc<str>,
    /// The conversation.
    pub(crate) messages: Arc<Vec<Message>>,
    /// The tools it may call.
    pub(crate) tools: Arc<[ToolSpec]>,
    /// The marks around text from outside.
    pub(crate) fence: Arc<Fence>,
    /// Whether it may call tools now. They stay listed, because the history holds calls of them.
    pub(crate) may_act: bool,
}

impl ModelRequest {
    /// Bytes of everything that the model has to read, for estimates of its tokens. Pictures cost a model about the
    /// same whatever their bytes.
    fn bytes(&self) -> usize {
        let part = |part: &Part| match part {
            Part::Image(_) => 4_096,
            Part::Text { text } | Part::Data { text, .. } => text.len(),
            Part::ToolCall(call) => call.arguments.to_string().len(),
            Part::ToolResult { result, .. } => self.fence.tool_result(result).len(),
            Part::Opaque { block, .. } => block.to_string().len(),
        };
        let tools = self.tools.iter().map(|tool| tool.parameters.to_string().len() + tool.description.len());
        let messages = self.messages.iter().flat_map(|message| &message.parts).map(part);
        self.system.len() + tools.sum::<usize>() + messages.sum::<usize>()
    }
}

/// What is told while an answer is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ModelEvent {
    /// The next piece of its text.
    Text(String),
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
