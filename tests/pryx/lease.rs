//! A person and an agent in one terminal: while the person types, commands wait; what the person ran is recorded as theirs.

use super::env::{PATIENCE, TestEnv, signal, wait_until};
use super::gate::model;
use super::pty::Screen;
use super::stub::Turn;
use super::terminal::run;
use rustix::process::Signal;
use serde_json::{Value, json};

fn typed(command: &str) -> Turn {
    Turn::says("").and_calls("shell.exec", json!({"command": command, "terminal": "dev"}))
}

/// What persons typed, the oldest first.
fn by_hand(env: &TestEnv) -> Vec<Value> {
    let jobs = env.json(["ps", "-a", "-l", "500"]);
    let mut found: Vec<Value> =
        jobs.as_array().into_iter().flatten().filter(|job| job["by_hand"] == true).cloned().collect();
    found.reverse();
    found
}

/// What is true of the terminal now.
fn live(env: &TestEnv) -> Value {
    let jobs = env.json(["ps"]);
    let terminal = jobs.as_array().and_then(|jobs| jobs.iter().find(|job| job.get("within").is_none())).cloned();
    terminal.unwrap_or_default()["live"].clone()
}

#[track_caller]
fn shell(env: &mut TestEnv, shell: &str) -> Screen {
    env.set("SHELL", shell);
    run(env, "true");
    Screen::join(env, &["attach", "dev"])
}

#[test]
fn an_agents_command_waits_while_a_person_types_and_runs_then() {
    let mut env = TestEnv::new();
    let stub = model(&mut env, [typed("pwd"), Turn::says("Done.")]);
    let mut window = shell(&mut env, "/bin/bash");
    window.keys("echo mine >own; cat");
    wait_until("it is the person's", PATIENCE, || live(&env)["person"] == true);
    assert!(env.ok(["ps"]).contains("somebody types"), "{}", env.ok(["ps"]));
    let agent = env.pryx(["where?"]).start();
    wait_until("the agent's command waits", PATIENCE, || live(&env)["waiting"] == 1);
    window.wait_for_raw("]2;dev: somebody types, a command waits");
    // A line that is half typed is not touched, nor is the program that it starts.
    window.keys(" >>own\r");
    wait_until("it runs", PATIENCE, || env.file("own").exists());
    window.keys("and this\r");
    assert_eq!((live(&env)["person"].clone(), live(&env)["waiting"].clone()), (true.into(), 1.into()));
    assert!(stub.all_tool_results().is_empty());
    window.keys("\u{4}");
    agent.wait().assert_code(0);
    let result = stub.all_tool_results().concat();
    assert!(result.contains("exit 0") && result.contains("/w") && result.contains("a person"), "{result}");
    assert_eq!(std::fs::read_to_string(env.file("own")).expect("a file"), "mine\nand this\n");
    let jobs = env.json(["ps", "-a"]);
    let agents = jobs.as_array().into_iter().flatten().find(|job| job["actor"]["kind"] == "agent");
    assert!(agents.is_some_and(|job| job["waited_ms"].as_u64() > Some(500)), "{jobs:#}");
    wait_until("the title is the terminal's again", PATIENCE, || live(&env)["person"] != true);
}

#[test]
fn a_command_that_waited_in_vain_is_refused_and_says_why() {
    let mut env = TestEnv::new();
    let mut window = shell(&mut env, "/bin/bash");
    window.keys("echo half a li");
    wait_until("it is the person's", PATIENCE, || live(&env)["person"] == true);
    let done = env.pryx(["exec", "-t", "dev", "--timeout", "1500ms", "--", "echo must-not-run"]).run();
    done.assert_code(124)
        .assert_says("somebody is typing in dev")
        .assert_says("dev: somebody is typing; waiting up to 1.5 s");
    // A program of the person's is waited for no longer.
    window.keys("ne; cat\r");
    window.wait_for("half a line\n");
    let done = env.pryx(["exec", "-t", "dev", "--timeout", "1500ms", "--", "echo must-not-run"]).run();
    done.assert_code(124).assert_says("a person runs something in dev").assert_one_clear_error();
    window.keys("\u{4}");
    assert_eq!(run(&env, "echo now"), (0, "now\n".to_owned()));
    assert!(!env.ok(["log", "dev"]).contains("must-not-run"));
    let all = env.json(["ps", "-a"]);
    let never = all.as_array().into_iter().flatten().filter(|job| job["seen"] == "never").count();
    assert_eq!((never, env.ok(["ps", "-a"]).matches("never ran").count()), (2, 2), "{all:#}");
}

#[test]
fn what_a_person_typed_while_something_ran_is_no_part_of_the_next_command() {
    let mut env = TestEnv::new();
    let mut window = shell(&mut env, "/bin/bash");
    let running = env.pryx(["exec", "-t", "dev", "--", "echo be\"\"gun; sleep 1; true"]).start();
    running.wait_for_out("begun");
    window.keys("rm -rf lost; echo ");
    running.wait().assert_code(0);
    assert_eq!(run(&env, "echo whole"), (0, "whole\n".to_owned()));
    // Whole lines are run before it, and one that begins something is the person's to end.
    let running = env.pryx(["exec", "-t", "dev", "--", "echo on\"\"ce; sleep 1; true"]).start();
    running.wait_for_out("once");
    window.keys("echo first >order\rif true\r");
    running.wait().assert_code(0);
    let done = env.pryx(["exec", "-t", "dev", "--timeout", "1500ms", "--", "echo not-this >>order"]).run();
    done.assert_code(124).assert_says("somebody is typing in dev");
    window.keys("then echo second >>order; fi\r");
    assert_eq!(run(&env, "echo third >>order").0, 0);
    assert_eq!(std::fs::read_to_string(env.file("order")).expect("a file"), "first\nsecond\nthird\n");
}

