//! The two formats as their makers document them: the streams that they send, and what they refuse.

use super::{Format, KEY, Received, Turn};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A turn as the events of a stream, each with its empty line.
pub fn stream(format: Format, turn: &Turn) -> Vec<String> {
    match format {
        Format::Anthropic => anthropic(turn),
        Format::OpenAi => openai(turn),
    }
}

/// Arguments in several pieces, cut without regard for what they say.
fn pieces(arguments: &Value) -> Vec<String> {
    let chars: Vec<char> = arguments.to_string().chars().collect();
    chars.chunks(chars.len().div_ceil(3).max(1)).map(String::from_iter).collect()
}

fn named(data: &Value) -> String {
    format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap_or_default())
}

/// What proves that a thought is the model's own.
fn signature(thought: &str) -> String {
    format!("signed {}", thought.len() * 7919)
}

fn anthropic(turn: &Turn) -> Vec<String> {
    let (input, output) = turn.usage.unwrap_or_default();
    let (read, write) = turn.cached.unwrap_or_default();
    let message = json!({
        "id": "msg_stub", "type": "message", "role": "assistant", "model": "stub", "content": [],
        "stop_reason": null, "stop_sequence": null,
        "usage": {"input_tokens": input, "cache_creation_input_tokens": write, "cache_read_input_tokens": read, "output_tokens": 1},
    });
    let mut events = vec![json!({"type": "message_start", "message": message}), json!({"type": "ping"})];
    let mut index = 0;
    let mut block = |start: Value, deltas: Vec<Value>| {
        events.push(json!({"type": "content_block_start", "index": index, "content_block": start}));
        events.extend(
            deltas.into_iter().map(|delta| json!({"type": "content_block_delta", "index": index, "delta": delta})),
        );
        events.push(json!({"type": "content_block_stop", "index": index}));
        index += 1;
    };
    if let Some(thought) = &turn.thought {
        let start = json!({"type": "thinking", "thinking": "", "signature": ""});
        let signed = json!({"type": "signature_delta", "signature": signature(thought)});
        block(start, vec![json!({"type": "thinking_delta", "thinking": thought}), signed]);
    }
    if !turn.text.is_empty() {
        let deltas = turn.text.iter().map(|text| json!({"type": "text_delta", "text": text}));
        block(json!({"type": "text", "text": ""}), deltas.collect());
    }
    for (number, (tool, arguments)) in turn.calls.iter().enumerate() {
        let start = json!({"type": "tool_use", "id": format!("toolu_{number}"), "name": tool, "input": {}});
        let pieces = std::iter::once(String::new()).chain(pieces(arguments));
        block(start, pieces.map(|json| json!({"type": "input_json_delta", "partial_json": json})).collect());
    }
    let stop = if turn.cut {
        "max_tokens"
    } else if turn.calls.is_empty() {
        "end_turn"
    } else {
        "tool_use"
    };
    let delta = json!({"stop_reason": stop, "stop_sequence": null});
    events.push(json!({"type": "message_delta", "delta": delta, "usage": {"output_tokens": output}}));
    events.push(json!({"type": "message_stop"}));
    events.iter().map(named).collect()
}

fn openai(turn: &Turn) -> Vec<String> {
    let chunk = |choices: Value, usage: Value| {
        let data = json!({
            "id": "chatcmpl-stub", "object": "chat.completion.chunk", "created": 1_790_000_000, "model": "stub",
            "system_fingerprint": "fp", "choices": choices, "usage": usage,
        });
        format!("data: {data}\n\n")
    };
    let delta = |delta: Value, finish: Value| {
        chunk(json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}]), Value::Null)
    };
    let mut events = vec![delta(json!({"role": "assistant", "content": "", "refusal": null}), Value::Null)];
    events.extend(turn.text.iter().map(|text| delta(json!({"content": text}), Value::Null)));
    for (index, (tool, arguments)) in turn.calls.iter().enumerate() {
        let function = json!({"name": tool, "arguments": ""});
        let start = json!({"index": index, "id": format!("call_{index}"), "type": "function", "function": function});
        events.push(delta(json!({"tool_calls": [start]}), Value::Null));
        events.extend(pieces(arguments).into_iter().map(|json| {
            delta(json!({"tool_calls": [{"index": index, "function": {"arguments": json}}]}), Value::Null)
        }));
    }
    let stop = if turn.cut {
        "length"
    } else if turn.calls.is_empty() {
        "stop"
    } else {
        "tool_calls"
    };
    events.push(delta(json!({}), json!(stop)));
    if let Some((input, output)) = turn.usage {
        let read = turn.cached.map_or(0, |(read, _)| read);
        let input = input + read;
        let details = json!({"cached_tokens": read, "audio_tokens": 0});
        let usage = json!({
            "prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output,
            "prompt_tokens_details": details,
        });
        events.push(chunk(json!([]), usage));
    }
    events.push("data: [DONE]\n\n".to_owned());
    events
}

