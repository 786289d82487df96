//! What decides about the sandbox is the gate alone: no argument of a tool, no variable and no option of a nested pryx
//! reaches it; the modes do.

use super::env::TestEnv;
use super::gate::{log_of, model};
use super::pty::Screen;
use super::stub::Turn;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpListener;

const HELD: &str = "grep NoNewPrivs /proc/self/status";

fn job(env: &TestEnv, command: &str) -> Value {
    let jobs = env.json(["ps", "-a"]);
    let found = jobs.as_array().expect("jobs").iter().find(|job| job["command"] == command).cloned();
    found.unwrap_or_else(|| panic!("no {command}: {jobs:#}"))
}

#[test]
fn no_argument_of_a_tool_reaches_the_sandbox() {
    let mut env = TestEnv::outside_tmp();
    let extra = [
        json!({"sandbox": "none"}),
        json!({"sandbox": false}),
        json!({"mode": "full"}),
        json!({"profile": "full"}),
        json!({"confined": false}),
        json!({"env": {"PRYX_SANDBOX": "none"}}),
        json!({"writable": ["/"]}),
        json!({"ports": [22]}),
    ];
    for arguments in &extra {
        let mut given = json!({"command": HELD});
        for (name, value) in arguments.as_object().expect("arguments") {
            given[name] = value.clone();
        }
        let turns = [Turn::says("").and_calls("shell.exec", given), Turn::runs(HELD), Turn::says("So.")];
        let stub = model(&mut env, turns);
        env.pryx(["look"]).run();
        let results = stub.all_tool_results();
        assert!(!results[0].contains("NoNewPrivs"), "{arguments}: it ran: {results:#?}");
        assert!(results[1].contains("NoNewPrivs:\\t1") || results[1].contains("NoNewPrivs:\t1"), "{results:#?}");
    }
    assert!(
        env.json(["ps", "-a"]).as_array().expect("jobs").iter().all(|job| job["sandbox"]["profile"] == "workspace")
    );
}

/// Neither those of the person's pryx nor those that a command sets for a nested one.
#[test]
fn no_variable_reaches_the_sandbox() {
    let names = ["PRYX_SANDBOX", "PRYX_NO_SANDBOX", "PRYX_PROFILE", "SANDBOX", "NO_SANDBOX", "PRYX_UNCONFINED"];
    for value in ["none", "0", "1", "off", "full"] {
        let mut env = TestEnv::outside_tmp();
        for name in names {
            env.set(name, value);
        }
        let stub = model(&mut env, [Turn::runs(HELD), Turn::says("So.")]);
        env.pryx(["look"]).run().assert_code(0);
        let results = stub.all_tool_results();
        assert!(
            results[0].contains("NoNewPrivs:\\t1") || results[0].contains("NoNewPrivs:\t1"),
            "{value}: {results:#?}"
        );
        assert_eq!(job(&env, HELD)["sandbox"]["profile"], "workspace");
    }
}

/// From outside of the sandbox too: what it runs through pryx is held as the gate rules.
#[test]
fn a_nested_pryx_can_not_choose_its_sandbox() {
    let mut env = TestEnv::outside_tmp();
    let pryx = super::env::PRYX;
    let script = format!(
        "grep -c NoNewPrivs:.0 /proc/self/status\n{pryx} exec -- {HELD}\n{pryx} exec --mode full -- {HELD}\n\
         PRYX_MODE=full PRYX_SANDBOX=none {pryx} exec -- {HELD}\n{pryx} exec -t other -- {HELD}\n"
    );
    std::fs::write(env.file("script.sh"), script).expect("a script");
    let command = super::gate::UNHELD;
    let _stub = model(&mut env, [Turn::runs(command), Turn::says("It ended.")]);
    let mut screen = Screen::pryx(&env, &["run the script"]);
    screen.wait_for("[y] yes");
    screen.keys("y");
    screen.wait_for("It ended.");
    screen.wait();
    let log = log_of(&env, command);
    assert!(log.starts_with('1'), "the script itself is not held: {log}");
    assert_eq!(log.matches("NoNewPrivs:\t1").count(), 4, "{log}");
    assert!(!log.contains("NoNewPrivs:\t0"), "{log}");
}

/// The kernel tells ports apart, machines not: what may talk is one program that only fetches, and the rest of the mode's
/// commands talk to nobody.
#[test]
fn in_network_allowlist_a_plain_fetch_talks_and_nothing_else_does() {
    let mut env = TestEnv::outside_tmp();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("a port").port();
    let policy = "name: network-allowlist\ntools:\n  allowed:\n    - http.request:\n        domains: [127.0.0.1]\n";
    std::fs::create_dir_all(env.pryx_home().join("policies")).expect("a directory");
    std::fs::write(env.pryx_home().join("policies/network-allowlist.yaml"), policy).expect("a policy");
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut asked = [0; 1024];
        let _ = stream.read(&mut asked);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\nConnection: close\r\n\r\nfetched\n");
    });
    let fetch = format!("curl -s http://127.0.0.1:{port}/");
    let stub = model(&mut env, [Turn::runs(&fetch), Turn::runs(HELD), Turn::says("So.")]);
    env.pryx(["--mode", "network-allowlist", "look"]).run().assert_code(0);
    let results = stub.all_tool_results();
    assert!(results[0].contains("fetched"), "{results:#?}");
    server.join().expect("the server");
    assert_eq!(job(&env, &fetch)["sandbox"]["profile"], "workspace+network");
    assert_eq!(job(&env, HELD)["sandbox"]["profile"], "workspace");
}

#[test]
fn each_mode_has_its_profile() {
    for (mode, profile) in [("read-only", "read-only"), ("workspace", "workspace"), ("full", "none")] {
        let mut env = TestEnv::outside_tmp();
        let _stub = model(&mut env, [Turn::runs(HELD), Turn::says("So.")]);
        env.pryx(["--mode", mode, "look"]).run().assert_code(0);
        assert_eq!(job(&env, HELD)["sandbox"]["profile"], profile);
    }
}