#[test]
fn what_a_person_runs_in_an_agents_terminal_is_not_the_agents_to_end() {
    let mut env = TestEnv::new();
    let _opens = model(&mut env, [typed("pwd"), Turn::says("Done.")]);
    env.pryx(["look"]).run().assert_code(0);
    let mut window = Screen::join(&env, &["attach", "dev"]);
    window.keys("cat\r");
    wait_until("it runs", PATIENCE, || live(&env)["person"] == true && live(&env)["activity"] == "needs_input");
    for (tool, arguments) in [
        ("shell.input", json!({"job": "dev", "keys": ["C-c"]})),
        ("shell.input", json!({"job": "dev", "text": "y", "keys": ["Enter"]})),
        ("shell.stop", json!({"job": "dev"})),
    ] {
        let stub = model(&mut env, [Turn::says("").and_calls(tool, arguments.clone()), Turn::says("I could not.")]);
        env.pryx(["-c", "end it"]).run();
        let results = stub.all_tool_results();
        assert!(results.last().is_some_and(|result| result.contains("Not run")), "{tool} {arguments}: {results:?}");
    }
    window.keys("still mine\r");
    window.wait_for("still mine\nstill mine");
    window.keys("\u{4}");
    wait_until("it is over", PATIENCE, || live(&env)["person"] != true);
    let stub = model(&mut env, [Turn::says("").and_calls("shell.stop", json!({"job": "dev"})), Turn::says("Done.")]);
    env.pryx(["-c", "end it"]).run().assert_code(0);
    assert!(stub.all_tool_results().last().is_some_and(|result| result.contains("signal")));
}

/// What a person runs in a shell, and what is recorded of it.
#[track_caller]
fn is_recorded(path: &str, texts: [&str; 3]) {
    let mut env = TestEnv::new();
    let mut window = shell(&mut env, path);
    window.keys("sh -c 'echo pri\"\"nted; exit 7'\r");
    wait_until("it is entered", PATIENCE, || by_hand(&env).iter().any(|job| job["state"] == "ended"));
    window.keys("echo sec\"\"ond\r");
    window.wait_for("second");
    // Whoever begins a line with a space doesn't want it to be remembered.
    window.keys(" echo th\"\"ird\r");
    window.wait_for("third");
    wait_until("all three are over", PATIENCE, || {
        by_hand(&env).iter().filter(|job| job["state"] == "ended").count() == 3
    });
    let jobs = by_hand(&env);
    let told: Vec<&str> = jobs.iter().filter_map(|job| job["command"].as_str()).collect();
    assert_eq!(told, texts, "{jobs:#?}");
    let codes: Vec<_> = jobs.iter().map(|job| job["outcome"]["code"].as_i64().unwrap_or(-1)).collect();
    assert_eq!(codes, [7, 0, 0], "{jobs:#?}");
    for (job, printed) in jobs.iter().zip(["printed", "second", "third"]) {
        let id = job["id"].as_str().expect("an id");
        assert_eq!((&job["actor"]["kind"], &job["terminal"]), (&"person".into(), &"dev".into()), "{job}");
        let log = env.ok(["log", id]);
        assert!(log.trim_end().ends_with(printed) && job.get("survivors").is_none(), "{job}: {log:?}");
        let audit = env.ok(["audit", "show", id]);
        assert!(audit.contains("by a person in dev") && audit.contains("ended"), "{audit}");
    }
    // Commands that were given to it are nobody's typing, and `last` is one of those.
    assert_eq!(run(&env, "echo given"), (0, "given\n".to_owned()));
    window.keys("echo four\"\"th\r");
    window.wait_for("fourth");
    assert_eq!(env.ok(["log"]).replace("\r\n", "\n"), "given\n");
    assert_eq!(by_hand(&env).len(), 4);
}

#[test]
fn what_a_person_ran_in_bash_is_theirs() {
    is_recorded("/bin/bash", ["sh -c 'echo pri\"\"nted; exit 7'", "echo sec\"\"ond", "typed by hand"]);
}

#[test]
fn what_a_person_ran_in_zsh_is_theirs() {
    is_recorded("/usr/bin/zsh", ["sh -c 'echo pri\"\"nted; exit 7'", "echo sec\"\"ond", "typed by hand"]);
}

#[test]
fn what_a_person_ran_in_fish_is_theirs() {
    is_recorded("/usr/bin/fish", ["sh -c 'echo pri\"\"nted; exit 7'", "echo sec\"\"ond", "typed by hand"]);
}

#[test]
fn what_a_person_ran_in_dash_is_theirs_without_its_text() {
    is_recorded("/usr/bin/dash", ["typed by hand"; 3]);
}

#[test]
fn what_a_person_ran_while_there_were_no_hands_is_entered_later() {
    let mut env = TestEnv::new();
    let mut window = shell(&mut env, "/bin/bash");
    window.keys("read x; echo after $x; (exit 9)\r");
    wait_until("it runs", PATIENCE, || by_hand(&env).len() == 1);
    let hands = env.hands_pid();
    // The window starts hands again by itself as soon as it can, so the last line is sent to the program by its keys alone.
    signal(hands, Signal::KILL);
    window.keys("go\recho and th\"\"en\r");
    window.wait_for("and then");
    wait_until("both are entered", PATIENCE, || {
        by_hand(&env).iter().filter(|job| job["state"] == "ended").count() == 2
    });
    let jobs = by_hand(&env);
    assert_eq!(
        (&jobs[0]["outcome"]["code"], &jobs[1]["command"]),
        (&9.into(), &"echo and th\"\"en".into()),
        "{jobs:#?}"
    );
    let all = env.json(["audit", "verify"]);
    assert!(all.to_string().contains("rows"), "{all}");
}
