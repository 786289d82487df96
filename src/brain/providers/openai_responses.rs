//! OpenAI's Responses API: the request, and the decoder of its event stream. Nothing is kept at OpenAI: the history
//! goes with each request, reasoning as the encrypted blocks that came with the answer.
//! Format: <https://platform.openai.com/docs/api-reference/responses-streaming>.

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

/// The address of the API below its base address, which includes the version.
pub(super) fn url(base: &str) -> String {
    format!("{}/responses", base.trim_end_matches('/'))
}

/// The request's body. Models without reasoning refuse to be asked for it: `plain` leaves that out.
pub(super) fn body(request: &ModelRequest, plain: bool) -> Value {
    let mut input = Vec::new();
    for message in request.messages.iter() {
        match message.role {
            Role::User => user(message, request, &mut input),
            Role::Assistant => assistant(message, plain, &mut input),
        }
    }
    let mut body = json!({
        "model": request.model,
        "instructions": request.system.text(),
        "input": input,
        "stream": true,
        "store": false,
    });
    if let Some(most) = request.answer {
        body["max_output_tokens"] = json!(most);
    }
    if let Some(Thought::Effort(word)) = request.thought() {
        body["reasoning"] = json!({ "effort": word });
    }
    if !plain {
        body["include"] = json!(["reasoning.encrypted_content"]);
    }
    if !request.tools.is_empty() {
        body["tools"] = request.tools.iter().map(tool).collect();
        if !request.may_act {
            body["tool_choice"] = json!("none");
        }
    }
    body
}

/// Whether a refusal means that the model has no encrypted reasoning to give.
pub(super) fn wants_no_reasoning_back(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    message.contains("encrypted content is not supported") || message.contains("reasoning.encrypted_content")
}

/// The schema goes as it is: the strict form would demand every property and none besides.
fn tool(spec: &ToolSpec) -> Value {
    json!({
        "type": "function", "name": names::to_wire(&spec.name), "description": spec.description,
        "parameters": spec.parameters, "strict": false,
    })
}

/// Results go one by one, before anything that a person says.
fn user(message: &Message, request: &ModelRequest, out: &mut Vec<Value>) {
    let mut content = Vec::new();
    let mut say = |text: String| content.push(json!({ "type": "input_text", "text": text }));
    for part in &message.parts {
        match part {
            Part::Text { text } => say(text.clone()),
            Part::Note { note } => say(from_pryx(note)),
            Part::Data { label, text } => say(request.fence.data(label, text)),
            Part::ToolResult { id, result } => out.push(json!({
                "type": "function_call_output", "call_id": id, "output": request.fence.tool_result(result),
            })),
            Part::Image(_) | Part::ToolCall(_) | Part::Opaque { .. } => {}
        }
    }
    let images = message.parts.iter().filter_map(|part| match part {
        Part::Image(image) => Some(json!({ "type": "input_image", "image_url": image.data_url() })),
        _ => None,
    });
    content.extend(images);
    if !content.is_empty() {
        out.push(json!({ "role": "user", "content": content }));
    }
}

fn assistant(message: &Message, plain: bool, out: &mut Vec<Value>) {
    for part in &message.parts {
        match part {
            Part::Text { text } if !text.is_empty() => {
                let content = json!([{ "type": "output_text", "text": text }]);
                out.push(json!({ "type": "message", "role": "assistant", "content": content }));
            }
            Part::ToolCall(call) => {
                let arguments = if call.arguments.is_object() { call.arguments.to_string() } else { "{}".to_owned() };
                out.push(json!({
                    "type": "function_call", "call_id": call.id, "name": names::to_wire(&call.tool),
                    "arguments": arguments,
                }));
            }
            Part::Opaque { api: Api::OpenAiResponses, block } if !plain => out.push(block.clone()),
            Part::Opaque { .. } | Part::Text { .. } | Part::Note { .. } | Part::Data { .. } | Part::Image(_) => {}
            Part::ToolResult { .. } => {}
        }
    }
}

