//! Keys in the system's keyring: with a real gnome-keyring on a real bus where both are installed (scripts/setup does), with
//! a bus that never answers, and with none.

use super::env::{PATIENCE, TestEnv, signal, wait_until};
use super::stub::{Chunking, Format, KEY, Stub, Turn};
use serde_json::json;
use std::io::Write;
use std::os::unix::net::UnixListener;
use std::process::{Child, Stdio};
use std::time::Duration;

/// A bus and a keyring of the test's own; they end with it.
struct Session(Vec<Child>);

impl Session {
    /// Nothing where one of the two programs is not installed.
    #[expect(clippy::print_stderr, reason = "who runs the tests should know that this one did not")]
    fn start(env: &mut TestEnv) -> Option<Self> {
        let installed = |program: &str| std::path::Path::new("/usr/bin").join(program).exists();
        if !["dbus-daemon", "dbus-send", "gnome-keyring-daemon"].into_iter().all(installed) {
            eprintln!("skipped: dbus-daemon or gnome-keyring-daemon is not installed");
            return None;
        }
        let socket = env.home().join("bus");
        let address = format!("unix:path={}", socket.display());
        let mut dbus = env.program("/usr/bin/dbus-daemon");
        dbus.args(["--session", "--nofork", "--nopidfile", "--nosyslog", &format!("--address={address}")]);
        let dbus = dbus.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a bus");
        let mut session = Self(vec![dbus]);
        wait_until("the bus listens", PATIENCE, || socket.exists());
        env.set("DBUS_SESSION_BUS_ADDRESS", &address);
        let mut keyring = env.program("/usr/bin/gnome-keyring-daemon");
        keyring.args(["--foreground", "--unlock", "--components=secrets"]);
        keyring.arg(format!("--control-directory={}", env.home().display()));
        let mut keyring =
            keyring.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it");
        keyring.stdin.take().expect("its stdin").write_all(b"of the test").expect("its password");
        session.0.push(keyring);
        Some(session)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for child in self.0.iter_mut().rev() {
            signal(i32::try_from(child.id()).expect("a process id"), rustix::process::Signal::KILL);
            let _ = child.wait();
        }
    }
}

#[test]
fn a_real_keyring_keeps_gives_and_forgets_a_key() {
    let stub = Stub::start(Format::Anthropic, Chunking::Whole, [Turn::says("Here.")]);
    let mut env = TestEnv::new();
    let (name, url) = stub.variables()[0].clone();
    env.set(name, url);
    let Some(_session) = Session::start(&mut env) else { return };
    let file = env.pryx_home().join("keys.json");
    let give = || env.pryx(["auth", "set", "anthropic"]).stdin(KEY).run();
    // The service takes its name on the bus some moments after it was started.
    wait_until("the keyring is there", PATIENCE, || {
        give().assert_code(0);
        env.json(["auth"])["kept"][0]["place"] == json!("keyring")
    });
    let text = std::fs::read_to_string(&file).expect("keys.json");
    assert!(!text.contains("sealed") && !text.contains(KEY), "{text}");
    env.pryx(["run", "hello"]).run().assert_code(0).assert_out("Here.\n");
    assert_eq!(env.json(["model"])["key"], "the keyring");
    // Another address in the file finds no key, and the other address hears of none.
    let other = Stub::start(Format::Anthropic, Chunking::Whole, [Turn::says("Caught.")]);
    let moved = text.replace(&stub.variables()[0].1, &other.variables()[0].1);
    std::fs::write(&file, moved).expect("keys.json");
    let refused = env.pryx(["run", "hello"]).var("ANTHROPIC_BASE_URL", &other.variables()[0].1).run();
    refused.assert_code(2).assert_one_clear_error().assert_says("the keyring has no key");
    assert!(other.received().is_empty());
    std::fs::write(&file, &text).expect("keys.json");
    give().assert_code(0);
    // What the keyring itself says, through another program's eyes.
    let found = |env: &TestEnv| {
        let mut call = env.program("/usr/bin/dbus-send");
        call.args(["--session", "--print-reply", "--dest=org.freedesktop.secrets", "/org/freedesktop/secrets"]);
        call.args(["org.freedesktop.Secret.Service.SearchItems", "dict:string:string:application,pryx"]);
        let reply = call.output().expect("dbus-send runs");
        String::from_utf8_lossy(&reply.stdout).matches("object path").count()
    };
    assert_eq!(found(&env), 1);
    // A command in the sandbox does not reach it, though any program of the person's does.
    let list = [
        "dbus-send",
        "--session",
        "--print-reply",
        "--dest=org.freedesktop.secrets",
        "/org/freedesktop/secrets",
        "org.freedesktop.DBus.Peer.Ping",
    ];
    env.ok(["exec", "--"].iter().chain(&list));
    let held = env.pryx(["exec", "--mode", "workspace", "--"].iter().chain(&list)).run();
    assert!(held.code() == Some(1) && held.to_string().contains("Failed to open connection"), "{held}");
    env.ok(["auth", "remove", "anthropic"]);
    assert_eq!(found(&env), 0);
}

#[test]
fn a_keyring_that_went_away_is_told_and_the_variable_serves() {
    let stub = Stub::start(Format::Anthropic, Chunking::Whole, [Turn::says("Here.")]);
    let mut env = TestEnv::new();
    let (name, url) = stub.variables()[0].clone();
    env.set(name, url);
    std::fs::create_dir_all(env.pryx_home()).expect("a directory");
    let index = json!({"version": 1, "keys": {"anthropic": {"address": stub.variables()[0].1}}});
    std::fs::write(env.pryx_home().join("keys.json"), index.to_string()).expect("an index");
    let done = env.pryx(["run", "hello"]).run();
    done.assert_code(2).assert_one_clear_error().assert_says("the keyring, which can't be used");
    env.pryx(["auth", "remove", "anthropic"]).run().assert_code(1).assert_one_clear_error();
    env.set("ANTHROPIC_API_KEY", KEY);
    env.pryx(["run", "hello"]).run().assert_code(0).assert_out("Here.\n");
}

#[test]
fn a_bus_that_never_answers_costs_two_seconds_and_no_more() {
    let mut env = TestEnv::new();
    let silent = env.home().join("silent");
    // It takes connections, as the kernel does for everybody who listens, and says nothing.
    let _listener = UnixListener::bind(&silent).expect("a socket");
    env.set("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", silent.display()));
    let done = env.pryx(["auth", "set", "anthropic"]).stdin(KEY).run();
    done.assert_code(0).assert_says("kept in keys.json").assert_says("doesn't answer");
    assert!(done.took >= Duration::from_secs(2), "it was not waited for: {done}");
}
