//! The providers against a real server on a real socket, which says exactly what a test makes it say.

use super::error::Kind;
use super::fixtures::{config, provider, request};
use super::stub::{STREAM_HEAD, Say, Server, json, reply, stream};
use super::*;
use crate::message::{Api, Part, StopReason};
use crate::model::ProviderConfig;
use pryx_terms::Secret;
use std::io::Read;
use std::net::TcpListener;
use std::time::{Duration, Instant};

const ANTHROPIC_STREAM: &str = concat!(
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":9}}}\n\n",
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Größe: 🦀\"}}\n\n",
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":4}}\n\n",
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
);

const OPENAI_STREAM: &str = concat!(
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Größe: 🦀\"},\"finish_reason\":null}]}\r\n\r\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"shell_exec\",\"arguments\":\"{\\\"command\\\": \\\"ls\\\"}\"}}]},\"finish_reason\":null}]}\r\n\r\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\r\n\r\n",
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":4}}\r\n\r\n",
    "data: [DONE]\r\n\r\n",
);

fn patience() -> Patience {
    let long = Duration::from_secs(20);
    Patience { connect: long, first_byte: long, idle: long, retry: Duration::from_millis(2) }
}

/// Asks once; gives the answer and everything that was told on the way.
async fn ask(config: ProviderConfig, patience: Patience) -> (Result<ModelAnswer, ProviderError>, Vec<ModelEvent>) {
    let asked = provider(config, patience);
    let (sink, mut events) = mpsc::channel(64);
    let told = async {
        let mut told = Vec::new();
        while let Some(event) = events.recv().await {
            told.push(event);
        }
        told
    };
    tokio::join!(asked.stream(request(), sink), told)
}

async fn openai(script: Vec<Say>) -> (Server, Result<ModelAnswer, ProviderError>, Vec<ModelEvent>) {
    let server = Server::start(script);
    let (answer, told) = ask(config(Api::OpenAiChat, &server.address), patience()).await;
    (server, answer, told)
}

fn text(told: &[ModelEvent]) -> String {
    told.iter().map(|event| if let ModelEvent::Text(text) = event { text.as_str() } else { "" }).collect()
}

fn notices(told: &[ModelEvent]) -> Vec<String> {
    let words = |event: &ModelEvent| match event {
        ModelEvent::Notice { message, .. } => Some(message.clone()),
        ModelEvent::Text(_) | ModelEvent::Prepared { .. } | ModelEvent::Waits(_) | ModelEvent::BudgetReached(_) => None,
    };
    told.iter().filter_map(words).collect()
}

fn codes(told: &[ModelEvent]) -> Vec<&'static str> {
    let code = |event: &ModelEvent| match event {
        ModelEvent::Notice { code, .. } => Some(*code),
        ModelEvent::Text(_) | ModelEvent::Prepared { .. } | ModelEvent::Waits(_) | ModelEvent::BudgetReached(_) => None,
    };
    told.iter().filter_map(code).collect()
}

#[tokio::test]
async fn anthropic_a_byte_at_a_time() {
    let server = Server::start(vec![Say::Bytewise(ANTHROPIC_STREAM)]);
    let (answer, told) = ask(config(Api::AnthropicMessages, &server.address), patience()).await;
    let answer = answer.unwrap();
    assert_eq!((text(&told).as_str(), answer.text().as_str()), ("Größe: 🦀", "Größe: 🦀"));
    assert_eq!((answer.usage.input_tokens, answer.usage.output_tokens), (Some(9), Some(4)));
    let request = server.requests().remove(0);
    let head = request.split("\r\n\r\n").next().unwrap().to_ascii_lowercase();
    assert!(head.starts_with("post /v1/messages http/1.1"), "{head}");
    assert!(head.contains("x-api-key: sk-very-secret") && head.contains("anthropic-version: 2023-06-01"), "{head}");
    assert!(!head.contains("authorization"), "{head}");
}

#[tokio::test]
async fn openai_a_byte_at_a_time() {
    let (server, answer, told) = openai(vec![Say::Bytewise(OPENAI_STREAM)]).await;
    let answer = answer.unwrap();
    assert_eq!((text(&told).as_str(), answer.stop), ("Größe: 🦀", StopReason::ToolCalls));
    assert!(matches!(&answer.parts[1], Part::ToolCall(call) if call.tool == "shell.exec"));
    assert_eq!(answer.usage.input_tokens, Some(9));
    let head = server.requests().remove(0).to_ascii_lowercase();
    assert!(head.starts_with("post /chat/completions") && head.contains("authorization: bearer sk-very-secret"));
}

#[tokio::test]
async fn without_a_key_none_is_sent() {
    let server = Server::start(vec![stream(OPENAI_STREAM)]);
    let config =
        ProviderConfig { key: None, ..config(Api::OpenAiChat, &server.address.replace("127.0.0.1", "localhost")) };
    ask(config, patience()).await.0.unwrap();
    assert!(!server.requests()[0].to_ascii_lowercase().contains("authorization"));
}

