//! The audit log as a person reads it: every act is in it, and whoever changed it afterwards is found out.

use super::env::{PATIENCE, TestEnv, wait_until};
use super::gate::model;
use super::pty::Screen;
use super::stub::Turn;
use rusqlite::Connection;

#[test]
fn the_log_tells_what_ran_by_whom_and_how_it_ended() {
    let mut env = TestEnv::new();
    let _stub = model(&mut env, [Turn::runs("truncate -s0 made; echo done"), Turn::runs("ls"), Turn::says("Done.")]);
    let mut screen = Screen::pryx(&env, &["make it"]);
    screen.wait_for("[y] yes");
    screen.keys("y");
    screen.wait_for("Done.");
    screen.assert_code(0);
    env.ok(["exec", "--", "true"]);
    let session = env.json(["sessions", "list"])[0]["id"].as_str().expect("a session").to_owned();
    let rows = env.pryx(["audit", "--json"]).run().events();
    wait_until("all ends are recorded", PATIENCE, || env.ok(["audit"]).matches("exit 0").count() == 3);
    let of_session = env.pryx(["audit", "--json", "--session", &session]).run().events();
    assert!(of_session.len() < rows.len() && of_session.iter().all(|row| row["session"] == session.as_str()));
    let started = rows.iter().find(|row| row["kind"] == "started").expect("a start");
    for id in [started["seq"].to_string(), started["job"].as_str().expect("a job").to_owned()] {
        let shown = env.ok(["audit", "show", &id]);
        for part in [
            "command    truncate -s0 made; echo done",
            "answer     person: once",
            "at the terminal",
            "exit 0",
            "sha256 ",
            "pryx replay",
        ] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
    }
    let hash = env.json(["audit", "show", &started["seq"].to_string()]);
    let ended = hash.as_array().expect("rows").iter().find(|row| row["kind"] == "ended").expect("an end");
    assert_eq!(ended["body"]["output_sha256"].as_str().map(str::len), Some(64));
    assert!(env.ok(["audit", "verify"]).contains("each as it was written"));
    assert!(env.ok(["audit", "--since", "1h"]).contains("truncate"));
    assert_eq!(env.pryx(["audit", "--since", "2100-01-01"]).run().out(), "");
    env.pryx(["audit", "--since", "soon"]).run().assert_code(2).assert_one_clear_error();
    env.pryx(["audit", "show", "99999"]).run().assert_code(1).assert_one_clear_error();
}

#[test]
fn secrets_in_arguments_are_not_written_down() {
    let mut env = TestEnv::new();
    let token = format!("ghp_{}", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8");
    let command = format!("curl -H 'Authorization: Bearer {token}' https://user:hunter2secret@example.com/");
    let _stub = model(&mut env, [Turn::runs(&command), Turn::says("No.")]);
    env.pryx(["fetch"]).run().assert_code(121);
    let all = env.pryx(["audit", "--json"]).run().out();
    assert!(all.contains("curl"), "{all}");
    assert!(!all.contains(&token) && !all.contains("hunter2secret"), "{all}");
}

#[test]
fn a_log_that_was_tampered_with_is_found_out() {
    for (statement, place) in [
        ("UPDATE audit SET body = replace(body, 'true', 'false') WHERE seq = 2", "row 2"),
        ("DELETE FROM audit WHERE seq = 2", "row 2"),
        ("UPDATE audit SET actor = 'agent' WHERE seq = 1", "row 1"),
        ("DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)", "row"),
        (
            "UPDATE audit SET seq = 100 WHERE seq = 1; UPDATE audit SET seq = 1 WHERE seq = 2; UPDATE audit SET seq = 2 WHERE seq = 100",
            "row 1",
        ),
    ] {
        let env = TestEnv::new();
        env.ok(["exec", "--", "true"]);
        env.ok(["exec", "--", "true"]);
        wait_until("the end is recorded", PATIENCE, || env.ok(["audit"]).matches("exit 0").count() == 2);
        assert!(env.ok(["audit", "verify"]).contains("6 rows"));
        let database = Connection::open(env.pryx_home().join("hands.db")).expect("the hands' database");
        database.execute_batch("DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete;").expect("no triggers");
        database.execute_batch(statement).expect("a change");
        let found = env.pryx(["audit", "verify"]).run();
        found.assert_code(1).assert_one_clear_error().assert_says("tampered with").assert_says(place);
    }
}

#[test]
fn every_act_of_the_agent_leaves_a_row() {
    let mut env = TestEnv::new();
    let script = [
        Turn::runs("ls").and_runs("pwd"),
        Turn::default().and_calls("shell_list", serde_json::json!({})),
        Turn::says("Done."),
    ];
    let _stub = model(&mut env, script);
    env.ok(["look"]);
    let rows = env.pryx(["audit", "--json"]).run().events();
    let of = |kind: &str| rows.iter().filter(|row| row["kind"] == kind).count();
    assert_eq!((of("started"), of("act")), (2, 1), "{rows:#?}");
    for job in env.json(["ps", "-a"]).as_array().expect("jobs") {
        assert!(rows.iter().any(|row| row["kind"] == "started" && row["job"] == job["id"]), "{job}");
    }
}
