//! Anthropic's Messages API, version 2023-06-01: the request, and the decoder of its event stream.
//! Format: <https://docs.anthropic.com/en/api/messages-streaming>.

use super::error::{Fault, said};
use super::sse::SseEvent;
use super::thinking::Thought;
use super::{Content, Decode, ModelRequest};
use crate::context::{System, from_pryx};
use crate::message::{Api, Message, ModelAnswer, Part, Role, StopReason, ToolCall};
use crate::names;
use pryx_terms::{ToolSpec, Usage};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The version header that the API demands.
pub(super) const VERSION: &str = "2023-06-01";

/// Most tokens of one answer, thinking included, where the model's limit isn't known. The API demands a number; every
/// model of the last two years can give so many, and an answer that needs more is told to be cut.
const MAX_OUTPUT_TOKENS: u64 = 16_384;

/// The address of the API below a base address that may or may not end in its version.
pub(super) fn url(base: &str) -> String {
    let base = base.trim_end_matches('/');
    format!("{}/v1/messages", base.strip_suffix("/v1").unwrap_or(base))
}

/// The request's body.
pub(super) fn body(request: &ModelRequest) -> Value {
    let mut body = json!({
        "model": request.model,
        "max_tokens": request.answer.unwrap_or(MAX_OUTPUT_TOKENS),
        "system": system(&request.system),
        "messages": messages(request),
        "stream": true,
    });
    match request.thought() {
        Some(Thought::Budget(tokens)) => body["thinking"] = json!({ "type": "enabled", "budget_tokens": tokens }),
        Some(Thought::Effort(word)) => {
            body["thinking"] = json!({ "type": "adaptive" });
            body["output_config"] = json!({ "effort": word });
        }
        Some(Thought::Off | Thought::On) | None => {}
    }
    if !request.tools.is_empty() {
        body["tools"] = request.tools.iter().map(tool).collect();
        if !request.may_act {
            body["tool_choice"] = json!({ "type": "none" });
        }
    }
    body
}

/// The system prompt in its two parts. The mark on the first covers the tools before it too, and holds for all sessions;
/// that on the second for this one.
fn system(system: &System) -> Vec<Value> {
    let parts = [system.rules, &system.place].into_iter().filter(|part| !part.is_empty());
    parts.map(|part| json!({ "type": "text", "text": part, "cache_control": cached() })).collect()
}

/// The mark of a prefix that shall be kept for the next request. Four are allowed, and used.
fn cached() -> Value {
    json!({ "type": "ephemeral" })
}

/// Marks the end of the conversation, and where it ended in the request before: the API looks only twenty blocks
/// back for what it kept, and one step with many calls is longer.
fn mark(messages: &mut [Value]) {
    let users = messages.iter_mut().rev().filter(|message| message["role"] == "user");
    for message in users.take(2) {
        if let Some(block) = message["content"].as_array_mut().and_then(|blocks| blocks.last_mut()) {
            block["cache_control"] = cached();
        }
    }
}

fn tool(spec: &ToolSpec) -> Value {
    json!({ "name": names::to_wire(&spec.name), "description": spec.description, "input_schema": spec.parameters })
}

/// The history. Messages of one speaker that follow each other (after a turn that failed) become one.
fn messages(request: &ModelRequest) -> Vec<Value> {
    let mut out: Vec<(Role, Vec<Value>)> = Vec::new();
    for message in request.messages.iter() {
        let blocks = blocks(message, request);
        match out.last_mut() {
            Some((role, before)) if *role == message.role => before.extend(blocks),
            _ if blocks.is_empty() => {}
            _ => out.push((message.role, blocks)),
        }
    }
    let mut out: Vec<Value> =
        out.into_iter().map(|(role, content)| json!({ "role": role, "content": content })).collect();
    mark(&mut out);
    out
}

fn blocks(message: &Message, request: &ModelRequest) -> Vec<Value> {
    let block = |part: &Part| match part {
        // The API refuses empty text.
        Part::Text { text } if text.trim().is_empty() => None,
        Part::Text { text } => Some(json!({ "type": "text", "text": text })),
        Part::Note { note } => Some(json!({ "type": "text", "text": from_pryx(note) })),
        Part::Data { label, text } => Some(json!({ "type": "text", "text": request.fence.data(label, text) })),
        Part::Image(image) => {
            let source = json!({ "type": "base64", "media_type": image.media_type(), "data": image.base64() });
            Some(json!({ "type": "image", "source": source }))
        }
        Part::ToolCall(call) => {
            let input = if call.arguments.is_object() { call.arguments.clone() } else { json!({}) };
            Some(json!({ "type": "tool_use", "id": call.id, "name": names::to_wire(&call.tool), "input": input }))
        }
        Part::ToolResult { id, result } => {
            let mut block = json!({
                "type": "tool_result", "tool_use_id": id, "content": request.fence.tool_result(result),
            });
            if super::is_error(result) {
                block["is_error"] = json!(true);
            }
            Some(block)
        }
        Part::Opaque { api: Api::AnthropicMessages, block } => Some(block.clone()),
        Part::Opaque { .. } => None,
    };
    message.parts.iter().filter_map(block).collect()
}

/// The decoder: events in, text as it comes, the whole answer at the end.
#[derive(Debug)]
pub(super) struct Decoder {
    tools: Vec<ToolSpec>,
    blocks: BTreeMap<u64, Block>,
    usage: Usage,
    stop: Option<StopReason>,
    ended: bool,
}

