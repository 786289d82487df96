//! What a job waits for is known, and can be waited for: read off its terminal and the kernel, through the shipped binary.

use super::env::{PATIENCE, TestEnv, wait_until};
use super::pty::Screen;
use super::stub::{Chunking, Format, Stub, Turn};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How long a job that works in silence is watched for a false alarm.
const WATCHED: Duration = Duration::from_secs(2);

/// Starts a command on a terminal of its own, without a window; its id.
#[track_caller]
pub fn on_terminal(env: &TestEnv, argv: &[&str]) -> String {
    let mut args = vec!["exec", "-d", "--tty", "--"];
    args.extend(argv);
    env.ok(args).trim().to_owned()
}

#[track_caller]
fn bash(env: &TestEnv, script: &str) -> String {
    on_terminal(env, &["bash", "-c", script])
}

#[track_caller]
fn listed(env: &TestEnv, id: &str) -> Value {
    let jobs = env.json(["ps", "--all"]);
    jobs.as_array().and_then(|jobs| jobs.iter().find(|job| job["id"] == id)).cloned().unwrap_or(Value::Null)
}

#[track_caller]
fn activity(env: &TestEnv, id: &str) -> String {
    listed(env, id)["live"]["activity"].as_str().unwrap_or("none").to_owned()
}

