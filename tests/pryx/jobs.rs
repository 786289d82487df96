//! What a person does with jobs: list, read, stop, join.

use super::env::{PATIENCE, PRYX, TestEnv, is_alive, wait_until};
use super::pty::{Screen, Tmux};
use std::time::Duration;

/// How long what was told to end may take to be gone.
const SOON: Duration = Duration::from_secs(5);

/// Leaves a window, by the keys that the help names.
const LEAVE: &str = "\u{1c}d";

/// Starts a command as a job of its own; its id.
#[track_caller]
fn detached(env: &TestEnv, script: &str) -> String {
    env.ok(["exec", "-d", "--", "sh", "-c", script]).trim().to_owned()
}

#[test]
fn ps_lists_what_runs_and_with_all_what_ended() {
    let env = TestEnv::new();
    assert!(env.json(["ps"]).as_array().is_some_and(Vec::is_empty));
    env.pryx(["ps"]).run().assert_code(0).assert_out("").assert_says("nothing runs");
    let ended = detached(&env, "echo x; exit 3");
    env.ok(["log", "-f", &ended]);
    let running = detached(&env, "sleep 311");
    let jobs = env.json(["ps"]);
    assert_eq!((jobs.as_array().map(Vec::len), &jobs[0]["id"]), (Some(1), &running.as_str().into()));
    assert_eq!((&jobs[0]["state"], &jobs[0]["actor"]["kind"]), (&"running".into(), &"person".into()));
    let all = env.json(["ps", "--all"]);
    assert_eq!(all.as_array().map(Vec::len), Some(2));
    assert_eq!((&all[1]["id"], &all[1]["outcome"]["code"]), (&ended.as_str().into(), &3.into()));
    assert_eq!(env.json(["ps", "--all", "-l", "1"]).as_array().map(Vec::len), Some(1));
    let table = env.ok(["ps", "-a"]);
    assert!(table.contains("exit 3") && table.contains("running") && table.contains("sleep 311"), "{table}");
}

#[test]
fn a_list_of_long_commands_is_whole() {
    let env = TestEnv::new();
    // More than fits into one frame of the protocol.
    let long = "x".repeat(100_000);
    (0..15).for_each(|n| drop(env.ok(["exec", "--", "true", &n.to_string(), &long])));
    let listed = env.json(["ps", "--all", "-l", "14"]);
    assert_eq!(listed.as_array().map(Vec::len), Some(14));
    let listed = env.json(["ps", "--all"]);
    let numbers = listed.as_array().into_iter().flatten().map(|job| job["command"].as_str().unwrap_or_default());
    let numbers: Vec<&str> = numbers.filter_map(|command| command.split(' ').nth(1)).collect();
    assert_eq!(numbers, (0..15).rev().map(|n| n.to_string()).collect::<Vec<_>>());
}

#[test]
fn a_command_can_not_dress_up_in_the_list() {
    let env = TestEnv::new();
    env.ok(["exec", "--", "true", "\u{1b}[2J\u{202e}x\nforged  exit 0"]);
    let table = env.ok(["ps", "-a"]);
    assert!(!table.contains('\u{1b}') && !table.contains('\u{202e}'), "{table:?}");
    assert_eq!(table.lines().count(), 2, "{table}");
}

#[test]
fn log_prints_every_byte_or_the_last_lines() {
    let env = TestEnv::new();
    let id = detached(&env, r"seq 1 5000; printf 'no end\377'");
    let whole = env.pryx(["log", "-f", &id]).run();
    let mut wanted: Vec<u8> = (1..=5000).flat_map(|n| format!("{n}\n").into_bytes()).collect();
    wanted.extend(b"no end\xff");
    assert!(whole.stdout == wanted, "{whole}");
    assert!(env.pryx(["log"]).run().stdout == wanted, "the last job is the default");
    assert!(env.pryx(["log", &id[..5]]).run().stdout == wanted, "an unambiguous beginning is enough");
    assert_eq!(env.pryx(["log", "--tail", "3", &id]).run().stdout, b"4999\n5000\nno end\xff");
    assert_eq!(env.pryx(["log", "--tail", "0", &id]).run().stdout, b"");
    env.ok(["exec", "--", "seq", "1", "10"]);
    assert_eq!(env.ok(["log", "--tail", "2"]), "9\n10\n");
}

