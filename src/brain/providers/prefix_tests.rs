//! What a provider's cache lives on: between two rounds of making room, each request begins with all that the one before
//! it said, in every format.

use super::fixtures::{request, rich_request};
use super::{ModelRequest, wire};
use crate::message::{Api, Message, Part, Role, ToolCall};
use proptest::prelude::*;
use pryx_terms::ToolResult;
use serde_json::json;
use std::sync::Arc;

const APIS: [Api; 5] = [Api::AnthropicMessages, Api::OpenAiChat, Api::OpenAiResponses, Api::Gemini, Api::Ollama];

/// A request in the order in which a model reads it, as pieces: tools, system prompt, conversation. Marks aren't read.
fn pieces(api: Api, messages: &[Message]) -> Vec<String> {
    let request = ModelRequest { messages: Arc::new(messages.to_vec()), ..request() };
    let body = wire::body(api, &request, false, 16_384);
    let mut pieces = vec![body["tools"].to_string()];
    for key in ["system", "instructions", "systemInstruction"] {
        pieces.push(body[key].to_string());
    }
    let said = ["messages", "input", "contents"].into_iter().find_map(|key| body[key].as_array()).unwrap();
    for message in said {
        // Messages of one speaker are joined in some formats: then the next one goes on where the last one ended.
        match ["content", "parts"].into_iter().find_map(|key| message[key].as_array()) {
            Some(blocks) => pieces.extend(blocks.iter().map(|block| {
                let mut block = block.clone();
                block.as_object_mut().map(|fields| fields.remove("cache_control"));
                format!("{} {block}", message["role"])
            })),
            None => pieces.push(message.to_string()),
        }
    }
    pieces
}

/// One step of a conversation: what is asked, what the model does, what came of it; or a turn that failed before.
fn step() -> impl Strategy<Value = (String, Vec<String>, bool)> {
    ("[a-zä<>\"\\\\ ]{0,12}", prop::collection::vec("[a-z ]{0,9}", 0..3), any::<bool>())
}

fn conversation(steps: &[(String, Vec<String>, bool)]) -> Vec<Message> {
    let mut messages = rich_request(Api::AnthropicMessages).messages.to_vec();
    for (at, (text, commands, answered)) in steps.iter().enumerate() {
        messages.push(Message::request(format!("{text}?"), Vec::new()));
        if commands.is_empty() && !answered {
            continue;
        }
        let id = |call: usize| format!("c{at}-{call}");
        let mut parts = vec![Part::Text { text: format!("step {at}") }];
        parts.extend(commands.iter().enumerate().map(|(call, command)| {
            let arguments = json!({ "command": command });
            Part::ToolCall(ToolCall { id: id(call), tool: "shell.exec".into(), arguments })
        }));
        messages.push(Message { role: Role::Assistant, parts });
        if commands.is_empty() {
            continue;
        }
        let result = |call| Part::ToolResult { id: id(call), result: ToolResult::Text { text: text.clone() } };
        let mut parts: Vec<Part> = (0..commands.len()).map(result).collect();
        parts.push(Part::Note { note: format!("note {at}") });
        messages.push(Message { role: Role::User, parts });
    }
    messages
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_longer_conversation_begins_with_the_shorter_one(steps in prop::collection::vec(step(), 1..12)) {
        let messages = conversation(&steps);
        for api in APIS {
            let mut before: Vec<String> = Vec::new();
            // A request goes out whenever the person or the machine spoke last.
            let asked = (1..=messages.len()).filter(|end| messages[end - 1].role == Role::User);
            for end in asked {
                let now = pieces(api, &messages[..end]);
                let at = before.iter().zip(&now).position(|(before, now)| before != now);
                prop_assert!(now.len() >= before.len() && at.is_none(), "{:?}: {:?}\n{:?}", api, at.map(|at| &before[at]), at.map(|at| &now[at]));
                before = now;
            }
        }
    }
}

#[test]
fn a_request_is_the_same_bytes_every_time() {
    for api in APIS {
        let body = |_| wire::body(api, &rich_request(api), false, 16_384).to_string();
        let bodies: Vec<String> = (0..5).map(body).collect();
        assert!(bodies.iter().all(|body| *body == bodies[0]), "{api:?}");
    }
}
