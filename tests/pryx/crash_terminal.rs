//! As `crash.rs`, for commands in terminals: SIGKILL for hands, brain and tmux in their midst, 50 times each.

use super::crash::{LONGEST, ROUNDS, Random, code, hands, jobs, runs, shown};
use super::env::{PATIENCE, TestEnv, signal, wait_until};
use super::gate::model;
use super::pty::Tmux;
use super::stub::Turn;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Terminals in which something runs all the time.
const TERMINALS: usize = 4;

/// As in `crash.rs`, and it counts how many have run in this shell.
fn line(number: usize) -> String {
    let lines = super::crash::LINES;
    let half = lines / 2;
    let code = code(number);
    format!("N=$((N + 1)); echo {number} >>ran; seq 1 {half}; sleep 0.1; seq {} {lines}; (exit {code})", half + 1)
}

/// The job of a number, by its command line.
#[track_caller]
fn of_number(jobs: &[Value], number: usize) -> &Value {
    let wanted = line(number);
    // One that certainly never began, since the hands died before they could give it away, was begun anew.
    let began = jobs.iter().filter(|job| job["seen"] != "never");
    let found: Vec<&Value> = began.filter(|job| job["command"] == wanted.as_str()).collect();
    assert_eq!(found.len(), 1, "number {number} has not one job: {found:#?}");
    found[0]
}

#[test]
fn crash_of_the_hands_50_times_loses_nothing_of_commands_in_terminals() {
    let env = TestEnv::new();
    let (over, next) = (AtomicBool::new(false), AtomicUsize::new(0));
    let counts: Vec<usize> = std::thread::scope(|scope| {
        let client = |terminal: usize| {
            let name = format!("t{terminal}");
            let mut ran = 0;
            while !over.load(Ordering::Relaxed) {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let done = env.pryx(["exec", "-t", &name, "--", &line(number)]).run();
                assert_eq!(done.code(), Some(code(number)), "number {number}: {}", done.err());
                assert!(done.out() == shown(), "number {number}: {} bytes", done.stdout.len());
                ran += 1;
            }
            ran
        };
        let clients: Vec<_> = (0..TERMINALS).map(|terminal| scope.spawn(move || client(terminal))).collect();
        let mut random = Random::new();
        let mut kills = 0;
        while kills < ROUNDS && !clients.iter().any(|client| client.is_finished()) {
            std::thread::sleep(random.moment(LONGEST));
            if let Some(pid) = hands(&env) {
                signal(pid, Signal::KILL);
                kills += 1;
            }
        }
        over.store(true, Ordering::Relaxed);
        clients.into_iter().map(|client| client.join().expect("no client failed")).collect()
    });
    let ran = next.load(Ordering::Relaxed);
    assert!(ran > ROUNDS / 4, "only {ran} commands ran");
    assert_eq!(runs(&env), (0..ran).map(|number| (number.to_string(), 1)).collect(), "not once each");
    let jobs = jobs(&env);
    for number in 0..ran {
        let job = of_number(&jobs, number);
        assert_eq!((&job["outcome"]["code"], &job["seen"]), (&code(number).into(), &"hook".into()), "{job}");
        assert!(env.ok(["log", job["id"].as_str().expect("an id")]) == shown(), "bytes are missing: {job}");
    }
    // No shell was replaced: each remembers how many ran in it.
    for (terminal, ran) in counts.into_iter().enumerate() {
        let told = env.ok(["exec", "-t", &format!("t{terminal}"), "--", "echo $N"]);
        assert_eq!(told.trim(), ran.to_string());
    }
}

#[test]
fn crash_of_the_brain_50_times_leaves_commands_in_terminals_whole_and_single() {
    let mut env = TestEnv::new();
    let command = |number: usize| format!("seq 1 1000; sleep 0.1; seq 1001 2000; echo {number} >/dev/null; false");
    let terminal = |number: usize| format!("t{}", number % TERMINALS);
    let script = (0..2 * ROUNDS).map(|number| {
        Turn::says("").and_calls("shell_exec", json!({"command": command(number), "terminal": terminal(number)}))
    });
    let stub = model(&mut env, script);
    // The person's, in which every conversation may run what only looks.
    (0..TERMINALS).for_each(|number| drop(env.ok(["exec", "-t", &terminal(number), "--", "true"])));
    let mut random = Random::new();
    for _ in 0..ROUNDS {
        let brain = env.pryx(["read it"]).start();
        std::thread::sleep(random.moment(LONGEST));
        brain.kill();
        let _ = brain.wait();
    }
    let of_agents =
        |jobs: Vec<Value>| -> Vec<Value> { jobs.into_iter().filter(|job| job["actor"]["kind"] == "agent").collect() };
    wait_until("every command has ended", PATIENCE, || of_agents(jobs(&env)).iter().all(|job| job["state"] == "ended"));
    let found = of_agents(jobs(&env));
    let asked = stub.received().len();
    assert!(found.len() <= asked && found.len() > ROUNDS / 4, "{asked} asked, {} ran", found.len());
    let mut seen = BTreeMap::new();
    for job in found {
        assert_eq!((&job["outcome"]["code"], &job["seen"]), (&1.into(), &"hook".into()), "{job}");
        let id = job["id"].as_str().expect("an id");
        assert!(env.ok(["log", id]) == shown(), "bytes are missing: {job}");
        assert_eq!(seen.insert(job["command"].to_string(), id.to_owned()), None, "{job} ran twice");
    }
}

#[test]
fn crash_of_tmux_50_times_is_noticed_by_no_command_in_a_terminal() {
    let env = TestEnv::new();
    let mut random = Random::new();
    for number in 0..ROUNDS {
        let id = env.ok(["exec", "-d", "-t", "dev", "--", &line(number)]).trim().to_owned();
        let tmux = Tmux::start(&env, &format!("{} attach dev; exec cat", super::env::PRYX));
        std::thread::sleep(random.moment(LONGEST / 3));
        tmux.kill_hard();
        let told = env.pryx(["wait", &id]).run();
        told.assert_code(0).assert_out(&format!("exit {}\n", code(number)));
        assert!(env.ok(["log", &id]) == shown(), "number {number}: bytes are missing");
    }
    assert_eq!(runs(&env), (0..ROUNDS).map(|number| (number.to_string(), 1)).collect(), "not once each");
    assert_eq!(env.ok(["exec", "-t", "dev", "--", "echo $N"]).trim(), ROUNDS.to_string());
}