#[test]
fn log_follows_until_the_end_and_can_be_left() {
    let env = TestEnv::new();
    // One for each reader: the second would meet the end of what was written for the first.
    assert!(env.program("mkfifo").args(["first", "second"]).status().expect("mkfifo runs").success());
    let id = detached(&env, "echo one; read x <first; echo two; read x <second; echo three");
    let following = env.pryx(["log", "-f", &id]).start();
    following.wait_for_out("one\n");
    std::fs::write(env.file("first"), "\n").expect("it reads");
    following.wait_for_out("two\n");
    following.interrupt();
    following.wait().assert_code(130);
    assert_eq!(env.json(["ps"])[0]["id"], id, "leaving its log must not stop a job");
    assert_eq!(env.ok(["log", &id]), "one\ntwo\n", "without -f it prints what is there");
    std::fs::write(env.file("second"), "\n").expect("it reads");
    assert_eq!(env.ok(["log", "-f", &id]), "one\ntwo\nthree\n");
}

#[test]
fn what_does_not_exist_is_said_in_words() {
    let env = TestEnv::new();
    for args in
        [&["log", "nosuch1"][..], &["stop", "nosuch1"], &["attach", "nosuch1"], &["log"], &["approve", "nosuch1"]]
    {
        env.pryx(args).run().assert_code(1).assert_one_clear_error();
    }
    for args in [&["log", "../../etc"][..], &["log", ""], &["open", "a/b"], &["approve", "../x"]] {
        let done = env.pryx(args).run();
        assert!(matches!(done.code(), Some(1 | 2)), "{done}");
        done.assert_says("error: ");
    }
}

#[test]
fn stop_ends_a_job_with_everything_it_started() {
    let env = TestEnv::new();
    let script = "trap '' TERM; (setsid sleep 312 &); nohup sleep 312 & sh -c 'trap \"\" TERM HUP; exec sleep 312' & \
                  echo ready; while :; do sleep 312; done";
    let id = detached(&env, script);
    wait_until("all of it runs", PATIENCE, || env.running("sleep 312").len() >= 5);
    env.pryx(["stop", "--grace", "200ms", &id]).run().assert_code(0).assert_says(&id);
    wait_until("nothing of it runs", SOON, || env.running("sleep 312").is_empty());
    let job = env.json(["ps", "--all"])[0].clone();
    assert_eq!((&job["outcome"]["signal"], &job["stopped"]["signal"]), (&9.into(), &"KILL".into()), "{job}");
    assert_eq!((&job["stopped"]["reason"], &job["stopped"]["by"]), (&"asked".into(), &"pryx stop".into()), "{job}");
}

#[test]
fn stop_leaves_a_job_time_to_end_by_itself() {
    let env = TestEnv::new();
    let id = detached(&env, "trap 'echo tidy; exit 0' TERM; echo ready; while :; do sleep 0.05; done");
    wait_until("it is ready", PATIENCE, || env.ok(["log", &id]).contains("ready"));
    env.ok(["stop", &id]);
    let job = env.json(["ps", "--all"])[0].clone();
    assert_eq!((&job["outcome"]["code"], &job["stopped"]["signal"]), (&0.into(), &"TERM".into()), "{job}");
    assert!(env.ok(["log", &id]).ends_with("tidy\n"));
    env.pryx(["stop", &id]).run().assert_code(0);
}

