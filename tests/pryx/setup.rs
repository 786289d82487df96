//! `pryx setup` at a terminal and by options: everything is tried before anything is written, and what was there stays.

use super::env::TestEnv;
use super::pty::Screen;
use super::site::{Site, json};
use super::stub::{Chunking, Format, KEY, Reply, Stub, Turn};
use serde_json::json;

fn stub(replies: impl IntoIterator<Item = Reply>) -> (TestEnv, Stub) {
    let stub = Stub::start(Format::Anthropic, Chunking::Whole, replies);
    let mut env = TestEnv::new();
    let (name, url) = &stub.variables()[0];
    env.set(name, url);
    (env, stub)
}

fn settings(env: &TestEnv) -> String {
    std::fs::read_to_string(env.pryx_home().join("config.toml")).unwrap_or_default()
}

#[track_caller]
fn assert_untouched(env: &TestEnv) {
    for name in ["config.toml", "config.toml.bak", "keys.json"] {
        assert!(!env.pryx_home().join(name).exists(), "{name} was written");
    }
}

#[test]
fn all_of_it_by_options() {
    let (env, stub) = stub([Turn::says("I can be reached.").into(), Turn::says("Here.").into()]);
    std::fs::create_dir(env.file("project")).expect("a directory");
    let done = env
        .pryx(["setup", "--provider", "anthropic", "--model", "claude-sonnet-5", "--key-stdin", "--yes"])
        .stdin(KEY)
        .run();
    done.assert_code(0).assert_out("I can be reached.\n").assert_says("is kept in keys.json");
    assert_eq!(settings(&env), "schema = 1\nmodel = \"anthropic/claude-sonnet-5\"\n");
    env.pryx(["hello"]).run().assert_code(0).assert_out("Here.\n");
    assert_eq!(stub.received().len(), 2);
    // A second time nothing is asked for, and a folder is added.
    let again = ["--json", "setup", "--yes", "--no-try", "--workspace", "project", "--mode", "read-only"];
    let line = env.ok(again);
    let printed: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!((&printed["model"], &printed["key_given"]), (&json!("anthropic/claude-sonnet-5"), &json!(false)));
    let folder = env.file("project").canonicalize().expect("a directory");
    let expected = format!("\n[folders.\"{}\"]\nmode = \"read-only\"\n", folder.display());
    assert!(settings(&env).ends_with(&expected), "{}", settings(&env));
    // Neither model nor mode is said: both stay, to the byte.
    let before = settings(&env);
    env.ok(["setup", "--yes", "--no-try", "--workspace", "project"]);
    assert_eq!(settings(&env), before);
}

#[test]
fn what_was_there_stays_with_its_comments() {
    let env = TestEnv::new();
    let text = "# mine\nschema = 1\nmodel = \"anthropic/m\" # why\n\n[hands]\nidle_minutes = 7 # short\n";
    std::fs::create_dir_all(env.pryx_home()).expect("a directory");
    std::fs::write(env.pryx_home().join("config.toml"), text).expect("settings");
    env.pryx(["setup", "--provider", "anthropic", "--yes", "--no-try"]).run().assert_code(2).assert_says("needs a key");
    env.ok(["setup", "--provider", "offline", "--yes", "--no-try"]);
    assert_eq!(settings(&env), text.replace("anthropic/m", "offline/planner"));
    assert_eq!(std::fs::read_to_string(env.pryx_home().join("config.toml.bak")).expect("the old"), text);
    std::fs::write(env.pryx_home().join("config.toml"), "modle = 1\n").expect("settings");
    env.pryx(["setup", "--yes"]).run().assert_code(2).assert_says("config.toml:1:1");
    assert_eq!(settings(&env), "modle = 1\n");
    // The hands can be stopped again.
    std::fs::remove_file(env.pryx_home().join("config.toml")).expect("settings");
}

#[test]
fn without_a_network_the_embedded_planner_answers() {
    let env = TestEnv::new();
    let done = env.pryx(["setup", "--yes"]).run();
    done.assert_code(0).assert_says("offline/planner");
    assert!(done.out().contains('/'), "it shows the disks: {done}");
    assert_eq!(settings(&env), "schema = 1\n", "a key that comes later is not stood in the way of");
}

#[test]
fn a_refused_key_or_a_lost_network_changes_nothing() {
    let (env, _stub) = stub([]);
    let setup = ["setup", "--provider", "anthropic", "--key-stdin", "--yes"];
    env.pryx(setup).stdin("sk-wrong").run().assert_code(122).assert_says("nothing was changed");
    assert_untouched(&env);
    let gone = env.pryx(setup).stdin(KEY).var("ANTHROPIC_BASE_URL", "http://127.0.0.1:9").run();
    gone.assert_code(122).assert_says("nothing was changed");
    assert_untouched(&env);
    env.pryx(["setup"]).run().assert_code(2).assert_one_clear_error().assert_says("--yes");
    for bad in [
        &["setup", "--yes", "--provider", "nobody"][..],
        &["setup", "--yes", "--provider", "ollama"],
        &["setup", "--yes", "--model", "nonsense"],
        &["setup", "--yes", "--workspace", "/nonexistent"],
        &["setup", "--yes", "--no-try", "--provider", "offline", "--workspace", ".", "--mode", "daring"],
    ] {
        env.pryx(bad).run().assert_code(2).assert_one_clear_error();
        assert_untouched(&env);
    }
}

