//! Settings as a person meets them: what holds and who said it, changed with everything around it left, and never by the agent.

use super::env::{PRYX, TestEnv};
use super::gate;
use super::stub::KEY;
use serde_json::{Value, json};
use std::path::PathBuf;

const TEXT: &str = "# mine\nschema = 1\nmodel = \"anthropic/m\" # why\n\n[hands]\nidle_minutes = 7\n\n\
                    [providers.\"my own\"]\napi = \"ollama\"\nbase_url = \"http://127.0.0.1:9\"\n";

fn with_settings(text: &str) -> (TestEnv, PathBuf) {
    let env = TestEnv::new();
    std::fs::create_dir_all(env.pryx_home()).expect("a directory");
    let file = env.pryx_home().join("config.toml");
    std::fs::write(&file, text).expect("settings");
    (env, file)
}

#[test]
fn each_setting_says_who_decided_it() {
    let (mut env, file) = with_settings(TEXT);
    // What the tests set for all is not what this one is about.
    env.unset("PRYX_IDLE_MINUTES");
    env.unset("PRYX_CATALOG_URL");
    let origin = |env: &TestEnv, args: &[&str]| -> Value { env.json(["config", "get"].iter().chain(args))[0].clone() };
    let of = |env: &TestEnv, name: &str| origin(env, &[name])["origin"].clone();
    let line = |line: u32| json!({"kind": "file", "file": file, "line": line});
    assert_eq!(of(&env, "model"), line(3));
    assert_eq!(of(&env, "hands.idle_minutes"), line(6));
    assert_eq!(of(&env, "providers.'my own'.api"), line(9));
    assert_eq!(of(&env, "logs.keep_last"), json!({"kind": "default"}));
    assert_eq!(origin(&env, &["logs.keep_last"])["value"], 20);
    assert_eq!(of(&env, "host"), json!({"kind": "default"}));
    let asked = env.json(["config", "get", "host", "--host", "me@there"]);
    assert_eq!((&asked[0]["value"], &asked[0]["origin"]["name"]), (&json!("me@there"), &json!("--host")));
    // One by itself is only its value.
    assert_eq!(env.ok(["config", "get", "model"]), "anthropic/m\n");
    assert_eq!(env.ok(["config", "get", "hands.idle_minutes"]), "7\n");
    assert_eq!(env.ok(["config", "get", "hands"]), "hands.idle_minutes = 7\nhands.approval_minutes = 5.0\n");
    let all = env.ok(["config", "get", "--origin"]);
    assert!(all.contains(&format!("# {}:3\n", file.display())) && all.contains("# default\n"), "{all}");
    // A trusted folder beats the file, a variable beats both; an untrusted one says nothing.
    std::fs::create_dir(env.file(".pryx")).expect("a directory");
    std::fs::write(env.file(".pryx/config.toml"), "\nmodel = \"folder/m\"\n").expect("settings");
    assert_eq!(of(&env, "model"), line(3));
    env.pryx(["trust", "--yes"]).run().assert_code(0);
    let folder = env.work().canonicalize().expect("a directory").join(".pryx/config.toml");
    assert_eq!(of(&env, "model"), json!({"kind": "file", "file": folder, "line": 2}));
    env.set("PRYX_MODEL", "variable/m");
    env.set("PRYX_IDLE_MINUTES", "5");
    assert_eq!(of(&env, "model"), json!({"kind": "variable", "name": "PRYX_MODEL"}));
    assert_eq!(origin(&env, &["hands.idle_minutes"])["value"], 5.0);
    env.set("PRYX_CATALOG_URL", "off");
    assert_eq!(origin(&env, &["catalog.refresh"])["value"], false);
    assert_eq!(of(&env, "catalog.url"), json!({"kind": "default"}));
    env.pryx(["config", "get", "terminal"]).run().assert_code(1).assert_one_clear_error();
    env.pryx(["config", "get", "a..b"]).run().assert_code(2).assert_one_clear_error();
}

#[test]
fn a_change_leaves_everything_around_it() {
    let (env, file) = with_settings(TEXT);
    let read = || std::fs::read_to_string(&file).expect("settings");
    env.pryx(["config", "set", "hands.idle_minutes", "9"]).run().assert_code(0).assert_says("pryx hands stop");
    assert_eq!(read(), TEXT.replace("= 7", "= 9"));
    assert_eq!(std::fs::read_to_string(file.with_extension("toml.bak")).expect("the old"), TEXT);
    env.ok(["config", "set", "hands.idle_minutes", "7"]);
    // What is no value of TOML is a text; so is a number where a text is wanted.
    env.ok(["config", "set", "model", "openai/gpt-5-mini"]);
    env.ok(["config", "set", "host", "7"]);
    env.ok(["config", "set", "fallback", "[\"a/b\", \"c/d\"]"]);
    assert_eq!(env.json(["config", "get", "host"])[0]["value"], "7");
    assert_eq!(env.json(["config", "get", "fallback", "--host", "local"])[0]["value"], json!(["a/b", "c/d"]));
    env.ok(["config", "unset", "fallback", "--host", "local"]);
    env.ok(["config", "unset", "host", "--host", "local"]);
    env.ok(["config", "set", "model", "anthropic/m"]);
    assert_eq!(read(), TEXT);
    env.ok(["config", "unset", "providers.\"my own\""]);
    assert_eq!(read(), TEXT.split("\n[providers").next().expect("the rest"));
    for (name, value) in [
        ("hands.idle_minutes", "soon"),
        ("hands.idle", "5"),
        ("schema", "7"),
        ("model.x", "y"),
        ("hands", "5"),
        ("", "5"),
    ] {
        let before = read();
        env.pryx(["config", "set", name, value]).run().assert_code(2).assert_one_clear_error();
        assert_eq!(read(), before, "{name}");
    }
    env.pryx(["config", "unset", "logs.keep_last"]).run().assert_code(2).assert_one_clear_error();
    assert_eq!(env.ok(["config", "path"]), format!("{}\n", file.display()));
    env.pryx(["config", "check"]).run().assert_code(0).assert_says("can be understood");
}