#[test]
fn stop_all_ends_all() {
    let env = TestEnv::new();
    let ids: Vec<String> = (0..3).map(|_| detached(&env, "sleep 313")).collect();
    let stopped = env.json(["stop", "--all"]);
    assert_eq!(stopped.as_array().map(Vec::len), Some(ids.len()), "{stopped}");
    assert!(env.json(["ps"]).as_array().is_some_and(Vec::is_empty));
    env.pryx(["stop", "--all"]).run().assert_code(0).assert_says("nothing to stop");
    env.pryx(["stop"]).run().assert_code(2);
}

#[test]
fn kept_jobs_are_the_only_ones_that_outlive_a_stop_of_all() {
    let env = TestEnv::new();
    let kept = env.ok(["exec", "-d", "--keep", "--", "sleep", "315"]).trim().to_owned();
    let other = detached(&env, "sleep 316");
    let stopped = env.json(["stop", "--all"]);
    assert_eq!((stopped.as_array().map(Vec::len), &stopped[0]["id"]), (Some(1), &other.as_str().into()));
    detached(&env, "sleep 316");
    env.pryx(["hands", "stop", "--all"]).run().assert_code(0).assert_says("--keep");
    assert_eq!((env.running("sleep 316").len(), env.running("sleep 315").len()), (0, 1));
    let listed = env.json(["ps"]);
    assert_eq!((&listed[0]["id"], &listed[0]["keep"]), (&kept.as_str().into(), &true.into()), "{listed}");
    env.ok(["hands", "stop", "--all", "--kept"]);
    wait_until("the kept one is gone too", SOON, || env.running("sleep 315").is_empty());
    env.pryx(["hands", "stop", "--kept"]).run().assert_code(2);
}

#[test]
fn jobs_outlast_the_hands_and_are_found_again() {
    let env = TestEnv::new();
    assert!(env.program("mkfifo").arg("go").status().expect("mkfifo runs").success());
    let id = detached(&env, "echo one; read x <go; echo two; exit 5");
    let hands = env.hands_pid();
    env.pryx(["hands", "stop"]).run().assert_code(0);
    wait_until("the daemon is gone", SOON, || !is_alive(hands));
    env.pryx(["hands", "status"]).run().assert_code(1);
    std::fs::write(env.file("go"), "\n").expect("it reads");
    wait_until("it ends without hands", PATIENCE, || env.running("echo two").is_empty());
    let job = env.json(["ps", "--all"])[0].clone();
    assert_eq!((&job["id"], &job["outcome"]["code"]), (&id.as_str().into(), &5.into()), "{job}");
    assert_eq!(env.ok(["log", &id]), "one\ntwo\n");
}

#[test]
fn a_terminal_is_a_shell_that_stays_when_its_window_goes() {
    let env = TestEnv::new();
    let mut window = Screen::join(&env, &["open", "--here", "build"]);
    window.keys("cd /usr; X=kept; echo beg\"\"un\r");
    window.wait_for("begun");
    window.keys(LEAVE);
    window.wait_for("pryx attach build");
    window.assert_code(0);
    assert_eq!(env.json(["ps"])[0]["terminal"], "build");
    let mut window = Screen::join(&env, &["attach", "build"]);
    window.wait_for("begun");
    window.keys("echo $X in $PWD\r");
    window.wait_for("kept in /usr");
    window.keys("exit 4\r");
    window.assert_code(4);
    env.pryx(["attach", "build"]).run().assert_code(1).assert_one_clear_error();
    let mut window = Screen::join(&env, &["open", "--here", "build"]);
    window.keys("echo [$X]\r");
    window.wait_for("[]");
    window.keys("exit\r");
    window.assert_code(0);
}

