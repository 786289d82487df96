//! A conversation with everything in it, and a way to read a recorded stream: shared by the formats' tests.

use super::error::Fault;
use super::sse::SseParser;
use super::{Candidate, Chain, Content, Decode, ModelRequest, Patience, Route, wire};
use crate::catalog::ModelInfo;
use crate::context::{Fence, System};
use crate::image::Image;
use crate::message::{Api, Message, ModelAnswer, Part, Role, ToolCall};
use crate::model::{Limits, ModelSpec, ProviderConfig};
use pryx_terms::{Secret, ToolResult, ToolSpec};
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
        system: Arc::new(System { rules: "You are pryx.", place: "Directory: /w".into() }),
        messages: Arc::new(messages),
        tools: vec![spec].into(),
        fence: Arc::new(Fence::new("k3j9x2".into())),
        may_act: true,
        guessed: 400,
        answer: None,
        think: None,
        thoughts: Vec::new(),
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

/// A provider of each format, with a key.
pub(super) fn config(api: Api, base_url: &str) -> ProviderConfig {
    let (name, key_source) = match api {
        Api::AnthropicMessages => ("anthropic", "ANTHROPIC_API_KEY"),
        Api::OpenAiChat | Api::OpenAiResponses => ("openai", "OPENAI_API_KEY"),
        Api::Gemini => ("gemini", "GEMINI_API_KEY"),
        Api::Ollama => ("ollama", "OLLAMA_API_KEY"),
    };
    ProviderConfig {
        name: name.into(),
        api,
        base_url: base_url.into(),
        key: Some(Secret::new("sk-very-secret".into())),
        key_source: key_source.into(),
        limits: Limits::default(),
    }
}

/// The only model of a session, as the others of it would be asked.
pub(super) fn provider(config: ProviderConfig, patience: Patience) -> Chain {
    let model = ModelSpec { provider: config.name.clone(), model: "some-model".to_owned() };
    Chain::new(Route {
        candidates: vec![Candidate { model, provider: config, info: ModelInfo::default() }],
        patience,
        traffic: Arc::default(),
        redact: false,
        chosen: None,
    })
}

/// The conversation with a picture, and with what the format wants back of an answer.
pub(super) fn rich_request(api: Api) -> ModelRequest {
    let request = request();
    let mut messages = request.messages.to_vec();
    let image = Image::new(b"GIF89a, a very small one".to_vec()).unwrap();
    messages[0].parts.push(Part::Image(image));
    messages[0].parts.push(Part::Note { note: "the date is 2026-11-20".into() });
    let own = match api {
        Api::AnthropicMessages => json!({"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}),
        Api::OpenAiChat => json!({"model": "some-model", "reasoning_content": "Hm."}),
        Api::OpenAiResponses => json!({"type": "reasoning", "id": "rs_1", "encrypted_content": "gAA", "summary": []}),
        Api::Gemini => json!({"thoughtSignature": "c2ln"}),
        Api::Ollama => json!({"thinking": "Hm."}),
    };
    // Gemini's proof belongs to the part behind it, which is the first call; the others think before they speak.
    let at = if api == Api::Gemini { 1 } else { 0 };
    messages[1].parts.insert(at, Part::Opaque { api, block: own });
    let foreign = if api == Api::Gemini { Api::OpenAiResponses } else { Api::Gemini };
    messages[1].parts.insert(0, Part::Opaque { api: foreign, block: json!({"foreign": "block"}) });
    ModelRequest { messages: Arc::new(messages), ..request }
}

/// What would be shown of a stream that comes in chunks of such sizes, and the answer it comes to.
pub(super) fn decode_in_chunks(api: Api, stream: &[u8], sizes: &[usize]) -> (String, Result<ModelAnswer, Fault>) {
    let mut decoder = wire::decoder(api, &request());
    let (mut frames, mut events, mut shown) = (wire::frames(api), Vec::new(), String::new());
    let (mut rest, mut sizes) = (stream, sizes.iter().cycle());
    while !rest.is_empty() {
        let (chunk, next) = rest.split_at((*sizes.next().unwrap()).clamp(1, rest.len()));
        frames.push(chunk, &mut events).unwrap();
        rest = next;
    }
    events.extend(frames.finish().unwrap());
    for event in events {
        match decoder.event(&event) {
            Ok(Content::Text(text)) => shown.push_str(&text),
            Ok(Content::Nothing) => {}
            Err(fault) => return (shown, Err(fault)),
        }
    }
    (shown, decoder.finish())
}
