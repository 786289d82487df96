//! Conversations of every shape are made smaller, and stay conversations.

use super::*;
use crate::catalog::ModelInfo;
use crate::context::Fence;
use crate::message::{Api, ToolCall};
use crate::model::Limits;
use proptest::prelude::*;
use pryx_terms::ToolResult;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;

fn window(size: u64, history: &[Message]) -> Window {
    let fence = Arc::new(Fence::new("k3j9x2".into()));
    let info = ModelInfo { context: Some(size), ..ModelInfo::default() };
    let mut window = Window::new(Some(Api::OpenAiChat), "m", &info, Limits::default(), fence);
    window.fill(history);
    window
}

fn request(text: &str) -> Message {
    Message::request(text.to_owned(), Vec::new())
}

/// A step: calls, and what they came to.
fn step(number: usize, outputs: &[String]) -> [Message; 2] {
    let id = |n: usize| format!("c{number}-{n}");
    let call =
        |n| Part::ToolCall(ToolCall { id: id(n), tool: "shell.exec".into(), arguments: json!({"command": "ls"}) });
    let result =
        |(n, text): (usize, &String)| Part::ToolResult { id: id(n), result: ToolResult::Text { text: text.clone() } };
    [
        Message { role: Role::Assistant, parts: (0..outputs.len()).map(call).collect() },
        Message { role: Role::User, parts: outputs.iter().enumerate().map(result).collect() },
    ]
}

/// Every call is answered by the next message, and nothing is answered that wasn't called.
fn is_whole(history: &[Message]) -> bool {
    let mut open = BTreeSet::new();
    for message in history {
        for part in &message.parts {
            if let Part::ToolResult { id, .. } = part
                && !open.remove(id.as_str())
            {
                return false;
            }
        }
        if !open.is_empty() {
            return false;
        }
        open.extend(message.tool_calls().map(|call| call.id.as_str()));
    }
    open.is_empty()
}

fn long_session(steps: usize) -> Vec<Message> {
    let mut history = vec![request("build it, please")];
    let output = |n: usize| (0..200).map(|line| format!("line {line} of step {n} says something\n")).collect();
    (0..steps).for_each(|n| history.extend(step(n, &[output(n)])));
    history
}

#[test]
fn the_oldest_results_go_first_and_the_last_steps_stay() {
    let history = long_session(20);
    let window = window(32_000, &history);
    let rewrites = prune(&history, &window, window.used() / 2);
    assert!(!rewrites.is_empty());
    let shorter = apply(history.clone(), &rewrites);
    assert_eq!(shorter.len(), history.len());
    assert_eq!(shorter[history.len() - 6..], history[history.len() - 6..], "the last three steps");
    assert_ne!(shorter[2], history[2]);
    let text = serde_json::to_string(&shorter[2]).unwrap();
    assert!(text.contains("line 0 of step 0") && text.contains("line 199 of step 0"), "head and tail stay: {text}");
    assert_eq!(prune(&history, &window, window.used()), [], "nothing is pruned that fits");
}

#[test]
fn when_trimming_is_not_enough_results_are_left_out() {
    let history = long_session(20);
    let window = window(32_000, &history);
    let shorter = apply(history.clone(), &prune(&history, &window, 0));
    let text = serde_json::to_string(&shorter[2]).unwrap();
    assert!(text.contains("bytes left out to save room") && !text.contains("line 0 of step 0"), "{text}");
    assert_eq!(shorter[history.len() - 2..], history[history.len() - 2..]);
}

#[test]
fn a_digest_keeps_requests_refusals_and_running_jobs() {
    let refused: ToolResult = serde_json::from_value(json!({
        "status": "refused", "refusal": {"by": "person"},
        "ruling": {"verdict": "ask", "rule": {"name": "r", "source": "s"}, "reason": "writes"}
    }))
    .unwrap();
    let runs: ToolResult = serde_json::from_value(json!({
        "status": "ran", "output": {"head": "", "omitted_bytes": 0, "total_bytes": 0},
        "job": {"id": "hk1cdvy", "command": "npm run watch", "cwd": "/", "actor": {"kind": "agent"},
            "started": "2026-11-20T09:00:00Z", "state": "running", "pid": 7, "output": []}
    }))
    .unwrap_or_else(|_| ToolResult::Text { text: "no such job".into() });
    let mut history = vec![request("make the release")];
    history.extend(step(0, &["x".repeat(4_000), String::new(), String::new()]));
    history[2].parts[1] = Part::ToolResult { id: "c0-1".into(), result: refused };
    history[2].parts[2] = Part::ToolResult { id: "c0-2".into(), result: runs.clone() };
    history.push(request("and tag it v2"));
    history.extend(long_session(8).split_off(1));
    let window = window(32_000, &history);
    let parts = digest(&history, "It built well.", &window).unwrap();
    let text = serde_json::to_string(&parts).unwrap();
    for kept in ["make the release", "and tag it v2", "not run, the person said no: ls", "It built well."] {
        assert!(text.contains(kept), "{kept}: {text}");
    }
    assert_eq!(text.contains("job hk1cdvy"), matches!(runs, ToolResult::Ran { .. }), "{text}");
    // A digest of a digest loses none of that.
    let mut again = vec![Message { role: Role::User, parts }];
    again.extend(long_session(8));
    let text = serde_json::to_string(&digest(&again, "More was done.", &window).unwrap()).unwrap();
    for kept in ["make the release", "and tag it v2", "the person said no: ls", "build it, please"] {
        assert!(text.contains(kept), "{kept}: {text}");
    }
}

