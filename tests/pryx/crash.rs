//! SIGKILL for the hands, the brain and tmux, 50 times each, at random moments: output complete, code recorded, nothing
//! twice. The seed is printed; `PRYX_SEED` repeats a run.

use super::env::{PATIENCE, TestEnv, is_alive, signal, wait_until};
use super::pty::Tmux;
use super::stub::{Chunking, Format, Stub, Turn};
use rustix::process::Signal;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

/// Kills of each kind.
pub const ROUNDS: usize = 50;

/// Clients that run commands, one after the other, while the hands are killed.
const CLIENTS: usize = 3;

/// The longest time between two kills, in milliseconds. Starting hands takes some tens of them in a debug build.
pub const LONGEST: u64 = 350;

/// What the command prints: enough that a kill hits it in the middle, and that what is missing shows.
pub const LINES: usize = 2000;

/// Random enough (splitmix64).
pub struct Random(u64);

impl Random {
    #[expect(clippy::print_stderr, reason = "a run that fails is repeated with it")]
    pub fn new() -> Self {
        let given = std::env::var("PRYX_SEED").ok().and_then(|text| text.parse().ok());
        let seed = given.unwrap_or_else(|| {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            now.as_secs() ^ u64::from(now.subsec_nanos())
        });
        eprintln!("PRYX_SEED={seed}");
        Self(seed)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    pub fn moment(&mut self, longest: u64) -> Duration {
        Duration::from_millis(self.below(longest))
    }
}

/// A command that notes that it ran, prints in two halves with a pause between, and ends with a code of its own.
fn script(number: usize) -> String {
    let half = LINES / 2;
    format!("echo {number} >>ran; seq 1 {half}; sleep 0.1; seq {} {LINES}; exit {}", half + 1, code(number))
}

pub fn code(number: usize) -> i32 {
    // Not 1: that is what a lost job gives.
    i32::try_from(2 + number % 100).expect("a small number")
}

pub fn printed() -> String {
    (1..=LINES).map(|line| format!("{line}\n")).collect()
}

/// The same on a terminal.
pub fn shown() -> String {
    printed().replace('\n', "\r\n")
}

/// How often each number was noted.
pub fn runs(env: &TestEnv) -> BTreeMap<String, usize> {
    let noted = std::fs::read_to_string(env.file("ran")).unwrap_or_default();
    noted.lines().fold(BTreeMap::new(), |mut found, line| {
        *found.entry(line.to_owned()).or_default() += 1;
        found
    })
}

pub fn jobs(env: &TestEnv) -> Vec<Value> {
    env.json(["ps", "--all", "-l", "500"]).as_array().cloned().unwrap_or_default()
}

/// The process that listens now, if there is one.
pub fn hands(env: &TestEnv) -> Option<i32> {
    let text = std::fs::read_to_string(env.pryx_home().join("run/metadata.json")).ok()?;
    let pid = serde_json::from_str::<Value>(&text).ok()?["pid"].as_i64()?;
    i32::try_from(pid).ok().filter(|pid| is_alive(*pid))
}

#[test]
fn crash_of_the_hands_50_times_loses_nothing_and_runs_nothing_twice() {
    let env = TestEnv::new();
    let (over, next) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let client = || {
            while !over.load(Ordering::Relaxed) {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let done = env.pryx(["exec", "--", "sh", "-c", &script(number)]).run();
                assert_eq!(done.code(), Some(code(number)), "number {number}: {}", done.err());
                assert!(done.out() == printed(), "number {number}: {} bytes", done.stdout.len());
            }
        };
        let waiter = || {
            while !over.load(Ordering::Relaxed) {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let id = env.ok(["exec", "-d", "--", "sh", "-c", &script(number)]);
                let told = env.pryx(["wait", id.trim()]).run();
                told.assert_code(0).assert_out(&format!("exit {}\n", code(number)));
            }
        };
        // Should one fail, the killing ends too.
        let mut clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
        clients.push(scope.spawn(waiter));
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
    });
    let ran = next.load(Ordering::Relaxed);
    assert!(ran > ROUNDS / 2, "only {ran} commands ran");
    assert_eq!(runs(&env), (0..ran).map(|number| (number.to_string(), 1)).collect(), "not once each");
    let jobs = jobs(&env);
    let codes = jobs.iter().filter(|job| job["outcome"]["kind"] == "exited").count();
    assert_eq!(codes, ran, "{jobs:#?}");
}

#[test]
fn crash_of_the_brain_50_times_leaves_every_command_whole_and_single() {
    let mut env = TestEnv::new();
    // Allowed without a question, and of a length that the kill comes before, in, or after it.
    let command = |number: usize| format!("seq 1 1000; sleep 0.1; seq 1001 {LINES}; echo {number} >/dev/null; false");
    let stub = Stub::start(Format::OpenAi, Chunking::Whole, (0..2 * ROUNDS).map(|n| Turn::runs(&command(n))));
    stub.serve(&mut env);
    env.ok(["exec", "--", "true"]);
    let mut random = Random::new();
    for _ in 0..ROUNDS {
        let brain = env.pryx(["read it"]).start();
        std::thread::sleep(random.moment(LONGEST));
        brain.kill();
        let _ = brain.wait();
    }
    // What the last one asked for may begin only now.
    let mut jobs = Vec::new();
    wait_until("every command has ended", PATIENCE, || {
        jobs = self::jobs(&env).into_iter().filter(|job| job["actor"]["kind"] == "agent").collect();
        jobs.iter().all(|job| !job["outcome"].is_null())
    });
    let asked = stub.received().len();
    assert!(asked > ROUNDS / 2 && jobs.len() <= asked && jobs.len() > ROUNDS / 4, "{asked} asked, {} ran", jobs.len());
    let mut seen = BTreeMap::new();
    for job in jobs {
        assert_eq!(job["outcome"]["code"], 1, "{job}");
        let id = job["id"].as_str().expect("an id");
        assert!(env.ok(["log", id]) == shown(), "bytes are missing: {job}");
        let again = seen.insert(job["command"].to_string(), id.to_owned());
        assert_eq!(again, None, "{job} ran twice");
    }
}

#[test]
fn crash_of_tmux_50_times_is_noticed_by_no_job() {
    let env = TestEnv::new();
    let mut random = Random::new();
    for number in 0..ROUNDS {
        let id = env.ok(["exec", "-d", "--tty", "--", "sh", "-c", &script(number)]).trim().to_owned();
        // The window stays when the job has ended, so that there is a server to kill.
        let tmux = Tmux::start(&env, &format!("{} attach {id}; exec cat", super::env::PRYX));
        std::thread::sleep(random.moment(LONGEST / 3));
        tmux.kill_hard();
        let told = env.pryx(["wait", &id]).run();
        told.assert_code(0).assert_out(&format!("exit {}\n", code(number)));
        assert!(env.ok(["log", &id]) == shown(), "number {number}: bytes are missing");
    }
    assert_eq!(runs(&env), (0..ROUNDS).map(|number| (number.to_string(), 1)).collect(), "not once each");
}
