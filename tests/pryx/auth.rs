//! Keys that pryx keeps: given from a pipe or typed unseen, never in plain text anywhere, sent to their own address alone, and
//! out of the agent's reach.

use super::env::{Done, PRYX, TestEnv};
use super::pty::Screen;
use super::stub::{Chunking, Format, KEY, Stub, Turn};
use serde_json::json;
use std::path::Path;

/// Makes the stub the address of a provider, without telling its key.
fn at(env: &mut TestEnv, stub: &Stub) {
    let (name, url) = &stub.variables()[0];
    env.set(name, url);
}

#[track_caller]
fn give(env: &TestEnv, provider: &str, key: &str) -> Done {
    let done = env.pryx(["auth", "set", provider]).stdin(format!("{key}\n")).run();
    done.assert_code(0);
    done
}

/// The files below a directory that hold a text.
fn holding(dir: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(holding(&path, text));
        } else if std::fs::read(&path).is_ok_and(|bytes| bytes.windows(text.len()).any(|part| part == text.as_bytes()))
        {
            found.push(path.display().to_string());
        }
    }
    found
}

#[test]
fn a_key_is_kept_used_and_found_nowhere() {
    // The canary: a command that shows all it has, and every way to get something out of pryx.
    let look = "env; cat /proc/self/environ /proc/$PPID/environ 2>/dev/null; true";
    let stub = Stub::start(Format::Anthropic, Chunking::Whole, [Turn::runs(look), Turn::says("Here.")]);
    let mut env = TestEnv::new();
    at(&mut env, &stub);
    let told = give(&env, "anthropic", KEY);
    told.assert_says("kept in keys.json").assert_says("keys.secret").assert_says("no keyring");
    let asked = env.pryx(["run", "--mode", "full", "--json", "look around"]).run();
    asked.assert_code(0);
    assert_eq!(stub.received().len(), 2, "the stub takes only the right key");
    assert!(stub.tool_results().concat().contains("PATH="), "{:?}", stub.tool_results());
    let mut shown = vec![format!("{told}"), format!("{asked}"), stub.tool_results().concat()];
    for args in [
        &["sessions", "export", "last", "--format", "json"][..],
        &["sessions", "export", "last", "--format", "html"],
        &["sessions", "show", "last"],
        &["trace", "last", "--json"],
        &["audit", "--json"],
        &["model", "--json"],
        &["doctor", "--json"],
        &["auth", "list"],
        &["auth", "list", "--json"],
        &["log", "last"],
    ] {
        shown.push(env.pryx(args).run().to_string());
    }
    for text in shown {
        assert!(!text.contains(KEY), "{text}");
    }
    assert_eq!(holding(&env.pryx_home(), KEY), Vec::<String>::new());
    let listed = env.json(["auth", "list"]);
    assert_eq!((&listed["kept"][0]["provider"], &listed["kept"][0]["place"]), (&json!("anthropic"), &json!("file")));
    env.ok(["auth", "remove", "anthropic"]);
    assert_eq!(env.json(["auth"])["kept"], json!([]));
    env.pryx(["auth", "remove", "anthropic"]).run().assert_code(2).assert_one_clear_error();
    env.pryx(["run", "--model", "anthropic/m", "hello"]).run().assert_code(2).assert_says("pryx auth set anthropic");
}

#[test]
fn a_variable_beats_the_kept_key() {
    let stub = Stub::start(Format::Anthropic, Chunking::Whole, [Turn::says("Here.")]);
    let mut env = TestEnv::new();
    at(&mut env, &stub);
    give(&env, "anthropic", "sk-wrong");
    env.set("ANTHROPIC_API_KEY", KEY);
    env.pryx(["run", "hello"]).run().assert_code(0).assert_out("Here.\n");
    assert!(env.ok(["auth", "list"]).contains("ANTHROPIC_API_KEY       beats the kept key"));
    assert_eq!(env.json(["model"])["key"], "ANTHROPIC_API_KEY");
    env.unset("ANTHROPIC_API_KEY");
    assert_eq!(env.json(["model"])["key"], "keys.json");
    env.pryx(["run", "hello"]).run().assert_code(122).assert_says("keys.json");
}

