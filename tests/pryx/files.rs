//! The agent changes files, the person sees what would change before they say yes, and takes it back.

use super::env::TestEnv;
use super::pty::Screen;
use super::stub::{Chunking, Format, Stub, Turn};
use serde_json::json;

fn model(env: &mut TestEnv, script: impl IntoIterator<Item = Turn>) -> Stub {
    let stub = Stub::start(Format::Anthropic, Chunking::Whole, script);
    stub.serve(env);
    stub
}

fn calls(tool: &str, arguments: serde_json::Value) -> Turn {
    Turn::default().and_calls(tool, arguments)
}

#[test]
fn a_card_shows_the_difference_and_undo_takes_it_back() {
    let mut env = TestEnv::new();
    // In the home directory: outside of the workspace, so asked in every mode.
    let file = env.home().join("notes.txt");
    std::fs::write(&file, "milk\nbread\n").expect("a file");
    let edits = json!([{"old": "bread", "new": "rye \u{1b}[2Jbread"}]);
    let arguments = json!({"path": "~/notes.txt", "edits": edits});
    let stub = model(&mut env, [calls("fs_edit", arguments), Turn::says("Done.")]);
    let mut screen = Screen::pryx(&env, &["change my notes"]);
    screen.wait_for("? edit ");
    screen.wait_for("-bread");
    screen.wait_for("+rye \\x1b[2Jbread");
    screen.wait_for("[y] yes");
    screen.keys("y");
    screen.wait_for("Done.");
    screen.assert_code(0);
    assert!(screen.text().contains("✎ edits ~/notes.txt  pryx undo"), "{}", screen.text());
    assert_eq!(std::fs::read_to_string(&file).expect("the file"), "milk\nrye \u{1b}[2Jbread\n");
    let told = stub.tool_results().concat();
    assert!(told.contains("wrote ") && told.contains("notes.txt"), "{told}");

    let listed = env.ok(["undo", "--list"]);
    assert!(listed.contains("fs.edit") && listed.contains("notes.txt"), "{listed}");
    let changes = env.json(["undo", "--list"]);
    assert_eq!(changes[0]["before"]["bytes"], 11);
    env.pryx(["undo"]).run().assert_code(0).assert_says("is as it was before").assert_says("+bread");
    assert_eq!(std::fs::read_to_string(&file).expect("the file"), "milk\nbread\n");
    assert!(env.ok(["undo", "--list"]).contains("(taken back)"));
    env.pryx(["undo"]).run().assert_code(1).assert_one_clear_error().assert_says("no change to take back");
}

#[test]
fn a_file_that_was_changed_since_is_left_unless_forced() {
    let mut env = TestEnv::new();
    let file = env.home().join("notes.txt");
    let arguments = json!({"path": file, "content": "theirs\n"});
    let _stub = model(&mut env, [calls("fs_write", arguments), Turn::says("Done.")]);
    let mut screen = Screen::pryx(&env, &["write it"]);
    screen.wait_for("+theirs");
    screen.wait_for("[y] yes");
    screen.keys("y");
    screen.wait_for("Done.");
    screen.assert_code(0);
    std::fs::write(&file, "mine\n").expect("the file");
    let done = env.pryx(["undo"]).run();
    done.assert_code(1).assert_says("was changed since").assert_says("-mine").assert_says("--force");
    assert_eq!(std::fs::read_to_string(&file).expect("the file"), "mine\n");
    let done = env.json(["undo", "--force"]);
    assert_eq!(done[0]["end"], "done");
    assert!(!file.exists());
    env.pryx(["undo", "nosuch"]).run().assert_code(1).assert_one_clear_error();
    env.pryx(["undo", "--session", "nosuch"]).run().assert_code(1).assert_one_clear_error();
}

#[test]
fn without_a_person_nothing_outside_the_workspace_is_written() {
    let mut env = TestEnv::new();
    let file = env.home().join(".bashrc");
    let arguments = json!({"path": file, "content": "evil\n"});
    let key = json!({"path": env.home().join(".ssh/authorized_keys"), "content": "evil\n"});
    let policy = json!({"path": env.pryx_home().join("policies/x.yaml"), "content": "evil\n"});
    let turn = calls("fs_write", arguments).and_calls("fs_write", key).and_calls("fs_write", policy);
    let stub = model(&mut env, [turn, Turn::says("I could not.")]);
    env.pryx(["do it"]).run().assert_code(121);
    assert_eq!(stub.tool_results().concat().matches("Not run").count(), 3, "{:?}", stub.tool_results());
    assert!(!file.exists() && !env.home().join(".ssh").exists() && !env.pryx_home().join("policies").exists());
}

#[test]
fn in_the_workspace_only_what_others_obey_is_asked() {
    let mut env = TestEnv::new();
    std::fs::write(env.file("kept.txt"), "old\n").expect("a file");
    std::os::unix::fs::symlink(env.home(), env.file("out")).expect("a link");
    let write = |path: &str| json!({"path": path, "content": "new\n"});
    let turn = calls("fs_write", write("sub/made.txt"))
        .and_calls("fs_edit", json!({"path": "kept.txt", "edits": [{"old": "old", "new": "new"}]}))
        .and_calls("fs_write", write(".git/hooks/pre-commit"))
        .and_calls("fs_write", write("out/escaped.txt"));
    let stub = model(&mut env, [turn.clone(), Turn::says("Done."), turn, Turn::says("I could not.")]);
    let done = env.pryx(["do it"]).run();
    done.assert_code(121).assert_says("✎ writes sub/made.txt").assert_says("✎ edits kept.txt");
    let told = stub.tool_results();
    assert_eq!(told.iter().filter(|text| text.contains("Not run")).count(), 2, "{told:#?}");
    let read = |name: &str| std::fs::read_to_string(env.file(name)).unwrap_or_default();
    assert_eq!((read("sub/made.txt"), read("kept.txt")), ("new\n".to_owned(), "new\n".to_owned()));
    assert!(!env.file(".git").exists() && !env.home().join("escaped.txt").exists());
    // All of it, by the session.
    let session = env.json(["undo", "--list"])[0]["session"].as_str().expect("a session").to_owned();
    env.ok(["undo", "--session", &session[..6]]);
    assert_eq!((read("kept.txt"), env.file("sub").exists()), ("old\n".to_owned(), false));

    env.pryx(["--mode", "read-only", "do it"]).run().assert_code(121);
    let told = stub.tool_results();
    assert_eq!(told.iter().filter(|text| text.contains("Not run")).count(), 4, "{told:#?}");
    assert_eq!((read("kept.txt"), env.file("sub").exists()), ("old\n".to_owned(), false));
}
