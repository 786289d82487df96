//! The options of the commands for jobs, for jobs of their own and in terminals alike.

use super::env::{PATIENCE, TestEnv, wait_until};
use super::pty::Screen;
use super::terminal::run;
use super::waits::wait_for;
use serde_json::Value;

/// The jobs that run, by what they were started as.
fn commands(env: &TestEnv, args: &[&str]) -> Vec<String> {
    let jobs = env.json(args.iter().copied());
    let mut found: Vec<String> = jobs
        .as_array()
        .into_iter()
        .flatten()
        .map(|job| job["command"].as_str().unwrap_or_default().to_owned())
        .collect();
    found.sort();
    found
}

fn plain(text: &str) -> String {
    text.replace("\r\n", "\n")
}

#[test]
fn exec_takes_a_directory_and_variables() {
    let env = TestEnv::new();
    std::fs::create_dir(env.file("sub dir")).expect("a directory");
    let line = "pwd; echo \"[$A] [$B]\"";
    let wanted = format!("{}\n[it's \"x\" $y!] [2]\n", env.file("sub dir").display());
    let options = ["--cwd", "sub dir", "--env", "A=it's \"x\" $y!", "--env", "B=2", "--"];
    let alone = env.pryx(["exec"].iter().chain(&options).chain(&["sh", "-c", line])).run();
    alone.assert_code(0).assert_out(&wanted);
    for shell in ["/bin/bash", "/usr/bin/zsh", "/usr/bin/dash"] {
        let name = shell.rsplit('/').next().expect("a name");
        let inside = env.pryx(["exec", "-t", name].iter().chain(&options).chain(&[line])).var("SHELL", shell).run();
        inside.assert_code(0);
        assert_eq!(plain(&inside.out()), wanted, "{shell}");
        // There they stay, as everything does.
        assert_eq!(plain(&env.ok(["exec", "-t", name, "--", line])), wanted, "{shell}");
    }
    env.pryx(["exec", "--cwd", "nowhere", "--", "true"]).run().assert_code(127).assert_one_clear_error();
    env.pryx(["exec", "-t", "bash", "--cwd", "nowhere", "--", "echo not-this"]).run().assert_code(1);
    assert!(!env.ok(["log"]).contains("not-this"));
    env.pryx(["exec", "--env", "=x", "--", "true"]).run().assert_code(2).assert_says("NAME=VALUE");
}

#[test]
fn a_tag_finds_jobs_and_stops_them() {
    let env = TestEnv::new();
    env.ok(["exec", "-d", "--tag", "web", "--", "sleep", "320"]);
    env.ok(["exec", "-d", "--tag", "db", "--", "sleep", "321"]);
    env.ok(["exec", "-d", "-t", "dev", "--tag", "web", "--", "sleep 322"]);
    assert_eq!(commands(&env, &["ps", "--tag", "web"]), ["sleep 320", "sleep 322"]);
    assert_eq!(commands(&env, &["ps", "--tag", "none"]), [""; 0]);
    wait_until("it runs in the terminal", PATIENCE, || !env.running("sleep 322").is_empty());
    let stopped = env.json(["stop", "--tag", "web", "--grace", "300ms"]);
    assert_eq!(stopped.as_array().map(Vec::len), Some(2), "{stopped}");
    assert!(env.running("sleep 320").is_empty() && env.running("sleep 322").is_empty());
    assert_eq!(env.running("sleep 321").len(), 1);
    assert_eq!(run(&env, "echo on").0, 0, "the shell goes on");
    assert_eq!(commands(&env, &["ps", "-a", "--tag", "web"]), ["sleep 320", "sleep 322"]);
}

