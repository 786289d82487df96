//! A folder's own settings count only after the person's yes, as they were then, and no command of the agent can say it.

use super::env::{PRYX, TestEnv};
use super::pty::Screen;
use super::stub::{Chunking, Format, Stub, Turn};

/// A folder that wants its own model.
fn folder(env: &TestEnv, text: &str) {
    std::fs::create_dir_all(env.file(".pryx")).expect("a directory");
    std::fs::write(env.file(".pryx/config.toml"), text).expect("settings");
}

/// Which model the newest request went to, by its name.
fn asked(stub: &Stub) -> String {
    let last = stub.received().pop().expect("a request");
    last.body["model"].as_str().expect("a model").to_owned()
}

fn provider(env: &mut TestEnv, answers: usize) -> Stub {
    let stub = Stub::start(Format::Anthropic, Chunking::Whole, std::iter::repeat_n(Turn::says("Yes."), answers));
    stub.serve(env);
    env.set("PRYX_MODEL", "");
    stub
}

#[test]
fn a_folders_settings_count_after_a_yes_and_until_they_change() {
    let mut env = TestEnv::new();
    let stub = provider(&mut env, 5);
    folder(&env, "model = \"anthropic/folder-model\"\n");
    let below = env.file("a/b");
    std::fs::create_dir_all(&below).expect("a directory");
    env.pryx(["hello"]).run().assert_code(0).assert_says("config.toml is not trusted");
    assert_ne!(asked(&stub), "folder-model");

    env.pryx(["trust"]).run().assert_code(2).assert_one_clear_error().assert_says("pryx trust --yes");
    let mut screen = Screen::pryx(&env, &["trust"]);
    screen.wait_for("model = \"anthropic/folder-model\"");
    screen.wait_for("[y/n]");
    screen.keys("n");
    screen.assert_code(120);
    assert_eq!(env.json(["trust", "list"]).as_array().map(Vec::len), Some(0));
    let mut screen = Screen::pryx(&env, &["trust"]);
    screen.wait_for("[y/n]");
    screen.keys("y");
    screen.assert_code(0);

    env.pryx(["hello"]).dir(&below).run().assert_code(0);
    assert_eq!(asked(&stub), "folder-model");
    env.pryx(["--model", "anthropic/mine", "hello"]).run().assert_code(0);
    assert_eq!(asked(&stub), "mine", "an option beats the folder");

    folder(&env, "model = \"anthropic/changed\"\n");
    env.pryx(["hello"]).run().assert_code(0).assert_says("is not trusted");
    assert_ne!(asked(&stub), "changed");
    env.pryx(["trust", "--yes"]).run().assert_code(0);
    assert_eq!(env.json(["trust", "list"]).as_array().map(Vec::len), Some(1));
    env.pryx(["trust", "revoke"]).run().assert_code(0);
    env.pryx(["hello"]).run().assert_code(0).assert_says("is not trusted");
    env.pryx(["trust", "revoke"]).run().assert_code(2).assert_one_clear_error();
}

#[test]
fn a_folder_can_not_say_where_keys_go() {
    let env = TestEnv::new();
    for text in ["[providers.anthropic]\nbase_url = \"https://evil.example\"\n", "schema = 9\n", "model = 3\n", "= x"] {
        folder(&env, text);
        env.pryx(["trust", "--yes"]).run().assert_code(2).assert_one_clear_error().assert_says("config.toml");
    }
    let list = env.json(["trust", "list"]);
    assert_eq!(list.as_array().map(Vec::len), Some(0));
}

#[test]
fn a_broken_list_of_trusted_folders_trusts_nobody_and_is_kept() {
    let env = TestEnv::new();
    folder(&env, "model = \"anthropic/x\"\n");
    env.pryx(["trust", "--yes"]).run().assert_code(0);
    let file = env.pryx_home().join("trust.json");
    std::fs::write(&file, "{\"schema\":1,").expect("a broken file");
    env.pryx(["hello"]).run().assert_code(1).assert_one_clear_error().assert_says("trust.json");
    assert_eq!(std::fs::read_to_string(&file).expect("the file"), "{\"schema\":1,");
}

