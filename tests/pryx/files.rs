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