#[track_caller]
pub fn wait_for(env: &TestEnv, id: &str, wanted: &str) {
    let start = Instant::now();
    loop {
        let now = activity(env, id);
        if now == wanted {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "it is {now}, not {wanted}: {}\n{}", listed(env, id), env.ok(["log", id]));
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn questions_secrets_and_screens_are_told_apart() {
    let env = TestEnv::new();
    let python = |code: &'static str| ["python3", "-c", code];
    let cases: [(&str, Vec<&str>); 13] = [
        ("needs_input", vec!["bash", "-c", "read x"]),
        ("needs_input", vec!["bash", "-c", "read -p 'Go on? [y/N] ' -n1 x"]),
        ("needs_input", vec!["cat"]),
        ("needs_input", python("input('name: ')").to_vec()),
        ("needs_input", python("import readline; input('name: ')").to_vec()),
        ("needs_input", vec!["bash", "-c", "sleep 1; echo y | cat; read x < /dev/tty"]),
        ("needs_secret", vec!["bash", "-c", "read -s -p 'Token: ' x"]),
        ("needs_secret", python("import getpass; getpass.getpass()").to_vec()),
        (
            "needs_secret",
            python("import getpass,threading,time;threading.Thread(target=getpass.getpass).start()").to_vec(),
        ),
        ("full_screen", vec!["less", "/etc/services"]),
        ("full_screen", vec!["vi", "-u", "NONE", "x"]),
        ("full_screen", vec!["top"]),
        ("idle", vec!["bash", "--login", "-i"]),
    ];
    let mut env = env;
    env.set("TERM", "xterm-256color");
    for (wanted, argv) in cases {
        let id = on_terminal(&env, &argv);
        wait_for(&env, &id, wanted);
        env.ok(["stop", "--grace", "0", &id]);
        assert_eq!(listed(&env, &id)["live"], Value::Null, "a job that is gone does nothing");
    }
}

#[test]
fn what_only_takes_time_is_no_question() {
    let env = TestEnv::new();
    std::fs::write(env.file("Makefile"), "all: a b\na b:\n\t@sleep 30\n").expect("a file");
    let ids: Vec<String> = [
        "sleep 30",
        "sleep 30 | cat",
        "make -s -j2",
        "read x </dev/zero & wait",
        "exec 3<>/dev/tcp/127.0.0.1/1 2>/dev/null; while :; do :; done",
        "mkfifo f; cat f",
        "stty -echo; sleep 30",
    ]
    .iter()
    .map(|script| bash(&env, script))
    .collect();
    let start = Instant::now();
    while start.elapsed() < WATCHED {
        for job in env.json(["ps"]).as_array().expect("a list") {
            assert_eq!(job["live"]["activity"], "running", "{job}");
        }
    }
    assert_eq!(env.json(["ps"]).as_array().map(Vec::len), Some(ids.len()), "one of them ended");
}

#[test]
fn the_state_follows_the_program() {
    let env = TestEnv::new();
    let mut window = Screen::pryx(&env, &["exec", "--", "bash", "-c", "read a; sleep 2; read -s b; exit 3"]);
    wait_until("it runs", PATIENCE, || env.json(["ps"]).as_array().is_some_and(|jobs| jobs.len() == 1));
    let id = env.json(["ps"])[0]["id"].as_str().expect("an id").to_owned();
    wait_for(&env, &id, "needs_input");
    window.keys("x\r");
    wait_for(&env, &id, "running");
    wait_for(&env, &id, "needs_secret");
    window.keys("x\r");
    window.assert_code(3);
}

#[test]
fn ps_tells_what_a_job_uses_and_printed_last() {
    let env = TestEnv::new();
    let id = bash(&env, "echo first; printf '\\033[31mlast \\r\\033[1mline\\033[0m'; (while :; do :; done) & sleep 60");
    wait_until("it has worked", PATIENCE, || listed(&env, &id)["live"]["cpu_ms"].as_u64().is_some_and(|ms| ms > 100));
    let job = listed(&env, &id);
    assert!(job["live"]["resident_bytes"].as_u64().is_some_and(|bytes| bytes > 1_000_000), "{job}");
    assert_eq!(job["live"]["last_line"], "line", "{job}");
    let table = env.ok(["ps"]);
    assert!(table.contains("CPU") && table.contains("running") && table.contains("MiB"), "{table}");
    let mut screen = Screen::pryx(&env, &["ps"]);
    screen.wait_for("COMMAND");
    screen.assert_code(0);
}

#[test]
fn wait_is_answered_when_it_comes_to_the_point() {
    let env = TestEnv::new();
    assert!(env.program("mkfifo").arg("go").status().expect("mkfifo runs").success());
    let id = bash(&env, "echo one; read x <go; printf '\\033[1mready on 80\\033[0m'; read x; echo bye; exit 3");
    let wait = |until: &str| env.pryx(["wait", &id, "--until", until]);
    let matching = wait("match=^ready on [0-9]+$").start();
    let port = wait("silence=300ms").run();
    port.assert_code(0);
    wait("match=^one").run().assert_code(0).assert_out("one\n");
    std::fs::write(env.file("go"), "\n").expect("it reads");
    matching.wait().assert_code(0).assert_out("ready on 80\n");
    wait("prompt").run().assert_code(0).assert_out("needs_input\n");
    let end = wait("exit").start();
    env.ok(["send", &id, "--key", "Enter"]);
    end.wait().assert_code(0).assert_out("exit 3\n");
    wait("exit").run().assert_code(0).assert_out("exit 3\n");
    wait("match=bye").run().assert_code(0);
    for until in ["match=never", "prompt", "silence=1h", "port=1"] {
        wait(until).run().assert_code(1).assert_one_clear_error();
    }
    wait("match=(").run().assert_code(2).assert_says("(");
    wait("sometime").run().assert_code(2);
}

#[test]
fn wait_gives_up_in_time_and_leaves_the_job_alone() {
    let env = TestEnv::new();
    let id = bash(&env, "sleep 60");
    for until in ["exit", "match=x", "prompt", "port=1"] {
        let done = env.pryx(["wait", &id, "--until", until, "--timeout", "300ms"]).run();
        done.assert_code(124).assert_says("time is up");
    }
    let waiting = env.pryx(["wait", &id]).start();
    wait_until("it waits", PATIENCE, || env.json(["hands", "status"])["connections"].as_u64().is_some_and(|n| n > 1));
    waiting.interrupt();
    waiting.wait().assert_code(130);
    assert_eq!(activity(&env, &id), "running");
}

#[test]
fn wait_knows_when_a_port_is_open() {
    let env = TestEnv::new();
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
    let script =
        format!("import socket,time; time.sleep(1); s=socket.create_server(('127.0.0.1',{port})); time.sleep(60)");
    let id = on_terminal(&env, &["python3", "-c", &script]);
    let until = format!("port={port}");
    env.pryx(["wait", &id, "--until", &until, "--timeout", "50ms"]).run().assert_code(124);
    env.pryx(["wait", &id, "--until", &until]).run().assert_code(0);
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
}

/// More than any buffer on the way, with everything that could be taken for something else.
fn difficult_text() -> String {
    let line = "--flag 'single' \"double\" \\back\\slash C-c Enter ^C $HOME `x` \ttab grün 漢字 🦀 %s !! ; | & <>\n";
    line.repeat(200_000 / line.len() + 1)
}

#[test]
fn text_is_received_exactly_as_it_was_sent() {
    let env = TestEnv::new();
    let text = difficult_text();
    for modes in ["raw -echo", "-icanon -echo", "-echo"] {
        let script = format!("stty {modes}; echo go; head -c {} >got; stty sane", text.len());
        let id = bash(&env, &script);
        env.ok(["wait", &id, "--until", "match=go"]);
        env.pryx(["send", &id, "-"]).stdin(text.as_bytes()).run().assert_code(0);
        env.ok(["wait", &id]);
        let got = std::fs::read(env.file("got")).expect("what it got");
        assert!(got == text.as_bytes(), "{modes}: {} bytes of {} arrived", got.len(), text.len());
    }
    let id = bash(&env, "read -r x; printf '%s' \"$x\" >got");
    wait_for(&env, &id, "needs_input");
    env.ok(["send", &id, "--key", "Enter", "--", "--key C-c"]);
    env.ok(["wait", &id]);
    assert_eq!(std::fs::read_to_string(env.file("got")).expect("what it got"), "--key C-c");
}

#[test]
fn what_a_terminal_would_cut_is_refused_whole() {
    let env = TestEnv::new();
    let id = bash(&env, "echo go; head -c 4 >got; cat >>got");
    wait_for(&env, &id, "needs_input");
    let long = "x".repeat(4096);
    env.pryx(["send", &id, &long]).run().assert_code(2).assert_says("nothing of it was typed");
    env.ok(["send", &id, &format!("{}\n", &long[1..])]);
    env.ok(["send", &id, "--key", "C-d"]);
    env.ok(["wait", &id]);
    assert_eq!(std::fs::metadata(env.file("got")).expect("what it got").len(), 4096);
    env.pryx(["send", &id, "late"]).run().assert_code(1).assert_one_clear_error();
    let id = bash(&env, "sleep 60");
    env.pryx(["send", &id, "--key", "Entre"]).run().assert_code(2).assert_says("Escape");
    env.ok(["send", &id, "--key", "C-c"]);
    env.pryx(["wait", &id]).run().assert_out("signal 2\n");
}

#[test]
fn a_shell_takes_a_text_as_one_paste() {
    let mut env = TestEnv::new();
    env.set("TERM", "xterm-256color");
    let id = on_terminal(&env, &["bash", "--norc", "-i"]);
    env.ok(["wait", &id, "--until", "prompt"]);
    env.ok(["send", &id, "echo a >one\necho b >two"]);
    env.ok(["wait", &id, "--until", "match=echo b >two"]);
    assert!(!env.file("one").exists(), "a pasted line ran before Enter");
    env.pryx(["send", &id, "x\u{1b}[201~y"]).run().assert_code(2).assert_says("paste");
    env.ok(["send", &id, "--key", "Enter"]);
    wait_until("both ran", PATIENCE, || env.file("one").exists() && env.file("two").exists());
}

#[test]
fn screen_shows_what_the_terminal_shows() {
    let mut env = TestEnv::new();
    env.set("TERM", "xterm-256color");
    std::fs::write(env.file("page"), (1..=500).map(|n| format!("line {n}\n")).collect::<String>()).expect("a file");
    let id = on_terminal(&env, &["less", "page"]);
    env.ok(["wait", &id, "--until", "prompt"]);
    let shown = env.ok(["screen", &id]);
    assert!(shown.starts_with("line 1\nline 2\n") && shown.lines().count() == 24, "{shown}");
    env.ok(["send", &id, "G"]);
    wait_until("it shows the end", PATIENCE, || env.ok(["screen", &id]).contains("line 500"));
    let shown = env.json(["screen", &id, "--format", "json"]);
    assert_eq!(
        (&shown["rows"], &shown["cols"], &shown["alternate"]),
        (&24.into(), &80.into(), &true.into()),
        "{shown}"
    );
    assert!(env.ok(["screen", &id, "--format", "svg"]).starts_with("<svg "));
    assert!(env.ok(["screen", &id, "--format", "ansi"]).contains("line 500"));
    env.ok(["send", &id, "q"]);
    env.ok(["wait", &id]);
    assert!(!env.ok(["screen", &id]).contains("line 500"), "the pager has left the screen");
    env.pryx(["screen", "nosuch1"]).run().assert_code(1).assert_one_clear_error();
}

/// Every file below a directory, whole.
fn files(dir: &std::path::Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found.extend(files(&entry.path())),
            Ok(kind) if kind.is_file() => {
                found.push((entry.path(), std::fs::read(entry.path()).expect("a file of ours")));
            }
            _ => {}
        }
    }
    found
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

#[track_caller]
fn nowhere(env: &TestEnv, canary: &str) {
    let kept = files(&env.pryx_home());
    assert!(kept.iter().any(|(path, _)| path.ends_with("hands.db")), "nothing was looked at");
    for (path, bytes) in kept {
        assert!(!holds(&bytes, canary), "the secret is in {}", path.display());
    }
    for (pid, line) in env.processes() {
        assert!(!line.contains(canary), "the secret is in the command line of {pid}: {line}");
    }
}

#[test]
fn a_secret_goes_from_the_window_to_the_program_and_nowhere_else() {
    let env = TestEnv::new();
    let (mine, theirs) = ("canary-5f2e91", "canary-77c0aa");
    let script = "import getpass,hashlib; p=getpass.getpass(); print(len(p), flush=True); input()";
    let mut own = Screen::pryx(&env, &["exec", "--", "python3", "-c", script]);
    own.wait_for("Password:");
    own.keys(&format!("{mine}\r"));
    own.wait_for("13");
    let id = on_terminal(&env, &["python3", "-c", script]);
    wait_for(&env, &id, "needs_secret");
    let events = env.pryx(["--json", "log", "-f", &id]).start();
    let mut window = Screen::pryx(&env, &["attach", &id]);
    window.wait_for("joined");
    window.keys(&format!("{theirs}\r"));
    window.wait_for("13");
    wait_for(&env, &id, "needs_input");
    nowhere(&env, mine);
    nowhere(&env, theirs);
    env.ok(["stop", "--all"]);
    own.wait();
    window.wait();
    let events = events.wait().out();
    assert!(events.contains("13") && !events.contains(theirs), "the secret is in an event: {events}");
    nowhere(&env, mine);
    nowhere(&env, theirs);
}

#[test]
fn the_model_learns_that_a_secret_is_needed_and_never_which() {
    let mut env = TestEnv::new();
    let canary = "canary-d1a930";
    let job = |keys: &[&str]| json!({"job": "last", "keys": keys});
    let script = [
        Turn::runs("read -s -p 'Password: ' x; echo; echo got ${#x}"),
        Turn::says("I try").and_calls("shell_input", job(&["C-d"])),
        Turn::says("I wait").and_calls("shell_wait", json!({"job": "last", "until": "exit"})),
        Turn::says("It went well."),
    ];
    let stub = Stub::start(Format::Anthropic, Chunking::Whole, script);
    stub.serve(&mut env);
    let mut screen = Screen::pryx(&env, &["log me in"]);
    screen.wait_for("[y] yes");
    screen.keys("y");
    screen.wait_for("waits for a secret");
    screen.wait_for("pryx attach");
    wait_until("it waits", PATIENCE, || stub.received().len() >= 3);
    let mut window = Screen::pryx(&env, &["attach", "last"]);
    window.wait_for("joined");
    window.keys(&format!("{canary}\r"));
    window.assert_code(0);
    screen.wait_for("It went well.");
    screen.assert_code(0);
    let results = stub.received().last().map(|request| request.body.to_string()).unwrap_or_default();
    for told in ["needs_secret", "only the user may type", "met: exit 0"] {
        assert!(results.contains(told), "{told:?} was not told: {results}");
    }
    assert!(env.ok(["log"]).contains("got 13"));
    nowhere(&env, canary);
    assert!(stub.received().iter().all(|request| !format!("{request:?}").contains(canary)));
}

#[test]
fn the_models_tools_start_watch_answer_and_stop_a_job() {
    let mut env = TestEnv::new();
    let call = |tool: &str, arguments: Value| Turn::says("on").and_calls(tool, arguments);
    let script = [
        call("shell_background", json!({"command": "cat"})),
        call("shell_wait", json!({"job": "last", "until": "prompt"})),
        call("shell_input", json!({"job": "last", "text": "y", "keys": ["Enter"]})),
        call("shell_wait", json!({"job": "last", "until": "match=^y"})),
        call("shell_screen", json!({"job": "last"})),
        call("shell_list", json!({})),
        call("shell_input", json!({"job": "last", "text": "rm -rf /"})),
        call("shell_stop", json!({"job": "last"})),
        Turn::says("Done."),
    ];
    let stub = Stub::start(Format::Anthropic, Chunking::Whole, script);
    stub.serve(&mut env);
    env.pryx(["do it"]).run();
    let results = stub.received().last().map(|request| request.body["messages"].to_string()).unwrap_or_default();
    let mut rest = results.as_str();
    let wanted =
        ["Still running", "met: needs_input", "typed into job", "met: y", "24x80", " cat: y", "Not run", "signal 15"];
    for wanted in wanted {
        let at = rest.find(wanted).unwrap_or_else(|| panic!("{wanted:?} was not told (in its turn): {results}"));
        rest = &rest[at + wanted.len()..];
    }
}