/// The decoder: events in, text as it comes, the whole answer at the end.
#[derive(Debug)]
pub(super) struct Decoder {
    tools: Vec<ToolSpec>,
    items: BTreeMap<u64, Item>,
    usage: Usage,
    refused: bool,
    end: Option<StopReason>,
}

#[derive(Debug)]
enum Item {
    Text(String),
    Call { id: String, name: String, arguments: String },
    Opaque(Value),
}

#[derive(Deserialize)]
struct Wire {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    output_index: u64,
    #[serde(default)]
    delta: Option<String>,
    #[serde(default)]
    arguments: Option<String>,
    #[serde(default)]
    item: Option<Value>,
    #[serde(default)]
    response: Option<WireResponse>,
}

#[derive(Deserialize)]
struct WireResponse {
    #[serde(default)]
    output: Vec<Value>,
    #[serde(default)]
    usage: Option<WireUsage>,
    #[serde(default)]
    incomplete_details: Option<Incomplete>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Incomplete {
    #[serde(default)]
    reason: Option<String>,
}

#[derive(Deserialize)]
struct WireUsage {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    #[serde(default)]
    input_tokens_details: Option<Details>,
    #[serde(default)]
    output_tokens_details: Option<Details>,
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
            items: BTreeMap::new(),
            usage: Usage::default(),
            refused: false,
            end: None,
        }
    }

    fn text(&mut self, index: u64, piece: String) -> Content {
        match self.items.entry(index).or_insert_with(|| Item::Text(String::new())) {
            Item::Text(text) => {
                text.push_str(&piece);
                Content::of(piece)
            }
            // A piece of text for a call makes no sense; the call is what counts.
            Item::Call { .. } | Item::Opaque(_) => Content::Nothing,
        }
    }

    fn arguments(&mut self, index: u64, piece: &str, whole: bool) {
        if let Some(Item::Call { arguments, .. }) = self.items.get_mut(&index) {
            if whole && !piece.is_empty() {
                arguments.clear();
            }
            arguments.push_str(piece);
        }
    }

    /// An item as it begins, or as it is at its end: then it tells everything that the pieces before it told.
    fn item(&mut self, index: u64, item: Value, done: bool) -> Content {
        let text = |key: &str| item.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        match item.get("type").and_then(Value::as_str) {
            Some("function_call") => {
                let mut arguments = text("arguments");
                if let (true, Some(Item::Call { arguments: before, .. })) =
                    (arguments.is_empty(), self.items.get_mut(&index))
                {
                    arguments = std::mem::take(before);
                }
                self.items.insert(index, Item::Call { id: text("call_id"), name: text("name"), arguments });
            }
            Some("message") => {
                let seen = matches!(self.items.get(&index), Some(Item::Text(text)) if !text.is_empty());
                let (whole, refusal) = message_text(&item);
                self.refused |= refusal;
                let new = if done && !seen { whole } else { String::new() };
                return self.text(index, new);
            }
            // Reasoning can be sent back only encrypted: nothing else of it is kept anywhere.
            Some("reasoning") if done && !text("encrypted_content").is_empty() => {
                let mut block = item;
                if let Some(fields) = block.as_object_mut() {
                    fields.remove("status");
                }
                self.items.insert(index, Item::Opaque(block));
            }
            _ => {}
        }
        Content::Nothing
    }

    /// The last event. Servers that send nothing before it are read too.
    fn end(&mut self, response: WireResponse, stop: StopReason) -> Content {
        let mut shown = String::new();
        if self.items.is_empty() {
            for (index, item) in (0..).zip(response.output) {
                if let Content::Text(text) = self.item(index, item, true) {
                    shown.push_str(&text);
                }
            }
        }
        if let Some(usage) = response.usage {
            let cached = usage.input_tokens_details.and_then(|details| details.cached_tokens);
            self.usage = Usage {
                input_tokens: usage.input_tokens.map(|all| all.saturating_sub(cached.unwrap_or(0))),
                output_tokens: usage.output_tokens,
                reasoning_tokens: usage.output_tokens_details.and_then(|details| details.reasoning_tokens),
                cache_read_tokens: cached,
                cache_write_tokens: None,
            };
        }
        let calls = self.items.values().any(|item| matches!(item, Item::Call { .. }));
        self.end = Some(match stop {
            StopReason::Done if self.refused => StopReason::Refusal,
            StopReason::Done if calls => StopReason::ToolCalls,
            stop => stop,
        });
        Content::of(shown)
    }
}