#[test]
fn a_person_is_led_through() {
    let (env, stub) = stub([Turn::says("I can be reached.").into()]);
    let mut screen = Screen::pryx(&env, &["setup"]);
    screen.wait_for("directory to work in [");
    screen.keys("\r");
    screen.wait_for("who has the model?");
    screen.wait_for("1  anthropic");
    screen.wait_for("a number, or");
    screen.keys("77\r");
    screen.wait_for("no such number");
    screen.keys("nobody\x7f\x7f\r");
    screen.wait_for("no provider \"nobo\"");
    screen.wait_for("a number, or");
    screen.keys("\r");
    screen.wait_for("which model?");
    screen.wait_for("1  anthropic/claude-sonnet-5");
    screen.keys("\r");
    screen.wait_for("key of anthropic: ");
    screen.keys(&format!("{KEY}\r"));
    screen.wait_for("I can be reached.");
    screen.wait_for("answers from now on");
    screen.assert_code(0);
    assert!(!screen.text().contains(KEY) && stub.unsaid() == 0);
    let work = env.work().canonicalize().expect("a directory");
    let expected = format!(
        "schema = 1\nmodel = \"anthropic/claude-sonnet-5\"\n\n[folders.\"{}\"]\nmode = \"workspace\"\n",
        work.display()
    );
    assert_eq!(settings(&env), expected);
}

/// Ollama with one model that answers.
fn answering() -> Site {
    Site::start(move |visit, _| match visit.path.as_str() {
        "/api/chat" => {
            let said = json!({"model": "m", "message": {"role": "assistant", "content": "Hello from here."}, "done": true,
                "done_reason": "stop", "prompt_eval_count": 5, "eval_count": 3});
            (200, "content-type: application/x-ndjson\r\n".to_owned(), format!("{said}\n"))
        }
        "/api/tags" => json(200, &json!({"models": [{"name": "qwen3:8b", "digest": "500a1f067a9f"}]})),
        _ => (404, String::new(), String::new()),
    })
}

#[test]
fn a_server_on_this_machine_comes_first_and_needs_three_enters() {
    let server = answering();
    let mut env = TestEnv::new();
    env.set("OLLAMA_HOST", server.url(""));
    let mut screen = Screen::pryx(&env, &["setup"]);
    screen.wait_for("directory to work in [");
    screen.keys("\r");
    screen.wait_for("1  ollama · Ollama at");
    screen.wait_for("[1]: ");
    screen.keys("\r");
    screen.wait_for("1  ollama/qwen3:8b");
    screen.wait_for("[1]: ");
    screen.keys("\r");
    screen.wait_for("Hello from here.");
    screen.assert_code(0);
    assert!(settings(&env).contains("model = \"ollama/qwen3:8b\""), "{}", settings(&env));
    let other = TestEnv::new();
    let done = other.pryx(["setup", "--yes"]).var("OLLAMA_HOST", server.url("")).run();
    done.assert_code(0).assert_out("Hello from here.\n");
    assert!(settings(&other).contains("model = \"ollama/qwen3:8b\""));
}

#[test]
fn whoever_leaves_has_changed_nothing() {
    let (env, silent) = stub([Reply::Silent]);
    let mut screen = Screen::pryx(&env, &["setup", "--workspace", "."]);
    screen.wait_for("who has the model?");
    screen.wait_for("[1]: ");
    screen.keys("\x03");
    screen.assert_code(130);
    assert_untouched(&env);
    let mut screen = Screen::pryx(&env, &["setup", "--workspace", ".", "--model", "anthropic/m"]);
    screen.wait_for("key of anthropic: ");
    screen.keys("sk-x\x03");
    screen.assert_code(130);
    assert_untouched(&env);
    // In the midst of the first answer.
    let mut screen = Screen::pryx(&env, &["setup", "--workspace", ".", "--model", "anthropic/m"]);
    screen.wait_for("key of anthropic: ");
    screen.keys(&format!("{KEY}\r"));
    screen.wait_for("asking anthropic/m");
    super::env::wait_until("it is asked", super::env::PATIENCE, || !silent.received().is_empty());
    screen.keys("\x03");
    screen.assert_code(130);
    assert_untouched(&env);
}

#[test]
fn what_did_not_answer_is_kept_if_the_person_says_so() {
    let (env, _stub) = stub([]);
    let mut screen = Screen::pryx(&env, &["setup", "--workspace", ".", "--model", "anthropic/m"]);
    screen.wait_for("key of anthropic: ");
    screen.keys("sk-wrong\r");
    screen.wait_for("keep it all the same? [y/n]");
    screen.keys("n");
    screen.assert_code(122);
    assert_untouched(&env);
    let mut screen = Screen::pryx(&env, &["setup", "--workspace", ".", "--model", "anthropic/m"]);
    screen.wait_for("key of anthropic: ");
    screen.keys("sk-wrong\r");
    screen.wait_for("keep it all the same? [y/n]");
    screen.keys("y");
    screen.assert_code(0);
    assert!(settings(&env).contains("model = \"anthropic/m\"") && env.pryx_home().join("keys.json").exists());
}
