//! Commands in a persistent shell: exact, with their own logs, and the shell as it was left.

use super::env::{PATIENCE, TestEnv, signal, wait_until};
use rustix::process::Signal;
use serde_json::Value;

/// Runs a line in the terminal `dev`; its code and what it printed, with plain line ends.
#[track_caller]
pub fn run(env: &TestEnv, line: &str) -> (i32, String) {
    let done = env.pryx(["exec", "-t", "dev", "--", line]).run();
    let code = done.status.code().unwrap_or_else(|| panic!("no code: {done}"));
    (code, done.out().replace("\r\n", "\n"))
}

/// The newest job.
#[track_caller]
pub fn last(env: &TestEnv) -> Value {
    env.json(["ps", "-a", "-l", "1"])[0].clone()
}

#[test]
fn a_terminal_keeps_what_a_command_changes() {
    let env = TestEnv::new();
    assert_eq!(run(&env, "cd /usr"), (0, String::new()));
    assert_eq!(run(&env, "pwd"), (0, "/usr\n".to_owned()));
    assert_eq!(run(&env, "X=kept; f() { echo \"f $1\"; return 7; }; alias say='echo said'"), (0, String::new()));
    assert_eq!(run(&env, "f $X"), (7, "f kept\n".to_owned()));
    assert_eq!(run(&env, "echo $?"), (0, "7\n".to_owned()));
    assert_eq!(run(&env, "say it"), (0, "said it\n".to_owned()));
    let jobs = env.json(["ps", "-a"]);
    let terminals = jobs.as_array().into_iter().flatten().filter(|job| job.get("within").is_none()).count();
    assert_eq!(terminals, 1, "{jobs:#}");
}

#[test]
fn a_command_in_a_terminal_is_a_job_with_exactly_its_output() {
    let env = TestEnv::new();
    run(&env, "true");
    assert_eq!(run(&env, "printf 'no end'; exit_with() { return 37; }; exit_with"), (37, "no end".to_owned()));
    let job = last(&env);
    assert_eq!((&job["outcome"]["code"], &job["seen"], &job["terminal"]), (&37.into(), &"hook".into(), &"dev".into()));
    assert_eq!(env.ok(["log", job["id"].as_str().expect("an id")]), "no end");
    assert_eq!(job["output"][0]["bytes"], 6);
    let whole = env.ok(["log", "--raw", "dev"]);
    assert!(whole.contains("no end") && whole.contains("exit_with"), "the window shows what was typed: {whole:?}");
    // Several lines, quotes, an exclamation mark, a here-document: one command each.
    let line = "for i in 1 2\ndo echo \"it's $i!\"\ndone\ncat <<E\n\tthe text\nE";
    assert_eq!(run(&env, line), (0, "it's 1!\nit's 2!\n\tthe text\n".to_owned()));
    let (code, said) = run(&env, "echo 'open");
    assert_ne!(code, 0);
    assert!(said.contains("matching"), "{said}");
}

#[test]
fn background_children_hold_nothing_up_and_are_listed() {
    let env = TestEnv::new();
    run(&env, "true");
    let (code, said) = run(&env, "sleep 300 & echo hi");
    assert_eq!((code, said.ends_with("hi\n")), (0, true), "{said}");
    let job = last(&env);
    assert_eq!(job["survivors"].as_array().map(Vec::len), Some(1), "{job:#}");
    // They belong to the command, whose stop ends them and leaves the shell.
    env.ok(["stop", job["id"].as_str().expect("an id")]);
    wait_until("it is gone", PATIENCE, || env.running("sleep 300").is_empty());
    assert_eq!(run(&env, "echo on").0, 0);
}

#[test]
fn a_shell_that_dies_gives_its_code_and_a_new_one_its_directory() {
    let env = TestEnv::new();
    run(&env, "cd /usr/lib");
    for (line, code) in [("exit 3", 3), ("exec false", 1), ("set -e; false", 1), ("kill -9 $$", 137)] {
        let done = env.pryx(["exec", "-t", "dev", "--", line]).run();
        done.assert_code(code).assert_says("the shell of dev ended with it; the next command starts a new one");
        assert_eq!(last(&env)["seen"], "waitpid");
        assert_eq!(run(&env, "pwd"), (0, "/usr/lib\n".to_owned()), "after {line}");
    }
}

/// The shell's process.
#[track_caller]
fn shell_of(env: &TestEnv) -> i32 {
    let jobs = env.json(["ps"]);
    let terminal = jobs.as_array().and_then(|jobs| jobs.iter().find(|job| job.get("within").is_none()));
    let pid = terminal.and_then(|job| job["pid"].as_i64()).expect("a shell");
    i32::try_from(pid).expect("a process id")
}

