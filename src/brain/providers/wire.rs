//! What differs between the wire formats, in one match each: address, body, headers, framing, decoder, and the one
//! thing that a model may have to be asked without.

use super::error::{Kind, ProviderError};
use super::frames::Frames;
use super::sse::SseParser;
use super::{Decode, ModelRequest, anthropic, gemini, ollama, openai_chat, openai_responses};
use crate::message::Api;
use crate::model::ProviderConfig;
use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

/// The address of a request.
pub(super) fn url(config: &ProviderConfig, request: &ModelRequest) -> String {
    let base = &config.base_url;
    match config.api {
        Api::AnthropicMessages => anthropic::url(base),
        Api::OpenAiChat => openai_chat::url(base),
        Api::OpenAiResponses => openai_responses::url(base),
        Api::Gemini => gemini::url(base, &request.model),
        Api::Ollama => ollama::url(base),
    }
}

/// The body of a request. `plain` leaves out what the model refused (see [`wants_plain`]); `window` is what Ollama
/// is asked to read at once.
pub(super) fn body(api: Api, request: &ModelRequest, plain: bool, window: u32) -> Value {
    match api {
        Api::AnthropicMessages => anthropic::body(request),
        Api::OpenAiChat => openai_chat::body(request, plain),
        Api::OpenAiResponses => openai_responses::body(request, plain),
        Api::Gemini => gemini::body(request),
        Api::Ollama => ollama::body(request, window),
    }
}

/// Whether a refusal means that the model has to be asked without something, and what is said about it.
pub(super) fn wants_plain(api: Api, error: &ProviderError) -> Option<(&'static str, &'static str)> {
    if error.kind != Kind::BadRequest {
        return None;
    }
    match api {
        Api::OpenAiChat if openai_chat::wants_reasoning_off(&error.message) => {
            Some(("reasoning_off", "takes tools here only with its reasoning off"))
        }
        Api::OpenAiResponses if openai_responses::wants_no_reasoning_back(&error.message) => {
            Some(("reasoning_dropped", "doesn't hand out its reasoning"))
        }
        _ => None,
    }
}

/// The headers of a request, the key among them.
pub(super) fn headers(config: &ProviderConfig) -> Result<HeaderMap, ProviderError> {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let accept = if config.api == Api::Ollama { "application/x-ndjson" } else { "text/event-stream" };
    headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
    if config.api == Api::AnthropicMessages {
        headers.insert("anthropic-version", HeaderValue::from_static(anthropic::VERSION));
    }
    let Some(key) = &config.key else { return Ok(headers) };
    let key = key.expose().trim();
    let (name, value) = match config.api {
        Api::AnthropicMessages => (HeaderName::from_static("x-api-key"), key.to_owned()),
        Api::Gemini => (HeaderName::from_static("x-goog-api-key"), key.to_owned()),
        Api::OpenAiChat | Api::OpenAiResponses | Api::Ollama => (header::AUTHORIZATION, format!("Bearer {key}")),
    };
    let mut value = HeaderValue::from_str(&value).map_err(|_| {
        let source = &config.key_source;
        let message = format!("the key in {source} holds characters that no key has");
        ProviderError { kind: Kind::Unauthorized, message, hint: Some(format!("set {source} again")) }
    })?;
    value.set_sensitive(true);
    headers.insert(name, value);
    Ok(headers)
}

/// What cuts the answer into events.
pub(super) fn frames(api: Api) -> Frames {
    match api {
        Api::Ollama => Frames::Lines(Vec::new()),
        Api::AnthropicMessages | Api::OpenAiChat | Api::OpenAiResponses | Api::Gemini => {
            Frames::Sse(SseParser::default())
        }
    }
}

/// What reads the events.
pub(super) fn decoder(api: Api, request: &ModelRequest) -> Box<dyn Decode> {
    match api {
        Api::AnthropicMessages => Box::new(anthropic::Decoder::new(request)),
        Api::OpenAiChat => Box::new(openai_chat::Decoder::new(request)),
        Api::OpenAiResponses => Box::new(openai_responses::Decoder::new(request)),
        Api::Gemini => Box::new(gemini::Decoder::new(request)),
        Api::Ollama => Box::new(ollama::Decoder::new(request)),
    }
}
