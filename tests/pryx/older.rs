//! Clients of the older protocol, as they are: one line in, one line out, with socat or a small program. They work through
//! the gate, as programs.

use super::env::{Act, Done, TestEnv, wait_until};
use super::pty::Screen;
use super::stub::{Chunking, Format, Stub, Turn};
use serde_json::{Value, json};
use std::fs;
use std::time::Duration;

/// A client as people write them: no library, no greeting, no id.
const CLIENT: &str = r#"#!/usr/bin/env python3
import json, socket, sys

def ask(action, **data):
    with socket.socket(socket.AF_UNIX) as hands:
        hands.connect(sys.argv[1])
        hands.sendall(json.dumps({"action": action, "data": data}).encode() + b"\n")
        return json.loads(hands.makefile().readline())

for line in sys.argv[2:]:
    action, _, data = line.partition(" ")
    print(json.dumps(ask(action, **json.loads(data or "{}"))))
"#;

/// Runs the client with requests, `action data` each; its answers.
fn client(env: &TestEnv, requests: &[&str]) -> Vec<Value> {
    let file = env.file("tool.py");
    if !file.exists() {
        fs::write(&file, CLIENT).expect("a script");
    }
    let mut python = env.program("python3");
    python.arg(file).arg(env.socket()).args(requests);
    let done: Done = Act::new(python).run();
    done.assert_code(0);
    done.events()
}

#[track_caller]
fn assert_done(reply: &Value, output: &str) {
    assert_eq!((&reply["success"], &reply["output"]), (&json!(true), &json!(output)), "{reply}");
    assert_eq!(reply["error"], Value::Null, "{reply}");
}

#[test]
fn a_client_written_for_it_works_unchanged() {
    let env = TestEnv::new();
    env.ok(["ps"]);
    let replies = client(
        &env,
        &[
            r#"check_session {"session": "work"}"#,
            r#"open_terminal {"session": "work"}"#,
            r#"check_session {"session": "work"}"#,
            r#"execute {"session": "work", "command": "cd /usr"}"#,
            r#"execute {"session": "work", "command": "pwd; ls /usr/bin/env"}"#,
            r#"execute {"session": "work", "command": "ls /no-such-file"}"#,
            r#"capture {"session": "work", "lines": 3}"#,
            r#"capture {"session": "work"}"#,
            r#"close_terminal {"session": "work"}"#,
            r#"close_session {"session": "work"}"#,
            r#"check_session {"session": "work"}"#,
            r#"capture {"session": "work"}"#,
        ],
    );
    for (at, exists) in [(0, false), (1, true), (2, true), (4, true), (8, true), (9, false), (10, false), (11, false)] {
        assert_eq!(replies[at]["exists"], exists, "{at}: {}", replies[at]);
    }
    assert_done(&replies[0], "");
    assert_done(&replies[3], "");
    assert_done(&replies[4], "/usr\n/usr/bin/env\n");
    // It ran to its end: that is a success, and its code is told.
    assert_eq!((&replies[5]["success"], &replies[5]["exit_code"]), (&json!(true), &json!(2)), "{}", replies[5]);
    assert!(replies[5]["output"].as_str().is_some_and(|text| text.contains("no-such-file")), "{}", replies[5]);
    let lines = replies[6]["output"].as_str().map(|text| text.lines().count());
    assert!(lines.is_some_and(|lines| lines <= 3), "{}", replies[6]);
    assert!(replies[7]["output"].as_str().is_some_and(|text| text.contains("/usr/bin/env")), "{}", replies[7]);
    assert_eq!((&replies[11]["success"], &replies[11]["output"]), (&json!(false), &json!("")), "{}", replies[11]);
    assert!(replies[11]["error"].as_str().is_some_and(|text| text.contains("no session work")), "{}", replies[11]);
    // Every answer has the same fields.
    assert!(replies.iter().all(|r| ["success", "output", "error", "exists"].iter().all(|key| r.get(key).is_some())));
}

#[test]
fn socat_is_enough_for_it_too() {
    let env = TestEnv::new();
    env.ok(["ps"]);
    if env.program("socat").arg("-V").output().is_err() {
        return;
    }
    let lines = concat!(
        "{\"action\": \"execute\", \"data\": {\"command\": \"uname -s\"}}\n",
        "{\"action\": \"execute\", \"data\": \"uname -s\"}\n",
        "{\"action\": \"capture\"}\n",
        "{\"action\": \"execute\", \"data\": {\"command\": [\"ls\"]}}\n",
        "{\"action\": \"execute\", \"data\": {}}\n",
        "{\"action\": \"check_session\", \"data\": {\"session\": \"../x\"}}\n",
        "{\"action\": \"status\"}\n",
    );
    let mut socat = env.program("socat");
    socat.args(["-t", "60", "-", &format!("UNIX-CONNECT:{}", env.socket().display())]);
    let done = Act::new(socat).stdin(lines).run();
    let replies = done.events();
    assert_eq!(replies.len(), 7, "{done}");
    assert_done(&replies[0], "Linux\n");
    assert_done(&replies[1], "Linux\n");
    assert!(replies[2]["output"].as_str().is_some_and(|text| text.contains("Linux")), "{done}");
    for reply in &replies[3..6] {
        assert_eq!(reply["success"], false, "{reply}");
        assert!(reply["error"].is_string() && reply["output"] == "", "{reply}");
    }
    assert_eq!((&replies[6]["success"], replies[6].get("exists")), (&json!(true), None), "the newer form is as it was");
}

