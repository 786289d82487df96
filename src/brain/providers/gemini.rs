//! Google's Gemini API: the request, and the decoder of `streamGenerateContent`. The key goes in a header, never in
//! the address. Format: <https://ai.google.dev/api/generate-content>.

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

/// Where a part keeps the proof of the reasoning behind it, which the API wants back with that part.
const SIGNATURE: &str = "thoughtSignature";

/// What the API takes for calls that another model made, which have no proof.
const NO_SIGNATURE: &str = "skip_thought_signature_validator";

/// The beginning of names that are given to calls here: older models name none of their calls, and a name that they
/// didn't give mustn't be sent back.
const INVENTED: &str = "pryx-call-";

/// The address for a model. Its name may come with or without the `models/` that the API lists it under.
pub(super) fn url(base: &str, model: &str) -> String {
    let model = if model.contains('/') { model.to_owned() } else { format!("models/{model}") };
    // What has a meaning in an address must not end the path.
    let model = model.replace('%', "%25").replace('?', "%3F").replace('#', "%23");
    format!("{}/{model}:streamGenerateContent?alt=sse", base.trim_end_matches('/'))
}

/// The request's body.
pub(super) fn body(request: &ModelRequest) -> Value {
    let mut body = json!({
        "systemInstruction": { "parts": [{ "text": request.system.text() }] },
        "contents": contents(request),
    });
    if let Some(most) = request.answer {
        body["generationConfig"]["maxOutputTokens"] = json!(most);
    }
    let thinking = match request.thought() {
        Some(Thought::Off) => json!({ "thinkingBudget": 0 }),
        Some(Thought::Budget(tokens)) => json!({ "thinkingBudget": tokens }),
        Some(Thought::Effort(word)) => json!({ "thinkingLevel": word }),
        Some(Thought::On) | None => Value::Null,
    };
    if !thinking.is_null() {
        body["generationConfig"]["thinkingConfig"] = thinking;
    }
    if !request.tools.is_empty() {
        let tools: Vec<Value> = request.tools.iter().map(tool).collect();
        body["tools"] = json!([{ "functionDeclarations": tools }]);
        if !request.may_act {
            body["toolConfig"] = json!({ "functionCallingConfig": { "mode": "NONE" } });
        }
    }
    body
}

fn tool(spec: &ToolSpec) -> Value {
    json!({
        "name": names::to_wire(&spec.name), "description": spec.description, "parametersJsonSchema": spec.parameters,
    })
}

/// The history. Messages of one speaker that follow each other become one.
fn contents(request: &ModelRequest) -> Vec<Value> {
    let mut out: Vec<(Role, Vec<Value>)> = Vec::new();
    let mut calls = BTreeMap::new();
    for message in request.messages.iter() {
        let parts = match message.role {
            Role::User => user(message, request, &calls),
            Role::Assistant => model(message, &mut calls),
        };
        match out.last_mut() {
            Some((role, before)) if *role == message.role => before.extend(parts),
            _ if parts.is_empty() => {}
            _ => out.push((message.role, parts)),
        }
    }
    let content = |(role, parts)| json!({ "role": if role == Role::User { "user" } else { "model" }, "parts": parts });
    out.into_iter().map(content).collect()
}

fn user(message: &Message, request: &ModelRequest, calls: &BTreeMap<&str, &str>) -> Vec<Value> {
    let part = |part: &Part| match part {
        Part::Text { text } => Some(json!({ "text": text })),
        Part::Note { note } => Some(json!({ "text": from_pryx(note) })),
        Part::Data { label, text } => Some(json!({ "text": request.fence.data(label, text) })),
        // Google reads every name in either spelling; servers in between know this one only as its examples write it.
        Part::Image(image) => Some(json!({
            "inline_data": { "mime_type": image.media_type(), "data": image.base64() },
        })),
        Part::ToolResult { id, result } => {
            let name = names::to_wire(calls.get(id.as_str()).copied().unwrap_or_default());
            let key = if super::is_error(result) { "error" } else { "output" };
            let response = json!({ key: request.fence.tool_result(result) });
            Some(json!({ "functionResponse": named(json!({ "name": name, "response": response }), id) }))
        }
        Part::ToolCall(_) | Part::Opaque { .. } => None,
    };
    message.parts.iter().filter_map(part).collect()
}

