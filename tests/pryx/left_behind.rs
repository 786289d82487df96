//! After a stop or a time limit nothing of a job is left, whatever its processes did to get away; nothing else is touched.

use super::crash::Random;
use super::env::{TestEnv, is_alive, wait_until};
use serde_json::Value;
use std::process::{Child, Stdio};
use std::time::Duration;

/// Jobs in all, and at once.
const ROUNDS: usize = 100;
const AT_ONCE: usize = 10;

/// What a killed process may take to be gone from the table.
const SOON: Duration = Duration::from_secs(5);

/// The processes of the jobs, by their command line.
const MINE: &str = "sleep 4711";

/// Ways to get away. Each leaves a process that runs for an hour.
const ESCAPES: [&str; 8] = [
    "sleep 4711 &",
    "setsid sleep 4711 &",
    "nohup sleep 4711 >/dev/null 2>&1 &",
    "( (setsid sleep 4711 &) & )",
    "sh -c 'trap \"\" TERM HUP INT QUIT; exec sleep 4711' &",
    "setsid sh -c 'trap \"\" TERM HUP; ( (nohup sleep 4711 >/dev/null 2>&1 &) & ); sleep 4711' &",
    "env -i setsid -f sleep 4711",
    "python3 -c 'import os,signal,time\nfor s in range(1,32):\n try: signal.signal(s, signal.SIG_IGN)\n except OSError: pass\n\
     if os.fork()==0:\n os.setsid()\n if os.fork()==0: os.execvp(\"sleep\",[\"sleep\",\"4711\"])\n os._exit(0)\n' &",
];

/// How its end comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// `stop`, with no time between SIGTERM and SIGKILL.
    AtOnce,
    /// `stop`, with little.
    Graceful,
    /// `--timeout`.
    Timeout,
    /// Ctrl-C at the client that waits for it.
    Interrupt,
}

const WAYS: [Way; 4] = [Way::AtOnce, Way::Graceful, Way::Timeout, Way::Interrupt];

/// Three escapes, then a command that stays, with SIGTERM ignored or not.
fn script(random: &mut Random) -> String {
    let mut lines: Vec<&str> = (0..3).map(|_| ESCAPES[usize::try_from(random.below(8)).unwrap_or(0)]).collect();
    let stubborn = random.below(2) == 0;
    lines.insert(0, if stubborn { "trap '' TERM" } else { ":" });
    format!("{}\necho ready\nwhile :; do sleep 4711; done", lines.join("\n"))
}

#[track_caller]
fn record(env: &TestEnv, id: &str) -> Value {
    let jobs = env.json(["ps", "--all", "-l", "500"]);
    jobs.as_array().and_then(|jobs| jobs.iter().find(|job| job["id"] == id)).cloned().unwrap_or_default()
}

#[track_caller]
fn end(env: &TestEnv, way: Way, script: &str) {
    let argv = ["--", "sh", "-c", script];
    if way == Way::Interrupt {
        let running = env.pryx(["exec"].iter().chain(&argv)).start();
        running.wait_for_out("ready");
        running.interrupt();
        running.wait().assert_code(130);
        return;
    }
    let options: &[&str] = if way == Way::Timeout { &["exec", "-d", "--timeout", "1s"] } else { &["exec", "-d"] };
    let id = env.ok(options.iter().chain(&argv)).trim().to_owned();
    let grace = match way {
        Way::AtOnce => "0",
        Way::Graceful | Way::Timeout | Way::Interrupt => "50ms",
    };
    if way != Way::Timeout {
        env.ok(["wait", &id, "--until", "match=ready"]);
        env.ok(["stop", "--grace", grace, &id]);
    }
    env.ok(["wait", &id]);
    let job = record(env, &id);
    let (stopped, outcome) = (&job["stopped"], &job["outcome"]);
    let reason = if way == Way::Timeout { ("timeout", "its time limit") } else { ("asked", "pryx stop") };
    assert_eq!((stopped["reason"].as_str(), stopped["by"].as_str()), (Some(reason.0), Some(reason.1)), "{job}");
    let signal = stopped["signal"].as_str().expect("a signal");
    assert!(signal == "KILL" || (signal == "TERM" && way != Way::AtOnce), "{way:?}: {job}");
    assert!(outcome["signal"] == 9 || (outcome["signal"] == 15 && way != Way::AtOnce), "{way:?}: {job}");
}

