//! Conversations that go on: by hand, after a kill at any moment, from several processes at once.

use super::env::{Done, TestEnv, signal};
use super::stub::{BOTH, Chunking, Format, Stub, Turn};
use rusqlite::Connection;
use serde_json::Value;
use std::time::{Duration, Instant};

/// A request that the embedded planner answers without hands, so that nothing but the brain is tried.
const NO_HANDS: &str = "write me a poem";

fn database(env: &TestEnv) -> Connection {
    Connection::open(env.pryx_home().join("brain.db")).expect("the brain's database")
}

#[track_caller]
fn assert_whole(env: &TestEnv) {
    let check: String =
        database(env).query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("a word about the file");
    assert_eq!(check, "ok");
}

/// Every whole line that was printed is an event that is kept, word for word. Gives how many there were.
#[track_caller]
fn assert_kept(env: &TestEnv, printed: &str) -> usize {
    let database = database(env);
    let whole = printed.rsplit_once('\n').map_or("", |(whole, _)| whole);
    for line in whole.lines() {
        let mut event: Value = serde_json::from_str(line).expect("an event");
        let session = event["session_id"].as_str().expect("a session").to_owned();
        let kept: String = database
            .query_row(
                "SELECT event FROM events WHERE session = ?1 AND version = ?2",
                (session, event["version"].as_i64().expect("a version")),
                |row| row.get(0),
            )
            .unwrap_or_else(|e| panic!("{e}: it was printed and is lost: {line}"));
        if event["event"] == "tool.output" {
            event["payload"].as_object_mut().expect("a payload").remove("text");
        }
        assert_eq!(serde_json::from_str::<Value>(&kept).expect("JSON"), event);
    }
    whole.lines().count()
}

fn ids(sessions: &Value) -> Vec<&str> {
    sessions.as_array().expect("a list").iter().map(|s| s["id"].as_str().expect("an id")).collect()
}

#[test]
fn a_conversation_goes_on_with_everything_that_was_said() {
    for format in BOTH {
        let mut env = TestEnv::new();
        let script = [Turn::runs("echo forty-two"), Turn::says("It is 42."), Turn::says("42, as I said.")];
        let stub = Stub::start(format, Chunking::Whole, script);
        stub.serve(&mut env);
        env.ok(["what is the answer?"]);
        // Another model would be chosen now, but the session keeps its own.
        env.pryx(["-c", "say it again"]).run().assert_code(0).assert_out("42, as I said.\n");
        let received = stub.received();
        let (before, after) = (received[1].body.to_string(), received[2].body.to_string());
        for words in ["what is the answer?", "forty-two", "It is 42.", "say it again"] {
            assert!(after.contains(words), "{words:?} is not in {after}");
        }
        let boundary = before.split("between <data ").nth(1).and_then(|rest| rest.split('>').next()).expect("one");
        assert!(after.contains(&format!("between <data {boundary}>")), "the marks changed");
        let sessions = env.json(["sessions", "list"]);
        assert_eq!((ids(&sessions).len(), sessions[0]["turns"].as_u64()), (1, Some(2)));
        assert_eq!(sessions[0]["title"], "what is the answer?");
        let events = env.pryx(["run", "--json", "-r", &ids(&sessions)[0][..4], "x"]).run().events();
        assert_eq!(events[0]["event"], "session.resumed");
    }
}

#[test]
fn a_command_that_outlived_its_brain_is_told_and_not_repeated() {
    let mut env = TestEnv::new();
    let script = [Turn::runs("sleep 1; echo the-very-end"), Turn::says("I saw it.")];
    let stub = Stub::start(Format::Anthropic, Chunking::Whole, script);
    stub.serve(&mut env);
    let run = env.pryx(["run", "--json", "wait"]).start();
    run.wait_for_out("tool.executing");
    run.kill();
    assert_kept(&env, &run.wait().stdout.iter().map(|b| char::from(*b)).collect::<String>());
    let done = env.pryx(["run", "--json", "-c", "and?"]).run();
    done.assert_code(0);
    assert_kept(&env, &done.out());
    let ends: Vec<Value> = done
        .events()
        .iter()
        .filter(|e| e["event"] == "turn.completed")
        .map(|e| e["payload"]["status"].clone())
        .collect();
    assert_eq!(ends, ["interrupted", "done"]);
    let body = stub.received().last().expect("a request").body.to_string();
    assert!(body.contains("the-very-end"), "{body}");
    assert_eq!(env.json(["ps", "--all"]).as_array().map(Vec::len), Some(1), "it ran twice");
    let spans = env.json(["trace"]);
    let cut = spans["spans"].as_array().expect("spans").iter().filter(|span| span["status"] == "cut");
    assert_eq!(cut.count(), 2, "the turn and its call: {spans}");
}

