//! Modes and policies through the shipped binary: what each lets run, asks and forbids, and that nobody but the person
//! chooses or changes them.

use super::env::{PRYX, TestEnv};
use super::gate::{as_agent, audit, log_of, model};
use super::pty::Screen;
use super::stub::Turn;

/// Writes a policy where pryx looks for it.
fn policy(env: &TestEnv, name: &str, text: &str) {
    let dir = env.pryx_home().join("policies");
    std::fs::create_dir_all(&dir).expect("a folder");
    std::fs::write(dir.join(name).with_extension("yaml"), text).expect("a policy");
}

/// What happens to a command under a mode when nobody is there to be asked.
#[track_caller]
fn tried(env: &mut TestEnv, mode: &[&str], command: &str) -> String {
    let _stub = model(env, [Turn::runs(command), Turn::says("So be it.")]);
    let done = env.pryx([mode, &["do it"]].concat()).run();
    done.err()
}

#[test]
fn the_default_mode_writes_new_files_in_the_workspace_and_destroys_nothing() {
    let mut env = TestEnv::new();
    std::fs::write(env.file("notes"), "precious").expect("a file");
    for command in
        ["echo new > made", "mkdir -p a/b", "touch a/b/c", "cp notes copy", "mv copy moved", "echo more >> log"]
    {
        let said = tried(&mut env, &[], command);
        assert!(said.contains("exit 0"), "{command}: {said}");
    }
    assert!(env.file("a/b/c").exists() && env.file("moved").exists());
    for command in [
        "echo gone > notes",
        "cp made notes",
        "mv made notes",
        "rm notes",
        "echo x > ../outside",
        "mkdir -p .git/hooks",
        "echo x > .envrc",
        "touch ../outside",
        "mv notes ../outside",
        "mv notes n2; cp made n2",
        "ln -s ../h out",
        "echo x > new$$",
        "cp made new$?",
    ] {
        let said = tried(&mut env, &[], command);
        assert!(said.contains("nobody can be asked"), "{command}: {said}");
    }
    std::os::unix::fs::symlink(env.home(), env.file("way-out")).expect("a link");
    assert!(tried(&mut env, &[], "echo x > way-out/x").contains("nobody can be asked"));
    assert_eq!(std::fs::read_to_string(env.file("notes")).expect("the file"), "precious");
    assert!(!env.home().join("x").exists() && !env.file("../outside").exists());
}

#[test]
fn what_git_could_bring_back_may_be_overwritten() {
    let mut env = TestEnv::new();
    let git = |args: &[&str]| {
        let mut git = env.program("git");
        let done =
            git.args(["-c", "user.name=t", "-c", "user.email=t@example.com"]).args(args).output().expect("git runs");
        assert!(done.status.success(), "{done:?}");
    };
    std::fs::write(env.file("tracked"), "one").expect("a file");
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
    std::fs::File::options().write(true).open(env.file("tracked")).expect("it").set_modified(old).expect("a time");
    git(&["init", "-q"]);
    git(&["add", "tracked"]);
    std::fs::write(env.file("other"), "two").expect("a file");
    assert!(tried(&mut env, &[], "echo new > other").contains("nobody can be asked"));
    assert!(tried(&mut env, &[], "echo new > tracked").contains("exit 0"));
    // It is not what git has any more.
    assert!(tried(&mut env, &[], "echo newer > tracked").contains("nobody can be asked"));
    assert_eq!(std::fs::read_to_string(env.file("tracked")).expect("the file"), "new\n");
}

#[test]
fn read_only_forbids_what_changes_something_and_full_asks_nothing() {
    let mut env = TestEnv::new();
    for command in ["touch made", "echo x > made", "rm made"] {
        let said = tried(&mut env, &["--mode", "read-only"], command);
        assert!(said.contains("forbidden") && said.contains("this session only reads"), "{command}: {said}");
    }
    assert!(tried(&mut env, &["--mode", "read-only"], "ls").contains("exit 0"));
    assert!(!env.file("made").exists());
    assert!(tried(&mut env, &["--mode", "full"], "truncate -s0 made; rm made; touch made").contains("exit 0"));
    assert!(env.file("made").exists());
    assert!(tried(&mut env, &["--mode", "full"], "pryx approve abc1234").contains("forbidden"));
    let done = env.pryx(["--mode", "wrokspace", "do it"]).run();
    done.assert_code(2).assert_one_clear_error();
    done.assert_says("wrokspace").assert_says("read-only, workspace");
}

