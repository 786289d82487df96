//! OpenAI's Chat Completions, as OpenAI documents it and as the many servers that copy it really behave: calls
//! without ids or indexes, whole calls in one chunk, arguments as objects, no `[DONE]`.
//! Format: <https://platform.openai.com/docs/api-reference/chat-streaming>.

use super::error::{Fault, said};
use super::sse::SseEvent;
use super::thinking::Thought;
use super::{Content, Decode, ModelRequest};
use crate::context::from_pryx;
use crate::message::{Api, Message, ModelAnswer, Part, Role, StopReason, ToolCall};
use crate::names;
use pryx_terms::{ToolSpec, Usage};
use serde::Deserialize;
use serde_json::{Value, json};

/// Where servers other than OpenAI's put the reasoning of a model, and want it back.
const REASONING: &str = "reasoning_content";

/// The last event of a stream.
const DONE: &str = "[DONE]";

/// The address of the API below its base address, which includes the version.
pub(super) fn url(base: &str) -> String {
    format!("{}/chat/completions", base.trim_end_matches('/'))
}

/// The request's body. No limit on output is set: old servers know `max_tokens` alone, new models refuse it.
pub(super) fn body(request: &ModelRequest, reasoning_off: bool) -> Value {
    let mut messages = vec![json!({ "role": "system", "content": request.system.text() })];
    for message in request.messages.iter() {
        match message.role {
            Role::User => user(message, request, &mut messages),
            Role::Assistant => messages.push(assistant(message, &request.model)),
        }
    }
    let mut body = json!({
        "model": request.model,
        "messages": messages,
        "stream": true,
        "stream_options": { "include_usage": true },
    });
    if !request.tools.is_empty() {
        body["tools"] = request.tools.iter().map(tool).collect();
        if !request.may_act {
            body["tool_choice"] = json!("none");
        }
    }
    match request.thought() {
        _ if reasoning_off => body["reasoning_effort"] = json!("none"),
        Some(Thought::Effort(word)) => body["reasoning_effort"] = json!(word),
        Some(Thought::Off | Thought::On | Thought::Budget(_)) | None => {}
    }
    body
}

/// Whether a refusal means that the model takes tools over this format only with its reasoning off.
pub(super) fn wants_reasoning_off(message: &str) -> bool {
    message.contains("reasoning_effort") && message.contains("tools")
}

fn tool(spec: &ToolSpec) -> Value {
    let function = json!({
        "name": names::to_wire(&spec.name), "description": spec.description, "parameters": spec.parameters,
    });
    json!({ "type": "function", "function": function })
}

/// Results go one by one, before anything that a person says; the rest becomes one text. Only with pictures it is a
/// list of parts, which not every server can read.
fn user(message: &Message, request: &ModelRequest, out: &mut Vec<Value>) {
    let (mut texts, mut images) = (Vec::new(), Vec::new());
    for part in &message.parts {
        match part {
            Part::Text { text } => texts.push(text.clone()),
            Part::Note { note } => texts.push(from_pryx(note)),
            Part::Data { label, text } => texts.push(request.fence.data(label, text)),
            Part::Image(image) => {
                images.push(json!({ "type": "image_url", "image_url": { "url": image.data_url() } }));
            }
            Part::ToolResult { id, result } => out.push(json!({
                "role": "tool", "tool_call_id": id, "content": request.fence.tool_result(result),
            })),
            Part::ToolCall(_) | Part::Opaque { .. } => {}
        }
    }
    let text = texts.join("\n\n");
    if !images.is_empty() {
        let mut content = vec![json!({ "type": "text", "text": text })];
        content.append(&mut images);
        out.push(json!({ "role": "user", "content": content }));
    } else if !text.is_empty() {
        out.push(json!({ "role": "user", "content": text }));
    }
}