#[test]
fn killed_at_any_moment_nothing_that_was_shown_is_lost() {
    let env = TestEnv::new();
    let start = Instant::now();
    env.pryx(["run", "--json", NO_HANDS]).run().assert_code(123);
    let whole = start.elapsed();
    let (mut cut_short, mut shown) = (0, 0);
    for n in 0..100_u32 {
        let go_on: &[&str] = if n % 2 == 0 { &[] } else { &["-c"] };
        let run = env.pryx([&["run", "--json"], go_on, &[NO_HANDS]].concat()).start();
        // The moment itself is the point: all over the time that a whole run takes.
        std::thread::sleep(whole * (n * 37 % 100) / 90);
        run.kill();
        let done: Done = run.wait();
        cut_short += u32::from(!done.out().contains("turn.completed"));
        shown += assert_kept(&env, &done.out());
        if n % 10 == 0 {
            assert_whole(&env);
        }
    }
    assert_whole(&env);
    assert!(cut_short > 0 && shown > 0, "{cut_short} were cut short, {shown} events were shown");
    env.pryx(["run", "--json", "-c", NO_HANDS]).run().assert_code(123);
}

#[test]
fn killed_with_a_command_under_way_it_runs_once() {
    let env = TestEnv::new();
    env.ok(["list files"]);
    for n in 0..6_u32 {
        let before = env.json(["ps", "--all"]).as_array().map_or(0, Vec::len);
        let run = env.pryx(["run", "--json", "list files"]).start();
        run.wait_for_out("tool.request");
        std::thread::sleep(Duration::from_millis(u64::from(n) * 4));
        run.kill();
        assert_kept(&env, &run.wait().out());
        let done = env.pryx(["run", "--json", "-c", NO_HANDS]).run();
        assert_kept(&env, &done.out());
        let after = env.json(["ps", "--all"]).as_array().map_or(0, Vec::len);
        assert_eq!(after, before + 1, "{done}");
    }
    assert_whole(&env);
}

#[test]
fn eight_at_once_don_t_stand_in_each_other_s_way() {
    let env = TestEnv::new();
    // The first ones make the file, the second ones use it.
    for round in 1..=2 {
        let runs: Vec<_> = (0..8).map(|_| env.pryx(["run", "--json", NO_HANDS]).start()).collect();
        for run in runs {
            let done = run.wait();
            done.assert_code(123);
            assert_kept(&env, &done.out());
        }
        assert_eq!(ids(&env.json(["sessions", "list"])).len(), 8 * round);
    }
    assert_whole(&env);
}

#[test]
fn a_session_has_one_process_at_a_time() {
    let mut env = TestEnv::new();
    let stub = Stub::start(Format::OpenAi, Chunking::Whole, [Turn::runs("sleep 30")]);
    stub.serve(&mut env);
    let run = env.pryx(["run", "--json", "wait"]).start();
    run.wait_for_out("tool.executing");
    let second = env.pryx(["-c", "me too"]).run();
    second.assert_code(1).assert_one_clear_error().assert_says("in use by another pryx");
    env.pryx(["sessions", "delete", "--yes", "last"]).run().assert_code(1).assert_says("in use");
    signal(run.pid(), rustix::process::Signal::INT);
    run.wait().assert_code(130);
    env.pryx(["sessions", "delete", "--yes", "last"]).run().assert_code(0);
}