/// A process of nobody's, as like the jobs' ones as can be.
struct Stranger(Child);

impl Drop for Stranger {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn nothing_is_left_behind_in_100_rounds() {
    let env = TestEnv::new();
    let mut sleep = env.program("sleep");
    let stranger = Stranger(sleep.arg("4712").stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("sleep"));
    let kept = env.ok(["exec", "-d", "--keep", "--", "sleep", "4713"]).trim().to_owned();
    let mut random = Random::new();
    for round in 0..ROUNDS / AT_ONCE {
        let jobs: Vec<(Way, String)> =
            (0..AT_ONCE).map(|n| (WAYS[(round + n) % WAYS.len()], script(&mut random))).collect();
        std::thread::scope(|scope| {
            jobs.iter().for_each(|(way, script)| drop(scope.spawn(|| end(&env, *way, script))));
        });
        wait_until(&format!("nothing of round {round} lives"), SOON, || env.running(MINE).is_empty());
    }
    assert_eq!(env.json(["ps"]).as_array().map(Vec::len), Some(1), "only the kept one runs");
    assert!(is_alive(i32::try_from(stranger.0.id()).expect("a process id")), "a stranger was killed");
    assert_eq!(env.running("sleep 4713").len(), 1, "a kept job was stopped");
    env.ok(["stop", "--all"]);
    assert_eq!(env.json(["ps"])[0]["id"], kept.as_str());
    env.ok(["stop", &kept]);
    assert!(env.running("sleep 4713").is_empty());
}

/// The processes that earlier commands of a terminal have left on purpose.
const EARLIER: &str = "beside 4714";

/// Ends one command in a terminal.
#[track_caller]
fn end_inside(env: &TestEnv, terminal: &str, way: Way, script: &str) {
    let line = ["-t", terminal, "--", script];
    if way == Way::Interrupt {
        let running = env.pryx(["exec"].iter().chain(&line)).start();
        running.wait_for_out("ready");
        running.interrupt();
        running.wait().assert_code(130);
        return;
    }
    let options: &[&str] = if way == Way::Timeout { &["exec", "-d", "--timeout", "1s"] } else { &["exec", "-d"] };
    let id = env.ok(options.iter().chain(&line)).trim().to_owned();
    if way != Way::Timeout {
        env.ok(["wait", &id, "--until", "match=^ready"]);
        env.ok(["stop", "--grace", if way == Way::AtOnce { "0" } else { "50ms" }, &id]);
    }
    env.ok(["wait", &id]);
    let reason = record(env, &id)["stopped"]["reason"].clone();
    assert_eq!(reason, if way == Way::Timeout { "timeout" } else { "asked" }, "{way:?}");
}

#[test]
fn nothing_of_a_command_in_a_terminal_is_left_behind_but_its_shell_and_what_was_there() {
    const TERMINALS: usize = 4;
    const COMMANDS: usize = WAYS.len();
    let env = TestEnv::new();
    let mut random = Random::new();
    let names: Vec<String> = (0..TERMINALS).map(|number| format!("t{number}")).collect();
    for name in &names {
        // It starts another one all the time, also while the commands to come are stopped, and ends if one is killed.
        let loops = format!("N=kept; sh -c 'while sleep 0.05; do :; done' {EARLIER} & disown");
        env.ok(["exec", "-t", name, "--", &loops]);
    }
    for round in 0..COMMANDS {
        let scripts: Vec<String> = (0..TERMINALS).map(|_| script(&mut random)).collect();
        std::thread::scope(|scope| {
            for (number, (name, script)) in names.iter().zip(&scripts).enumerate() {
                let (env, way) = (&env, WAYS[(round + number) % WAYS.len()]);
                scope.spawn(move || end_inside(env, name, way, script));
            }
        });
        wait_until(&format!("nothing of round {round} lives"), SOON, || env.running(MINE).is_empty());
    }
    for name in &names {
        assert_eq!(env.ok(["exec", "-t", name, "--", "echo $N"]).trim(), "kept", "the shell of {name} was replaced");
    }
    assert_eq!(env.running(EARLIER).len(), TERMINALS, "what earlier commands left is theirs");
    env.ok(["stop", "--all"]);
    wait_until("all of it is gone", SOON, || env.running(EARLIER).is_empty());
}
