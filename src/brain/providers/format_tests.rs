//! Responses, Gemini and Ollama over a real socket: where the request goes, where the key is, and what each does
//! that the others don't.

use super::error::Kind;
use super::fixtures::{config, provider, request, rich_request};
use super::stub::{Say, Server, json, reply, stream};
use super::*;
use crate::message::{Api, Part, StopReason};
use crate::model::{Limits, ProviderConfig};
use std::time::Duration;

const RESPONSES: &str = include_str!("../golden/exchanges/openai-responses.parallel-calls.stream");
const GEMINI: &str = include_str!("../golden/exchanges/gemini.parallel-calls.stream");
const OLLAMA: &str = include_str!("../golden/exchanges/ollama.parallel-calls.stream");

async fn ask(
    api: Api,
    script: Vec<Say>,
    request: ModelRequest,
) -> (Server, Result<ModelAnswer, ProviderError>, Vec<ModelEvent>) {
    let server = Server::start(script);
    let patience = Patience { retry: Duration::from_millis(2), ..Patience::default() };
    let asked = provider(config(api, &server.address), patience);
    let (sink, mut events) = mpsc::channel(256);
    let answer = asked.stream(request, sink).await;
    let mut told = Vec::new();
    while let Ok(event) = events.try_recv() {
        told.push(event);
    }
    (server, answer, told)
}

fn notices(told: &[ModelEvent]) -> Vec<&'static str> {
    let code = |event: &ModelEvent| match event {
        ModelEvent::Notice { code, .. } => Some(*code),
        ModelEvent::Text(_) | ModelEvent::Prepared { .. } | ModelEvent::Waits(_) | ModelEvent::BudgetReached(_) => None,
    };
    told.iter().filter_map(code).collect()
}

#[tokio::test]
async fn a_byte_at_a_time_and_the_key_in_its_header() {
    for (api, body, path, header) in [
        (Api::OpenAiResponses, RESPONSES, "post /responses http", "authorization: bearer sk-very-secret"),
        (
            Api::Gemini,
            GEMINI,
            "post /models/some-model:streamgeneratecontent?alt=sse http",
            "x-goog-api-key: sk-very-secret",
        ),
        (Api::Ollama, OLLAMA, "post /api/chat http", "authorization: bearer sk-very-secret"),
    ] {
        let (server, answer, told) = ask(api, vec![Say::Bytewise(body)], request()).await;
        let answer = answer.unwrap();
        assert_eq!((answer.text().as_str(), answer.stop), ("Ich sehe nach: 🦀.", StopReason::ToolCalls), "{api:?}");
        let calls = answer.parts.iter().filter(|part| matches!(part, Part::ToolCall(_))).count();
        assert_eq!((calls, notices(&told).len()), (2, 0), "{api:?}");
        let head = server.requests()[0].split("\r\n\r\n").next().unwrap().to_ascii_lowercase();
        assert!(head.starts_with(path) && head.contains(header), "{head}");
        assert_eq!(head.matches("sk-very-secret").count(), 1, "{head}");
    }
}

#[tokio::test]
async fn gemini_says_bad_key_and_wait_in_its_own_way() {
    let bad = r#"{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}"#;
    let (_, answer, _) = ask(Api::Gemini, vec![json("400 Bad Request", bad)], request()).await;
    let error = answer.unwrap_err();
    assert!(error.kind == Kind::Unauthorized && error.hint.unwrap().contains("GEMINI_API_KEY"));
    let wait =
        r#"{"error":{"code":429,"message":"quota","status":"RESOURCE_EXHAUSTED","details":[{"retryDelay":"0.05s"}]}}"#;
    let begun = std::time::Instant::now();
    let (server, answer, told) =
        ask(Api::Gemini, vec![json("429 Too Many Requests", wait), stream(GEMINI)], request()).await;
    answer.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(50) && server.requests().len() == 2);
    assert_eq!(notices(&told), ["provider_retry"]);
}

#[tokio::test]
async fn a_call_that_cannot_be_read_is_asked_for_again() {
    let spoiled = include_str!("../golden/exchanges/gemini.malformed-call.stream");
    let (server, answer, told) = ask(Api::Gemini, vec![stream(spoiled), stream(GEMINI)], request()).await;
    assert_eq!((answer.unwrap().stop, server.requests().len()), (StopReason::ToolCalls, 2));
    assert_eq!(notices(&told), ["provider_retry"]);
}

#[tokio::test]
async fn a_model_without_reasoning_is_asked_without_it() {
    let refusal = r#"{"error":{"message":"Encrypted content is not supported with this model.","type":"invalid_request_error","param":"include"}}"#;
    let script = vec![json("400 Bad Request", refusal), stream(RESPONSES)];
    let (server, answer, told) = ask(Api::OpenAiResponses, script, rich_request(Api::OpenAiResponses)).await;
    answer.unwrap();
    let requests = server.requests();
    assert!(requests[0].contains("encrypted_content\":\"gAA") && requests[0].contains("reasoning.encrypted_content"));
    assert!(!requests[1].contains("encrypted_content"));
    assert_eq!(notices(&told), ["reasoning_dropped"]);
}

#[tokio::test]
async fn ollamas_window_grows_with_the_conversation_and_never_shrinks() {
    let server = Server::start(vec![stream(OLLAMA); 4]);
    let asked = provider(config(Api::Ollama, &server.address), Patience::default());
    let long = |guessed| ModelRequest { guessed, ..request() };
    for tokens in [10, 30_000, 10] {
        asked.stream(long(tokens), mpsc::channel(64).0).await.unwrap();
    }
    let limits = Limits { context: Some(5_000), ..Limits::default() };
    let own = ProviderConfig { limits, ..config(Api::Ollama, &server.address) };
    provider(own, Patience::default()).stream(long(3_000), mpsc::channel(64).0).await.unwrap();
    for (request, window) in server.requests().iter().zip([16_384, 65_536, 65_536, 5_000]) {
        assert!(request.contains(&format!("\"num_ctx\":{window}")), "not {window}");
    }
}

#[tokio::test]
async fn a_model_that_is_not_there_and_a_fault_in_the_middle() {
    let missing = json("404 Not Found", r#"{"error":"model 'some-model' not found"}"#);
    let (_, answer, _) = ask(Api::Ollama, vec![missing], request()).await;
    let error = answer.unwrap_err();
    assert!(error.kind == Kind::NotFound && error.message.contains("some-model' not found"), "{error}");
    let head = "Content-Type: application/x-ndjson\r\n";
    let fault = reply("200 OK", head, "{\"error\":\"unexpected EOF\"}\n");
    let (server, answer, _) = ask(Api::Ollama, vec![fault, reply("200 OK", head, OLLAMA)], request()).await;
    answer.unwrap();
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_model_that_sees_nothing_is_named_as_the_cause() {
    let refusal = json("400 Bad Request", r#"{"error":{"message":"image input is not supported"}}"#);
    for api in [Api::OpenAiChat, Api::OpenAiResponses, Api::Gemini, Api::Ollama, Api::AnthropicMessages] {
        let (_, answer, _) = ask(api, vec![refusal.clone()], rich_request(api)).await;
        let error = answer.unwrap_err();
        assert!(error.kind == Kind::BadRequest && error.hint.unwrap().contains("--image"), "{api:?}");
    }
    let (_, answer, _) = ask(Api::Gemini, vec![refusal], request()).await;
    assert!(!answer.unwrap_err().hint.unwrap().contains("--image"));
}
