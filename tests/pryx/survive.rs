//! Kill anything that pryx consists of: no output, no exit code and no question is lost, and nothing runs twice.

use super::env::{PATIENCE, TestEnv, is_alive, signal, wait_until};
use super::pty::Screen;
use super::stub::{Chunking, Format, Stub, Turn};
use rustix::process::Signal;
use serde_json::Value;
use std::time::Duration;

fn fifo(env: &TestEnv, name: &str) {
    assert!(env.program("mkfifo").arg(name).status().expect("mkfifo runs").success());
}

#[track_caller]
fn kill_hands(env: &TestEnv) {
    let pid = env.hands_pid();
    signal(pid, Signal::KILL);
    wait_until("the hands are gone", PATIENCE, || !is_alive(pid));
}

#[test]
fn killed_hands_lose_no_output_and_no_exit_code() {
    let env = TestEnv::new();
    fifo(&env, "go");
    let script = "seq 1 20000; read x <go; seq 20001 40000; exit 17";
    let running = env.pryx(["exec", "--", "sh", "-c", script]).start();
    running.wait_for_out("\n20000\n");
    kill_hands(&env);
    std::fs::write(env.file("go"), "\n").expect("it reads");
    let done = running.wait();
    done.assert_code(17);
    let wanted: String = (1..=40000).map(|n| format!("{n}\n")).collect();
    assert!(done.out() == wanted, "{} bytes instead of {}", done.stdout.len(), wanted.len());
    assert_eq!(env.ok(["log"]), wanted);
    let jobs = env.json(["ps", "-a"]);
    assert_eq!((jobs.as_array().map(Vec::len), &jobs[0]["outcome"]["code"]), (Some(1), &17.into()), "it ran twice");
}

#[test]
fn a_command_that_ends_while_there_are_no_hands_has_its_exact_code() {
    let env = TestEnv::new();
    // A fifo each: both may have opened one when it is written to, and then only one of them gets the line.
    let ids = [("one", "exit 33"), ("two", "kill -9 $$")].map(|(go, end)| {
        fifo(&env, go);
        env.ok(["exec", "-d", "--", "sh", "-c", &format!("read x <{go}; echo late; {end}")]).trim().to_owned()
    });
    kill_hands(&env);
    for go in ["one", "two"] {
        std::fs::write(env.file(go), "\n").expect("it reads");
    }
    wait_until("both have ended", PATIENCE, || env.running("echo late").is_empty());
    let jobs = env.json(["ps", "-a"]);
    let find = |id: &str| jobs.as_array().into_iter().flatten().find(|j| j["id"] == id).cloned().unwrap_or_default();
    assert_eq!(find(&ids[0])["outcome"]["code"], 33, "{jobs:#}");
    assert_eq!(find(&ids[1])["outcome"]["signal"], 9, "{jobs:#}");
    assert_eq!(env.ok(["log", &ids[0]]), "late\n");
}

#[test]
fn a_killed_keeper_is_a_lost_job_never_a_success() {
    let env = TestEnv::new();
    let running = env.pryx(["exec", "--", "sh", "-c", "echo begun; sleep 331"]).start();
    running.wait_for_out("begun");
    let keeper = env.running("__keeper");
    assert_eq!(keeper.len(), 1);
    signal(keeper[0], Signal::KILL);
    let done = running.wait();
    done.assert_code(1).assert_says("lost").assert_one_clear_error();
    let job = env.json(["ps", "-a"])[0].clone();
    assert_eq!(job["outcome"]["kind"], "lost", "{job}");
    assert_eq!(job["outcome"].get("code"), None);
    wait_until("its command is gone", PATIENCE, || env.running("sleep 331").is_empty());
}

