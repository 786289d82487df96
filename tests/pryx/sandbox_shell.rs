//! A terminal that a model opens is held: what it may do it does in its shell, what it was granted more runs beside it. In
//! a terminal that a person opened nothing is held, and what is allowed only because it would be is asked.

use super::env::TestEnv;
use super::gate::model;
use super::pty::Screen;
use super::stub::{Stub, Turn};
use super::terminal::run;
use serde_json::{Value, json};

fn typed(command: &str) -> Turn {
    Turn::says("").and_calls("shell.exec", json!({"command": command, "terminal": "dev"}))
}

/// Lets a model run commands in its terminal; each of so many questions is answered with yes.
#[track_caller]
fn lets(env: &mut TestEnv, commands: &[&str], questions: usize) -> (Stub, String) {
    let turns: Vec<Turn> = commands.iter().map(|command| typed(command)).chain([Turn::says("It all ended.")]).collect();
    let stub = model(env, turns);
    let mut screen = Screen::pryx(env, &["do it"]);
    let mut seen = String::new();
    for _ in 0..questions {
        screen.wait_for("[y] yes");
        seen.push_str(&screen.text());
        screen.keys("y");
    }
    screen.wait_for("It all ended.");
    screen.wait();
    seen.push_str(&screen.text());
    (stub, seen)
}

fn jobs(env: &TestEnv) -> Vec<Value> {
    env.json(["ps", "-a"]).as_array().expect("jobs").clone()
}

fn job(env: &TestEnv, command: &str) -> Value {
    jobs(env).into_iter().find(|job| job["command"] == command).unwrap_or_else(|| panic!("no {command}"))
}

#[test]
fn a_models_terminal_is_held_and_is_a_shell_as_ever() {
    let mut env = TestEnv::outside_tmp();
    std::fs::create_dir(env.file("sub")).expect("a directory");
    let lines = ["cd sub", "pwd", "false", "echo x >made && cat made", "COLOR=blue", "echo got-$COLOR"];
    // A variable is asked about, and from then on whatever may mean something else through it.
    let (stub, _) = lets(&mut env, &lines, 2);
    let results = stub.all_tool_results();
    assert!(results[1].contains("/w/sub") && results[5].contains("got-blue"), "{results:#?}");
    assert!(results[2].contains("exit 1"), "{results:#?}");
    assert!(env.file("sub/made").exists(), "{results:#?}");
    let all = jobs(&env);
    assert!(all.iter().all(|job| job["sandbox"]["profile"] == "workspace"), "{all:#?}");
    let listed = env.ok(["ps"]);
    assert!(listed.contains("dev: workspace"), "{listed}");
    let screen = env.pryx(["screen", "dev"]).run();
    screen.assert_code(0).assert_says("held in the sandbox workspace");
}

/// What a person says in the shell is held too: it can't be widened by anybody.
#[test]
fn the_kernel_refuses_in_a_models_terminal_whoever_types() {
    let mut env = TestEnv::outside_tmp();
    std::fs::create_dir(env.home().join(".ssh")).expect("a directory");
    std::fs::write(env.home().join(".ssh/id"), "the key\n").expect("a key");
    lets(&mut env, &["pwd"], 0);
    for line in [
        "echo x >~/out",
        "cat ~/.ssh/id",
        "exec 3<>/dev/tcp/127.0.0.1/9",
        "kill -0 1",
        "setsid -w bash -c 'echo x >~/out'",
        "python3 -c 'import os; open(os.environ[\"HOME\"]+\"/out\",\"w\")'",
    ] {
        let (code, said) = run(&env, line);
        assert!(code != 0 && !said.contains("the key"), "{line}: {code} {said}");
    }
    assert!(!env.home().join("out").exists());
    assert_eq!(run(&env, "echo x >in && cat in").0, 0);
    // The same in a terminal of the person's own.
    let done = env.pryx(["exec", "-t", "mine", "--", "echo x >~/out && cat ~/.ssh/id"]).run();
    done.assert_code(0);
    assert!(done.out().contains("the key"), "{done}");
}