#[test]
fn a_window_that_follows_changes_is_as_one_that_looks_again() {
    let history = long_session(20);
    let mut followed = window(32_000, &history);
    for target in [followed.used() / 2, 0] {
        let mut rewrites = prune(&history, &window(32_000, &history), target);
        rewrites.retain(|rewrite| rewrite.at != 4 && rewrite.at != 6);
        rewrites.extend([4, 6].map(|at| Rewrite { at, parts: None }));
        rewrites.sort_by_key(|rewrite| rewrite.at);
        let now = apply(history.clone(), &rewrites);
        followed = window(32_000, &history);
        followed.rewritten(&rewrites, &now);
        assert_eq!(
            (followed.used(), followed.message(4)),
            (window(32_000, &now).used(), window(32_000, &now).message(4))
        );
    }
}

#[test]
fn what_a_digest_remembers_is_not_pruned() {
    let history = long_session(8);
    let window = window(32_000, &history);
    let mut history = history;
    history[2].parts[0] = Part::ToolResult {
        id: "c0-0".into(),
        result: serde_json::from_value(json!({
            "status": "refused", "refusal": {"by": "person"},
            "ruling": {"verdict": "ask", "rule": {"name": "r", "source": "s"}, "reason": "writes"}
        }))
        .unwrap(),
    };
    let parts = digest(&history, "It was built and tested.", &window).unwrap();
    let mut again = vec![Message { role: Role::User, parts }];
    again.extend(long_session(20));
    let small = self::window(32_000, &again);
    for rewrites in [prune(&again, &small, 0), squeeze(&again, &small, 0)] {
        let text = serde_json::to_string(&apply(again.clone(), &rewrites)[0]).unwrap();
        assert!(text.contains("It was built and tested.") && text.contains("the person said no"), "{text}");
    }
}

#[test]
fn one_message_that_is_larger_than_the_window_is_squeezed_into_it() {
    let long = "a word and another word ".repeat(8_000);
    let data = Part::Data { label: "standard input".into(), text: long.clone() };
    for history in [
        vec![Message::request("what is this?".into(), vec![data])],
        vec![request(&long)],
        [vec![request("go on")], step(0, &[long.clone(), long]).to_vec()].concat(),
    ] {
        let window = window(32_000, &history);
        assert!(window.used() > window.full());
        let squeezed = apply(history.clone(), &squeeze(&history, &window, window.target()));
        assert!(self::window(32_000, &squeezed).used() <= window.target(), "{}", history.len());
        assert!(is_whole(&squeezed));
    }
}

fn conversation() -> impl Strategy<Value = Vec<Message>> {
    let output = prop_oneof!["[a-z ]{0,20}", "[a-z /\n]{200,1500}", "\\PC{0,100}"];
    let turn = ("[a-z ]{1,400}", prop::collection::vec(prop::collection::vec(output, 1..4), 0..6));
    prop::collection::vec(turn, 1..6).prop_map(|turns| {
        let mut history = Vec::new();
        for (text, steps) in turns {
            history.push(request(&text));
            for outputs in steps {
                let number = history.len();
                history.extend(step(number, &outputs));
            }
            history.push(Message { role: Role::Assistant, parts: vec![Part::Text { text: "Done.".into() }] });
        }
        history
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn what_comes_out_is_smaller_whole_and_ends_as_before(history in conversation(), target in 0_u64..6_000) {
        let full = window(8_192, &history);
        for rewrites in [prune(&history, &full, target), squeeze(&history, &full, target)] {
            let shorter = apply(history.clone(), &rewrites);
            let left = window(8_192, &shorter);
            prop_assert!(left.used() < full.used() || rewrites.is_empty());
            prop_assert!(is_whole(&shorter) && shorter.len() == history.len());
        }
        let pruned = apply(history.clone(), &prune(&history, &full, target));
        let alone = tail(&history);
        prop_assert_eq!(&pruned[alone..], &history[alone..]);
    }

    #[test]
    fn a_digest_is_smaller_than_what_it_stands_for(
        history in conversation(), target in 0_u64..3_000, summary in "[a-z .\n]{0,3000}"
    ) {
        let full = window(8_192, &history);
        if let Some(border) = border(&history, &full, target) {
            prop_assert!(border > 0 && border <= tail(&history));
            if let Some(parts) = digest(&history[..border], &summary, &full) {
                let mut shorter = vec![Message { role: Role::User, parts }];
                shorter.extend_from_slice(&history[border..]);
                prop_assert!(is_whole(&shorter));
                prop_assert!(window(8_192, &shorter).used() < full.used());
            }
        }
    }
}
