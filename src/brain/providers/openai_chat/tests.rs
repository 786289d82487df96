//! Chat Completions: the request of a whole conversation, and the streams of servers that bend the format.

use super::*;
use crate::providers::fixtures::{decode, request};

fn answer(chunks: &[Value]) -> (String, ModelAnswer) {
    let stream: String = chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
    let (shown, answer) = decode(Box::new(Decoder::new(&request())), &(stream + "data: [DONE]\n\n"));
    (shown, answer.unwrap())
}

fn delta(delta: Value) -> Value {
    json!({ "choices": [{ "index": 0, "delta": delta, "finish_reason": null }] })
}

fn calls(answer: &ModelAnswer) -> Vec<(&str, &str, Value)> {
    let calls = answer.parts.iter().filter_map(|part| match part {
        Part::ToolCall(call) => Some(call),
        _ => None,
    });
    calls.map(|call| (call.id.as_str(), call.tool.as_str(), call.arguments.clone())).collect()
}

#[test]
fn a_whole_conversation_as_the_api_wants_it() {
    let body = body(&request(), false);
    let messages = body["messages"].as_array().unwrap();
    let roles: Vec<_> = messages.iter().map(|m| m["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["system", "user", "assistant", "tool", "tool", "user"]);
    assert_eq!(messages[2]["tool_calls"][0]["function"]["name"], "shell_exec");
    assert_eq!(messages[2]["tool_calls"][0]["function"]["arguments"], "{\"command\":\"ls\"}");
    assert_eq!(messages[2]["tool_calls"][1]["function"]["arguments"], "{}");
    assert_eq!(messages[3]["tool_call_id"], "a");
    assert_eq!(body["stream_options"]["include_usage"], true);
    assert_eq!(body.get("reasoning_effort"), None);
    assert!(messages[1]["content"].as_str().unwrap().contains("<data "), "{messages:?}");
}

#[test]
fn text_usage_and_the_end() {
    let (shown, answer) = answer(&[
        delta(json!({"role": "assistant", "content": ""})),
        delta(json!({"content": "Hä"})),
        delta(json!({"content": null, "reasoning_content": "hm"})),
        delta(json!({"content": [{"type": "text", "text": "llo"}]})),
        json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}),
        json!({"choices": [], "usage": {"prompt_tokens": 30, "completion_tokens": 5, "total_tokens": 35,
            "prompt_tokens_details": {"cached_tokens": 10}}}),
    ]);
    assert_eq!(shown, "Hällo");
    let reasoning = json!({"model": "some-model", "reasoning_content": "hm"});
    let opaque = Part::Opaque { api: crate::message::Api::OpenAiChat, block: reasoning };
    assert_eq!(answer.parts, [opaque, Part::Text { text: "Hällo".into() }]);
    let usage = (answer.usage.input_tokens, answer.usage.cache_read_tokens, answer.usage.output_tokens);
    assert_eq!(usage, (Some(20), Some(10), Some(5)));
}

#[test]
fn calls_in_pieces_by_index() {
    let (_, answer) = answer(&[
        delta(
            json!({"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": {"name": "shell_exec", "arguments": ""}}]}),
        ),
        delta(json!({"tool_calls": [{"index": 0, "function": {"arguments": "{\"command\":"}}]})),
        delta(json!({"tool_calls": [{"index": 1, "id": "c2", "function": {"name": "shell_exec", "arguments": "{}"}}]})),
        delta(json!({"tool_calls": [{"index": 0, "function": {"arguments": "\"ls\"}"}}]})),
        json!({"choices": [{"delta": {}, "finish_reason": "tool_calls"}]}),
    ]);
    assert_eq!(calls(&answer), [("c1", "shell.exec", json!({"command": "ls"})), ("c2", "shell.exec", json!({}))]);
}

#[test]
fn servers_that_bend_the_format() {
    let whole = |index: Value, id: &str, command: Value| {
        let mut call = json!({"function": {"name": "shell_exec", "arguments": command}});
        if !index.is_null() {
            call["index"] = index;
        }
        if !id.is_empty() {
            call["id"] = json!(id);
        }
        delta(json!({ "tool_calls": [call] }))
    };
    let end = json!({"choices": [{"delta": {}, "finish_reason": "stop"}]});
    let (_, no_ids) = answer(&[
        whole(Value::Null, "", json!("{\"command\":\"a\"}")),
        whole(Value::Null, "", json!({"command": "b"})),
        end.clone(),
    ]);
    let expected =
        [("call_4_0", "shell.exec", json!({"command": "a"})), ("call_4_1", "shell.exec", json!({"command": "b"}))];
    assert_eq!(calls(&no_ids), expected);
    let (_, all_zero) = answer(&[whole(json!(0), "x", json!("{}")), whole(json!(0), "y", json!("{}")), end.clone()]);
    assert_eq!(calls(&all_zero).iter().map(|c| c.0).collect::<Vec<_>>(), ["x", "y"]);
    let (_, message) = answer(&[json!({"choices": [{"message": {"content": "whole"}, "finish_reason": "stop"}]})]);
    assert_eq!(message.text(), "whole");
    let (_, repeated_id) =
        answer(&[whole(json!(0), "x", json!("{\"command\":")), whole(json!(0), "x", json!("\"a\"}")), end]);
    assert_eq!(calls(&repeated_id), [("x", "shell.exec", json!({"command": "a"}))]);
}

#[test]
fn faults_of_the_stream() {
    let fault = |stream: &str| decode(Box::new(Decoder::new(&request())), stream).1.unwrap_err();
    assert_eq!(fault(""), Fault::Truncated);
    assert_eq!(fault("data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n"), Fault::Truncated);
    assert!(matches!(fault("data: {\"choices\":[{\n\n"), Fault::Malformed(_)));
    let error = "data: {\"error\":{\"message\":\"slow down\",\"code\":429}}\n\n";
    assert_eq!(fault(error), Fault::Reported { code: "429".into(), message: "slow down".into() });
}

#[test]
fn a_finish_reason_is_enough_without_done() {
    let stream = "data: {\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"length\"}]}\n\n";
    let answer = decode(Box::new(Decoder::new(&request())), stream).1.unwrap();
    assert_eq!((answer.text().as_str(), answer.stop), ("x", StopReason::Length));
}

#[test]
fn the_refusal_of_tools_with_reasoning_is_known() {
    let refusal = "Function tools with reasoning_effort are not supported for gpt-x in /v1/chat/completions.";
    assert!(wants_reasoning_off(refusal));
    assert!(!wants_reasoning_off("tools are not supported"));
    assert_eq!(body(&request(), true)["reasoning_effort"], "none");
}

#[test]
fn reasoning_goes_back_to_the_model_it_came_from_and_to_no_other() {
    let mut request = request();
    let mut messages = request.messages.to_vec();
    let block = json!({"model": "some-model", "reasoning_content": "hm"});
    messages[1].parts.insert(0, Part::Opaque { api: crate::message::Api::OpenAiChat, block });
    request.messages = std::sync::Arc::new(messages);
    assert_eq!(body(&request, false)["messages"][2]["reasoning_content"], "hm");
    request.model = "another".into();
    assert!(!body(&request, false).to_string().contains("reasoning_content"));
}