fn assistant(message: &Message, model: &str) -> Value {
    let text: String = message
        .parts
        .iter()
        .filter_map(|part| match part {
            Part::Text { text } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    let calls: Vec<Value> = message
        .tool_calls()
        .map(|call| {
            let arguments = match &call.arguments {
                Value::Object(_) => call.arguments.to_string(),
                // Servers that render the history into a template parse this again: what never was JSON must not get there.
                _ => "{}".to_owned(),
            };
            let function = json!({ "name": names::to_wire(&call.tool), "arguments": arguments });
            json!({ "id": call.id, "type": "function", "function": function })
        })
        .collect();
    let mut out = json!({ "role": "assistant", "content": if text.is_empty() { Value::Null } else { text.into() } });
    if !calls.is_empty() {
        out["tool_calls"] = calls.into();
        // DeepSeek and others refuse a history whose calls lack the reasoning before them; OpenAI knows no such field.
        let own = |part: &Part| match part {
            Part::Opaque { api: Api::OpenAiChat, block } if block["model"] == model => Some(block[REASONING].clone()),
            _ => None,
        };
        if let Some(reasoning) = message.parts.iter().find_map(own) {
            out[REASONING] = reasoning;
        }
    }
    out
}

/// The decoder: chunks in, text as it comes, the whole answer at the end.
#[derive(Debug)]
pub(super) struct Decoder {
    tools: Vec<ToolSpec>,
    model: String,
    reasoning: String,
    text: String,
    calls: Vec<Call>,
    refused: bool,
    usage: Usage,
    stop: Option<StopReason>,
    ended: bool,
    /// Names given here differ from those of the answers before.
    answers_before: usize,
}

#[derive(Debug, Default)]
struct Call {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: String,
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Option<Vec<Choice>>,
    #[serde(default)]
    usage: Option<WireUsage>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default, alias = "message")]
    delta: Option<Delta>,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Delta {
    #[serde(default)]
    content: Option<Value>,
    #[serde(default)]
    reasoning_content: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<CallDelta>>,
}

#[derive(Deserialize)]
struct CallDelta {
    #[serde(default)]
    index: Option<u64>,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    function: Option<FunctionDelta>,
}

#[derive(Default, Deserialize)]
struct FunctionDelta {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    arguments: Option<Value>,
}

#[derive(Deserialize)]
struct WireUsage {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    #[serde(default)]
    prompt_tokens_details: Option<Details>,
    #[serde(default)]
    completion_tokens_details: Option<Details>,
    /// DeepSeek's own word for the cached ones.
    #[serde(default)]
    prompt_cache_hit_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct Details {
    cached_tokens: Option<u64>,
    reasoning_tokens: Option<u64>,
}

impl Decoder {
    pub(super) fn new(request: &ModelRequest) -> Self {
        Self {
            tools: request.tools.to_vec(),
            model: request.model.clone(),
            reasoning: String::new(),
            text: String::new(),
            calls: Vec::new(),
            refused: false,
            usage: Usage::default(),
            stop: None,
            ended: false,
            answers_before: request.messages.len(),
        }
    }

    fn choice(&mut self, choice: Choice) -> String {
        let mut shown = String::new();
        if let Some(delta) = choice.delta {
            self.reasoning.push_str(&delta.reasoning_content.unwrap_or_default());
            shown = delta.content.as_ref().map(content_text).unwrap_or_default();
            if let Some(refusal) = delta.refusal.filter(|refusal| !refusal.is_empty()) {
                self.refused = true;
                shown.push_str(&refusal);
            }
            self.text.push_str(&shown);
            for call in delta.tool_calls.unwrap_or_default() {
                self.call(call);
            }
        }
        if let Some(reason) = choice.finish_reason.filter(|reason| !reason.is_empty()) {
            self.stop = Some(stop_reason(&reason));
        }
        shown
    }

    /// Adds a piece to the call that it belongs to. A name together with a new id, or without an index, begins a
    /// new call: some servers number every call 0, some number none.
    fn call(&mut self, delta: CallDelta) {
        let function = delta.function.unwrap_or_default();
        let id = delta.id.unwrap_or_default();
        let name = function.name.unwrap_or_default();
        let same = match delta.index {
            Some(index) => self.calls.iter().rposition(|call| call.index == Some(index)),
            None if name.is_empty() => self.calls.len().checked_sub(1),
            None => None,
        };
        let other_id = |call: &Call| !id.is_empty() && !call.id.is_empty() && call.id != id && !name.is_empty();
        let at = same.filter(|at| self.calls.get(*at).is_some_and(|call| !other_id(call)));
        let at = at.unwrap_or_else(|| {
            self.calls.push(Call { index: delta.index, ..Call::default() });
            self.calls.len() - 1
        });
        let Some(call) = self.calls.get_mut(at) else { return };
        if call.id.is_empty() {
            call.id = id;
        }
        // The name comes whole, but some servers repeat it with every piece.
        if call.name.is_empty() {
            call.name = name;
        }
        match function.arguments {
            Some(Value::String(piece)) => call.arguments.push_str(&piece),
            Some(Value::Null) | None => {}
            Some(whole) => call.arguments = whole.to_string(),
        }
    }

    fn count(&mut self, usage: &WireUsage) {
        let cached = usage.prompt_tokens_details.as_ref().and_then(|details| details.cached_tokens);
        let cached = cached.or(usage.prompt_cache_hit_tokens);
        let reasoning = usage.completion_tokens_details.as_ref().and_then(|details| details.reasoning_tokens);
        let uncached = usage.prompt_tokens.map(|all| all.saturating_sub(cached.unwrap_or(0)));
        self.usage = Usage {
            input_tokens: uncached.or(self.usage.input_tokens),
            output_tokens: usage.completion_tokens.or(self.usage.output_tokens),
            reasoning_tokens: reasoning.or(self.usage.reasoning_tokens),
            cache_read_tokens: cached.or(self.usage.cache_read_tokens),
            cache_write_tokens: None,
        };
    }
}

impl Decode for Decoder {
    fn event(&mut self, event: &SseEvent) -> Result<Content, Fault> {
        let data = event.data.trim();
        if data == DONE {
            self.ended = true;
            return Ok(Content::Nothing);
        }
        if data.is_empty() {
            return Ok(Content::Nothing);
        }
        let chunk: Chunk = serde_json::from_str(data).map_err(|e| Fault::Malformed(e.to_string()))?;
        if let Some(error) = chunk.error.filter(|error| !error.is_null()) {
            let words = said(&error);
            let (code, message) = words.map_or_else(Default::default, |words| (words.code, words.message));
            return Err(Fault::Reported { code, message });
        }
        if let Some(usage) = &chunk.usage {
            self.count(usage);
        }
        // Only one answer was asked for; a server that sends more is read as far as that.
        let first = chunk.choices.unwrap_or_default().into_iter().next();
        Ok(Content::of(first.map(|choice| self.choice(choice)).unwrap_or_default()))
    }

    fn ended(&self) -> bool {
        self.ended
    }

    fn complete(&self) -> bool {
        self.ended || self.stop.is_some()
    }

    fn finish(self: Box<Self>) -> Result<ModelAnswer, Fault> {
        if !self.complete() {
            return Err(Fault::Truncated);
        }
        let mut parts = Vec::new();
        if !self.reasoning.is_empty() {
            let block = json!({ "model": self.model, REASONING: self.reasoning });
            parts.push(Part::Opaque { api: Api::OpenAiChat, block });
        }
        if !self.text.is_empty() {
            parts.push(Part::Text { text: self.text });
        }
        let (tools, before) = (self.tools, self.answers_before);
        parts.extend(self.calls.into_iter().enumerate().map(|(at, call)| {
            let id = if call.id.is_empty() { format!("call_{before}_{at}") } else { call.id };
            let arguments = if call.arguments.is_empty() { json!({}) } else { super::arguments(call.arguments) };
            Part::ToolCall(ToolCall { id, tool: names::from_wire(&call.name, &tools), arguments })
        }));
        let stop = match self.stop.unwrap_or(StopReason::Done) {
            _ if self.refused => StopReason::Refusal,
            // Some servers call every end "stop".
            StopReason::Done if parts.iter().any(|part| matches!(part, Part::ToolCall(_))) => StopReason::ToolCalls,
            stop => stop,
        };
        Ok(ModelAnswer { parts, stop, usage: self.usage, model: None })
    }
}

/// Text, or a list of parts with text, as some servers send it.
fn content_text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part.get("text")?.as_str()).collect(),
        _ => String::new(),
    }
}

fn stop_reason(reason: &str) -> StopReason {
    match reason {
        "tool_calls" | "function_call" => StopReason::ToolCalls,
        "length" => StopReason::Length,
        "content_filter" => StopReason::Refusal,
        _ => StopReason::Done,
    }
}

#[cfg(test)]
mod tests;
