//! Exchanges as the providers document them, kept in `golden/exchanges`: what a conversation looks like in each
//! format, and what each stream comes to. A file whose answer is missing or differs fails with the answer as it is.

use super::fixtures::{decode_in_chunks, rich_request};
use super::thinking::Thought;
use super::{ModelRequest, wire};
use crate::message::Api;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::path::PathBuf;

const APIS: [(&str, Api); 5] = [
    ("anthropic-messages", Api::AnthropicMessages),
    ("openai-chat", Api::OpenAiChat),
    ("openai-responses", Api::OpenAiResponses),
    ("gemini", Api::Gemini),
    ("ollama", Api::Ollama),
];

fn place() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden/exchanges")
}

fn golden(file: &str) -> Option<Value> {
    let text = std::fs::read_to_string(place().join(file)).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

/// All kept streams, with their format and name.
fn streams() -> Vec<(Api, String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(place()).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_str().unwrap().to_owned();
        let Some(name) = file.strip_suffix(".stream") else { continue };
        let api = APIS.iter().find(|(api, _)| name.split('.').next() == Some(api)).unwrap().1;
        found.push((api, name.to_owned(), std::fs::read(&path).unwrap()));
    }
    found.sort_by(|a, b| a.1.cmp(&b.1));
    found
}

fn outcome(api: Api, stream: &[u8], sizes: &[usize]) -> Value {
    let (shown, answer) = decode_in_chunks(api, stream, sizes);
    match answer {
        Ok(answer) => json!({
            "shown": shown, "stop": format!("{:?}", answer.stop), "usage": answer.usage, "parts": answer.parts,
        }),
        Err(fault) => json!({ "shown": shown, "fault": format!("{fault:?}") }),
    }
}

fn compare(file: &str, actual: &Value, wrong: &mut Vec<String>) {
    if golden(file).as_ref() != Some(actual) {
        wrong.push(format!("=== {file}\n{actual:#}\n"));
    }
}

#[test]
fn the_conversation_in_each_format() {
    let mut wrong = Vec::new();
    for (name, api) in APIS {
        compare(&format!("{name}.request.json"), &wire::body(api, &rich_request(api), false, 16_384), &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.concat());
}

#[test]
fn thinking_in_each_format() {
    let word = || Thought::Effort("low".to_owned());
    let mut said = Vec::new();
    for (name, api) in APIS {
        for thought in [Thought::Off, Thought::On, Thought::Budget(2_048), word()] {
            let request = ModelRequest { thoughts: vec![thought.clone(), Thought::Off], ..rich_request(api) };
            let (Value::Object(with), without) =
                (wire::body(api, &request, false, 16_384), wire::body(api, &rich_request(api), false, 16_384))
            else {
                panic!("no object");
            };
            let more: serde_json::Map<_, _> = with.into_iter().filter(|(key, value)| without[key] != *value).collect();
            said.push(json!({ "format": name, "thought": format!("{thought:?}"), "says": more }));
        }
    }
    let mut wrong = Vec::new();
    compare("thinking.json", &Value::Array(said), &mut wrong);
    assert!(wrong.is_empty(), "{}", wrong.concat());
}

#[test]
fn what_each_stream_comes_to() {
    let mut wrong = Vec::new();
    let streams = streams();
    assert!(APIS.iter().all(|(_, api)| streams.iter().any(|(of, ..)| of == api)));
    for (api, name, stream) in streams {
        compare(&format!("{name}.answer.json"), &outcome(api, &stream, &[stream.len()]), &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.concat());
}

#[test]
fn a_stream_cut_anywhere_is_no_whole_answer() {
    for (api, name, stream) in streams() {
        let (_, Ok(whole)) = decode_in_chunks(api, &stream, &[stream.len()]) else { continue };
        for end in 0..stream.len() {
            if let (_, Ok(cut)) = decode_in_chunks(api, &stream[..end], &[64]) {
                // Counts may follow the end of the answer; nothing else may.
                assert_eq!((&cut.parts, cut.stop), (&whole.parts, whole.stop), "{name} cut at {end}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn chunk_borders_mean_nothing(sizes in prop::collection::vec(1_usize..40, 1..8)) {
        for (api, name, stream) in streams() {
            prop_assert_eq!(outcome(api, &stream, &sizes), outcome(api, &stream, &[stream.len()]), "{}", name);
        }
    }

    #[test]
    fn any_damage_is_survived(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_usize..30), 1..6),
    ) {
        for (api, _, mut stream) in streams() {
            for (at, byte, gone) in &damage {
                let at = at.index(stream.len());
                stream[at] = *byte;
                let end = (at + gone).min(stream.len() - 1);
                stream.drain(at..end);
            }
            // Any answer or fault will do; a panic would not.
            let _ = decode_in_chunks(api, &stream, &[17]);
        }
    }
}
