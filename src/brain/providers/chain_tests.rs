//! Several models in a row, against real servers: who is asked, who is left alone, and what is told about it.

use super::error::Kind;
use super::fixtures::{config, request};
use super::stub::{Say, Server, json, reply, stream};
use super::*;
use crate::catalog::ModelInfo;
use crate::message::Api;
use crate::model::{Limits, ModelSpec, ProviderConfig};
use pryx_terms::Secret;
use std::time::{Duration, Instant};

const ANSWER: &str =
    "data: {\"choices\":[{\"delta\":{\"content\":\"Here.\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

fn candidate(provider: &str, model: &str, server: &Server) -> Candidate {
    let config = ProviderConfig { name: provider.into(), ..config(Api::OpenAiChat, &server.address) };
    Candidate {
        model: ModelSpec { provider: provider.into(), model: model.into() },
        provider: config,
        info: ModelInfo::default(),
    }
}

fn broken() -> Say {
    json("500 Oops", "{}")
}

/// Asks a chain once; gives the answer, the codes of the notices, and all that was shown.
async fn ask(
    candidates: Vec<Candidate>,
    traffic: &Arc<Traffic>,
) -> (Result<ModelAnswer, ProviderError>, Vec<&'static str>, String) {
    let patience = Patience { retry: Duration::from_millis(2), ..Patience::default() };
    let chain = Chain::new(Route { candidates, patience, traffic: Arc::clone(traffic), redact: false, chosen: None });
    let (sink, mut events) = mpsc::channel(64);
    let answer = chain.stream(request(), sink).await;
    let (mut codes, mut shown) = (Vec::new(), String::new());
    while let Ok(event) = events.try_recv() {
        match event {
            ModelEvent::Text(text) => shown.push_str(&text),
            ModelEvent::Notice { code, .. } => codes.push(code),
            ModelEvent::Prepared { .. } | ModelEvent::Waits(_) => {}
            ModelEvent::BudgetReached(_) => codes.push("budget"),
        }
    }
    (answer, codes, shown)
}

#[tokio::test]
async fn the_next_model_answers_and_the_broken_one_is_left_alone() {
    let (bad, good) = (Server::start(vec![broken(); 5]), Server::start(vec![stream(ANSWER); 3]));
    let traffic = Arc::default();
    let both = || vec![candidate("a", "first", &bad), candidate("b", "second", &good)];
    let (answer, codes, _) = ask(both(), &traffic).await;
    assert_eq!(answer.unwrap().model.map(|by| by.name).as_deref(), Some("b/second"));
    assert_eq!(codes, ["provider_retry", "provider_retry", "provider_retry", "model_fallback"]);
    assert!(good.requests()[0].contains("\"model\":\"second\""));
    let (answer, codes, _) = ask(both(), &traffic).await;
    assert_eq!((answer.unwrap().text().as_str(), codes), ("Here.", vec!["circuit_open"]));
    assert_eq!((bad.requests().len(), good.requests().len()), (4, 2));
    // With nobody else to ask, it is asked all the same, but only once.
    let (answer, codes, _) = ask(vec![candidate("a", "first", &bad)], &traffic).await;
    assert_eq!((answer.unwrap_err().kind, codes.len(), bad.requests().len()), (Kind::Overloaded, 0, 5));
}

#[tokio::test]
async fn other_models_and_keys_of_the_provider_are_asked_on() {
    let mut script = vec![json("401 Unauthorized", "{}")];
    script.extend(vec![stream(ANSWER); 3]);
    let (server, spare) = (Server::start(script), Server::start(vec![stream(ANSWER); 9]));
    let traffic = Arc::default();
    let with = |candidate: Candidate| vec![candidate, self::candidate("b", "spare", &spare)];
    let (answer, codes, _) = ask(with(candidate("a", "m", &server)), &traffic).await;
    assert_eq!((answer.unwrap().model.map(|by| by.name).as_deref(), codes), (Some("b/spare"), vec!["model_fallback"]));
    let (answer, ..) = ask(with(candidate("a", "m", &server)), &traffic).await;
    assert_eq!(
        answer.unwrap().model.map(|by| by.name).as_deref(),
        Some("b/spare"),
        "the refused key was tried again at once"
    );
    let (answer, ..) = ask(with(candidate("a", "other", &server)), &traffic).await;
    assert_eq!(answer.unwrap().model.map(|by| by.name).as_deref(), Some("a/other"));
    let mut other_key = candidate("a", "m", &server);
    other_key.provider.key = Some(Secret::new("sk-another".into()));
    let (answer, ..) = ask(with(other_key), &traffic).await;
    assert_eq!(answer.unwrap().model.map(|by| by.name).as_deref(), Some("a/m"));
}

#[tokio::test]
async fn a_refused_request_is_refused_everywhere() {
    let (bad, good) = (Server::start(vec![json("400 Bad Request", "{}")]), Server::start(vec![stream(ANSWER)]));
    let both = vec![candidate("a", "first", &bad), candidate("b", "second", &good)];
    let (answer, codes, _) = ask(both, &Arc::default()).await;
    assert_eq!((answer.unwrap_err().kind, codes.len(), good.requests().len()), (Kind::BadRequest, 0, 0));
}

#[tokio::test]
async fn a_long_wait_is_not_waited_while_another_model_is_there() {
    let limited = reply("429 Too Many Requests", "retry-after: 40\r\n", "{}");
    let (bad, good) = (Server::start(vec![limited]), Server::start(vec![stream(ANSWER)]));
    let begun = Instant::now();
    let both = vec![candidate("a", "first", &bad), candidate("b", "second", &good)];
    let (answer, codes, _) = ask(both, &Arc::default()).await;
    answer.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(20) && codes == ["model_fallback"], "{codes:?}");
}

#[tokio::test]
async fn what_a_failed_model_showed_is_told_to_be_void() {
    let half = stream("data: {\"choices\":[{\"delta\":{\"content\":\"Half an\"}}]}\n\n");
    let (bad, good) = (Server::start(vec![half; 4]), Server::start(vec![stream(ANSWER)]));
    let both = vec![candidate("a", "first", &bad), candidate("b", "second", &good)];
    let (answer, codes, shown) = ask(both, &Arc::default()).await;
    assert_eq!(answer.unwrap().text(), "Here.");
    let restarts = codes.iter().filter(|code| **code == "answer_restarted").count();
    assert_eq!((restarts, shown.as_str()), (4, "Half anHalf anHalf anHalf anHere."), "{codes:?}");
}

#[tokio::test]
async fn the_users_own_limit_is_queued_for() {
    let dear = "data: {\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":10200,\"completion_tokens\":0}}\n\ndata: [DONE]\n\n";
    let server = Server::start(vec![stream(dear); 2]);
    let traffic = Arc::default();
    let limited = || {
        let mut candidate = candidate("a", "m", &server);
        candidate.provider.limits = Limits { tokens_per_minute: Some(60_000), ..Limits::default() };
        vec![candidate]
    };
    let (answer, codes, _) = ask(limited(), &traffic).await;
    assert_eq!((answer.unwrap().usage.input_tokens, codes.len()), (Some(10_200), 0));
    let begun = Instant::now();
    let (answer, codes, _) = ask(limited(), &traffic).await;
    answer.unwrap();
    assert!(codes == ["rate_queue"] && begun.elapsed() >= Duration::from_millis(150), "{codes:?}");
}

#[tokio::test]
async fn without_any_model_there_is_an_error() {
    let (answer, ..) = ask(Vec::new(), &Arc::default()).await;
    assert_eq!(answer.unwrap_err().kind, Kind::Setup);
}
