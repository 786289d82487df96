//! The agent makes requests: each is asked, goes where the card says, and takes the person's way out.

use super::env::TestEnv;
use super::pty::Screen;
use super::stub::{Chunking, Format, Stub, Turn};
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

fn model(env: &mut TestEnv, script: impl IntoIterator<Item = Turn>) -> Stub {
    let stub = Stub::start(Format::Anthropic, Chunking::Whole, script);
    stub.serve(env);
    stub
}

fn asks_for(url: &str) -> Turn {
    Turn::default().and_calls("http_request", json!({ "url": url }))
}

/// Answers every request; hands over what it was sent.
fn server() -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = vec![0; 16 * 1024];
            let count = stream.read(&mut head).unwrap_or(0);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\nserved");
            if sender.send(String::from_utf8_lossy(&head[..count]).into_owned()).is_err() {
                return;
            }
        }
    });
    (port, receiver)
}

#[test]
fn a_request_is_asked_and_takes_the_persons_proxy() {
    let (port, requests) = server();
    let mut env = TestEnv::new();
    env.set("http_proxy", format!("127.0.0.1:{port}"));
    let stub = model(&mut env, [asks_for("http://somewhere.example/page"), Turn::says("Read.")]);
    let mut screen = Screen::pryx(&env, &["read it"]);
    screen.wait_for("? GET http://somewhere.example/page");
    screen.wait_for("talks to somewhere.example");
    assert!(requests.try_recv().is_err(), "nothing is sent before the yes");
    screen.wait_for("[y] yes");
    screen.keys("y");
    screen.wait_for("Read.");
    screen.assert_code(0);
    assert!(screen.text().contains("GET http://somewhere.example/page"), "{}", screen.text());
    let sent = requests.recv().expect("a request");
    assert!(sent.starts_with("GET http://somewhere.example/page HTTP/1.1\r\n"), "{sent}");
    assert!(!sent.contains(super::stub::KEY) && !sent.to_lowercase().contains("authorization"), "{sent}");
    assert!(stub.tool_results().concat().contains("served"), "{:?}", stub.tool_results());
}

#[test]
fn without_a_person_nothing_is_sent_and_some_things_never_are() {
    let (port, requests) = server();
    let mut env = TestEnv::new();
    // The listener stands for what must not be reached, by whatever name.
    let here = [
        format!("http://127.0.0.1:{port}/"),
        format!("http://localhost:{port}/"),
        format!("http://2130706433:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
    ];
    let never = ["http://169.254.169.254/latest/meta-data/", "http://user@example.com/", "file:///etc/passwd"];
    let urls = here.iter().map(String::as_str).chain(never);
    let turn = urls.fold(Turn::default(), |turn, url| turn.and_calls("http_request", json!({ "url": url })));
    let stub = model(&mut env, [turn, Turn::says("I could not.")]);
    env.pryx(["fetch them"]).run().assert_code(121);
    let told = stub.tool_results();
    assert_eq!(told.iter().filter(|text| text.contains("Not run")).count(), here.len(), "{told:#?}");
    assert_eq!(told.iter().filter(|text| text.contains("the url: ")).count(), never.len(), "{told:#?}");
    assert!(requests.try_recv().is_err(), "something was sent");
}