#[test]
fn sessions_are_listed_found_named_copied_and_deleted() {
    let env = TestEnv::new();
    env.pryx([NO_HANDS]).run().assert_code(123);
    env.pryx(["write me a song\nabout crabs"]).run().assert_code(123);
    let listed = env.json(["sessions"]);
    let (song, poem) = (ids(&listed)[0].to_owned(), ids(&listed)[1].to_owned());
    assert_eq!(listed[0]["title"], "write me a song");
    let found = env.json(["sessions", "search", "CRABS"]);
    assert_eq!((found.as_array().map(Vec::len), found[0]["session"]["id"].as_str()), (Some(1), Some(song.as_str())));
    assert!(env.ok(["sessions", "search", "crabs"]).contains("about crabs"));
    assert_eq!(env.json(["sessions", "rename", &song, "The", "song"])["title"], "The song");
    let shown = env.ok(["sessions", "show", &song]);
    assert!(shown.starts_with("The song\n") && shown.contains("> about crabs"), "{shown}");
    for (format, begin) in [("md", "# The song"), ("html", "<!doctype html>"), ("json", "{\"session\"")] {
        let text = env.ok(["sessions", "export", &song, "--format", format]);
        assert!(text.starts_with(begin) && text.contains("about crabs"), "{text}");
    }
    let copy = env.json(["sessions", "branch", &song]);
    assert_eq!((copy["parent"].as_str(), copy["turns"].as_u64()), (Some(song.as_str()), Some(1)));
    env.pryx(["sessions", "branch", &song, "--turn", "2"]).run().assert_code(2).assert_says("has 1 turn");
    env.json(["sessions", "archive", &song]);
    assert_eq!(ids(&env.json(["sessions"])), [copy["id"].as_str().expect("an id"), &poem]);
    assert_eq!(ids(&env.json(["sessions", "list", "--all"])).len(), 3);
    env.json(["sessions", "archive", "--undo", &song]);
    let refused = env.pryx(["sessions", "delete", &song]).run();
    refused.assert_code(2).assert_one_clear_error().assert_says("needs a yes");
    assert_eq!(env.json(["sessions", "delete", "--yes", &song, &song])["deleted"], serde_json::json!([song]));
    env.pryx(["sessions", "show", &song]).run().assert_code(2).assert_one_clear_error();
    assert_eq!(ids(&env.json(["sessions"])).len(), 2);
    env.pryx(["sessions", "search", "--", "--"]).run().assert_code(2).assert_one_clear_error();
}

#[test]
fn an_export_holds_no_secret_unless_it_is_asked_for() {
    let env = TestEnv::new();
    let secret = format!("ghp_{}", "a1B2".repeat(9));
    env.pryx([&format!("write me a song about {secret} for jo@example.com")]).run().assert_code(123);
    for format in ["md", "html", "json"] {
        let text = env.ok(["sessions", "export", "--format", format]);
        assert!(!text.contains(&secret) && !text.contains("jo@example.com"), "{text}");
        assert!(text.contains("[redacted: GitHub token]") && text.contains("a song about"), "{text}");
        let whole = env.ok(["sessions", "export", "--format", format, "--unredacted"]);
        assert!(whole.contains(&secret) && whole.contains("jo@example.com"), "{whole}");
    }
}

#[test]
fn the_last_session_of_the_directory_is_meant() {
    let env = TestEnv::new();
    let other = env.home();
    env.pryx([NO_HANDS]).run().assert_code(123);
    env.pryx(["write me a song"]).dir(&other).run().assert_code(123);
    let resumed = |dir: &std::path::Path| {
        let done = env.pryx(["run", "--json", "-c", NO_HANDS]).dir(dir).run();
        done.events()[0]["payload"]["workspace"].as_str().expect("a directory").to_owned()
    };
    assert_eq!(resumed(&env.work()), env.work().display().to_string());
    assert_eq!(resumed(&other), other.display().to_string());
    // A third directory has none: the last one it is, where it was.
    assert_eq!(resumed(std::path::Path::new("/")), other.display().to_string());
    let none = TestEnv::new();
    none.pryx(["-c", "x"]).run().assert_code(2).assert_one_clear_error();
}

#[test]
fn a_timeline_is_drawn() {
    let mut env = TestEnv::new();
    let script = [Turn::runs("sleep 0.2").and_runs("echo two"), Turn::says("Done.")];
    let stub = Stub::start(Format::Anthropic, Chunking::Whole, script);
    stub.serve(&mut env);
    env.ok(["do both"]);
    let trace = env.json(["trace"]);
    let kinds: Vec<&str> =
        trace["spans"].as_array().expect("spans").iter().map(|span| span["kind"].as_str().expect("a kind")).collect();
    assert_eq!(kinds, ["turn", "model", "tool", "tool", "wait", "model"]);
    let of = |at: usize, field: &str| trace["spans"][at][field].as_u64().unwrap_or_else(|| panic!("{field}: {trace}"));
    assert_eq!((of(1, "input_tokens"), of(1, "output_tokens")), (11, 7));
    assert_eq!((of(1, "parent"), of(4, "parent")), (of(0, "id"), of(3, "id")));
    assert!(of(2, "duration_us") >= 200_000 && of(4, "duration_us") >= 200_000, "{trace}");
    assert!(of(0, "duration_us") >= of(2, "duration_us") + of(5, "duration_us"), "{trace}");
    let drawn = env.ok(["trace"]);
    assert!(
        drawn.starts_with("turn do both\n") && drawn.contains("tool sleep 0.2") && drawn.contains("exit 0"),
        "{drawn}"
    );
    assert_eq!(drawn.lines().count(), 7);
}