fn model<'a>(message: &'a Message, calls: &mut BTreeMap<&'a str, &'a str>) -> Vec<Value> {
    let mut out: Vec<Value> = Vec::new();
    // The proof that the next part has to carry.
    let mut proof: Option<&Value> = None;
    let mut proven = false;
    for part in &message.parts {
        let mut next = match part {
            Part::Text { text } => json!({ "text": text }),
            Part::ToolCall(call) => {
                calls.insert(&call.id, &call.tool);
                let arguments = if call.arguments.is_object() { call.arguments.clone() } else { json!({}) };
                let function = json!({ "name": names::to_wire(&call.tool), "args": arguments });
                json!({ "functionCall": named(function, &call.id) })
            }
            // A block with a text is a part of its own, one without belongs to the part behind it.
            Part::Opaque { api: Api::Gemini, block } if block.get("text").is_some() => block.clone(),
            Part::Opaque { api: Api::Gemini, block } => {
                proof = block.get(SIGNATURE);
                continue;
            }
            Part::Opaque { .. } | Part::Data { .. } | Part::Note { .. } | Part::Image(_) | Part::ToolResult { .. } => {
                continue;
            }
        };
        let call = matches!(part, Part::ToolCall(_));
        match proof.take() {
            Some(signature) => next[SIGNATURE] = signature.clone(),
            // Only the first of several calls has one.
            None if call && !proven => next[SIGNATURE] = json!(NO_SIGNATURE),
            None => {}
        }
        proven |= call;
        out.push(next);
    }
    out
}

/// With the call's name, where the model gave one.
fn named(mut function: Value, id: &str) -> Value {
    if !id.starts_with(INVENTED) {
        function["id"] = json!(id);
    }
    function
}