/// How a provider words a status.
pub fn words(status: u16) -> &'static str {
    match status {
        401 => "invalid x-api-key",
        403 => "Your API key does not have permission to use the specified resource.",
        404 => "model: no-such-model",
        429 => "This request would exceed your rate limit.",
        529 => "Overloaded",
        _ => "Internal server error",
    }
}

/// The body of an error.
pub fn error_body(format: Format, status: u16, words: &str) -> Value {
    let kind = match status {
        400 => "invalid_request_error",
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        _ => "api_error",
    };
    match format {
        Format::Anthropic => {
            json!({"type": "error", "error": {"type": kind, "message": words}, "request_id": "req_stub"})
        }
        Format::OpenAi => json!({"error": {"message": words, "type": kind, "param": null, "code": null}}),
    }
}

/// An error in the midst of a stream.
pub fn error_event(format: Format) -> String {
    let body = error_body(format, 529, words(529));
    match format {
        Format::Anthropic => named(&body),
        Format::OpenAi => format!("data: {body}\n\n"),
    }
}

/// The texts of a message's tool results.
pub fn tool_results(format: Format, body: &Value) -> Vec<String> {
    let messages = body["messages"].as_array().cloned().unwrap_or_default();
    match format {
        Format::Anthropic => {
            let last = messages.last().map(|m| m["content"].clone()).unwrap_or_default();
            let blocks = last.as_array().cloned().unwrap_or_default();
            blocks.iter().filter(|b| b["type"] == "tool_result").map(|b| text(&b["content"])).collect()
        }
        Format::OpenAi => {
            let last: Vec<&Value> = messages.iter().rev().take_while(|m| m["role"] == "tool").collect();
            last.into_iter().rev().map(|m| text(&m["content"])).collect()
        }
    }
}

/// A content that is a string or a list of blocks.
fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => blocks.iter().map(|b| b["text"].as_str().unwrap_or_default()).collect(),
        _ => String::new(),
    }
}

/// What the real provider would refuse about a request, with the status.
pub fn complaint(format: Format, request: &Received) -> Option<(u16, String)> {
    let header = |name: &str| request.headers.get(name).map(String::as_str).unwrap_or_default();
    let (path, key) = match format {
        Format::Anthropic => ("/v1/messages", header("x-api-key") == KEY),
        Format::OpenAi => ("/v1/chat/completions", header("authorization") == format!("Bearer {KEY}")),
    };
    if request.path != path {
        return Some((404, format!("there is nothing at {}", request.path)));
    }
    if !key {
        return Some((401, words(401).to_owned()));
    }
    let wrong = match format {
        Format::Anthropic => anthropic_complaint(&request.body).or_else(|| {
            (header("anthropic-version") != "2023-06-01").then(|| "anthropic-version: header is required".into())
        }),
        Format::OpenAi => openai_complaint(&request.body),
    };
    let wrong = wrong.or_else(|| tool_names(format, &request.body));
    wrong.map(|words| (400, words))
}

fn tool_names(format: Format, body: &Value) -> Option<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    body["tools"].as_array()?.iter().find_map(|tool| {
        let (tool, schema) = match format {
            Format::Anthropic => (tool, "input_schema"),
            Format::OpenAi => (&tool["function"], "parameters"),
        };
        let name = tool["name"].as_str().unwrap_or_default();
        let good = !name.is_empty() && name.len() <= 64 && name.chars().all(allowed);
        if !good {
            return Some(format!("tools: {name:?} should match ^[a-zA-Z0-9_-]{{1,64}}$"));
        }
        (tool[schema]["type"] != "object").then(|| format!("tools.{name}.{schema}: must be an object schema"))
    })
}

