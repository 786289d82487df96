//! The golden file holds one event of every kind as it stands on the wire; the code must write exactly that and
//! read it back.

use super::*;
use serde_json::json;

const GOLDEN: &str = include_str!("../golden/events.jsonl");

const KINDS: [&str; 18] = [
    "session.started",
    "session.resumed",
    "turn.started",
    "message.delta",
    "tool.request",
    "approval.needed",
    "approval.resolved",
    "tool.executing",
    "tool.output",
    "tool.complete",
    "usage",
    "budget.reached",
    "budget.resolved",
    "message",
    "context.compacted",
    "notice",
    "turn.completed",
    "error",
];

#[test]
fn golden_events_are_read_and_written_unchanged() {
    for line in GOLDEN.lines() {
        let event: Event = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        let written: Value = serde_json::to_value(&event).unwrap();
        assert_eq!(written, serde_json::from_str::<Value>(line).unwrap());
    }
}

#[test]
fn every_kind_is_in_the_golden_file() {
    let names = GOLDEN.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["event"].clone());
    let found: std::collections::BTreeSet<String> = names.map(|name| name.as_str().unwrap().to_owned()).collect();
    assert_eq!(found, KINDS.map(str::to_owned).into());
    // A new variant makes this match fail to compile: it then needs a golden line.
    let in_list = |payload: &Payload| match payload {
        Payload::SessionResumed(_) => 1,
        Payload::SessionStarted(_) | Payload::TurnStarted(_) | Payload::MessageDelta(_) | Payload::ToolRequest(_) => 4,
        Payload::ApprovalNeeded(_) | Payload::ApprovalResolved(_) => 2,
        Payload::ToolExecuting(_) | Payload::ToolOutput(_) | Payload::ToolComplete(_) => 3,
        Payload::ModelUsage(_) | Payload::MessageText(_) | Payload::Notice(_) => 3,
        Payload::ContextCompacted(_) => 1,
        Payload::BudgetReached(_) | Payload::BudgetResolved(_) => 2,
        Payload::TurnCompleted(_) | Payload::Error(_) => 2,
    };
    assert_eq!(in_list(&Payload::MessageDelta(MessageDelta { text: String::new() })), 4);
}

#[test]
fn what_is_unknown_is_absent() {
    let usage = ModelUsage {
        model: "openai/x".into(),
        tokens: Usage { output_tokens: Some(3), ..Usage::default() },
        cost_micros: Some(5),
    };
    let written = serde_json::to_value(Payload::ModelUsage(usage)).unwrap();
    assert_eq!(
        written,
        json!({"event": "usage", "payload": {"model": "openai/x", "output_tokens": 3, "cost_micros": 5}})
    );
}

#[test]
fn every_status_has_its_word() {
    let words = [
        (Status::Done, "done"),
        (Status::Declined, "declined"),
        (Status::Blocked, "blocked"),
        (Status::ProviderError, "provider_error"),
        (Status::HandsError, "hands_error"),
        (Status::NothingToRun, "nothing_to_run"),
        (Status::Timeout, "timeout"),
        (Status::Stuck, "stuck"),
        (Status::Interrupted, "interrupted"),
    ];
    for (status, word) in words {
        assert_eq!(serde_json::to_value(status).unwrap(), json!(word));
    }
}
