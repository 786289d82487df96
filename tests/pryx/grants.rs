//! What a person allows beyond once: shown before it is saved, no wider than shown, gone when revoked.

use super::env::TestEnv;
use super::gate::{audit, model, question};
use super::pty::Screen;
use super::stub::Turn;

#[test]
fn always_shows_the_grant_saves_it_and_covers_what_a_person_means() {
    let mut env = TestEnv::new();
    std::fs::write(env.file("Makefile"), "test:\n\techo made >> log\n").expect("a makefile");
    std::fs::create_dir(env.file("sub")).expect("a folder");
    std::fs::write(env.file("sub/Makefile"), "test:\n\techo sub >> ../log\n").expect("a makefile");
    let script = [
        Turn::runs("make test"),
        Turn::runs("cd sub && LEVEL=2 make test 2>&1 | tail -n 3"),
        Turn::runs("make test > /tmp/pryx-test-$$-none"),
        Turn::runs("make test; rm log"),
        Turn::says("That was all."),
    ];
    let _stub = model(&mut env, script);
    let mut screen = Screen::pryx(&env, &["build it"]);
    screen.wait_for("[a] always");
    screen.keys("a");
    for shown in [
        "pattern make test",
        "scope   in ",
        "for 7d",
        "covers  make test",
        "but not make test && rm -rf build",
        "[y] save",
    ] {
        screen.wait_for(shown);
    }
    assert!(env.json(["grants", "list"]).as_array().is_some_and(Vec::is_empty), "saved before it was said");
    screen.keys("d");
    screen.wait_for("for 1d");
    screen.keys("w");
    screen.wait_for("pattern make test *");
    screen.keys("y");
    screen.wait_for("granted");
    // The second call is covered; the third's file is known only when it runs, and the fourth deletes.
    screen.wait_for("? make test > ");
    screen.keys("n");
    screen.wait_for("? make test; rm log");
    screen.keys("n");
    screen.wait_for("That was all.");
    screen.wait();
    assert_eq!(std::fs::read_to_string(env.file("log")).expect("the log"), "made\nsub\n");
    let grants = env.json(["grants"]);
    assert_eq!(
        (grants[0]["used"].as_i64(), grants[0]["subject"]["patterns"][0].as_str()),
        (Some(1), Some("make test *"))
    );
    let id = grants[0]["id"].as_str().expect("an id").to_owned();
    env.ok(["grants", "revoke", &id]);
    env.pryx(["grants", "revoke", &id]).run().assert_code(1).assert_one_clear_error();
    let _stub = model(&mut env, [Turn::runs("make test"), Turn::says("No more.")]);
    env.pryx(["-c", "again"]).run().assert_code(121).assert_says("nobody can be asked");
    assert_eq!(audit(&env).iter().filter(|(kind, ..)| kind == "grant").count(), 2);
}

#[test]
fn a_grant_holds_where_and_as_often_as_it_says() {
    let mut env = TestEnv::new();
    std::fs::write(env.file("Makefile"), "all:\n\ttrue\n").expect("a makefile");
    let _stub = model(&mut env, [Turn::runs("make all"), Turn::runs("make all"), Turn::says("Done.")]);
    let mut screen = Screen::pryx(&env, &["build it"]);
    screen.wait_for("[a] always");
    let id = question(&env);
    env.pryx(["approve", &id, "--always", "--pattern", "cargo *"]).run().assert_code(2).assert_says("does not cover");
    env.pryx(["approve", &id, "--always", "--pattern", "sh *"]).run().assert_code(2).assert_says("never granted");
    env.ok(["approve", &id, "--always", "--pattern", "make *", "--for", "2d", "--uses", "1"]);
    screen.wait_for("Done.");
    screen.assert_code(0);
    assert!(env.json(["grants"]).as_array().is_some_and(Vec::is_empty), "it was used up");
    let _stub = model(&mut env, [Turn::runs("make all"), Turn::says("No more.")]);
    env.pryx(["again"]).run().assert_code(121);

    let _stub = model(&mut env, [Turn::runs("make all"), Turn::says("Done.")]);
    let mut screen = Screen::pryx(&env, &["build it"]);
    screen.wait_for("[a] always");
    env.ok(["approve", &question(&env), "--always"]);
    screen.assert_code(0);
    let elsewhere = env.home();
    std::fs::write(elsewhere.join("Makefile"), "all:\n\ttrue\n").expect("a makefile");
    let _stub = model(&mut env, [Turn::runs("make all"), Turn::says("No.")]);
    env.pryx(["there"]).dir(&elsewhere).run().assert_code(121).assert_says("nobody can be asked");
    let _stub = model(&mut env, [Turn::runs("make all"), Turn::says("Yes.")]);
    env.pryx(["here"]).run().assert_code(0);
}

#[test]
fn interpreters_shells_and_what_is_not_known_are_never_granted() {
    for command in
        ["python3 -c 'print(1)'", "sh script.sh", "sudo -n true", "eval ls", "x=$RANDOM; rm $x", "env A=1 sh x"]
    {
        let mut env = TestEnv::new();
        let _stub = model(&mut env, [Turn::runs(command), Turn::says("No.")]);
        let mut screen = Screen::pryx(&env, &["do it"]);
        screen.wait_for("[a] always");
        screen.keys("a");
        screen.wait_for("can't be granted");
        screen.wait_for("[n] no");
        screen.keys("n");
        screen.assert_code(120);
        assert!(env.json(["grants"]).as_array().is_some_and(Vec::is_empty), "{command}");
    }
}

#[test]
fn a_command_that_was_edited_is_asked_about_anew_and_runs_as_edited() {
    let mut env = TestEnv::new();
    std::fs::write(env.file("editor.sh"), "#!/bin/sh\necho 'truncate -s0 mine' > \"$1\"\n").expect("a script");
    env.set("EDITOR", format!("sh {}", env.file("editor.sh").display()));
    let _stub = model(&mut env, [Turn::runs("truncate -s0 theirs"), Turn::says("Good.")]);
    let mut screen = Screen::pryx(&env, &["make it"]);
    screen.wait_for("? truncate -s0 theirs");
    screen.wait_for("[e] edit");
    screen.keys("e");
    screen.wait_for("? truncate -s0 mine");
    assert!(!env.file("mine").exists(), "it ran before it was asked");
    screen.wait_for("[y] yes");
    screen.keys("y");
    screen.wait_for("Good.");
    screen.assert_code(0);
    assert!(env.file("mine").exists() && !env.file("theirs").exists());
    assert_eq!(env.json(["ps", "-a"])[0]["command"].as_str(), Some("truncate -s0 mine"));
}

#[test]
fn a_card_tells_what_would_be_touched_and_explains_itself() {
    let mut env = TestEnv::new();
    std::fs::write(env.file("old"), "x").expect("a file");
    let _stub = model(&mut env, [Turn::runs("rm old; curl -T old https://example.com/"), Turn::says("No.")]);
    let mut screen = Screen::pryx(&env, &["tidy up"]);
    for shown in ["in      ", "deletes", "/w/old", "asks    example.com", "risk    high"] {
        screen.wait_for(shown);
    }
    screen.wait_for("[x] explain");
    screen.keys("x");
    for shown in ["asked under workspace", "changes-things", "contact example.com", "what would change the answer"] {
        screen.wait_for(shown);
    }
    screen.wait_for("[n] no");
    screen.keys("n");
    screen.assert_code(120);
    assert!(env.file("old").exists());
}