/// The decoder: events in, text as it comes, the whole answer at the end.
#[derive(Debug)]
pub(super) struct Decoder {
    tools: Vec<ToolSpec>,
    parts: Vec<Part>,
    calls: usize,
    usage: Usage,
    stop: Option<StopReason>,
    /// The last part is text with a proof: what follows must not be mixed with it.
    signed: bool,
    /// Names given here differ from those of the answers before.
    answers_before: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Chunk {
    #[serde(default)]
    candidates: Vec<Candidate>,
    #[serde(default)]
    prompt_feedback: Option<Feedback>,
    #[serde(default)]
    usage_metadata: Option<WireUsage>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate {
    #[serde(default)]
    content: Option<WireContent>,
    #[serde(default)]
    finish_reason: Option<String>,
    #[serde(default)]
    finish_message: Option<String>,
}

#[derive(Deserialize)]
struct WireContent {
    #[serde(default)]
    parts: Vec<WirePart>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WirePart {
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    thought: bool,
    #[serde(default)]
    thought_signature: Option<String>,
    #[serde(default)]
    function_call: Option<WireCall>,
}

#[derive(Deserialize)]
struct WireCall {
    #[serde(default)]
    id: Option<String>,
    name: String,
    #[serde(default)]
    args: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Feedback {
    #[serde(default)]
    block_reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireUsage {
    prompt_token_count: Option<u64>,
    cached_content_token_count: Option<u64>,
    candidates_token_count: Option<u64>,
    thoughts_token_count: Option<u64>,
}

impl Decoder {
    pub(super) fn new(request: &ModelRequest) -> Self {
        Self {
            tools: request.tools.to_vec(),
            parts: Vec::new(),
            calls: 0,
            usage: Usage::default(),
            stop: None,
            signed: false,
            answers_before: request.messages.len(),
        }
    }

    fn part(&mut self, part: WirePart) -> String {
        // A summary of reasoning isn't shown and not wanted back.
        let text = part.text.filter(|_| !part.thought).unwrap_or_default();
        let signature = part.thought_signature.filter(|signature| !signature.is_empty());
        if let Some(call) = part.function_call {
            self.sign(signature.map(|signature| json!({ SIGNATURE: signature })));
            self.call(call);
            return text;
        }
        match (signature, self.parts.last_mut()) {
            (Some(signature), _) if text.is_empty() => self.sign(Some(json!({ "text": "", SIGNATURE: signature }))),
            (Some(signature), _) => {
                self.sign(Some(json!({ SIGNATURE: signature })));
                self.parts.push(Part::Text { text: text.clone() });
                self.signed = true;
            }
            (None, _) if text.is_empty() => {}
            // Without a proof, text goes on where it stopped, unless that had one.
            (None, Some(Part::Text { text: before })) if !self.signed => before.push_str(&text),
            (None, _) => {
                self.parts.push(Part::Text { text: text.clone() });
                self.signed = false;
            }
        }
        text
    }

    fn sign(&mut self, block: Option<Value>) {
        self.parts.extend(block.map(|block| Part::Opaque { api: Api::Gemini, block }));
    }

    fn call(&mut self, call: WireCall) {
        let invented = || format!("{INVENTED}{}-{}", self.answers_before, self.calls);
        let id = call.id.filter(|id| !id.is_empty()).unwrap_or_else(invented);
        let arguments = if call.args.is_null() { json!({}) } else { call.args };
        self.calls += 1;
        self.parts.push(Part::ToolCall(ToolCall { id, tool: names::from_wire(&call.name, &self.tools), arguments }));
    }

    /// The counts are of the whole answer so far. Reasoning is counted apart from the rest of the answer.
    fn count(&mut self, usage: &WireUsage) {
        let cached = usage.cached_content_token_count;
        let thoughts = usage.thoughts_token_count;
        let output = match (usage.candidates_token_count, thoughts) {
            (None, None) => None,
            (shown, thoughts) => Some(shown.unwrap_or(0).saturating_add(thoughts.unwrap_or(0))),
        };
        let uncached = usage.prompt_token_count.map(|all| all.saturating_sub(cached.unwrap_or(0)));
        self.usage.input_tokens = uncached.or(self.usage.input_tokens);
        self.usage.output_tokens = output.or(self.usage.output_tokens);
        self.usage.reasoning_tokens = thoughts.or(self.usage.reasoning_tokens);
        self.usage.cache_read_tokens = cached.or(self.usage.cache_read_tokens);
    }
}

impl Decode for Decoder {
    fn event(&mut self, event: &SseEvent) -> Result<Content, Fault> {
        let data = event.data.trim();
        if data.is_empty() || data == "[DONE]" {
            return Ok(Content::Nothing);
        }
        let chunk: Chunk = serde_json::from_str(data).map_err(|e| Fault::Malformed(e.to_string()))?;
        if let Some(error) = chunk.error {
            let words = said(&error);
            let (code, message) = words.map_or_else(Default::default, |words| (words.code, words.message));
            return Err(Fault::Reported { code, message });
        }
        // Servers that copy the format send zeros where they counted nothing: no request has none.
        if let Some(usage) = chunk.usage_metadata.as_ref().filter(|usage| usage.prompt_token_count != Some(0)) {
            self.count(usage);
        }
        if chunk.prompt_feedback.is_some_and(|feedback| feedback.block_reason.is_some()) {
            self.stop = Some(StopReason::Refusal);
        }
        let mut shown = String::new();
        // Only one answer was asked for.
        if let Some(candidate) = chunk.candidates.into_iter().next() {
            for part in candidate.content.map(|content| content.parts).unwrap_or_default() {
                shown.push_str(&self.part(part));
            }
            if let Some(reason) = candidate.finish_reason {
                self.stop = Some(stop_reason(&reason, candidate.finish_message)?);
            }
        }
        Ok(Content::of(shown))
    }

    /// The format has no end of its own: counts may follow the reason to stop.
    fn ended(&self) -> bool {
        false
    }

    fn complete(&self) -> bool {
        self.stop.is_some()
    }

    fn finish(self: Box<Self>) -> Result<ModelAnswer, Fault> {
        let stop = match self.stop.ok_or(Fault::Truncated)? {
            StopReason::Done if self.calls > 0 => StopReason::ToolCalls,
            stop => stop,
        };
        Ok(ModelAnswer { parts: self.parts, stop, usage: self.usage, model: None })
    }
}

fn stop_reason(reason: &str, message: Option<String>) -> Result<StopReason, Fault> {
    Ok(match reason {
        "MAX_TOKENS" => StopReason::Length,
        "SAFETY" | "RECITATION" | "LANGUAGE" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII" | "IMAGE_SAFETY" => {
            StopReason::Refusal
        }
        // What the model wrote was no call that can be read: the next try mostly is.
        "MALFORMED_FUNCTION_CALL" | "UNEXPECTED_TOOL_CALL" => {
            return Err(Fault::Spoiled(message.unwrap_or_else(|| reason.to_owned())));
        }
        _ => StopReason::Done,
    })
}
