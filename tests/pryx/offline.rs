//! Without a key, an account or a network: the embedded planner answers, and says plainly when it can't.

use super::env::{TestEnv, wait_until};
use super::pty::Screen;
use std::net::TcpListener;
use std::time::Duration;

#[test]
fn it_finds_what_really_uses_a_port() {
    let env = TestEnv::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let done = env.pryx([format!("what is using port {port}?")]).run();
    done.assert_code(0);
    let own = std::process::id().to_string();
    assert!(done.out().contains(&own), "process {own} is not named: {done}");
    drop(listener);
    let done = env.pryx([format!("what is using port {port}?")]).run();
    done.assert_code(0);
    assert!(!done.out().contains(&own), "{done}");
    assert!(done.out().contains(&port.to_string()), "{done}");
}

#[test]
fn it_lists_the_largest_files() {
    let env = TestEnv::new();
    std::fs::create_dir_all(env.file("deep er/down")).expect("directories");
    for (name, size) in
        [("deep er/down/big one", 900_000), ("middle", 500_000), ("small", 10), ("deep er/third", 300_000)]
    {
        std::fs::write(env.file(name), vec![b'x'; size]).expect("a file");
    }
    let done = env.pryx(["list the 3 largest files"]).run();
    done.assert_code(0);
    let out = done.out();
    let at = |name: &str| out.find(name).unwrap_or_else(|| panic!("{name} is missing: {done}"));
    assert!(at("big one") < at("middle") && at("middle") < at("third"), "{done}");
    assert!(!out.contains("small"), "{done}");
    let quoted = env.pryx([format!("list the 2 largest files below \"{}\"", env.file("deep er").display())]).run();
    quoted.assert_code(0);
    assert!(quoted.out().contains("big one") && !quoted.out().contains("middle"), "{quoted}");
}

#[test]
fn words_need_no_quotes() {
    let env = TestEnv::new();
    let done = env.pryx(["which", "directory", "am", "I", "in?"]).run();
    done.assert_code(0);
    assert!(done.out().contains(&env.work().display().to_string()), "{done}");
}

#[test]
fn what_it_does_not_know_it_says_with_the_commands_that_connect_a_model() {
    let env = TestEnv::new();
    for request in
        ["why does the last test fail?", "write a poem about ports", "qwertz", "delete everything and then list it"]
    {
        let done = env.pryx([request]).run();
        done.assert_code(123);
        let said = done.out() + &done.err();
        assert!(said.contains("ANTHROPIC_API_KEY") && said.contains("OPENAI_API_KEY"), "{done}");
        assert!(!said.contains("error:"), "{done}");
    }
    assert!(env.json(["ps", "-a"]).as_array().is_some_and(Vec::is_empty));
}

#[test]
fn what_changes_something_is_asked_here_too() {
    let env = TestEnv::new();
    std::fs::write(env.file("notes.txt"), "x").expect("a file");
    let request = "compress notes.txt";
    let done = env.pryx([request]).run();
    done.assert_code(121);
    let before = std::fs::read_dir(env.work()).expect("a directory").count();
    assert_eq!(before, 1, "{done}");
    let mut screen = Screen::pryx(&env, &[request]);
    screen.wait_for("[y] yes");
    screen.keys("y");
    screen.assert_code(0);
    wait_until("an archive is there", Duration::from_secs(5), || {
        std::fs::read_dir(env.work()).is_ok_and(|entries| {
            entries.flatten().any(|e| e.file_name() != "notes.txt" && e.file_name().to_string_lossy().contains("notes"))
        })
    });
}

#[test]
fn a_request_can_not_smuggle_a_command_in() {
    let env = TestEnv::new();
    let places =
        ["$(touch made)", "`touch made`", "; touch made", "x; touch made #", "a\ntouch made", "--exec touch made"];
    for place in places {
        for request in [format!("list the files in {place}"), format!("search notes.txt for \"{place}\"")] {
            env.pryx([request]).run();
            assert!(!env.file("made").exists(), "{place:?} ran");
        }
    }
}

#[test]
fn the_stream_for_scripts_is_the_same_as_with_a_model() {
    let env = TestEnv::new();
    let done = env.pryx(["run", "--json", "which directory am I in?"]).run();
    done.assert_code(0);
    let events = done.events();
    let names: Vec<_> = events.iter().filter_map(|e| e["event"].as_str()).collect();
    for name in ["session.started", "turn.started", "tool.request", "tool.complete", "message", "turn.completed"] {
        assert!(names.contains(&name), "no {name}: {names:?}");
    }
    assert_eq!(events[0]["payload"]["model"], "offline/planner");
}