#[derive(Debug)]
enum Block {
    Text(String),
    Tool {
        id: String,
        name: String,
        input: Value,
        json: String,
    },
    /// Thinking and whatever comes later: kept as it is, with its string deltas appended.
    Opaque(Value),
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Wire {
    MessageStart {
        message: StartedMessage,
    },
    ContentBlockStart {
        index: u64,
        content_block: Value,
    },
    ContentBlockDelta {
        index: u64,
        delta: Value,
    },
    ContentBlockStop {},
    MessageDelta {
        delta: StopDelta,
        #[serde(default)]
        usage: Option<WireUsage>,
    },
    MessageStop {},
    Ping {},
    Error {
        error: WireError,
    },
    #[serde(other)]
    Unknown,
}

#[derive(Deserialize)]
struct StartedMessage {
    #[serde(default)]
    usage: Option<WireUsage>,
}

#[derive(Deserialize)]
struct StopDelta {
    #[serde(default)]
    stop_reason: Option<String>,
}

#[derive(Deserialize)]
struct WireError {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
struct WireUsage {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
}

impl Decoder {
    pub(super) fn new(request: &ModelRequest) -> Self {
        Self {
            tools: request.tools.to_vec(),
            blocks: BTreeMap::new(),
            usage: Usage::default(),
            stop: None,
            ended: false,
        }
    }

    /// The counts are cumulative: a later one replaces an earlier one.
    fn count(&mut self, usage: Option<WireUsage>) {
        let Some(usage) = usage else { return };
        let newer = |old: &mut Option<u64>, new: Option<u64>| *old = new.or(*old);
        newer(&mut self.usage.input_tokens, usage.input_tokens);
        newer(&mut self.usage.output_tokens, usage.output_tokens);
        newer(&mut self.usage.cache_read_tokens, usage.cache_read_input_tokens);
        newer(&mut self.usage.cache_write_tokens, usage.cache_creation_input_tokens);
    }

    fn start(&mut self, index: u64, block: Value) -> Content {
        let text = |key: &str| block.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (block, shown) = match block.get("type").and_then(Value::as_str) {
            Some("text") => (Block::Text(text("text")), text("text")),
            Some("tool_use") => {
                let input = block.get("input").cloned().unwrap_or(Value::Null);
                (Block::Tool { id: text("id"), name: text("name"), input, json: String::new() }, String::new())
            }
            _ => (Block::Opaque(block), String::new()),
        };
        self.blocks.insert(index, block);
        Content::of(shown)
    }

    fn delta(&mut self, index: u64, delta: &Value) -> Result<Content, Fault> {
        let Some(block) = self.blocks.get_mut(&index) else {
            return Err(Fault::Malformed(format!("a piece of block {index}, which never began")));
        };
        let piece = |key: &str| delta.get(key).and_then(Value::as_str).unwrap_or_default();
        match block {
            Block::Text(text) => {
                text.push_str(piece("text"));
                return Ok(Content::of(piece("text").to_owned()));
            }
            Block::Tool { json, .. } => json.push_str(piece("partial_json")),
            Block::Opaque(block) => {
                for key in ["thinking", "signature"] {
                    append(block, key, piece(key));
                }
            }
        }
        Ok(Content::Nothing)
    }
}

impl Decode for Decoder {
    fn event(&mut self, event: &SseEvent) -> Result<Content, Fault> {
        let value: Value = serde_json::from_str(&event.data).map_err(|e| Fault::Malformed(e.to_string()))?;
        // Servers in between report their own errors without the event's type.
        if value.get("type").is_none()
            && let Some(error) = value.get("error")
            && let Some(words) = said(error)
        {
            return Err(Fault::Reported { code: words.code, message: words.message });
        }
        let wire: Wire = serde_json::from_value(value).map_err(|e| Fault::Malformed(e.to_string()))?;
        match wire {
            Wire::MessageStart { message } => self.count(message.usage),
            Wire::ContentBlockStart { index, content_block } => return Ok(self.start(index, content_block)),
            Wire::ContentBlockDelta { index, delta } => return self.delta(index, &delta),
            Wire::MessageDelta { delta, usage } => {
                self.count(usage);
                self.stop = delta.stop_reason.as_deref().map(stop_reason).or(self.stop);
            }
            Wire::MessageStop {} => self.ended = true,
            Wire::Error { error } => return Err(Fault::Reported { code: error.kind, message: error.message }),
            Wire::ContentBlockStop {} | Wire::Ping {} | Wire::Unknown => {}
        }
        Ok(Content::Nothing)
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
        let tools = self.tools;
        let part = |(index, block)| match block {
            Block::Text(text) if text.is_empty() => None,
            Block::Text(text) => Some(Part::Text { text }),
            Block::Opaque(block) => Some(Part::Opaque { api: Api::AnthropicMessages, block }),
            Block::Tool { id, name, input, json } => {
                let id = if id.is_empty() { format!("call_{index}") } else { id };
                let arguments = if json.is_empty() { input } else { super::arguments(json) };
                Some(Part::ToolCall(ToolCall { id, tool: names::from_wire(&name, &tools), arguments }))
            }
        };
        Ok(ModelAnswer {
            parts: self.blocks.into_iter().filter_map(part).collect(),
            stop: self.stop.unwrap_or(StopReason::Done),
            usage: self.usage,
            model: None,
        })
    }
}

fn stop_reason(reason: &str) -> StopReason {
    match reason {
        "tool_use" => StopReason::ToolCalls,
        "max_tokens" | "model_context_window_exceeded" => StopReason::Length,
        "refusal" => StopReason::Refusal,
        _ => StopReason::Done,
    }
}

fn append(block: &mut Value, key: &str, piece: &str) {
    if piece.is_empty() {
        return;
    }
    match block.get_mut(key) {
        Some(Value::String(text)) => text.push_str(piece),
        _ => {
            if let Some(fields) = block.as_object_mut() {
                fields.insert(key.to_owned(), Value::from(piece));
            }
        }
    }
}

#[cfg(test)]
mod tests;
