//! Anthropic's format: the request of a whole conversation, and every event of the stream.

use super::*;
use crate::providers::fixtures::{decode, request};

#[test]
fn the_address_with_and_without_version() {
    for base in ["https://a.example", "https://a.example/", "https://a.example/v1", "https://a.example/v1/"] {
        assert_eq!(url(base), "https://a.example/v1/messages");
    }
    assert_eq!(url("http://localhost:4000/anthropic"), "http://localhost:4000/anthropic/v1/messages");
}

#[test]
fn a_whole_conversation_as_the_api_wants_it() {
    let body = body(&request());
    assert_eq!(body["tools"][0]["name"], "shell_exec");
    assert_eq!(body["stream"], true);
    let messages = body["messages"].as_array().unwrap();
    let roles: Vec<_> = messages.iter().map(|m| m["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["user", "assistant", "user"]);
    let assistant = messages[1]["content"].as_array().unwrap();
    let types: Vec<_> = assistant.iter().map(|b| b["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["text", "tool_use", "tool_use"]);
    assert_eq!(assistant[1]["input"], json!({"command": "ls"}));
    assert_eq!(assistant[2]["input"], json!({}), "broken arguments must be an object here");
    let results = messages[2]["content"].as_array().unwrap();
    assert_eq!(results[0]["tool_use_id"], "a");
    assert_eq!(results[0].get("is_error"), None);
    assert_eq!(results[1]["is_error"], true);
    assert_eq!(results[2]["type"], "text", "what follows a failed turn joins the message before");
}

#[test]
fn without_leave_to_act_the_tools_stay_listed() {
    let body = body(&ModelRequest { may_act: false, ..request() });
    assert_eq!(body["tool_choice"], json!({"type": "none"}));
    assert!(body["tools"].is_array());
}

const STREAM: &str = r#"event: message_start
data: {"type":"message_start","message":{"id":"m","type":"message","role":"assistant","content":[],"model":"x","stop_reason":null,"usage":{"input_tokens":25,"cache_read_input_tokens":7,"output_tokens":1}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Hm."}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2ln"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: ping
data: {"type": "ping"}

event: content_block_start
data: {"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Wörds ✓"}}

event: something_new
data: {"type":"something_new","x":1}

event: content_block_start
data: {"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"toolu_1","name":"shell_exec","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"comm"}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"and\": \"ls\"}"}}

event: content_block_start
data: {"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"toolu_2","name":"shell_exec","input":{"command":"pwd"}}}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":89}}

event: message_stop
data: {"type":"message_stop"}

"#;

#[test]
fn every_event_of_the_stream() {
    let (shown, answer) = decode(Box::new(Decoder::new(&request())), STREAM);
    let answer = answer.unwrap();
    assert_eq!(shown, "Wörds ✓");
    assert_eq!(answer.stop, StopReason::ToolCalls);
    let usage = (answer.usage.input_tokens, answer.usage.cache_read_tokens, answer.usage.output_tokens);
    assert_eq!(usage, (Some(25), Some(7), Some(89)));
    assert_eq!(answer.usage.cache_write_tokens, None);
    let Part::Opaque { block, .. } = &answer.parts[0] else { panic!("{answer:?}") };
    assert_eq!((block["thinking"].as_str(), block["signature"].as_str()), (Some("Hm."), Some("c2ln")));
    let calls: Vec<_> = answer
        .parts
        .iter()
        .filter_map(|p| match p {
            Part::ToolCall(call) => Some((call.id.as_str(), call.tool.as_str(), call.arguments.clone())),
            _ => None,
        })
        .collect();
    let expected =
        [("toolu_1", "shell.exec", json!({"command": "ls"})), ("toolu_2", "shell.exec", json!({"command": "pwd"}))];
    assert_eq!(calls, expected);
}

#[test]
fn faults_of_the_stream() {
    let fault = |stream: &str| decode(Box::new(Decoder::new(&request())), stream).1.unwrap_err();
    let cut = STREAM.split("event: message_delta").next().unwrap();
    assert_eq!(fault(cut), Fault::Truncated);
    assert_eq!(fault(""), Fault::Truncated);
    assert!(matches!(fault("data: {\"type\": \"mess\n\n"), Fault::Malformed(_)));
    let orphan = "data: {\"type\":\"content_block_delta\",\"index\":4,\"delta\":{}}\n\n";
    assert!(matches!(fault(orphan), Fault::Malformed(_)));
    let busy = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n";
    let untyped = "data: {\"error\":{\"message\":\"no such model\",\"code\":\"404\"}}\n\n";
    assert_eq!(fault(untyped), Fault::Reported { code: "404".into(), message: "no such model".into() });
    assert_eq!(fault(busy), Fault::Reported { code: "overloaded_error".into(), message: "Overloaded".into() });
}

#[test]
fn broken_arguments_are_kept_as_text() {
    let stream = STREAM.replace("and\\\": \\\"ls\\\"}", "and\\\": ");
    let answer = decode(Box::new(Decoder::new(&request())), &stream).1.unwrap();
    let Part::ToolCall(call) = &answer.parts[2] else { panic!("{answer:?}") };
    assert_eq!(call.arguments, json!("{\"command\": "));
}

/// A request without the marks, and how much of it stands before its last mark.
fn unmarked(mut body: Value) -> (String, usize) {
    let mut before = 0;
    for at in 0..body["messages"].as_array().unwrap().len() {
        let last = body["messages"][at]["content"].as_array_mut().unwrap().last_mut().unwrap();
        let marked = last.as_object_mut().unwrap().remove("cache_control").is_some();
        if marked {
            before = at + 1;
        }
    }
    let messages = body["messages"].as_array().unwrap();
    let bytes = |to: usize| messages[..to].iter().map(|message| message.to_string()).collect::<String>();
    (bytes(messages.len()), bytes(before).len())
}

#[test]
fn fifty_turns_send_what_was_kept_before() {
    let first = request();
    let mut messages = Vec::new();
    let (mut sent, mut cached, mut kept) = (0, 0, String::new());
    for turn in 0..50 {
        messages.push(Message::request(format!("question {turn}"), Vec::new()));
        let body = body(&ModelRequest { messages: std::sync::Arc::new(messages.clone()), ..first.clone() });
        assert_eq!(body.to_string().matches("cache_control").count(), 3 + usize::from(turn > 0), "four is the most");
        let (whole, before) = unmarked(body);
        assert_eq!(before, whole.len(), "the end isn't marked");
        assert!(whole.starts_with(&kept), "turn {turn} changes what was sent before");
        (sent, cached) = (sent + whole.len(), cached + kept.len());
        kept = whole;
        messages.push(Message { role: Role::Assistant, parts: vec![Part::Text { text: format!("answer {turn}") }] });
    }
    assert!(cached * 10 >= sent * 8, "{cached} of {sent} bytes");
}