impl Decode for Decoder {
    fn event(&mut self, event: &SseEvent) -> Result<Content, Fault> {
        let data = event.data.trim();
        // Not of this format, but some servers that copy it end with it.
        if data.is_empty() || data == "[DONE]" {
            return Ok(Content::Nothing);
        }
        let value: Value = serde_json::from_str(data).map_err(|e| Fault::Malformed(e.to_string()))?;
        if event.name.as_deref() == Some("error") || value.get("type").and_then(Value::as_str) == Some("error") {
            return Err(reported(&value));
        }
        let wire: Wire = serde_json::from_value(value).map_err(|e| Fault::Malformed(e.to_string()))?;
        let index = wire.output_index;
        Ok(match (wire.kind.as_str(), wire.item, wire.response) {
            ("response.output_item.added", Some(item), _) => self.item(index, item, false),
            ("response.output_item.done", Some(item), _) => self.item(index, item, true),
            ("response.output_text.delta", ..) => self.text(index, wire.delta.unwrap_or_default()),
            ("response.refusal.delta", ..) => {
                self.refused = true;
                self.text(index, wire.delta.unwrap_or_default())
            }
            ("response.function_call_arguments.delta", ..) => {
                self.arguments(index, &wire.delta.unwrap_or_default(), false);
                Content::Nothing
            }
            ("response.function_call_arguments.done", ..) => {
                self.arguments(index, &wire.arguments.unwrap_or_default(), true);
                Content::Nothing
            }
            ("response.completed", _, Some(response)) => self.end(response, StopReason::Done),
            ("response.incomplete", _, Some(response)) => {
                let reason = response.incomplete_details.as_ref().and_then(|details| details.reason.as_deref());
                let stop = if reason == Some("content_filter") { StopReason::Refusal } else { StopReason::Length };
                self.end(response, stop)
            }
            ("response.failed", _, Some(response)) => return Err(reported(&response.error.unwrap_or_default())),
            _ => Content::Nothing,
        })
    }

    fn ended(&self) -> bool {
        self.end.is_some()
    }

    fn complete(&self) -> bool {
        self.ended()
    }

    fn finish(self: Box<Self>) -> Result<ModelAnswer, Fault> {
        let stop = self.end.ok_or(Fault::Truncated)?;
        let tools = self.tools;
        let part = |(index, item)| match item {
            Item::Text(text) if text.is_empty() => None,
            Item::Text(text) => Some(Part::Text { text }),
            Item::Opaque(block) => Some(Part::Opaque { api: Api::OpenAiResponses, block }),
            Item::Call { id, name, arguments } => {
                let id = if id.is_empty() { format!("call_{index}") } else { id };
                let arguments = if arguments.is_empty() { json!({}) } else { super::arguments(arguments) };
                Some(Part::ToolCall(ToolCall { id, tool: names::from_wire(&name, &tools), arguments }))
            }
        };
        let parts = self.items.into_iter().filter_map(part).collect();
        Ok(ModelAnswer { parts, stop, usage: self.usage, model: None })
    }
}

/// The text of a whole message, and whether it is a refusal.
fn message_text(item: &Value) -> (String, bool) {
    let content = item.get("content").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let text = |key: &'static str| content.iter().filter_map(move |part| part.get(key)?.as_str());
    let refusal: String = text("refusal").collect();
    let refused = !refusal.is_empty();
    (text("text").collect::<String>() + &refusal, refused)
}

fn reported(value: &Value) -> Fault {
    let words = said(value);
    let (code, message) = words.map_or_else(Default::default, |words| (words.code, words.message));
    // The event's own type is no code.
    let code = if code == "error" { String::new() } else { code };
    Fault::Reported { code, message }
}