#[tokio::test]
async fn a_refused_key_is_final_and_never_shown() {
    let (server, answer, told) =
        openai(vec![json("401 Unauthorized", r#"{"error":{"message":"Incorrect API key"}}"#)]).await;
    let error = answer.unwrap_err();
    assert_eq!((error.kind, server.requests().len(), told.len()), (Kind::Unauthorized, 1, 0));
    assert!(error.hint.as_ref().unwrap().contains("OPENAI_API_KEY"), "{error:?}");
    assert!(!format!("{error:?} {error}").contains("sk-very"), "{error:?}");
}

#[tokio::test]
async fn a_rate_limit_is_waited_for() {
    let limited = reply("429 Too Many Requests", "retry-after-ms: 30\r\n", "{}");
    let begun = Instant::now();
    let (server, answer, told) = openai(vec![limited.clone(), limited, stream(OPENAI_STREAM)]).await;
    answer.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(60));
    assert_eq!(server.requests().len(), 3);
    let notices = notices(&told);
    assert!(notices.len() == 2 && notices[0].contains("429") && notices[0].contains("again in 0.0 s"), "{notices:?}");
}

#[tokio::test]
async fn a_failing_server_is_asked_four_times() {
    let (server, answer, told) = openai(vec![json("500 Oops", "{}"); 9]).await;
    let error = answer.unwrap_err();
    assert_eq!((error.kind, server.requests().len(), notices(&told).len()), (Kind::Overloaded, 4, 3));
    assert!(error.message.contains("tried 4 times"), "{error}");
    let (_, answer, _) = openai(vec![json("503 Busy", "{}"), stream(OPENAI_STREAM)]).await;
    answer.unwrap();
}

#[tokio::test]
async fn an_error_inside_the_stream_is_tried_again() {
    let busy = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n";
    let server = Server::start(vec![stream(busy), stream(ANTHROPIC_STREAM)]);
    let (answer, told) = ask(config(Api::AnthropicMessages, &server.address), patience()).await;
    assert_eq!(answer.unwrap().text(), "Größe: 🦀");
    assert!(notices(&told)[0].contains("Overloaded"), "{told:?}");
}

#[tokio::test]
async fn pages_and_redirects_are_no_api() {
    let page = "<!doctype html><html><body>Welcome to the router</body></html>";
    let elsewhere = Server::start(vec![stream(OPENAI_STREAM)]);
    let away = format!("Location: {}/chat/completions\r\n", elsewhere.address);
    let not_json = json("200 OK", r#"{"object":"list","data":[]}"#);
    let cases = [
        reply("200 OK", "Content-Type: text/html\r\n", page),
        reply("200 OK", "", page),
        reply("404 Not Found", "Content-Type: text/html\r\n", page),
        reply("307 Temporary Redirect", &away, ""),
        not_json,
    ];
    for case in cases {
        let (server, answer, _) = openai(vec![case]).await;
        let error = answer.unwrap_err();
        assert_eq!((error.kind, server.requests().len()), (Kind::NotTheApi, 1), "{error}");
        assert!(!error.message.contains("router"), "{error}");
        assert!(error.hint.unwrap().contains("address"));
    }
    assert_eq!(elsewhere.requests(), [""; 0], "the key went to another host");
}

#[tokio::test]
async fn an_error_with_status_200_is_an_error() {
    let (_, answer, _) = openai(vec![json("200 OK", r#"{"error":{"message":"model not loaded","code":404}}"#)]).await;
    let error = answer.unwrap_err();
    assert!(error.kind == Kind::NotFound && error.message.contains("model not loaded"), "{error:?}");
}

#[tokio::test]
async fn a_broken_off_answer_is_asked_for_again_and_its_call_is_made_once() {
    let unseen = stream("data: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\n");
    let (server, answer, told) = openai(vec![unseen, stream(OPENAI_STREAM)]).await;
    answer.unwrap();
    assert_eq!((server.requests().len(), codes(&told)), (2, vec!["provider_retry"]));
    // Cut after text and a whole call: nothing of it may count.
    let cut = OPENAI_STREAM.split("data: {\"choices\":[{\"index\":0,\"delta\":{},").next().unwrap();
    let (server, answer, told) = openai(vec![stream(cut), stream(OPENAI_STREAM)]).await;
    let answer = answer.unwrap();
    let calls = answer.parts.iter().filter(|part| matches!(part, Part::ToolCall(_))).count();
    assert_eq!((calls, answer.text().as_str(), server.requests().len()), (1, "Größe: 🦀", 2));
    assert_eq!((codes(&told), text(&told).as_str()), (vec!["answer_restarted"], "Größe: 🦀Größe: 🦀"));
    let (server, answer, told) = openai(vec![stream(cut); 9]).await;
    let error = answer.unwrap_err();
    assert_eq!((error.kind, server.requests().len(), codes(&told).len()), (Kind::Truncated, 4, 3));
    assert!(error.message.contains("not the whole answer"), "{error}");
}

#[tokio::test]
async fn malformed_events_are_told() {
    let (server, answer, _) = openai(vec![stream("data: {\"choices\": oops}\n\n")]).await;
    let error = answer.unwrap_err();
    assert_eq!((error.kind, server.requests().len()), (Kind::Malformed, 1), "{error}");
}

#[tokio::test]
async fn nothing_at_all() {
    let (server, answer, _) = openai(vec![stream(""); 9]).await;
    assert_eq!((answer.unwrap_err().kind, server.requests().len()), (Kind::Empty, 4));
    let (server, answer, _) = openai(vec![Say::All(Vec::new()); 9]).await;
    let error = answer.unwrap_err();
    assert_eq!((error.kind, server.requests().len()), (Kind::Connect { refused: false }, 6), "{error}");
}

#[tokio::test]
async fn nobody_listens() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (answer, told) = ask(config(Api::OpenAiChat, &format!("http://127.0.0.1:{port}/v1")), patience()).await;
    let error = answer.unwrap_err();
    assert_eq!((error.kind, notices(&told).len()), (Kind::Connect { refused: true }, 1), "{error}");
    assert!(error.message.contains(&port.to_string()) && error.hint.unwrap().contains("start the model server"));
}

#[tokio::test]
async fn silence_ends() {
    let short = Duration::from_millis(300);
    let server = Server::start(vec![Say::Hang(Vec::new()); 3]);
    let (answer, _) = ask(config(Api::OpenAiChat, &server.address), Patience { first_byte: short, ..patience() }).await;
    assert_eq!((answer.unwrap_err().kind, server.requests().len()), (Kind::Timeout, 2));
    let begun = [STREAM_HEAD, "data: {\"choices\":[{\"delta\":{\"content\":\"and then\"}}]}\n\n"].concat();
    let server = Server::start(vec![Say::Hang(begun.into()); 3]);
    let (answer, told) = ask(config(Api::OpenAiChat, &server.address), Patience { idle: short, ..patience() }).await;
    assert_eq!((answer.unwrap_err().kind, text(&told).as_str()), (Kind::Timeout, "and thenand then"));
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_stream_that_never_ends_after_the_answer() {
    let body = [STREAM_HEAD, "data: {\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}\n\n"];
    let (_, answer, _) = openai(vec![Say::Hang(body.concat().into())]).await;
    assert_eq!(answer.unwrap().text(), "x");
}

#[tokio::test]
async fn dropping_the_request_closes_the_connection() {
    let begun = [STREAM_HEAD, "data: {\"choices\":[{\"delta\":{\"content\":\"Well\"}}]}\n\n"].concat();
    let server = Server::start(vec![Say::Hang(begun.into())]);
    let asked = provider(config(Api::OpenAiChat, &server.address), patience());
    let (sink, mut events) = mpsc::channel(64);
    tokio::select! {
        answer = asked.stream(request(), sink) => panic!("{answer:?}"),
        event = events.recv() => assert_eq!(event, Some(ModelEvent::Text("Well".into()))),
    }
    let closed = tokio::task::spawn_blocking(move || server.closed.recv_timeout(Duration::from_secs(10)));
    closed.await.unwrap().unwrap();
}

#[tokio::test]
async fn reasoning_is_turned_off_where_tools_need_it() {
    let words = "Function tools with reasoning_effort are not supported for m. Set reasoning_effort to 'none'.";
    let refusal = json("400 Bad Request", &format!(r#"{{"error":{{"message":"{words}"}}}}"#));
    let (server, answer, _) = openai(vec![refusal.clone(), stream(OPENAI_STREAM)]).await;
    answer.unwrap();
    let requests = server.requests();
    assert!(!requests[0].contains("\"reasoning_effort\"") && requests[1].contains("\"reasoning_effort\":\"none\""));
    let (server, answer, _) = openai(vec![refusal; 3]).await;
    assert_eq!((answer.unwrap_err().kind, server.requests().len()), (Kind::BadRequest, 2));
}

#[tokio::test]
async fn addresses_and_keys_that_cannot_be_used() {
    for bad in ["", "localhost:8080", "ftp://example.org", "http://", "nonsense"] {
        let error = ask(config(Api::OpenAiChat, bad), patience()).await.0.unwrap_err();
        assert_eq!(error.kind, Kind::Setup, "{bad}");
    }
    let key = Some(Secret::new("sk-a\nb".into()));
    let error =
        ask(ProviderConfig { key, ..config(Api::OpenAiChat, "http://127.0.0.1:1") }, patience()).await.0.unwrap_err();
    assert!(error.kind == Kind::Unauthorized && !format!("{error:?}").contains("sk-a"), "{error:?}");
}

#[tokio::test]
async fn https_gets_as_far_as_the_handshake() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("https://{}", listener.local_addr().unwrap());
    let hello = std::thread::spawn(move || {
        let mut first = [0_u8; 1];
        listener.accept().unwrap().0.read_exact(&mut first).unwrap();
        first[0]
    });
    let once = Patience { connect: Duration::from_secs(5), ..patience() };
    let asked = tokio::time::timeout(Duration::from_secs(10), ask(config(Api::OpenAiChat, &address), once));
    assert!(matches!(asked.await, Ok((Err(_), _)) | Err(_)));
    // 22 is the record type of a TLS handshake: the client can speak it.
    assert_eq!(hello.join().unwrap(), 22);
}