#[test]
fn a_shell_that_is_killed_from_outside_is_told_and_replaced() {
    for shell in ["/bin/bash", "/usr/bin/zsh", "/usr/bin/fish", "/usr/bin/dash"] {
        let mut env = TestEnv::new();
        env.set("SHELL", shell);
        run(&env, "cd /usr/lib");
        let running = env.pryx(["exec", "-t", "dev", "--", "echo begun; sleep 303; echo not-this"]).start();
        running.wait_for_out("begun");
        let before = shell_of(&env);
        signal(before, Signal::KILL);
        let done = running.wait();
        done.assert_code(137).assert_says("the shell of dev ended with it");
        assert!(!done.out().contains("not-this"), "{shell}: {done}");
        let job = last(&env);
        assert_eq!((&job["outcome"]["signal"], &job["seen"]), (&9.into(), &"waitpid".into()), "{shell}: {job}");
        // One that dies at its prompt is told to nobody, and replaced all the same.
        assert_eq!(run(&env, "pwd"), (0, "/usr/lib\n".to_owned()), "{shell}");
        let second = shell_of(&env);
        assert_ne!(before, second);
        signal(second, Signal::KILL);
        wait_until("it is gone", PATIENCE, || !super::env::is_alive(second));
        assert_eq!(run(&env, "pwd"), (0, "/usr/lib\n".to_owned()), "{shell}");
        env.ok(["stop", "--all"]);
    }
}

#[test]
fn a_model_is_told_that_its_shell_ended_and_goes_on_where_it_was() {
    use super::stub::Turn;
    let mut env = TestEnv::new();
    std::fs::create_dir(env.file("sub")).expect("a directory");
    let call =
        |line: &str| Turn::says("").and_calls("shell.exec", serde_json::json!({"command": line, "terminal": "dev"}));
    let stub = super::gate::model(&mut env, [call("cd sub"), call("sleep 303"), call("pwd"), Turn::says("Done.")]);
    let turn = env.pryx(["look around"]).start();
    wait_until("it runs", PATIENCE, || !env.running("sleep 303").is_empty());
    signal(shell_of(&env), Signal::KILL);
    turn.wait().assert_code(0);
    let results = stub.all_tool_results();
    assert!(results[1].contains("signal 9") && results[1].contains("The shell of terminal dev ended"), "{results:#?}");
    assert!(results[2].contains("/w/sub"), "{results:#?}");
}

#[test]
fn killed_hands_lose_nothing_of_a_command_in_a_terminal() {
    let env = TestEnv::new();
    assert!(env.program("mkfifo").arg("go").status().expect("mkfifo runs").success());
    run(&env, "X=kept");
    let running = env.pryx(["exec", "-t", "dev", "--", "echo begun; read x <go; echo $X $x; (exit 17)"]).start();
    running.wait_for_out("begun");
    let hands = env.hands_pid();
    signal(hands, Signal::KILL);
    std::fs::write(env.file("go"), "went\n").expect("it reads");
    let done = running.wait();
    done.assert_code(17);
    assert_eq!(done.out().replace("\r\n", "\n"), "begun\nkept went\n");
    let jobs = env.json(["ps", "-a"]);
    assert_eq!(jobs.as_array().map(Vec::len), Some(3), "it ran twice: {jobs:#}");
    assert_eq!(run(&env, "echo $X"), (0, "kept\n".to_owned()));
}

#[test]
fn a_stop_ends_the_command_and_never_the_shell() {
    let env = TestEnv::new();
    run(&env, "X=kept");
    for line in ["sleep 301; sleep 301; echo on", "while :; do :; done", "while true; do sleep 301; done", "read x"] {
        let id = env.ok(["exec", "-d", "-t", "dev", "--", line]).trim().to_owned();
        wait_until("it runs", PATIENCE, || !line.contains("sleep") || !env.running("sleep 301").is_empty());
        env.ok(["stop", &id]);
        let job = last(&env);
        assert_eq!((&job["state"], &job["stopped"]["by"]), (&"ended".into(), &"pryx stop".into()), "{line}: {job:#}");
        assert!(env.running("sleep 301").is_empty(), "{line}");
        assert_eq!(run(&env, "echo $X"), (0, "kept\n".to_owned()), "after {line}");
    }
}

#[test]
fn a_time_limit_ends_the_command_and_never_the_shell() {
    let env = TestEnv::new();
    run(&env, "X=kept");
    env.pryx(["exec", "-t", "dev", "--timeout", "200ms", "--", "sleep 302"]).run().assert_code(124);
    assert!(env.running("sleep 302").is_empty());
    assert_eq!(run(&env, "echo $X"), (0, "kept\n".to_owned()));
}

#[test]
fn commands_wait_for_their_turn() {
    let env = TestEnv::new();
    run(&env, "true");
    let runs: Vec<_> =
        (1..=4).map(|n| env.pryx(["exec", "-t", "dev", "--", &format!("echo {n}; sleep 0.1")]).start()).collect();
    for (n, run) in (1..=4).zip(runs) {
        let done = run.wait();
        done.assert_code(0);
        assert_eq!(done.out(), format!("{n}\r\n"));
    }
}
