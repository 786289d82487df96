//! What runs without a sandbox is what needs to and what the system itself brings: no program takes another one along, and no
//! process of the agent's chooses where programs, settings or variables come from.

use super::env::TestEnv;
use super::gate::{log_of, model};
use super::pty::Screen;
use super::stub::Turn;
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;

fn job(env: &TestEnv, command: &str) -> Value {
    let jobs = env.json(["ps", "-a"]);
    let found = jobs.as_array().expect("jobs").iter().find(|job| job["command"] == command).cloned();
    found.unwrap_or_else(|| panic!("no {command}: {jobs:#}"))
}

/// A program of the agent's in the workspace that leaves a mark outside of it.
fn planted(env: &TestEnv, name: &str) {
    let file = env.file(name);
    std::fs::create_dir_all(file.parent().expect("a directory")).expect("a directory");
    std::fs::write(&file, format!("#!/bin/sh\necho x >{}/{}\n", env.home().display(), "made")).expect("a program");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("its mode");
}

#[test]
fn what_needs_no_sandbox_takes_nothing_else_out_of_it() {
    let mut env = TestEnv::outside_tmp();
    std::fs::create_dir_all(env.home().join(".ssh")).expect("a directory");
    std::fs::write(env.home().join(".ssh/key"), "k4n4ry\n").expect("a key");
    let home = env.home().display().to_string();
    let makefile = format!("pwn:\n\t-@touch here\n\t-@echo x >{home}/made\n\t-@cat {home}/.ssh/key\n");
    std::fs::write(env.file("Makefile"), makefile).expect("a makefile");
    let policy = "name: mine\nmode: workspace\ntools:\n  allowed:\n    - shell.exec:\n        commands: [\"make *\"]\n";
    env.pryx(["policy", "edit", "mine", "--from", "-"]).stdin(policy).run().assert_code(0);
    for command in [
        "make pwn",
        "kill -l >/dev/null; make pwn",
        "pidof x; make pwn",
        "pidof make pwn; make pwn",
        "make pwn | ss -h",
        "ss -h >/dev/null && make pwn",
    ] {
        let stub = model(&mut env, [Turn::runs(command), Turn::says("So.")]);
        env.pryx(["--mode", "mine", "build"]).run();
        let result = stub.all_tool_results().join("");
        assert!(!result.contains("k4n4ry"), "{command}: {result}");
        assert!(!env.home().join("made").exists(), "{command}: {result}");
        let held = job(&env, command)["sandbox"]["profile"].to_string();
        assert!(held.contains("workspace"), "{command}: {held}");
        assert!(std::fs::remove_file(env.file("here")).is_ok(), "{command} ran: {result}");
    }
    // Looks too: what is beside them is held, what only reads their output is not in the way.
    for (command, profile) in [
        ("kill -l >/dev/null; grep NoNewPrivs /proc/self/status", "workspace"),
        ("pidof x; grep NoNewPrivs /proc/self/status", "workspace"),
        ("ss -h | grep -i usage", "none"),
    ] {
        let _stub = model(&mut env, [Turn::runs(command), Turn::says("So.")]);
        env.pryx(["look"]).run();
        assert_eq!(job(&env, command)["sandbox"]["profile"], profile, "{command}");
    }
}

/// Asks the hands through the socket, from inside of the agent's sandbox, and prints whether they agreed.
const ASKS: &str = r#"
import json, os, socket, sys
work, home = os.getcwd(), os.environ['PRYX_HOME']
def ask(name, action, **data):
    s = socket.socket(socket.AF_UNIX); s.settimeout(20); s.connect(home + '/run/hands.sock'); f = s.makefile('rw')
    f.write(json.dumps({'action': action, 'data': data}) + '\n'); f.flush()
    try: line = f.readline()
    except TimeoutError: line = '{"success": false}'
    print(name, json.loads(line)['success'], line, flush=True)
env = {'PATH': work + '/bin:/usr/bin:/bin', 'HOME': work + '/eh', 'XDG_CONFIG_HOME': work + '/eh', 'GOROOT': work,
       'LD_PRELOAD': work + '/x.so'}
"#;

#[track_caller]
fn asks(env: &mut TestEnv, requests: &str) -> String {
    std::fs::write(env.file("asks.py"), format!("{ASKS}{requests}\nprint('THE END')\n")).expect("a script");
    let _stub = model(env, [Turn::runs("python3 asks.py"), Turn::says("It ended.")]);
    let mut screen = Screen::pryx(env, &["do it"]);
    screen.wait_for("[y] yes");
    screen.keys("y");
    screen.wait_for("It ended.");
    screen.wait();
    assert_eq!(job(env, "python3 asks.py")["sandbox"]["profile"], "workspace+network");
    let log = log_of(env, "python3 asks.py");
    assert!(log.contains("THE END"), "{log}");
    log
}