#[test]
fn settings_choose_the_mode_for_all_and_for_a_folder() {
    let mut env = TestEnv::new();
    std::fs::create_dir_all(env.pryx_home()).expect("a folder");
    let text = format!("mode = \"full\"\n[folders.\"{}\"]\nmode = \"read-only\"\n", env.work().display());
    std::fs::write(env.pryx_home().join("config.toml"), text).expect("settings");
    assert!(tried(&mut env, &[], "touch made").contains("this session only reads"));
    assert!(env.ok(["policy", "list"]).contains("* read-only"));
    assert!(tried(&mut env, &["--mode", "workspace"], "touch made").contains("exit 0"));
    let elsewhere = env.home();
    std::fs::write(env.home().join("x"), "").expect("a file");
    let _stub = model(&mut env, [Turn::runs("truncate -s0 x"), Turn::says("Done.")]);
    let done = env.pryx(["do it"]).dir(elsewhere).run();
    done.assert_code(0).assert_says("exit 0");
}

const MINE: &str = "\
name: mine
description: for the tests
mode: workspace
tools:
  allowed:
    - shell.exec:
        commands: [\"truncate -s0 *\"]
  ask:
    - shell.exec:
        commands: [uptime]
  denied:
    - shell.exec:
        commands:
          - \"rm\"
rate_limits:
  tool_calls_per_minute: 4
tests:
  allow: [ls, \"truncate -s0 x\"]
  ask: [uptime, \"make\"]
  deny: [\"rm x\", \"ls; rm x\"]
";

#[test]
fn a_policy_of_ones_own_allows_asks_and_forbids_and_names_its_line() {
    let mut env = TestEnv::new();
    policy(&env, "mine", MINE);
    assert!(tried(&mut env, &["--mode", "mine"], "truncate -s0 made").contains("exit 0"));
    let denied = tried(&mut env, &["--policy", "mine"], "ls; sh -c 'rm made'");
    assert!(denied.contains("forbidden") && denied.contains("mine.yaml:14"), "{denied}");
    let asked = tried(&mut env, &["--mode", "mine"], "uptime");
    assert!(asked.contains("nobody can be asked") && asked.contains("mine.yaml:10"), "{asked}");
    assert!(env.file("made").exists());
    let explained = env.ok(["policy", "explain", "--mode", "mine", "--", "rm", "-rf", "a b"]);
    assert!(explained.starts_with("denied under mine") && explained.contains("mine.yaml:14"), "{explained}");
    assert!(explained.contains("deletes ") && explained.contains("change or remove it"), "{explained}");
    env.pryx(["policy", "test"]).run().assert_code(0).assert_says("6 tests, 0 failed");
    policy(&env, "mine", &MINE.replace("deny: [", "deny: [ls, "));
    let failed = env.pryx(["policy", "test", "mine"]).run();
    failed.assert_code(1).assert_says("7 tests, 1 failed");
    assert!(failed.out().contains("mine.yaml:20: `ls` should be denied and is allowed"), "{failed}");
}

#[test]
fn a_policy_limits_how_often_and_how_long() {
    let mut env = TestEnv::new();
    policy(&env, "mine", &MINE.replace("tests:", "approval:\n  timeout: 300ms\n  default: deny\ntests:"));
    // Not the same one six times: a turn that goes round in circles is ended before.
    let looks = ["ls", "ls -a", "ls -l", "ls -1", "ls -r", "ls -t"];
    let script = looks.into_iter().map(Turn::runs).chain([Turn::says("Enough.")]);
    let _stub = model(&mut env, script);
    let done = env.pryx(["--mode", "mine", "look often"]).run();
    assert_eq!(done.err().matches("exit 0").count(), 4, "{done}");
    assert_eq!(done.err().matches("more than 4 calls in a minute").count(), 2, "{done}");
    done.assert_says("rate-limit").assert_says("mine.yaml:16");
    let _stub = model(&mut env, [Turn::runs("uptime"), Turn::says("Nobody.")]);
    let mut screen = Screen::pryx(&env, &["--mode", "mine", "ask"]);
    screen.wait_for("[y] yes");
    screen.wait_for("nobody answered in time");
    screen.assert_code(120);
}

#[test]
fn a_policy_that_can_not_be_understood_asks_about_everything_and_says_where() {
    let mut env = TestEnv::new();
    for (text, place) in [
        ("name: mine\ntools: {allowed: [shell.exec]\n", "mine.yaml:"),
        ("name: mine\nmode: fulll\n", "mine.yaml:2:7"),
        ("name: mine\nmode: full\nunknown: 1\n", "mine.yaml:3:1"),
        ("name: other\nmode: full\n", "mine.yaml:1:7"),
        ("name: mine\nmode: full\napproval: {default: allow}\n", "mine.yaml:3:"),
        ("name: mine\nmode: full\ntools:\n  denied:\n    - shell.exec: {commands: [\"a | b\"]}\n", "mine.yaml:5:"),
        ("name: mine\nmode: full\nmode: full\n", "mine.yaml:3:"),
    ] {
        policy(&env, "mine", text);
        let said = tried(&mut env, &["--mode", "mine"], "ls");
        assert!(said.contains("nobody can be asked") && said.contains("so everything is asked"), "{text}: {said}");
        assert!(said.contains(place), "{text}: {said}");
        let checked = env.pryx(["policy", "check"]).run();
        checked.assert_code(2).assert_one_clear_error();
        assert!(checked.out().contains(place), "{checked}");
    }
    std::fs::remove_file(env.pryx_home().join("policies/mine.yaml")).expect("the policy");
    policy(&env, "fine", "name: fine\nmode: workspace\ntools: {allowed: [shell.exec]}\n");
    assert!(env.ok(["policy", "check"]).contains("allows every command"));
}

#[test]
fn a_session_keeps_its_mode() {
    let mut env = TestEnv::new();
    assert!(tried(&mut env, &["--mode", "read-only"], "ls").contains("exit 0"));
    let _stub = model(&mut env, [Turn::runs("touch made"), Turn::says("No.")]);
    env.pryx(["-c", "--mode", "full", "again"]).run().assert_code(2).assert_says("keeps it");
    let done = env.pryx(["-c", "again"]).run();
    done.assert_code(121).assert_says("this session only reads");
    assert!(!env.file("made").exists());
    assert_eq!(audit(&env).iter().filter(|(kind, ..)| kind == "mode").count(), 1);
}

#[test]
fn an_agents_job_can_neither_choose_nor_change_what_it_is_ruled_by() {
    let mut env = TestEnv::at_home();
    let before = "name: mine\nmode: read-only\n";
    policy(&env, "mine", before);
    let socket = env.socket();
    let script = format!(
        "P={PRYX}\n\
         printf 'name: mine\\nmode: full\\n' > /tmp/full-$$.yaml\n\
         $P policy edit mine --from /tmp/full-$$.yaml; echo code1=$?\n\
         env -i HOME=$HOME PATH=$PATH setsid $P policy edit mine --from /tmp/full-$$.yaml; echo code2=$?\n\
         EDITOR=true $P policy edit mine; echo code3=$?\n\
         $P grants list; echo code4=$?\n\
         env -i HOME=$HOME PATH=$PATH setsid $P grants revoke --all; echo code5=$?\n\
         $P audit; echo code6=$?\n\
         (setsid nohup sh -c \"env -i HOME=$HOME $P policy edit mine --from /tmp/full-$$.yaml; echo code7=\\$? >late\" >/dev/null 2>&1 &)\n\
         while [ ! -s late ]; do sleep 0.05; done; cat late; rm -f /tmp/full-$$.yaml\n\
         python3 -c 'import json, socket\n\
s = socket.socket(socket.AF_UNIX); s.connect(\"{}\"); f = s.makefile(\"rw\")\n\
def ask(action, **data):\n\
\x20   f.write(json.dumps(dict(action=action, data=data)) + chr(10)); f.flush()\n\
\x20   print(action, json.loads(f.readline())[\"success\"])\n\
ask(\"choose_mode\", session=\"s1\", mode=\"full\")\n\
ask(\"verify_audit\")\n\
ask(\"write_policy\", name=\"mine\", text=\"\")'\n",
        socket.display()
    );
    let shown = as_agent(&mut env, &script);
    let log = log_of(&env, "script.");
    for number in 1..=7 {
        let code = if number == 3 { "" } else { "121" };
        assert!(!log.contains(&format!("code{number}=0")) || number == 3, "{log}\n{shown}");
        assert!(log.contains(&format!("code{number}={code}")), "{log}\n{shown}");
    }
    for action in ["choose_mode", "verify_audit", "write_policy"] {
        assert!(log.contains(&format!("{action} False")), "{log}");
    }
    let file = env.pryx_home().join("policies/mine.yaml");
    assert_eq!(std::fs::read_to_string(file).expect("the policy"), before);
}

#[test]
fn policies_are_written_through_pryx_only_when_they_can_be_understood() {
    let env = TestEnv::new();
    let file = env.pryx_home().join("policies/mine.yaml");
    let written = env.pryx(["policy", "edit", "mine", "--from", "-"]).stdin(MINE).run();
    written.assert_code(0).assert_says("is in place");
    let bad = env.pryx(["policy", "edit", "mine", "--from", "-"]).stdin("name: mine\nmode: x\n").run();
    bad.assert_code(2).assert_one_clear_error().assert_says("mine.yaml:2:7");
    assert_eq!(std::fs::read_to_string(&file).expect("the policy"), MINE);
    std::fs::write(env.file("editor.sh"), "#!/bin/sh\necho '# more' >> \"$1\"\n").expect("a script");
    let editor = format!("sh {}", env.file("editor.sh").display());
    env.pryx(["policy", "edit", "mine"]).var("EDITOR", editor).run().assert_code(0).assert_says("before it");
    assert_eq!(std::fs::read_to_string(&file).expect("the policy"), format!("{MINE}# more\n"));
    assert_eq!(std::fs::read_to_string(file.with_extension("yaml.bak")).expect("the one before"), MINE);
    assert_eq!(audit(&env).iter().filter(|(kind, ..)| kind == "policy").count(), 2);
    env.pryx(["policy", "edit", "../x", "--from", "-"]).stdin(MINE).run().assert_code(2).assert_one_clear_error();
}
