//! Requests of a model against the real daemon: asked, sent once, and never where nothing may go.

use crate::Test;
use crate::world::*;
use pryx_ipc::{Call, CallTool, Client, Event, ResolveApproval, Update};
use pryx_terms::{Access, Answer, CallKey, Refusal, SessionId, ToolResult};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

pub const TESTS: &[Test] = &[
    ("http::a_request_is_asked_and_answered", a_request_is_asked_and_answered),
    ("http::where_nothing_may_go_nobody_is_asked", where_nothing_may_go_nobody_is_asked),
    ("http::a_request_is_sent_once", a_request_is_sent_once),
];

fn call(arguments: Value) -> CallTool {
    CallTool {
        key: CallKey::generate(),
        session: SessionId::parse("s1").unwrap(),
        tool: "http.request".to_owned(),
        arguments,
        cwd: PathBuf::from("/tmp"),
        env: [("OPENAI_API_KEY", "sk-secret"), ("http_proxy", "http://127.0.0.1:1")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        can_ask: true,
    }
}

/// Says yes to what is asked; what was asked, and what came of it.
async fn allowed(client: &Client, mut call: Call<CallTool>) -> (Vec<Access>, ToolResult) {
    let mut asked = Vec::new();
    loop {
        match call.next().await.unwrap() {
            Update::Event(Event::ApprovalNeeded(needed)) => {
                asked.extend(needed.approval.plan.files.clone());
                let answer = ResolveApproval { approval: needed.approval.id, answer: Answer::Once };
                client.call(answer).await.unwrap();
            }
            Update::Event(_) => {}
            Update::Reply(reply) => return (asked, reply.result),
        }
    }
}

/// Takes connections and hands each over with what it was sent.
fn server() -> (u16, UnboundedReceiver<(TcpStream, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, receiver) = unbounded_channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = vec![0; 64 * 1024];
            let count = stream.read(&mut head).unwrap_or(0);
            if sender.send((stream, String::from_utf8_lossy(&head[..count]).into_owned())).is_err() {
                return;
            }
        }
    });
    (port, receiver)
}

fn answer(mut stream: TcpStream, body: &str) {
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nset-cookie: a=b\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).unwrap();
}

fn a_request_is_asked_and_answered() {
    let world = World::new();
    let (port, mut requests) = server();
    let url = format!("http://localhost:{port}/x");
    block(async {
        let client = world.client().await;
        let mut alone = call(json!({"url": url}));
        alone.can_ask = false;
        let refused = client.call(alone).await.unwrap().result;
        assert!(matches!(refused, ToolResult::Refused { refusal: Refusal::NobodyToAsk, .. }), "{refused:?}");
        assert!(requests.try_recv().is_err(), "nothing is sent before the yes");

        let arguments = json!({"url": url, "method": "post", "headers": {"X-Mine": "1"}, "body": "hello"});
        let running = client.start(call(arguments)).await.unwrap();
        let served = async {
            let (stream, head) = requests.recv().await.unwrap();
            answer(stream, "<h1>Hi</h1><script>no</script>");
            head
        };
        let ((asked, result), head) = tokio::join!(allowed(&client, running), served);
        assert_eq!(asked, [Access::Contact { host: "localhost".to_owned() }]);
        let ToolResult::Text { text } = result else { panic!("{result:?}") };
        assert!(text.starts_with("200 OK from http://localhost") && text.ends_with("\n\n# Hi"), "{text}");
        assert!(!text.contains("a=b"), "{text}");
        assert!(head.starts_with("POST /x HTTP/1.1\r\n") && head.contains("x-mine: 1\r\n"), "{head}");
        assert!(!head.contains("sk-secret") && !head.to_lowercase().contains("cookie"), "{head}");
    });
}

fn where_nothing_may_go_nobody_is_asked() {
    let world = World::new();
    block(async {
        let client = world.client().await;
        for url in [
            "http://169.254.169.254/latest/meta-data/iam/",
            "http://2852039166/",
            "http://[::ffff:a9fe:a9fe]/",
            "http://metadata.google.internal/",
            "http://0/",
            "http://user:pw@example.com/",
            "file:///etc/passwd",
            "unix:///var/run/docker.sock",
        ] {
            let running = client.start(call(json!({"url": url}))).await.unwrap();
            let (asked, result) = allowed(&client, running).await;
            assert!(asked.is_empty(), "{url}: {asked:?}");
            assert!(matches!(result, ToolResult::Failed { .. }), "{url}: {result:?}");
        }
    });
}

fn a_request_is_sent_once() {
    let mut world = World::new();
    let (port, mut requests) = server();
    let request = call(json!({"url": format!("http://127.0.0.1:{port}/pay"), "method": "POST", "body": "1"}));
    block(async {
        let (client, other) = (world.client().await, world.client().await);
        // The same call on two connections, while it is under way.
        let first = client.start(request.clone()).await.unwrap();
        let person = world.client().await;
        let first = async { allowed(&person, first).await.1 };
        let second = async {
            let (stream, _) = requests.recv().await.unwrap();
            let second = other.start(request.clone()).await.unwrap();
            // It waits for the first one's answer: nothing comes before the server has answered.
            answer(stream, "paid");
            allowed(&other, second).await.1
        };
        let (first, second) = tokio::join!(first, second);
        assert!(matches!(&first, ToolResult::Text { text } if text.ends_with("paid")), "{first:?}");
        assert_eq!(first, second);
        assert!(requests.try_recv().is_err(), "it was sent a second time");
    });
    // The daemon dies while a request is under way.
    let request = CallTool { key: CallKey::generate(), ..request };
    let held = block(async {
        let client = world.client().await;
        let person = world.client().await;
        let running = client.start(request.clone()).await.unwrap();
        tokio::select! {
            ended = allowed(&person, running) => panic!("{ended:?}"),
            taken = requests.recv() => taken.unwrap().0,
        }
    });
    world.kill_daemon();
    drop(held);
    world.restart();
    block(async {
        let client = world.client().await;
        let running = client.start(request.clone()).await.unwrap();
        let (_, result) = allowed(&client, running).await;
        let ToolResult::Failed { message } = result else { panic!("{result:?}") };
        assert!(message.contains("not known"), "{message}");
    });
    assert!(requests.try_recv().is_err(), "it was sent a second time");
}