#[test]
fn two_windows_show_the_same_terminal() {
    let env = TestEnv::new();
    let mut one = Screen::join(&env, &["open", "--here", "main"]);
    one.keys("echo first\"\"-line\r");
    one.wait_for("first-line");
    let mut two = Screen::join(&env, &["open", "--here", "main"]);
    two.wait_for("first-line");
    two.keys("echo from\"\"-two\r");
    one.wait_for("from-two");
    let mut watcher = Screen::pryx(&env, &["attach", "--read-only", "main"]);
    watcher.wait_for("from-two");
    watcher.keys("echo must\"\"-not\r");
    one.keys("echo from\"\"-one\r");
    watcher.wait_for("from-one");
    assert!(!one.text().contains("must-not"), "a watcher typed: {}", one.text());
    // A window that is closed roughly is only a window.
    drop(two);
    one.keys("echo still\"\"-here\r");
    one.wait_for("still-here");
    one.keys("exit\r");
    one.assert_code(0);
    watcher.wait();
}

#[test]
fn a_window_that_is_left_restores_the_persons_terminal() {
    let env = TestEnv::new();
    let script = format!("stty -g >before; {PRYX} open --here main; stty -g >after; echo over");
    let mut bash = env.program("bash");
    bash.args(["-c", &script]);
    let mut screen = Screen::start(bash);
    screen.wait_for("joined");
    screen.wait_until_raw();
    screen.keys("echo ready\"\"-now\r");
    screen.wait_for("ready-now");
    screen.keys(LEAVE);
    screen.wait_for("over");
    let read = |name: &str| std::fs::read_to_string(env.file(name)).expect("what stty said");
    assert_eq!(read("before"), read("after"));
}

#[test]
fn in_tmux_a_terminal_is_joined_left_and_outlasts_the_server() {
    let env = TestEnv::new();
    let tmux = Tmux::start(&env, "bash --norc --noprofile -i");
    tmux.keys(&[&format!("{PRYX} open --here deploy"), "Enter"]);
    tmux.wait_for("joined");
    tmux.keys(&["echo in$((40+2))side", "Enter"]);
    tmux.wait_for("in42side");
    tmux.keys(&["C-\\", "d"]);
    tmux.wait_for("pryx attach deploy");
    tmux.keys(&["clear", "Enter"]);
    wait_until("the screen is empty", PATIENCE, || !tmux.screen().contains("in42side"));
    tmux.keys(&[&format!("{PRYX} attach deploy"), "Enter"]);
    tmux.wait_for("in42side");
    tmux.keys(&["Y=outlasts", "Enter"]);
    tmux.keys(&["stty size; echo mar$((1+1))k", "Enter"]);
    tmux.wait_for("mar2k");
    assert!(tmux.screen().contains("24 80"), "the window's size did not arrive: {}", tmux.screen());
    tmux.kill_hard();
    assert_eq!(env.json(["ps"])[0]["terminal"], "deploy");
    let mut window = Screen::join(&env, &["attach", "deploy"]);
    window.keys("echo it $Y\r");
    window.wait_for("it outlasts");
    window.keys("exit\r");
    window.assert_code(0);
}

#[test]
fn without_a_terminal_open_gives_the_job_and_attach_only_watches() {
    let env = TestEnv::new();
    let id = env.json(["open", "main"])["job"]["id"].clone();
    assert_eq!(env.json(["ps"])[0]["id"], id);
    assert_eq!(env.json(["open", "main"])["job"]["id"], id, "a second time it is the same terminal");
    let watching = env.pryx(["attach", "main"]).start();
    wait_until("it is watched", PATIENCE, || watching.err().contains("watching only"));
    env.ok(["stop", "main"]);
    watching.wait().assert_says("main ended");
}

#[test]
fn open_goes_by_a_terminals_name_alone() {
    let env = TestEnv::new();
    let id = detached(&env, "sleep 314");
    let opened = env.json(["open", &id[..3]]);
    assert_ne!(opened["job"]["id"], id, "a job was taken for a terminal");
    env.pryx(["open", "last"]).run().assert_code(2);
}

#[test]
fn an_option_that_would_change_nothing_is_refused() {
    let env = TestEnv::new();
    env.pryx(["--timeout", "1s", "exec", "--", "true"]).run().assert_code(2);
    env.pryx(["exec", "--timeout", "5s", "--", "true"]).run().assert_code(0);
}