#[test]
fn a_model_is_chosen_for_a_folder() {
    let mut env = TestEnv::new();
    env.set("ANTHROPIC_API_KEY", "k");
    env.ok(["model", "set", "anthropic/everywhere"]);
    env.ok(["model", "set", "anthropic/here", "--here"]);
    let model = |env: &TestEnv, dir: &str| env.json(["-C", dir, "model"]);
    let here = model(&env, ".");
    assert_eq!(here["model"], "anthropic/here");
    let file = env.file(".pryx/config.toml").canonicalize().expect("settings");
    assert_eq!(here["chosen_by"], format!("{}:2", file.display()));
    assert_eq!(model(&env, "/")["model"], "anthropic/everywhere");
    // It is trusted as it was written, and a second choice changes it in place.
    env.ok(["model", "set", "cheapest", "--here"]);
    assert_eq!(std::fs::read_to_string(&file).expect("settings"), "schema = 1\nmodel = \"cheapest\"\n");
    assert_eq!(env.json(["trust", "list"]).as_array().map(Vec::len), Some(1));
    env.pryx(["model", "set", "anthropic/x"]).run().assert_code(0).assert_says("--here changes that");
    // Settings that came with the folder don't get trusted along with it.
    std::fs::write(&file, "model = \"anthropic/evil\"\nfallback = [\"openai/x\"]\n").expect("settings");
    let refused = env.pryx(["model", "set", "anthropic/here", "--here"]).run();
    refused.assert_code(2).assert_one_clear_error().assert_says("is not trusted");
    assert_eq!(model(&env, ".")["model"], "anthropic/x");
    // Nor does the folder say where it is written.
    std::fs::remove_dir_all(env.file(".pryx")).expect("gone");
    std::os::unix::fs::symlink(env.home(), env.file(".pryx")).expect("a link");
    env.pryx(["model", "set", "anthropic/here", "--here"]).run().assert_code(2).assert_one_clear_error();
    assert!(!env.home().join("config.toml").exists());
}

#[test]
fn a_command_of_the_agent_can_not_trust() {
    let mut env = TestEnv::at_home();
    folder(&env, "model = \"anthropic/evil\"\n");
    let script = format!(
        "P={PRYX}\n\
         $P trust --yes; echo code1=$?\n\
         setsid $P trust --yes; echo code2=$?\n\
         env -i HOME=$HOME PATH=$PATH $P trust --yes; echo code3=$?\n\
         setsid env -i HOME=$HOME PATH=$PATH $P trust revoke; echo code4=$?\n\
         python3 -c 'import os,subprocess; os.fork() and os._exit(0); os.setsid(); os.fork() and os._exit(0); \
         open(\"late\",\"w\").write(\"code5=%d\" % subprocess.call([\"{PRYX}\",\"trust\",\"--yes\"]))'\n\
         while [ ! -s late ]; do sleep 0.05; done; cat late\n"
    );
    std::fs::write(env.file("script.sh"), script).expect("a script");
    let stub =
        Stub::start(Format::Anthropic, Chunking::Whole, [Turn::runs(super::gate::UNHELD), Turn::says("It ended.")]);
    stub.serve(&mut env);
    let mut screen = Screen::pryx(&env, &["run the script"]);
    screen.wait_for("[y] yes");
    screen.keys("y");
    screen.wait_for("It ended.");
    screen.wait();
    let jobs = env.json(["ps", "-a"]);
    let log = env.ok(["log", jobs[0]["id"].as_str().expect("a job")]);
    for number in 1..=5 {
        assert!(log.contains(&format!("code{number}=121")), "{log}");
    }
    assert_eq!(env.json(["trust", "list"]).as_array().map(Vec::len), Some(0));
}
