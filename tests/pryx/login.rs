//! Logging in with a browser (RFC 8628) at a login server on this machine, and what becomes of the token when it ends.

use super::env::TestEnv;
use super::pty::Screen;
use super::site::{Site, json};
use super::stub::{Chunking, Format, KEY, Stub, Turn};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// What RFC 8628 (section 3.5) has a client wait longer after `slow_down`.
const SLOWER: Duration = Duration::from_secs(5);

fn error(code: &str) -> Value {
    json!({ "error": code })
}

/// A login server that answers questions for the token with these, the last one again and again, and renewals with the
/// key of the stub.
fn login_server(answers: Vec<Value>) -> Site {
    Site::start(move |visit, before| match visit.path.as_str() {
        "/device" => json(
            200,
            &json!({"device_code": "dev", "user_code": "WXYZ-1234", "verification_uri": "https://login.example/device",
                "verification_uri_complete": "https://login.example/device?c=WXYZ-1234", "expires_in": 30, "interval": 0}),
        ),
        "/token" if visit.body.contains("refresh_token=refresh-1") => {
            json(200, &json!({"access_token": KEY, "refresh_token": "refresh-2", "expires_in": 3600}))
        }
        "/token" if visit.body.contains("grant_type=refresh_token") => json(400, &error("invalid_grant")),
        "/token" => {
            let answer = answers.get(before - 1).or(answers.last()).cloned().unwrap_or_default();
            json(if answer["error"].is_string() { 400 } else { 200 }, &answer)
        }
        _ => (404, String::new(), String::new()),
    })
}

/// A world with a provider that is logged in to there.
fn world(login: &Site, stub: &Stub) -> TestEnv {
    let env = TestEnv::new();
    let text = format!(
        "[providers.work]\napi = \"openai-chat\"\nbase_url = \"{}\"\n[providers.work.login]\ndevice_url = \"{}\"\n\
         token_url = \"{}\"\nclient_id = \"pryx-test\"\nscope = \"models\"\n",
        stub.variables()[0].1,
        login.url("/device"),
        login.url("/token")
    );
    std::fs::create_dir_all(env.pryx_home()).expect("a directory");
    std::fs::write(env.pryx_home().join("config.toml"), text).expect("settings");
    env
}

fn stub() -> Stub {
    Stub::start(Format::OpenAi, Chunking::Whole, [Turn::says("Here."), Turn::says("Again.")])
}

#[test]
fn a_person_logs_in_with_a_browser_and_a_telephone() {
    let token = json!({"access_token": KEY, "token_type": "bearer"});
    let login = login_server(vec![error("authorization_pending"), error("authorization_pending"), token]);
    let stub = stub();
    let env = world(&login, &stub);
    let mut screen = Screen::pryx(&env, &["auth", "login", "work"]);
    screen.wait_for("open https://login.example/device and type WXYZ-1234");
    screen.wait_for("is kept in keys.json");
    screen.assert_code(0);
    let drawn: Vec<String> = screen.text().lines().filter(|line| line.contains('█')).map(str::to_owned).collect();
    // That address takes a code of 29 squares, with 4 light ones on each side; a line has two rows of squares.
    assert!(drawn.len() == 18 && drawn.iter().all(|line| line.chars().count() == 37), "{}", screen.text());
    assert!(!screen.text().contains(KEY) && !screen.text().contains("dev\""));
    env.pryx(["run", "--model", "work/m", "hello"]).run().assert_code(0).assert_out("Here.\n");
    assert_eq!(login.visits().len(), 4, "a token without an end is not renewed");
    let listed = env.json(["auth"]);
    assert_eq!((&listed["kept"][0]["provider"], &listed["kept"][0]["login"]), (&json!("work"), &json!({})));
}

#[test]
fn a_script_gets_the_code_as_json() {
    let login = login_server(vec![json!({"access_token": KEY})]);
    let env = world(&login, &stub());
    let done = env.pryx(["--json", "--quiet", "auth", "login", "work"]).run();
    let lines = done.assert_code(0).events();
    assert_eq!((&lines[0]["user_code"], &lines[1]["place"]), (&json!("WXYZ-1234"), &json!("file")));
    assert!(!done.to_string().contains(KEY));
}

#[test]
fn a_server_that_wants_it_slower_is_asked_more_slowly() {
    let login = login_server(vec![error("slow_down"), json!({"access_token": KEY})]);
    let env = world(&login, &stub());
    let began = Instant::now();
    env.pryx(["auth", "login", "work"]).run().assert_code(0);
    assert!(began.elapsed() >= SLOWER, "{:?}", began.elapsed());
    assert_eq!(login.visits().len(), 3);
}

#[test]
fn a_login_that_fails_keeps_nothing_and_says_why() {
    for (answer, words) in [
        (error("access_denied"), "declined"),
        (error("expired_token"), "expired"),
        (json!({"error": "invalid_client", "error_description": "nobody\u{1b}[31m knows it"}), "nobody knows it"),
        (json!([1]), "something else than a login server"),
    ] {
        let login = login_server(vec![answer]);
        let env = world(&login, &stub());
        let done = env.pryx(["auth", "login", "work"]).run();
        done.assert_code(1).assert_one_clear_error().assert_says(words);
        assert_eq!(env.json(["auth"])["kept"], json!([]));
    }
}

#[test]
fn a_token_that_ends_is_renewed_and_the_new_one_kept() {
    let short = json!({"access_token": "tok-ended", "refresh_token": "refresh-1", "expires_in": 1});
    let login = login_server(vec![short]);
    let stub = stub();
    let env = world(&login, &stub);
    env.ok(["auth", "login", "work"]);
    // The stub takes only its key: with the old token it would refuse.
    env.pryx(["run", "--model", "work/m", "hello"]).run().assert_code(0).assert_out("Here.\n");
    env.pryx(["run", "--model", "work/m", "hello"]).run().assert_code(0).assert_out("Again.\n");
    let renewals = login.visits().iter().filter(|visit| visit.body.contains("refresh-1")).count();
    assert_eq!(renewals, 1, "{:?}", login.visits());
}

#[test]
fn a_login_that_can_not_be_renewed_asks_for_another() {
    let ended = json!({"access_token": "tok-ended", "refresh_token": "revoked", "expires_in": 0});
    let login = login_server(vec![ended]);
    let stub = stub();
    let env = world(&login, &stub);
    env.ok(["auth", "login", "work"]);
    let done = env.pryx(["run", "--model", "work/m", "hello"]).run();
    done.assert_code(1).assert_one_clear_error().assert_says("pryx auth login work");
    assert!(stub.received().is_empty(), "an ended token was sent");
}