#[test]
fn ps_tells_what_a_terminal_does_and_uses() {
    let env = TestEnv::new();
    run(&env, "true");
    let id = env.ok(["exec", "-d", "-t", "dev", "--", "echo for-last; read x"]).trim().to_owned();
    wait_for(&env, &id, "needs_input");
    let of = |jobs: &Value, id: &str| -> Value {
        jobs.as_array().into_iter().flatten().find(|job| job["id"] == id).cloned().unwrap_or_default()
    };
    let jobs = env.json(["ps"]);
    let within = of(&jobs, &id);
    assert_eq!(within["live"]["last_line"], "for-last", "{within}");
    env.ok(["send", "dev", "--key", "Enter"]);
    env.pryx(["wait", &id]).run().assert_out("exit 0\n");
    let terminal = within["within"].as_str().expect("its terminal");
    wait_for(&env, terminal, "idle");
    let terminal = of(&env.json(["ps"]), terminal);
    let live = &terminal["live"];
    assert!(live["cpu_ms"].is_u64() && live["resident_bytes"].as_u64() > Some(1_000_000), "{terminal}");
    let table = env.ok(["ps"]);
    assert!(table.contains("idle") && table.contains("[dev] "), "{table}");
    env.pryx(["wait", "dev", "--until", "prompt"]).run().assert_code(0).assert_out("idle\n");
}

#[test]
fn a_log_on_a_terminal_is_without_what_would_do_something_to_it() {
    let env = TestEnv::new();
    let text = r"a\033[31mred\033[0m\033[2J\033[5;5H\033]52;c;eA==\007\033]0;title\007\033[6n\033[?1049hz\n";
    run(&env, &format!("printf '{text}'"));
    let mut screen = Screen::pryx(&env, &["log"]);
    screen.assert_code(0);
    screen.wait_for("aredz");
    for bad in ["\u{1b}[2J", "\u{1b}[5;5H", "\u{1b}]", "\u{1b}[6n", "\u{1b}[?1049h"] {
        assert_eq!(screen.last_of(&[bad]), None);
    }
    assert!(screen.last_of(&["\u{1b}[31m"]).is_some(), "colours stay");
    let mut screen = Screen::pryx(&env, &["log", "--raw"]);
    screen.assert_code(0);
    screen.wait_for_raw("\u{1b}[2J");
    assert!(screen.last_of(&["\u{1b}]52;c;eA=="]).is_some(), "every byte as it was");
    // Lines that match are text, wherever they are printed.
    assert!(!env.ok(["log", "--grep", "red"]).contains('\u{1b}'));
}

#[test]
fn the_screen_of_a_terminal_in_every_form() {
    let mut env = TestEnv::new();
    env.set("TERM", "xterm-256color");
    run(&env, "printf '\\033[2J\\033[H\\033[1;32mgreen\\033[0m <&> \"x\"\\n'");
    let shown = env.ok(["screen", "dev"]);
    assert!(shown.starts_with("green <&> \"x\"\n") && !shown.contains('\u{1b}'), "{shown:?}");
    let ansi = env.ok(["screen", "dev", "--format", "ansi"]);
    assert!(ansi.contains("\u{1b}[") && ansi.contains("green"), "{ansi:?}");
    let svg = env.ok(["screen", "dev", "--format", "svg"]);
    assert!(svg.starts_with("<svg ") && svg.contains("green") && svg.contains("&lt;&amp;&gt;"), "{svg}");
    let json = env.json(["screen", "dev", "--format", "json"]);
    assert_eq!((&json["cols"], &json["alternate"]), (&80.into(), &false.into()), "{json}");
    env.pryx(["screen", "dev", "--format", "png"]).run().assert_code(2);
}

#[test]
fn commands_in_a_terminal_are_waited_for_like_any_other() {
    let env = TestEnv::new();
    run(&env, "true");
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
    let serve =
        format!("python3 -c 'import socket,time; s=socket.create_server((\"127.0.0.1\",{port})); time.sleep(60)'");
    let id = env.ok(["exec", "-d", "-t", "dev", "--", &format!("echo begins; {serve}")]).trim().to_owned();
    env.pryx(["wait", &id, "--until", "match=beg.ns"]).run().assert_code(0).assert_out("begins\n");
    env.pryx(["wait", &id, "--until", &format!("port={port}")]).run().assert_code(0);
    env.pryx(["wait", &id, "--until", "silence=200ms"]).run().assert_code(0);
    env.pryx(["wait", &id, "--timeout", "200ms"]).run().assert_code(124).assert_says("time is up");
    env.ok(["send", &id, "--key", "C-c"]);
    env.pryx(["wait", &id]).run().assert_code(0).assert_out("exit 130\n");
    env.pryx(["wait", &id, "--until", "prompt"]).run().assert_code(1);
    assert_eq!(run(&env, "echo on").0, 0);
}