#[test]
fn a_kept_key_goes_to_its_own_address_alone() {
    let own = Stub::start(Format::Anthropic, Chunking::Whole, [Turn::says("Here.")]);
    let other = Stub::start(Format::Anthropic, Chunking::Whole, [Turn::says("Caught.")]);
    let mut env = TestEnv::new();
    at(&mut env, &own);
    give(&env, "anthropic", KEY);
    at(&mut env, &other);
    let refused = env.pryx(["run", "--model", "anthropic/m", "hello"]).run();
    refused.assert_code(2).assert_one_clear_error().assert_says("was given for");
    assert!(other.received().is_empty());
    at(&mut env, &own);
    env.pryx(["run", "--model", "anthropic/m", "hello"]).run().assert_code(0);
}

#[test]
fn a_server_that_needs_no_key_gets_none_of_elsewhere() {
    let stub = Stub::start(Format::OpenAi, Chunking::Whole, [Turn::says("x")]);
    let mut env = TestEnv::new();
    give(&env, "openai", KEY);
    at(&mut env, &stub);
    // The stub wants a key and gets none.
    env.pryx(["run", "--model", "openai/m", "hello"]).run().assert_code(122);
    assert!(stub.received().iter().all(|request| !request.headers.contains_key("authorization")));
}

#[test]
fn what_is_no_key_is_refused() {
    let env = TestEnv::new();
    for bad in ["", "\n", "two words", "a\u{7}b"] {
        env.pryx(["auth", "set", "anthropic"]).stdin(bad).run().assert_code(2).assert_one_clear_error();
    }
    env.pryx(["auth", "set", "anthropic"]).stdin("k".repeat(20_000)).run().assert_code(2).assert_one_clear_error();
    env.pryx(["auth", "set", "nobody"]).stdin("k").run().assert_code(2).assert_one_clear_error();
    // A key on the command line would be in the shell's history and in every list of processes.
    env.pryx(["auth", "set", "anthropic", KEY]).run().assert_code(2);
    std::fs::write(env.pryx_home().join("keys.json"), "{\"version\": 9, \"keys\": {}}").expect("a file");
    env.pryx(["auth", "list"]).run().assert_code(1).assert_one_clear_error();
    env.pryx(["auth", "set", "anthropic"]).stdin("k").run().assert_code(1).assert_one_clear_error();
}

#[test]
fn a_typed_key_is_not_shown_and_ctrl_c_leaves_nothing() {
    let env = TestEnv::new();
    let mut screen = Screen::pryx(&env, &["auth", "set", "groq-like"]);
    screen.assert_code(2);
    let mut screen = Screen::pryx(&env, &["auth", "set", "anthropic"]);
    screen.wait_for("key of anthropic: ");
    screen.keys("sk-half\x03");
    screen.assert_code(130);
    assert!(!env.pryx_home().join("keys.json").exists());
    let mut screen = Screen::pryx(&env, &["auth", "set", "anthropic"]);
    screen.wait_for("key of anthropic: ");
    screen.keys(&format!("oops\x15{KEY}x\x7f\r"));
    screen.wait_for("is kept in keys.json");
    screen.assert_code(0);
    assert!(!screen.text().contains("sk-") && !screen.text().contains("oops"), "{}", screen.text());
}

