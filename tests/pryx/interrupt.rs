//! Ctrl-C: the turn and everything it started are gone within a second, whatever was going on.

use super::env::{PATIENCE, TestEnv, signal, wait_until};
use super::pty::Screen;
use super::stub::{BOTH, Chunking, Format, Reply, Stub, Turn};
use rustix::process::Signal;
use std::time::{Duration, Instant};

const WITHIN: Duration = Duration::from_secs(1);

/// How long what was told to end may take to be gone.
const SOON: Duration = Duration::from_secs(5);

fn model<R: Into<Reply>>(env: &mut TestEnv, format: Format, script: impl IntoIterator<Item = R>) -> Stub {
    let stub = Stub::start(format, Chunking::Whole, script);
    stub.serve(env);
    stub
}

#[test]
fn while_a_command_runs_both_end() {
    for format in BOTH {
        let mut env = TestEnv::new();
        let stub = model(&mut env, format, [Turn::runs("tail -f /dev/null"), Turn::says("unreached")]);
        let running = env.pryx(["wait a moment"]).start();
        wait_until("the command runs", PATIENCE, || !env.running("tail -f").is_empty());
        let pressed = Instant::now();
        running.interrupt();
        running.wait().assert_code(130).assert_out("");
        assert!(pressed.elapsed() < WITHIN, "{:?}", pressed.elapsed());
        wait_until("the command is gone", SOON, || env.running("tail -f").is_empty());
        let job = env.json(["ps", "-a"])[0].clone();
        assert!(job["stopped"]["by"].is_string(), "{job}");
        assert_eq!(stub.received().len(), 1, "the model was asked again");
    }
}

#[test]
fn while_the_provider_says_nothing() {
    for reply in [Reply::Silent, Reply::Stalled(Turn::says("a long answer that never ends"))] {
        let mut env = TestEnv::new();
        let stub = model(&mut env, Format::Anthropic, [reply]);
        let running = env.pryx(["hello"]).start();
        wait_until("the provider was asked", PATIENCE, || stub.received().len() == 1);
        let pressed = Instant::now();
        running.interrupt();
        running.wait().assert_code(130);
        assert!(pressed.elapsed() < WITHIN, "{:?}", pressed.elapsed());
    }
}

#[test]
fn while_it_waits_to_try_again() {
    let mut env = TestEnv::new();
    let stub = model(&mut env, Format::OpenAi, [Reply::Status(429, vec![("retry-after", "55")])]);
    let running = env.pryx(["hello"]).start();
    wait_until("the provider was asked", PATIENCE, || stub.received().len() == 1);
    let pressed = Instant::now();
    running.interrupt();
    running.wait().assert_code(130);
    assert!(pressed.elapsed() < WITHIN, "{:?}", pressed.elapsed());
}

#[test]
fn while_a_question_is_asked() {
    for key in ["\u{3}", "q"] {
        let mut env = TestEnv::new();
        let _stub = model(&mut env, Format::Anthropic, [Turn::runs("truncate -s0 made")]);
        let mut screen = Screen::pryx(&env, &["make it"]);
        screen.wait_for("[y] yes");
        let pressed = Instant::now();
        screen.keys(key);
        screen.assert_code(130);
        assert!(pressed.elapsed() < WITHIN, "{:?}", pressed.elapsed());
        assert!(!env.file("made").exists());
        assert!(env.json(["approvals"]).as_array().is_some_and(Vec::is_empty), "the question still waits");
    }
}

#[test]
fn a_command_that_ignores_signals_is_gone_too() {
    let mut env = TestEnv::new();
    std::fs::write(env.file("stubborn.sh"), "trap '' INT TERM HUP\necho on\nwhile :; do sleep 321; done\n")
        .expect("a file");
    let _stub = model(&mut env, Format::Anthropic, [Turn::runs("bash stubborn.sh")]);
    let mut screen = Screen::pryx(&env, &["run it"]);
    screen.wait_for("[y] yes");
    screen.keys("y");
    wait_until("the command runs", PATIENCE, || !env.running("sleep 321").is_empty());
    let pressed = Instant::now();
    screen.keys("\u{3}");
    screen.assert_code(130);
    assert!(pressed.elapsed() < WITHIN, "{:?}", pressed.elapsed());
    wait_until("it is gone", SOON, || env.running("321").is_empty() && env.running("stubborn").is_empty());
}

#[test]
fn the_terminal_is_left_as_it_was() {
    let mut env = TestEnv::new();
    let _stub = model(&mut env, Format::Anthropic, [Turn::runs("truncate -s0 made")]);
    let script = format!("stty -g >before; {} 'make it'; stty -g >after; echo over", super::env::PRYX);
    let mut bash = env.program("bash");
    bash.args(["-c", &script]);
    let mut screen = Screen::start(bash);
    screen.wait_for("[y] yes");
    screen.keys("q");
    screen.wait_for("over");
    let read = |name: &str| std::fs::read_to_string(env.file(name)).expect("what stty said");
    assert_eq!(read("before"), read("after"));
}

#[test]
fn a_closed_terminal_and_sigterm_end_the_turn_too() {
    for (sent, code) in [(Signal::TERM, 143), (Signal::HUP, 129)] {
        let mut env = TestEnv::new();
        let _stub = model(&mut env, Format::Anthropic, [Turn::runs("tail -f /dev/null")]);
        let running = env.pryx(["wait a moment"]).start();
        wait_until("the command runs", PATIENCE, || !env.running("tail -f").is_empty());
        signal(running.pid(), sent);
        running.wait().assert_code(code);
        wait_until("the command is gone", SOON, || env.running("tail -f").is_empty());
    }
}