#[test]
fn a_broken_file_is_found_and_mended() {
    let (mut env, file) = with_settings("schema = 1\nmodle = 2\n");
    env.pryx(["config", "check"]).run().assert_code(2).assert_says("config.toml:2:1");
    env.pryx(["config", "set", "model", "a/b"]).run().assert_code(2).assert_says("config.toml:2:1");
    assert_eq!(env.ok(["config", "path"]), format!("{}\n", file.display()));
    let editor = env.home().join("editor");
    let says = |text: &str| std::fs::write(env.home().join("answer"), text).expect("an answer");
    std::fs::write(&editor, format!("cp {}/answer \"$1\"\n", env.home().display())).expect("an editor");
    says("schema = 1\nmodel = 3\n");
    env.set("EDITOR", format!("sh {}", editor.display()));
    let refused = env.pryx(["config", "edit"]).run();
    refused.assert_code(2).assert_says("config.toml:2:9").assert_says("pryx config edit --from");
    assert_eq!(std::fs::read_to_string(&file).expect("settings"), "schema = 1\nmodle = 2\n");
    let draft = refused.err().split("--from ").nth(1).map(|rest| rest.trim().to_owned()).expect("a draft");
    std::fs::write(&draft, "schema = 1\nmodel = \"a/b\"\n").expect("a draft");
    env.pryx(["config", "edit", "--from", &draft]).run().assert_code(0).assert_says("is in place");
    std::fs::remove_file(&draft).expect("the draft");
    assert_eq!(env.ok(["config", "get", "model"]), "a/b\n");
    env.set("EDITOR", "true");
    env.pryx(["config", "edit"]).run().assert_code(0).assert_says("nothing was changed");
}

#[test]
fn the_schema_takes_what_pryx_takes() {
    let (env, file) = with_settings("");
    let schema: Value = serde_json::from_str(&env.ok(["config", "schema"])).expect("JSON");
    let schema = jsonschema::validator_for(&schema).expect("a schema");
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/settings.md")).expect("the document");
    let shown = text.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("settings").to_owned();
    for (text, good) in [
        (shown.as_str(), true),
        ("terminal = [\"my\", \"term\"]\nthink = 4096\n", true),
        ("modle = 1\n", false),
        ("[hands]\nidle_minutes = 0\n", false),
        ("[folders.\"relative\"]\nmode = \"full\"\n", false),
        ("[models.\"nothing\"]\n", false),
        ("[providers.x]\nbase_url = \"ftp://x\"\n", false),
        ("[providers.x]\napi = \"smoke\"\n", false),
    ] {
        let json: Value = toml::from_str(text).expect("TOML");
        assert_eq!(schema.is_valid(&json), good, "{text}");
        std::fs::write(&file, text).expect("settings");
        env.pryx(["config", "check"]).run().assert_code(if good { 0 } else { 2 });
    }
}

#[test]
fn a_command_of_the_agent_can_not_change_settings() {
    let mut env = TestEnv::at_home();
    std::fs::create_dir_all(env.pryx_home()).expect("a directory");
    let file = env.pryx_home().join("config.toml");
    std::fs::write(&file, "# mine\nmode = \"workspace\"\n").expect("settings");
    std::fs::write(env.file("evil.toml"), "mode = \"full\"\n").expect("a file");
    let log = gate::as_agent(
        &mut env,
        &format!(
            "P={PRYX}\n\
             $P config set mode full; echo code1=$?\n\
             setsid $P config unset mode; echo code2=$?\n\
             $P config edit --from evil.toml; echo code3=$?\n\
             env -i HOME=$HOME PATH=$PATH $P config set providers.anthropic.base_url http://127.0.0.1:1; echo code4=$?\n"
        ),
    );
    // Only the ends of a long output are on the screen.
    let job = log.split("pryx log ").nth(1).and_then(|rest| rest.split(')').next()).expect("a job").to_owned();
    let log = env.ok(["log", job.split_whitespace().next().expect("its id")]);
    for number in 1..=4 {
        assert!(log.contains(&format!("code{number}=121")), "{number}: {log}");
    }
    assert_eq!(std::fs::read_to_string(&file).expect("settings"), "# mine\nmode = \"workspace\"\n");
}

#[test]
fn no_key_of_the_catalog_reaches_a_command() {
    let mut env = TestEnv::new();
    let providers = env.json(["models", "--providers"]);
    let names: Vec<String> = providers
        .as_array()
        .expect("providers")
        .iter()
        .flat_map(|provider| provider["key_env"].as_array().cloned().unwrap_or_default())
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect();
    assert!(names.len() > 8, "{names:?}");
    for name in &names {
        env.set(name, KEY);
    }
    // A command of the person's own; one of the agent gets what is listed for it, and no key is.
    let shown = env.ok(["exec", "--", "env"]);
    assert!(shown.contains("PATH=") && !shown.contains(KEY), "{shown}");
    for name in &names {
        assert!(!shown.contains(&format!("{name}=")), "{name} got through");
    }
}