#[test]
fn a_passphrase_seals_and_is_asked_for() {
    let stub = Stub::start(Format::Anthropic, Chunking::Whole, [Turn::says("Here.")]);
    let mut env = TestEnv::new();
    at(&mut env, &stub);
    let mut screen = Screen::pryx(&env, &["auth", "set", "anthropic", "--passphrase"]);
    screen.wait_for("key of anthropic: ");
    screen.keys(&format!("{KEY}\r"));
    screen.wait_for("new passphrase: ");
    screen.keys("open sesame\r");
    screen.wait_for("again: ");
    screen.keys("open sesame\r");
    screen.assert_code(0);
    assert!(!screen.text().contains("sesame") && !env.pryx_home().join("keys.secret").exists());
    // Nobody is there to be asked.
    env.pryx(["run", "hello"]).run().assert_code(1).assert_one_clear_error();
    // Looking opens nothing.
    assert_eq!(env.json(["model"])["key"], "keys.json (passphrase)");
    assert_eq!(env.json(["auth"])["kept"][0]["place"], "passphrase");
    let mut wrong = Screen::pryx(&env, &["run", "hello"]);
    wrong.wait_for("passphrase of the kept keys: ");
    wrong.keys("open barley\r");
    wrong.wait_for("another passphrase");
    wrong.assert_code(2);
    assert!(stub.received().is_empty());
    let mut right = Screen::pryx(&env, &["run", "hello"]);
    right.wait_for("passphrase of the kept keys: ");
    right.keys("open sesame\r");
    right.wait_for("Here.");
    right.assert_code(0);
}

#[test]
fn a_command_of_the_agent_has_no_way_to_the_keys() {
    // Outside of the sandbox pryx itself refuses. In it, a request of its own finds not even the sessions.
    an_agents_script(super::gate::UNHELD, 121);
    an_agents_script("bash script.sh", 1);
}

#[track_caller]
fn an_agents_script(command: &str, asking: u8) {
    let (wanted, caught) = (Turn::says("It ended."), Turn::says("Caught."));
    let mut env = TestEnv::at_home();
    let script = format!(
        "P={PRYX}\n\
         echo k | $P auth set openai; echo code1=$?\n\
         $P auth list; echo code2=$?\n\
         setsid $P auth remove anthropic; echo code3=$?\n\
         $P auth login openai </dev/null; echo code4=$?\n\
         ANTHROPIC_BASE_URL=$(cat address) $P run --model anthropic/m 'tell me all'; echo code5=$?\n\
         setsid env -i HOME=$HOME PATH=$PATH $P auth remove --all; echo code6=$?\n\
         $P model set offline; echo code7=$?\n\
         $P budget set 900/day; echo code8=$?\n\
         $P budget clear; echo code9=$?\n\
         $P setup --yes --no-try --provider offline --workspace / --mode full; echo code10=$?\n"
    );
    std::fs::write(env.file("script.sh"), script).expect("a script");
    let stub = Stub::start(Format::Anthropic, Chunking::Whole, [Turn::runs(command), wanted, caught]);
    at(&mut env, &stub);
    std::fs::write(env.file("address"), &stub.variables()[0].1).expect("an address");
    give(&env, "anthropic", KEY);
    env.ok(["budget", "set", "5/day"]);
    let mut screen = Screen::pryx(&env, &["run", "--model", "anthropic/claude-sonnet-5", "run the script"]);
    // Its price is not known at this address, and there is a budget.
    screen.wait_for("[y] yes: ask it");
    screen.keys("y");
    screen.wait_for("[y] yes, once");
    screen.keys("y");
    screen.wait_for("It ended.");
    screen.wait();
    let jobs = env.json(["ps", "-a"]);
    let log = env.ok(["log", jobs[0]["id"].as_str().expect("a job")]);
    for number in 1..=10 {
        let code = if number == 5 { asking } else { 121 };
        assert!(log.contains(&format!("code{number}={code}")), "{number}: {log}");
    }
    assert_eq!(stub.unsaid(), 1, "the key was used");
    assert_eq!(env.json(["auth"])["kept"].as_array().map(Vec::len), Some(1));
    assert_eq!(env.json(["budget"])[0]["limit_micros"], 5_000_000);
}
