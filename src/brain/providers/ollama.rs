//! Ollama's own API: unlike its copy of Chat Completions it lets the request say how much the model shall read, and
//! Ollama silently forgets the beginning of what is longer.
//! Format: <https://docs.ollama.com/api/chat>.

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
use std::collections::BTreeMap;

/// The smallest window asked for: system prompt, tools and a few results fit, and a small machine can hold it.
const MIN_WINDOW: u32 = 16_384;

/// The largest window asked for unasked. Memory grows with it; who has more says so in the settings.
const MAX_WINDOW: u32 = 131_072;

/// Room that is left for the answer, in tokens.
const ANSWER: u32 = 4_096;

/// The address of the API. A base that ends in `/v1` or `/api` is meant for the copy of Chat Completions or written
/// too far, and means the same server.
pub(super) fn url(base: &str) -> String {
    let base = base.trim_end_matches('/');
    let base = base.strip_suffix("/v1").or_else(|| base.strip_suffix("/api")).unwrap_or(base);
    format!("{base}/api/chat")
}

/// The window for a request: a power of two, because each other window loads the model anew.
pub(super) fn window(request: &ModelRequest) -> u32 {
    // A quarter more than guessed: what doesn't fit is forgotten without a word.
    let tokens = request.guessed.saturating_add(request.guessed / 4);
    let tokens = u32::try_from(tokens).unwrap_or(MAX_WINDOW).saturating_add(ANSWER);
    tokens.clamp(MIN_WINDOW, MAX_WINDOW).next_power_of_two()
}

/// The request's body. A model can't be forbidden to call tools: in the last step they aren't listed.
pub(super) fn body(request: &ModelRequest, window: u32) -> Value {
    let mut messages = vec![json!({ "role": "system", "content": request.system.text() })];
    let mut tools = BTreeMap::new();
    for message in request.messages.iter() {
        match message.role {
            Role::User => user(message, request, &tools, &mut messages),
            Role::Assistant => messages.push(assistant(message, &mut tools)),
        }
    }
    let mut body = json!({
        "model": request.model,
        "messages": messages,
        "stream": true,
        "options": { "num_ctx": window },
    });
    if let Some(most) = request.answer {
        body["options"]["num_predict"] = json!(most);
    }
    match request.thought() {
        Some(Thought::Off) => body["think"] = json!(false),
        Some(Thought::On | Thought::Budget(_)) => body["think"] = json!(true),
        Some(Thought::Effort(word)) => body["think"] = json!(word),
        None => {}
    }
    if !request.tools.is_empty() && request.may_act {
        body["tools"] = request.tools.iter().map(tool).collect();
    }
    body
}

fn tool(spec: &ToolSpec) -> Value {
    let function = json!({
        "name": names::to_wire(&spec.name), "description": spec.description, "parameters": spec.parameters,
    });
    json!({ "type": "function", "function": function })
}

fn user(message: &Message, request: &ModelRequest, tools: &BTreeMap<&str, &str>, out: &mut Vec<Value>) {
    let (mut texts, mut images) = (Vec::new(), Vec::new());
    for part in &message.parts {
        match part {
            Part::Text { text } => texts.push(text.clone()),
            Part::Note { note } => texts.push(from_pryx(note)),
            Part::Data { label, text } => texts.push(request.fence.data(label, text)),
            Part::Image(image) => images.push(image.base64()),
            Part::ToolResult { id, result } => {
                let name = names::to_wire(tools.get(id.as_str()).copied().unwrap_or_default());
                let content = request.fence.tool_result(result);
                out.push(json!({ "role": "tool", "tool_name": name, "tool_call_id": id, "content": content }));
            }
            Part::ToolCall(_) | Part::Opaque { .. } => {}
        }
    }
    if texts.is_empty() && images.is_empty() {
        return;
    }
    let mut message = json!({ "role": "user", "content": texts.join("\n\n") });
    if !images.is_empty() {
        message["images"] = images.into();
    }
    out.push(message);
}

