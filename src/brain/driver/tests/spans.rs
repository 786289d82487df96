//! What a timeline shows of a turn: questions and summaries are spans too, each within what it's a part of.

use super::*;
use crate::trace::Span;

fn timeline(scene: &Scene) -> Vec<Span> {
    Store::open(&scene.database()).unwrap().trace(scene.brain.session(), 100).unwrap().0
}

fn within(spans: &[Span], kind: &str) -> Vec<(String, String)> {
    let parent = |span: &Span| spans.iter().find(|other| Some(other.id) == span.parent).map(|other| other.kind.clone());
    let of_kind = spans.iter().filter(|span| span.kind == kind);
    of_kind.map(|span| (parent(span).unwrap_or_default(), span.status.clone().unwrap_or_default())).collect()
}

fn said(parent: &str, status: &str) -> (String, String) {
    (parent.to_owned(), status.to_owned())
}

#[tokio::test]
async fn a_question_is_a_span_of_its_call() {
    let mut scene = Scene::open(vec![runs("rm"), says("Removed.")], true).await;
    let answer = |event: &Event| match &event.payload {
        Payload::ApprovalNeeded(needed) => {
            Some(Op::Resolve { approval: needed.approval.id.clone(), answer: Answer::Once })
        }
        _ => None,
    };
    assert_eq!(scene.turn(answer).await.0, Status::Done);
    let spans = timeline(&scene);
    assert_eq!(within(&spans, "approval"), [said("tool", "yes")], "{spans:#?}");
    assert_eq!(within(&spans, "tool"), [said("turn", "exit 0")]);
    assert_eq!(within(&spans, "model"), [said("turn", "done"), said("turn", "done")]);
    assert!(spans.iter().all(|span| span.duration_us.is_some()));
}

#[tokio::test]
async fn a_pause_between_two_tries_is_a_span_of_its_request() {
    let busy = crate::providers::stub::json("503 Busy", "{}");
    let mut scene = Scene::open(vec![busy, says("Here.")], true).await;
    assert_eq!(scene.turn(|_| None).await.0, Status::Done);
    let spans = timeline(&scene);
    assert_eq!(within(&spans, "wait"), [said("model", "done")], "{spans:#?}");
    let wait = spans.iter().find(|span| span.kind == "wait").unwrap();
    assert_eq!(wait.detail, "to try again");
    assert!(wait.duration_us < spans[0].duration_us, "{spans:#?}");
}

#[tokio::test]
async fn a_summary_is_a_span_with_what_it_took() {
    let counted = |words: &str| {
        let chunk = json!({"choices": [{"delta": {"content": words}, "finish_reason": "stop"}]});
        let usage = json!({"choices": [], "usage": {"prompt_tokens": 900, "completion_tokens": 30}});
        stream(&format!("data: {chunk}\n\ndata: {usage}\n\ndata: [DONE]\n\n"))
    };
    let long = "word ".repeat(3_000);
    let script = vec![says(&long), says(&long), says(&long), says(&long), counted("It was about words.")];
    let mut scene = Scene::open(script, true).await;
    for _ in 0..4 {
        scene.turn(|_| None).await;
    }
    let status = tokio::time::timeout(PATIENCE, scene.brain.compact(&mut scene.ops.1)).await.unwrap().unwrap();
    assert_eq!(status, Status::Done);
    let spans = timeline(&scene);
    let last = spans.last().unwrap();
    assert_eq!((last.kind.as_str(), last.subject.as_str(), last.status.as_deref()), ("model", "summary", Some("done")));
    assert_eq!((last.tokens.input_tokens, last.tokens.output_tokens), (Some(900), Some(30)), "{last:?}");
    assert_eq!(within(&spans, "model").len(), 5);
}