#[test]
fn what_policy_would_ask_is_refused_with_the_reason() {
    let env = TestEnv::new();
    env.ok(["ps"]);
    let replies = client(
        &env,
        &[
            r#"execute {"command": "touch made"}"#,
            r#"execute {"command": "ls; rm -rf $HOME"}"#,
            r#"execute {"command": "alias ls='touch made'"}"#,
            r#"execute {"command": "echo $(touch made)"}"#,
        ],
    );
    for reply in &replies {
        assert_eq!(reply["success"], false, "{reply}");
        assert!(reply["error"].as_str().is_some_and(|text| text.contains("refused by")), "{reply}");
    }
    assert!(!env.home().join("made").exists() && !env.file("made").exists());
    assert!(env.home().exists());
    assert!(env.ok(["audit", "--json"]).contains("refused"), "no row tells of it");
}

/// A policy that lets the client do what it likes.
fn allow(env: &TestEnv, program: &str) {
    let folder = env.pryx_home().join("policies");
    fs::create_dir_all(&folder).expect("a folder");
    let text = format!("name: tool\nmode: full\nclients: [\"{program}\"]\n");
    fs::write(folder.join("tool.yaml"), text).expect("a policy");
}

#[test]
fn a_policy_may_name_the_program() {
    let env = TestEnv::new();
    env.ok(["ps"]);
    let tool = env.file("tool.py").canonicalize().unwrap_or_else(|_| env.file("tool.py"));
    allow(&env, &tool.display().to_string());
    let touch = [r#"execute {"command": "touch made"}"#];
    assert_done(&client(&env, &touch)[0], "");
    assert!(env.home().join("made").exists());
    // Another program gets nothing of it.
    let copy = env.file("other.py");
    fs::copy(&tool, &copy).expect("a copy");
    let mut python = env.program("python3");
    python.arg(copy).arg(env.socket()).arg(r#"execute {"session": "b", "command": "touch more"}"#);
    let reply = Act::new(python).run().events()[0].clone();
    assert_eq!(reply["success"], false, "{reply}");
    assert!(!env.home().join("more").exists());
    // Taken away, it is gone at once.
    allow(&env, "/nobody");
    assert_eq!(client(&env, &[r#"execute {"session": "c", "command": "touch more"}"#])[0]["success"], false);
}

#[test]
fn an_agent_gains_nothing_by_a_program_that_a_policy_names() {
    let mut env = TestEnv::new();
    env.ok(["ps"]);
    client(&env, &[]);
    let tool = env.file("tool.py");
    allow(&env, &tool.display().to_string());
    let line =
        format!("python3 {} {} 'execute {{\"command\": \"touch made\"}}'", tool.display(), env.socket().display());
    let stub = Stub::start(Format::Anthropic, Chunking::Whole, [Turn::runs(&line), Turn::says("It was refused.")]);
    stub.serve(&mut env);
    let mut screen = Screen::pryx(&env, &["use the tool"]);
    screen.wait_for("[y] yes");
    screen.keys("y");
    screen.wait_for("It was refused.");
    assert!(stub.tool_results().concat().contains("refused by"), "{:?}", stub.tool_results());
    assert!(!env.home().join("made").exists() && !env.file("made").exists());
}

#[test]
fn a_program_has_no_part_in_the_persons_terminals() {
    let env = TestEnv::new();
    env.ok(["open", "dev"]);
    env.ok(["send", "dev", "echo the-secret-$((40+2))", "--key", "Enter"]);
    env.ok(["wait", "dev", "--until", "match=the-secret-42", "--timeout", "30s"]);
    let replies = client(
        &env,
        &[
            r#"check_session {"session": "dev"}"#,
            r#"capture {"session": "dev"}"#,
            r#"execute {"session": "dev", "command": "ls"}"#,
            r#"close_terminal {"session": "dev"}"#,
            r#"close_session {"session": "dev"}"#,
        ],
    );
    assert_eq!((&replies[0]["success"], &replies[0]["exists"]), (&json!(true), &json!(true)));
    for reply in &replies[1..] {
        assert_eq!((&reply["success"], &reply["exists"]), (&json!(false), &json!(true)), "{reply}");
        assert!(!reply.to_string().contains("the-secret"), "{reply}");
    }
    assert_eq!(env.json(["ps"])[0]["state"], "running");
}

#[test]
fn a_command_that_does_not_end_is_answered_in_time_and_goes_on() {
    let env = TestEnv::new();
    env.ok(["ps"]);
    let slow = r#"execute {"session": "s", "command": "sleep 3371", "timeout": 0.5}"#;
    let reply = client(&env, &[slow])[0].clone();
    assert_eq!((&reply["success"], &reply["exists"]), (&json!(false), &json!(true)), "{reply}");
    assert!(reply["error"].as_str().is_some_and(|text| text.contains("still runs")), "{reply}");
    assert_eq!(env.running("sleep 3371").len(), 1);
    let closed = client(&env, &[r#"close_session {"session": "s"}"#])[0].clone();
    assert_eq!((&closed["success"], &closed["exists"]), (&json!(true), &json!(false)), "{closed}");
    wait_until("it went with its session", Duration::from_secs(10), || env.running("sleep 3371").is_empty());
}
