//! The bundled data, what the user says about them, and fetching newer ones from a real server.

use super::*;
use crate::providers::stub::{Server, reply};
use std::time::{Duration, SystemTime};

fn said(name: &str, info: ModelInfo) -> BTreeMap<String, ModelInfo> {
    BTreeMap::from([(name.to_owned(), info)])
}

fn model(name: &str) -> ModelSpec {
    name.parse().unwrap()
}

const API: &str = r#"{"groq": {"env": ["GROQ_API_KEY"], "npm": "@ai-sdk/groq", "models": {"new/model": {
    "tool_call": true, "limit": {"context": 131072, "output": 8192}, "cost": {"input": 0.1, "output": 0.3}}}}}"#;

#[test]
fn the_program_carries_a_catalog() {
    let catalog = Catalog::open(Path::new("/nonexistent"), BTreeMap::new());
    assert!(matches!(catalog.date(), Some((Origin::Bundled, _))));
    for provider in ["anthropic", "openai", "gemini", "groq", "mistral", "openrouter", "deepseek"] {
        let entry = catalog.entry(provider).unwrap_or_else(|| panic!("no {provider}"));
        assert!(entry.service.is_some() && entry.key_env().next().is_some(), "{provider}: {entry:?}");
    }
    // What pryx asks for by itself has limits and a price from the first day on.
    for name in ["anthropic/claude-sonnet-5", "openai/gpt-5-mini"] {
        let info = catalog.info(&model(name));
        assert!(info.context.is_some() && info.output.is_some() && info.prices.is_some(), "{name}: {info:?}");
    }
    assert_eq!(catalog.info(&model("anthropic/not-yet-made")), ModelInfo::default());
}

#[test]
fn what_the_user_says_wins() {
    let own = ModelInfo { context: Some(77), ..ModelInfo::default() };
    let catalog = Catalog::open(Path::new("/nonexistent"), said("anthropic/claude-sonnet-5", own.clone()));
    let info = catalog.info(&model("anthropic/claude-sonnet-5"));
    assert_eq!(info.context, Some(77));
    assert!(info.prices.is_some(), "the rest stays");
    let elsewhere = Catalog::open(Path::new("/nonexistent"), said("mine/a/b", own));
    assert_eq!(elsewhere.info(&model("mine/a/b")).context, Some(77));
}

#[test]
fn an_address_is_made_of_variables() {
    let service = Service { api: Api::OpenAiChat, base_url: "https://${HOST}/x/${ID}".to_owned() };
    let all = |name: &str| Some(format!("<{name}>"));
    assert_eq!(service.address(all).unwrap(), "https://<HOST>/x/<ID>");
    assert_eq!(service.address(|name| (name == "HOST").then(|| "h".to_owned())), Err("ID".to_owned()));
}

#[tokio::test]
async fn it_is_fetched_once_and_asked_for_by_its_tag() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(vec![
        reply("200 OK", "ETag: \"v1\"\r\n", API),
        reply("304 Not Modified", "", ""),
        reply("500 Oops", "", "no"),
        reply("200 OK", "", "<html>"),
    ]);
    let refresh = Refresh { url: format!("{}/api.json", server.address), cache: dir.path().join("models.cache") };
    assert_eq!(refresh.due(SystemTime::now()), Due::Overdue);
    assert_eq!(refresh.run().await.unwrap(), Refreshed::Newer);
    let catalog = Catalog::open(&refresh.cache, BTreeMap::new());
    assert!(matches!(catalog.date(), Some((Origin::Fetched, _))));
    assert_eq!(catalog.info(&model("groq/new/model")).context, Some(131_072));
    // What only the bundled data know stays known.
    assert!(catalog.entry("anthropic").is_some());
    assert_eq!(refresh.run().await.unwrap(), Refreshed::Same);
    for _ in 0..2 {
        assert!(refresh.run().await.is_err());
        let kept = Catalog::open(&refresh.cache, BTreeMap::new());
        assert!(kept.entry("groq").unwrap().models.contains_key("new/model"), "a failure spoils nothing");
    }
    let requests = server.requests();
    assert!(!requests[0].contains("if-none-match") && requests[1].contains("if-none-match: \"v1\""), "{requests:?}");
}

#[test]
fn it_is_due_after_a_day_and_overdue_after_a_week() {
    let dir = tempfile::tempdir().unwrap();
    let refresh = Refresh { url: "http://127.0.0.1:9".to_owned(), cache: dir.path().join("c") };
    std::fs::write(&refresh.cache, b"").unwrap();
    let after = |hours: u64| refresh.due(SystemTime::now() + Duration::from_secs(hours * 3600));
    assert_eq!([after(1), after(23), after(25), after(8 * 24)], [Due::No, Due::No, Due::Yes, Due::Overdue]);
    // Who has just tried need not try again.
    std::fs::write(dir.path().join("c.tried"), b"").unwrap();
    assert_eq!((after(0), after(25)), (Due::No, Due::Yes));
    std::fs::remove_file(&refresh.cache).unwrap();
    assert_eq!(after(0), Due::No);
}

#[tokio::test]
async fn a_damaged_cache_is_as_good_as_none() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("models.cache");
    for bytes in [&b""[..], b"pryx-models 1\n", b"pryx-models 1\n{}\n", b"\0\xff"] {
        std::fs::write(&file, bytes).unwrap();
        assert!(matches!(Catalog::open(&file, BTreeMap::new()).date(), Some((Origin::Bundled, _))));
    }
}