#[test]
fn what_was_granted_more_runs_beside_the_terminal_and_that_is_said() {
    let mut env = TestEnv::outside_tmp();
    std::fs::create_dir(env.file("sub")).expect("a directory");
    std::fs::create_dir(env.home().join("other")).expect("a directory");
    std::fs::write(env.file("sub/script.sh"), "echo in $PWD with $NUMBER; echo x >~/other/made; cd /; exit 7\n")
        .expect("a script");
    let granted = "cp script.sh ~/other/copy && cd ..";
    let lines = ["cd sub", "export NUMBER='forty two'", granted, "bash script.sh", "pwd"];
    let (stub, seen) = lets(&mut env, &lines, 4);
    let results = stub.all_tool_results();
    assert!(env.home().join("other/copy").exists(), "{results:#?}");
    assert!(results[2].contains("beside terminal dev"), "{results:#?}");
    assert!(seen.contains("beside terminal dev"), "the card says it before: {seen}");
    assert!(job(&env, granted)["sandbox"]["profile"].as_str().is_some_and(|name| name.contains("+files")));
    assert_eq!(job(&env, granted)["sandbox"]["beside"], "dev");
    // It knew directory and variables, its code is its own, and the shell is where it was.
    assert!(results[3].contains("/w/sub with forty two") && results[3].contains("exit 7"), "{results:#?}");
    assert!(results[4].contains("/w/sub"), "{results:#?}");
    assert!(!env.home().join("other/made").exists(), "a yes to a script opens no files elsewhere: {results:#?}");
    let beside = job(&env, "bash script.sh");
    assert!(beside.get("within").is_none() && beside["sandbox"]["beside"] == "dev", "{beside:#}");
}

/// What means something in the shell alone runs there even after a yes, and stays held.
#[test]
fn what_changes_the_shell_runs_in_it_after_a_yes() {
    let mut env = TestEnv::outside_tmp();
    std::fs::write(env.file("activate"), "hello() { echo hello-there; }\necho x >~/out\n").expect("a file");
    let (stub, _) = lets(&mut env, &[". ./activate", "hello"], 2);
    let results = stub.all_tool_results();
    assert!(results[1].contains("hello-there"), "{results:#?}");
    assert!(!env.home().join("out").exists(), "{results:#?}");
}

#[test]
fn in_a_persons_terminal_what_only_a_sandbox_would_hold_is_asked() {
    let mut env = TestEnv::outside_tmp();
    assert_eq!(run(&env, "true").0, 0);
    let stub = model(&mut env, [typed("pwd"), typed("touch made"), Turn::says("I could not.")]);
    env.pryx(["do it"]).run();
    let results = stub.all_tool_results();
    assert!(results[0].contains("/w"), "{results:#?}");
    assert!(results[1].contains("Not run"), "{results:#?}");
    assert!(!env.file("made").exists());
    let (_, seen) = lets(&mut env, &["touch made"], 1);
    assert!(seen.contains("sandbox none"), "{seen}");
    assert!(env.file("made").exists());
}

/// Hands that come later know what a terminal is held to.
#[test]
fn a_terminal_keeps_its_sandbox_over_a_restart_of_the_hands() {
    let mut env = TestEnv::outside_tmp();
    let (_, _) = lets(&mut env, &["cd /var"], 0);
    env.ok(["hands", "stop"]);
    let stub = model(&mut env, [typed("pwd"), Turn::says("So.")]);
    // What was changed in it before is not known any more, so it is asked.
    let mut screen = Screen::pryx(&env, &["-c", "where?"]);
    screen.wait_for("[y] yes");
    screen.keys("y");
    screen.wait_for("So.");
    screen.wait();
    let results = stub.all_tool_results();
    assert!(results.last().is_some_and(|result| result.contains("/var")), "{results:#?}");
    let last = job(&env, "pwd");
    assert!(last.get("within").is_some() && last["sandbox"]["profile"] == "workspace", "{last:#}");
}