fn assistant<'a>(message: &'a Message, tools: &mut BTreeMap<&'a str, &'a str>) -> Value {
    let (mut content, mut calls) = (String::new(), Vec::new());
    let mut out = json!({ "role": "assistant" });
    for part in &message.parts {
        match part {
            Part::Text { text } => content.push_str(text),
            Part::ToolCall(call) => {
                tools.insert(&call.id, &call.tool);
                let arguments = if call.arguments.is_object() { call.arguments.clone() } else { json!({}) };
                let function = json!({ "name": names::to_wire(&call.tool), "arguments": arguments });
                calls.push(json!({ "id": call.id, "function": function }));
            }
            Part::Opaque { api: Api::Ollama, block } => out["thinking"] = block["thinking"].clone(),
            Part::Opaque { .. } | Part::Data { .. } | Part::Note { .. } | Part::Image(_) | Part::ToolResult { .. } => {}
        }
    }
    out["content"] = content.into();
    if !calls.is_empty() {
        out["tool_calls"] = calls.into();
    }
    out
}

/// The decoder: lines in, text as it comes, the whole answer at the end.
#[derive(Debug)]
pub(super) struct Decoder {
    tools: Vec<ToolSpec>,
    thinking: String,
    text: String,
    calls: Vec<ToolCall>,
    usage: Usage,
    end: Option<StopReason>,
    /// Ollama names few of its calls: ours must differ from those of the answers before.
    answers_before: usize,
}

#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    message: Option<WireMessage>,
    #[serde(default)]
    done: bool,
    #[serde(default)]
    done_reason: Option<String>,
    #[serde(default)]
    prompt_eval_count: Option<u64>,
    #[serde(default)]
    eval_count: Option<u64>,
}

#[derive(Deserialize)]
struct WireMessage {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    thinking: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<WireCall>>,
}

#[derive(Deserialize)]
struct WireCall {
    #[serde(default)]
    id: Option<String>,
    function: WireFunction,
}

#[derive(Deserialize)]
struct WireFunction {
    name: String,
    #[serde(default)]
    arguments: Value,
}

impl Decoder {
    pub(super) fn new(request: &ModelRequest) -> Self {
        Self {
            tools: request.tools.to_vec(),
            thinking: String::new(),
            text: String::new(),
            calls: Vec::new(),
            usage: Usage::default(),
            end: None,
            answers_before: request.messages.len(),
        }
    }

    fn call(&mut self, call: WireCall) {
        let invented = || format!("call_{}_{}", self.answers_before, self.calls.len());
        let id = call.id.filter(|id| !id.is_empty()).unwrap_or_else(invented);
        let arguments = match call.function.arguments {
            Value::String(text) => super::arguments(text),
            Value::Null => json!({}),
            arguments => arguments,
        };
        let tool = names::from_wire(&call.function.name, &self.tools);
        self.calls.push(ToolCall { id, tool, arguments });
    }
}

impl Decode for Decoder {
    fn event(&mut self, event: &SseEvent) -> Result<Content, Fault> {
        let value: Value = serde_json::from_str(&event.data).map_err(|e| Fault::Malformed(e.to_string()))?;
        if value.get("error").is_some() {
            let words = said(&value);
            let (code, message) = words.map_or_else(Default::default, |words| (words.code, words.message));
            return Err(Fault::Reported { code, message });
        }
        let line: Line = serde_json::from_value(value).map_err(|e| Fault::Malformed(e.to_string()))?;
        let mut shown = String::new();
        if let Some(message) = line.message {
            self.thinking.push_str(&message.thinking.unwrap_or_default());
            shown = message.content.unwrap_or_default();
            self.text.push_str(&shown);
            for call in message.tool_calls.unwrap_or_default() {
                self.call(call);
            }
        }
        if line.done {
            self.usage.input_tokens = line.prompt_eval_count;
            self.usage.output_tokens = line.eval_count;
            self.end = Some(match line.done_reason.as_deref() {
                Some("length") => StopReason::Length,
                _ if self.calls.is_empty() => StopReason::Done,
                _ => StopReason::ToolCalls,
            });
        }
        Ok(Content::of(shown))
    }

    fn ended(&self) -> bool {
        self.end.is_some()
    }

    fn complete(&self) -> bool {
        self.ended()
    }

    fn finish(self: Box<Self>) -> Result<ModelAnswer, Fault> {
        let stop = self.end.ok_or(Fault::Truncated)?;
        let mut parts = Vec::new();
        if !self.thinking.is_empty() {
            parts.push(Part::Opaque { api: Api::Ollama, block: json!({ "thinking": self.thinking }) });
        }
        if !self.text.is_empty() {
            parts.push(Part::Text { text: self.text });
        }
        parts.extend(self.calls.into_iter().map(Part::ToolCall));
        Ok(ModelAnswer { parts, stop, usage: self.usage, model: None })
    }
}