fn anthropic_complaint(body: &Value) -> Option<String> {
    if !body["max_tokens"].is_u64() {
        return Some("max_tokens: Field required".into());
    }
    if let Some(words) = thinking_complaint(body) {
        return Some(words);
    }
    let messages = body["messages"].as_array()?;
    let mut last_role = "";
    let mut open: BTreeSet<String> = BTreeSet::new();
    for (at, message) in messages.iter().enumerate() {
        let role = message["role"].as_str().unwrap_or_default();
        if !["user", "assistant"].contains(&role) || role == last_role || (at == 0 && role != "user") {
            return Some(format!("messages.{at}: roles must alternate between \"user\" and \"assistant\""));
        }
        last_role = role;
        let blocks = message["content"].as_array().cloned().unwrap_or_default();
        let ids = |kind: &str, key: &str| -> BTreeSet<String> {
            let of_kind = blocks.iter().filter(|b| b["type"] == kind);
            of_kind.filter_map(|b| b[key].as_str().map(str::to_owned)).collect()
        };
        if blocks.iter().any(|b| b["type"] == "text" && b["text"].as_str().is_none_or(|t| t.trim().is_empty())) {
            return Some(format!("messages.{at}: text content blocks must be non-empty"));
        }
        if ids("tool_result", "tool_use_id") != open {
            return Some(format!(
                "messages.{at}: tool_use ids were found without tool_result blocks immediately after"
            ));
        }
        open = ids("tool_use", "id");
        if blocks.iter().any(|b| b["type"] == "tool_use" && !b["input"].is_object()) {
            return Some(format!("messages.{at}: tool_use.input: Input should be a valid dictionary"));
        }
    }
    (last_role != "user" || !open.is_empty()).then(|| "messages: final message must be from the user".into())
}

/// A model called "old" takes a number of tokens alone, one called "new" a word alone.
fn thinking_complaint(body: &Value) -> Option<String> {
    let (thinking, model) = (&body["thinking"], body["model"].as_str().unwrap_or_default());
    let budget = thinking["budget_tokens"].as_u64();
    let wrong = match thinking["type"].as_str() {
        None => None,
        Some("enabled") if model.contains("new") => Some("\"thinking.type.enabled\" is not supported for this model"),
        Some("enabled") if budget.is_none_or(|budget| budget < 1_024) => Some("thinking.budget_tokens: too few"),
        Some("enabled") if budget >= body["max_tokens"].as_u64() => {
            Some("`max_tokens` must be greater than `thinking.budget_tokens`")
        }
        Some("adaptive") if model.contains("old") => Some("adaptive thinking is not supported on this model"),
        Some("enabled" | "adaptive") => None,
        Some(_) => Some("thinking.type: Input tag is none of those expected"),
    };
    if wrong.is_some() {
        return wrong.map(str::to_owned);
    }
    let messages = body["messages"].as_array()?;
    let blocks = |message: &Value| message["content"].as_array().cloned().unwrap_or_default();
    let thoughts = messages.iter().flat_map(blocks).filter(|block| block["type"] == "thinking");
    for block in thoughts {
        if block["signature"] != json!(signature(block["thinking"].as_str().unwrap_or_default())) {
            return Some("messages: Invalid `signature` in `thinking` block".into());
        }
    }
    let acts =
        |message: &&Value| message["role"] == "assistant" && blocks(message).iter().any(|b| b["type"] == "tool_use");
    let under_way = messages.last().is_some_and(|last| blocks(last).iter().any(|b| b["type"] == "tool_result"));
    let act = messages.iter().rev().find(acts).filter(|_| under_way && !thinking.is_null())?;
    (blocks(act).first().is_some_and(|first| first["type"] != "thinking"))
        .then(|| "messages: Expected `thinking` or `redacted_thinking`, but found `tool_use`".into())
}

fn openai_complaint(body: &Value) -> Option<String> {
    if !body["model"].is_string() {
        return Some("you must provide a model parameter".into());
    }
    let effort = &body["reasoning_effort"];
    if !effort.is_null() && body["model"] == "plain" {
        return Some("Unsupported parameter: 'reasoning_effort' is not supported with this model.".into());
    }
    let mut open: BTreeSet<String> = BTreeSet::new();
    for (at, message) in body["messages"].as_array()?.iter().enumerate() {
        match message["role"].as_str().unwrap_or_default() {
            "tool" => {
                if !open.remove(message["tool_call_id"].as_str().unwrap_or_default()) {
                    return Some(format!("messages.{at}: a 'tool' message must follow its 'tool_calls'"));
                }
            }
            role @ ("system" | "developer" | "user" | "assistant") => {
                if !open.is_empty() {
                    return Some("an assistant message with 'tool_calls' must be followed by tool messages".into());
                }
                let calls = message["tool_calls"].as_array().cloned().unwrap_or_default();
                if message["content"].is_null() && (role != "assistant" || calls.is_empty()) {
                    return Some(format!("messages.{at}.content: expected a string, got null"));
                }
                for call in calls {
                    let arguments = call["function"]["arguments"].as_str().unwrap_or("\u{0}");
                    if serde_json::from_str::<Value>(arguments).is_err() {
                        return Some(format!("messages.{at}: arguments are no JSON"));
                    }
                    open.insert(call["id"].as_str().unwrap_or_default().to_owned());
                }
            }
            other => return Some(format!("messages.{at}.role: {other:?} is none")),
        }
    }
    (!open.is_empty()).then(|| "tool calls were not answered".into())
}