#[test]
fn an_agents_process_does_not_choose_where_programs_and_settings_come_from() {
    let mut env = TestEnv::outside_tmp();
    planted(&env, "bin/ss");
    planted(&env, "bin/git");
    planted(&env, "hook");
    std::fs::create_dir_all(env.file("eh/git")).expect("a directory");
    let settings = format!("[core]\n\tfsmonitor = {}\n", env.file("hook").display());
    std::fs::write(env.file("eh/.gitconfig"), &settings).expect("settings");
    std::fs::write(env.file("eh/git/config"), &settings).expect("settings");
    let log = asks(
        &mut env,
        "ask('ss', 'exec', argv=['ss', '-h'], cwd='/', env=env)\n\
         ask('git', 'exec', argv=['git', 'status'], cwd=work, env=env)\n\
         ask('home', 'exec', argv=['git', 'status'], cwd=work, env={'HOME': work + '/eh'})\n\
         ask('printenv', 'exec', argv=['printenv'], cwd='/', env=env)\n\
         ask('typed', 'exec', argv=['ss -h'], cwd='/', env=env, inside={'terminal': 'theirs'})\n\
         ask('tool', 'call_tool', session='s3ss10ns3ss1', tool='shell.exec', arguments={'command': 'ss -h'}, cwd='/', env=env)\n",
    );
    assert!(log.contains("ss True"), "the system's own runs: {log}");
    assert!(!env.home().join("made").exists(), "{log}");
    let jobs = env.json(["ps", "-a"]);
    let shown = jobs.as_array().expect("jobs").iter().find(|job| job["command"] == "printenv").expect("printenv ran");
    let variables = env.ok(["log", shown["id"].as_str().expect("an id")]);
    assert!(variables.contains("PATH=") && !variables.contains("/w/"), "{variables}");
}

#[test]
fn an_agents_process_sets_nothing_in_a_terminal() {
    let mut env = TestEnv::outside_tmp();
    planted(&env, "bin/date");
    env.ok(["exec", "-t", "own", "--", "true"]);
    let log = asks(
        &mut env,
        "ask('own', 'exec', argv=['ls'], cwd=work, inside={'terminal': 'own', 'set': {'PATH': env['PATH']}})\n\
         ask('theirs', 'exec', argv=['ls'], cwd=work, inside={'terminal': 'theirs', 'set': {'LD_PRELOAD': 'x.so'}})\n",
    );
    for name in ["own", "theirs"] {
        assert!(log.contains(&format!("{name} False")), "{log}");
    }
    assert!(log.contains("only a person may set variables of a terminal"), "{log}");
    env.ok(["exec", "-t", "own", "--", "date"]);
    assert!(!env.home().join("made").exists(), "{log}");
    // What a person sets is set, but for what makes the loader run other code.
    env.ok([
        "exec",
        "-t",
        "own",
        "--env",
        "COLOR=blue",
        "--env",
        "LD_PRELOAD=/no/such.so",
        "--",
        "echo \"$COLOR-$LD_PRELOAD.\"",
    ]);
    let typed = env.ok(["log", "own"]);
    assert!(typed.contains("blue-."), "{typed}");
}

/// What runs beside an agent's terminal, unheld, is no shell that begins with the agent's own code.
#[test]
fn what_a_held_shell_exports_runs_nothing_outside() {
    let mut env = TestEnv::outside_tmp();
    planted(&env, "hook");
    let typed = |command: &str| {
        Turn::says("").and_calls("shell.exec", serde_json::json!({"command": command, "terminal": "dev"}))
    };
    let line = format!("export BASH_ENV={}", env.file("hook").display());
    let _stub = model(&mut env, [typed(&line), typed("ss -h"), Turn::says("It all ended.")]);
    let mut screen = Screen::pryx(&env, &["do it"]);
    for question in ["sets    BASH_ENV", "which you allowed, has changed"] {
        screen.wait_for(question);
        screen.wait_for("[n] no");
        screen.keys("y");
    }
    screen.wait_for("It all ended.");
    screen.wait();
    assert_eq!(job(&env, "ss -h")["sandbox"]["profile"], "none");
    assert!(!env.home().join("made").exists());
}
