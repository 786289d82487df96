//! Hands that list hundreds of tools: requests stay small, and every tool can be found and called.

use super::*;
use pryx_terms::ToolSpec;

fn calls(tool: &str, arguments: Value) -> Say {
    let call = json!({"index": 0, "id": "c", "function": {"name": tool, "arguments": arguments.to_string()}});
    let chunk = json!({"choices": [{"delta": {"tool_calls": [call]}, "finish_reason": "tool_calls"}]});
    stream(&format!("data: {chunk}\n\ndata: [DONE]\n\n"))
}

fn tool(name: &str, about: &str) -> ToolSpec {
    let parameters = json!({"type": "object", "properties": {"command": {"type": "string"}}});
    ToolSpec { name: name.into(), description: about.into(), parameters }
}

#[tokio::test]
async fn a_tool_beyond_the_room_is_found_and_called() {
    let script = vec![
        calls("tool_search", json!({"query": "send a letter"})),
        calls("tool_call", json!({"tool": "mail_send", "arguments": {"command": "to ada"}})),
        says("It was sent."),
    ];
    let mut scene = Scene::open(script, true).await;
    {
        let mut more = scene.play.more_tools.lock().unwrap();
        more.extend((0..300).map(|n| tool(&format!("extra.tool{n}"), "Does a thing that nobody needs today.")));
        more.push(tool("mail.send", "Sends a letter to somebody."));
    }
    let (status, events) = scene.turn(|_| None).await;
    assert_eq!(status, Status::Done);
    let requests = scene.server.requests();
    assert_eq!(requests.len(), 3);
    assert!(requests[0].len() < 14_000, "{} bytes", requests[0].len());
    assert!(requests[0].contains("tool_search") && !requests[0].contains("mail_send"), "{}", requests[0]);
    assert!(requests[1].contains("mail.send: Sends a letter"), "{}", requests[1]);
    // The hands see the tool itself, once; the search was not for them.
    assert_eq!(*scene.play.tools.lock().unwrap(), ["mail.send"]);
    assert_eq!(scene.commands(), ["to ada"]);
    let asked = events.iter().filter_map(|event| match &event.payload {
        Payload::ToolRequest(request) => Some(request.tool.as_str()),
        _ => None,
    });
    assert_eq!(asked.collect::<Vec<_>>(), ["tool.search", "mail_send"]);
    // What every request begins with stays the same: a provider's cache holds.
    let tools = |request: &String| {
        let body = request.split_once("\r\n\r\n").map_or(request.as_str(), |(_, body)| body);
        serde_json::from_str::<Value>(body).map(|body| body["tools"].to_string()).unwrap_or_default()
    };
    assert!(!tools(&requests[0]).is_empty() && requests.iter().all(|r| tools(r) == tools(&requests[0])));
}