#[test]
fn a_killed_brain_leaves_its_job_running_and_its_history_whole() {
    let mut env = TestEnv::new();
    fifo(&env, "go");
    let script = [Turn::says("I read it.").and_runs("cat go"), Turn::says("A new turn.")];
    let stub = Stub::start(Format::Anthropic, Chunking::Whole, script);
    stub.serve(&mut env);
    let running = env.pryx(["read it"]).start();
    wait_until("the command runs", PATIENCE, || !env.running("cat go").is_empty());
    running.kill();
    let _ = running.wait();
    assert_eq!(env.running("cat go").len(), 1, "the job went with the brain");
    std::fs::write(env.file("go"), "the words\n").expect("it reads");
    wait_until("the job ends", PATIENCE, || env.json(["ps"]).as_array().is_some_and(Vec::is_empty));
    let job = env.json(["ps", "-a"])[0].clone();
    assert_eq!(job["outcome"]["code"], 0, "{job}");
    assert!(env.ok(["log"]).contains("the words"));
    let database = rusqlite::Connection::open(env.pryx_home().join("brain.db")).expect("the brain's database");
    let events: Vec<String> = database
        .prepare("SELECT event FROM events ORDER BY version")
        .and_then(|mut s| s.query_map([], |r| r.get(0))?.collect())
        .expect("events");
    assert!(events.iter().any(|e| e.contains("tool.request")), "{events:#?}");
    assert!(events.iter().all(|e| serde_json::from_str::<Value>(e).is_ok()));
    drop(database);
    env.pryx(["go on"]).run().assert_code(0).assert_out("A new turn.\n");
}

#[test]
fn killed_hands_in_the_middle_of_a_turn_are_only_a_pause() {
    let mut env = TestEnv::new();
    fifo(&env, "go");
    let stub = Stub::start(Format::OpenAi, Chunking::Whole, [Turn::runs("cat go"), Turn::says("It was said.")]);
    stub.serve(&mut env);
    let running = env.pryx(["read it"]).start();
    wait_until("the command runs", PATIENCE, || !env.running("cat go").is_empty());
    kill_hands(&env);
    std::fs::write(env.file("go"), "the words\n").expect("it reads");
    running.wait().assert_code(0).assert_out("It was said.\n");
    assert!(stub.tool_results().concat().contains("the words"), "{:?}", stub.tool_results());
    assert_eq!(env.json(["ps", "-a"]).as_array().map(Vec::len), Some(1), "it ran twice");
}

#[test]
fn a_question_survives_the_hands() {
    let mut env = TestEnv::new();
    let stub =
        Stub::start(Format::Anthropic, Chunking::Whole, [Turn::runs("truncate -s0 made"), Turn::says("It is there.")]);
    stub.serve(&mut env);
    let mut screen = Screen::pryx(&env, &["make it"]);
    screen.wait_for("[y] yes");
    let id = env.json(["approvals"])[0]["id"].as_str().expect("an id").to_owned();
    kill_hands(&env);
    assert_eq!(env.json(["approvals"])[0]["id"], id.as_str(), "the question is gone");
    assert!(!env.file("made").exists());
    env.ok(["approve", &id]);
    screen.wait_for("It is there.");
    screen.assert_code(0);
    assert!(env.file("made").exists());
    assert_eq!(env.json(["ps", "-a"]).as_array().map(Vec::len), Some(1), "it ran twice");
}

#[test]
fn a_terminal_survives_the_hands() {
    let env = TestEnv::new();
    let mut window = Screen::join(&env, &["open", "--here", "main"]);
    window.keys("X=kept; echo be\"\"gun\r");
    window.wait_for("begun");
    kill_hands(&env);
    let mut other = Screen::join(&env, &["attach", "main"]);
    other.keys("echo $X and al\"\"ive\r");
    other.wait_for("kept and alive");
    other.keys("exit\r");
    other.assert_code(0);
}

#[test]
fn a_stale_socket_is_no_obstacle() {
    let env = TestEnv::new();
    env.ok(["exec", "--", "true"]);
    kill_hands(&env);
    assert!(env.socket().exists(), "a killed daemon leaves its socket behind");
    env.pryx(["exec", "--", "echo", "again"]).within(Duration::from_secs(10)).run().assert_out("again\n");
}
