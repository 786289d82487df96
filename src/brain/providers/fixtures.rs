//! A conversation with everything in it, and a way to read a recorded stream: shared by the formats' tests.

use super::error::Fault;
use super::sse::SseParser;
use super::{Content, Decode, ModelRequest};
use crate::context::Fence;
use crate::message::{Message, ModelAnswer, Part, Role, ToolCall};
use pryx_terms::{ToolResult, ToolSpec};
use serde_json::json;
use std::sync::Arc;

pub(super) fn request() -> ModelRequest {
    let call = |id: &str, arguments| Part::ToolCall(ToolCall { id: id.into(), tool: "shell.exec".into(), arguments });
    let result = |id: &str, result| Part::ToolResult { id: id.into(), result };
    let data = Part::Data { label: "stdin".into(), text: "a log".into() };
    let messages = vec![
        Message::request("what is here?".into(), vec![data]),
        Message {
            role: Role::Assistant,
            parts: vec![
                Part::Text { text: "I look.".into() },
                call("a", json!({"command": "ls"})),
                call("b", json!("{\"comm")),
            ],
        },
        Message {
            role: Role::User,
            parts: vec![
                result("a", ToolResult::Text { text: "x\ny".into() }),
                result("b", ToolResult::Failed { message: "no JSON".into() }),
            ],
        },
        // The turn before failed after the results: the next request follows at once.
        Message::request("and now?".into(), Vec::new()),
    ];
    let spec = ToolSpec {
        name: "shell.exec".into(),
        description: "Runs a command.".into(),
        parameters: json!({"type": "object", "properties": {"command": {"type": "string"}}}),
    };
    ModelRequest {
        model: "some-model".into(),
        system: "You are pryx.".into(),
        messages: Arc::new(messages),
        tools: vec![spec].into(),
        fence: Arc::new(Fence::new("k3j9x2".into())),
        may_act: true,
    }
}

/// What would be shown of a stream, and the answer it comes to.
pub(super) fn decode(mut decoder: Box<dyn Decode>, stream: &str) -> (String, Result<ModelAnswer, Fault>) {
    let (mut parser, mut events, mut shown) = (SseParser::default(), Vec::new(), String::new());
    parser.push(stream.as_bytes(), &mut events).unwrap();
    events.extend(parser.finish().unwrap());
    for event in events {
        match decoder.event(&event) {
            Ok(Content::Text(text)) => shown.push_str(&text),
            Ok(Content::Nothing) => {}
            Err(fault) => return (shown, Err(fault)),
        }
    }
    (shown, decoder.finish())
}
