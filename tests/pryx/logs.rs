//! What jobs printed, read back: parts of it, lines that match, and what a model is shown of it.

use super::env::{Done, TestEnv};

/// Runs a script on pipes to its end; the job's id.
#[track_caller]
fn ran(env: &TestEnv, script: &str) -> String {
    let id = env.ok(["exec", "-d", "--", "sh", "-c", script]).trim().to_owned();
    env.ok(["log", "-f", &id]);
    id
}

/// Runs a script on a terminal to its end; the job's id.
#[track_caller]
fn ran_on_tty(env: &TestEnv, script: &str) -> String {
    let id = env.ok(["exec", "-d", "--tty", "--", "sh", "-c", script]).trim().to_owned();
    env.ok(["log", "-f", &id]);
    id
}

fn log(env: &TestEnv, args: &[&str]) -> Done {
    env.pryx(["log"].iter().chain(args)).run()
}

#[test]
fn a_log_can_be_read_in_parts() {
    let env = TestEnv::new();
    let id = ran(&env, "seq 1 30000; echo to stderr >&2; echo more >&2");
    let whole: String = (1..=30_000).map(|n| format!("{n}\n")).collect();
    log(&env, &[&id, "--since", "168000"]).assert_out(&whole[168_000..]);
    log(&env, &[&id, "--since", "999999"]).assert_code(0).assert_out("");
    log(&env, &[&id, "--head", "3"]).assert_code(0).assert_out("1\n2\n3\n");
    log(&env, &[&id, "--head", "0"]).assert_code(0).assert_out("");
    log(&env, &[&id, "--head", "20000"]).assert_out(&whole[..whole.find("20001\n").expect("it is there")]);
    log(&env, &[&id, "--since", "2", "--head", "2"]).assert_out("2\n3\n");
    log(&env, &[&id, "--tail", "2"]).assert_out("29999\n30000\n");
    log(&env, &[&id, "--stderr"]).assert_out("to stderr\nmore\n");
    log(&env, &[&id, "--stderr", "--tail", "1"]).assert_out("more\n");
    log(&env, &[&id, "--head", "1", "--tail", "1"]).assert_code(2);
    let tty = ran_on_tty(&env, "echo x");
    log(&env, &[&tty, "--stderr"]).assert_code(1).assert_one_clear_error();
}

#[test]
fn grep_tells_line_offset_and_text() {
    let env = TestEnv::new();
    let id = ran(&env, r"seq 1 2000; printf 'bad \377 \033[31mred\033[0m\trow\nlast 7'; echo err 7 >&2");
    log(&env, &[&id, "--grep", "^19[12]$"]).assert_code(0).assert_out("191:652:191\n192:656:192\n");
    log(&env, &[&id, "--grep", "red\trow"]).assert_out("2001:8893:bad \u{fffd} red\trow\n");
    log(&env, &[&id, "--grep", "7$", "--tail", "1"]).assert_out("2002:8916:last 7\n");
    log(&env, &[&id, "--grep", "7$", "--head", "2"]).assert_out("7:12:7\n17:39:17\n");
    log(&env, &[&id, "--grep", "^2$", "--since", "2"]).assert_out("2:2:2\n");
    log(&env, &[&id, "--grep", "^20$", "--since", "48"]).assert_out("20:48:20\n");
    log(&env, &[&id, "--grep", "7", "--stderr"]).assert_out("1:0:err 7\n");
    log(&env, &[&id, "--grep", "nowhere"]).assert_code(1).assert_out("");
    log(&env, &[&id, "--grep", "("]).assert_code(2).assert_one_clear_error();
    log(&env, &[&id, "--grep", "(x{1000}){1000}"]).assert_code(2).assert_one_clear_error();
    let many = log(&env, &[&id, "--grep", "."]);
    assert_eq!(many.out().lines().count(), 2002, "more than one answer holds");
    let first = env.pryx(["--json", "log", &id, "--grep", "^3$"]).run().events();
    assert_eq!(first, [serde_json::json!({"line": 3, "offset": 4, "text": "3"})]);
}

#[test]
fn grep_follows_until_the_end() {
    let env = TestEnv::new();
    assert!(env.program("mkfifo").arg("go").status().expect("mkfifo runs").success());
    let script = "echo error one; printf err; read x <go; echo or two; echo fine; read x <go; printf 'error three'";
    let id = env.ok(["exec", "-d", "--", "sh", "-c", script]).trim().to_owned();
    let following = env.pryx(["log", &id, "-f", "--grep", "^error"]).start();
    following.wait_for_out("1:0:error one\n");
    std::fs::write(env.file("go"), "\n").expect("it reads");
    following.wait_for_out("2:10:error two\n");
    std::fs::write(env.file("go"), "\n").expect("it reads");
    following.wait().assert_code(0).assert_out("1:0:error one\n2:10:error two\n4:25:error three\n");
}
