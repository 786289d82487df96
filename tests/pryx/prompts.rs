//! Every program that waits for a person is known to, within 300 ms of its prompt, by name: what scripts, interpreters,
//! ssh, su, pagers, editors and monitors do is real here. What only takes time is no question: see `waits`.

use super::env::{PATIENCE, PRYX, TestEnv, wait_until};
use super::waits::{on_terminal, wait_for};
use serde_json::Value;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// From the last thing printed to the verdict.
const KNOWN_WITHIN: f64 = 0.3;

/// Tries per program: the machine may be busy with something else. One that is known too late is so each time.
const TRIES: usize = 4;

/// Somebody else, for a world that isn't root's: `nobody`.
const NOBODY: &str = "65534";

#[track_caller]
fn live(env: &TestEnv, id: &str) -> Value {
    let jobs = env.json(["ps"]);
    jobs.as_array().and_then(|jobs| jobs.iter().find(|job| job["id"] == id)).cloned().unwrap_or_default()
}

fn seconds(time: &Value) -> f64 {
    let at = time.as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok()).expect("a time");
    at.as_nanosecond() as f64 / 1e9
}

/// Seconds from what it printed last to when its waiting was known. Ends it: only then all its times are written.
#[track_caller]
fn lateness(env: &TestEnv, id: &str) -> f64 {
    let job = live(env, id);
    let known = seconds(&job["live"]["since"]) - seconds(&job["started"]);
    env.ok(["stop", "--grace", "0", id]);
    let cast = env.ok(["replay", id, "--export", "-"]);
    let events = cast.lines().skip(1).map(|line| serde_json::from_str::<Value>(line).expect("an event"));
    let printed = events.filter(|event| event[1] == "o").filter_map(|event| event[0].as_f64());
    // What is drawn later (a monitor draws all the time) didn't come before the verdict.
    let last = printed.filter(|at| *at <= known).fold(0.0, f64::max);
    known - last
}

#[track_caller]
fn known_in_time(env: &TestEnv, name: &str, wanted: &str, argv: &[&str]) {
    let mut late = Vec::new();
    while late.len() < TRIES {
        let id = on_terminal(env, argv);
        wait_for(env, &id, wanted);
        late.push(lateness(env, &id));
        if late.last().is_some_and(|late| *late < KNOWN_WITHIN) {
            return;
        }
    }
    panic!("{name} was known after {late:?} s");
}

fn modern() -> TestEnv {
    let mut env = TestEnv::new();
    env.set("TERM", "xterm-256color");
    env
}

#[test]
fn waits_for_input_are_known_within_300_ms_read() {
    let env = modern();
    known_in_time(&env, "read", "needs_input", &["bash", "-c", "sleep 0.3; read -p 'Name: ' x"]);
    known_in_time(&env, "dash's read", "needs_input", &["sh", "-c", "sleep 0.3; printf 'Name: '; read x"]);
}

#[test]
fn waits_for_input_are_known_within_300_ms_read_without_echo() {
    known_in_time(&modern(), "read -s", "needs_secret", &["bash", "-c", "sleep 0.3; read -s -p 'Token: ' x"]);
}

#[test]
fn waits_for_input_are_known_within_300_ms_python() {
    let env = modern();
    let input = "import time; time.sleep(0.3); input('name: ')";
    known_in_time(&env, "python input()", "needs_input", &["python3", "-c", input]);
    let secret = "import getpass,time; time.sleep(0.3); getpass.getpass()";
    known_in_time(&env, "python getpass", "needs_secret", &["python3", "-c", secret]);
}

#[test]
fn waits_for_input_are_known_within_300_ms_full_screen() {
    let env = modern();
    std::fs::write(env.file("page"), "line\n".repeat(500)).expect("a file");
    known_in_time(&env, "a pager", "full_screen", &["less", "page"]);
    known_in_time(&env, "vi", "full_screen", &["vi", "-u", "NONE", "page"]);
    known_in_time(&env, "top", "full_screen", &["top"]);
}

/// An ssh server on this machine that nobody can log in to.
struct Sshd {
    child: Child,
    port: u16,
}

impl Sshd {
    /// Nothing where there is none to be had.
    fn start(env: &TestEnv) -> Option<Self> {
        let place = env.work();
        let key = place.join("host_key");
        let made = env.program("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status();
        if !made.is_ok_and(|made| made.success()) || !Path::new("/usr/sbin/sshd").exists() {
            return None;
        }
        if rustix::process::geteuid().is_root() {
            // Where it separates its privileges; nothing starts without.
            std::fs::create_dir_all("/run/sshd").ok()?;
        }
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).ok()?.port();
        let mut command = env.program("/usr/sbin/sshd");
        command.args(["-D", "-e", "-f", "/dev/null", "-o", "UsePAM=no", "-o", "ListenAddress=127.0.0.1"]);
        command.args(["-o", "PidFile=none", "-p", &port.to_string(), "-h"]).arg(&key);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
        let sshd = Self { child, port };
        wait_until("sshd listens", PATIENCE, || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        Some(sshd)
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn waits_for_input_are_known_within_300_ms_ssh() {
    let env = modern();
    let Some(sshd) = Sshd::start(&env) else {
        eprintln!("skipped: there is no sshd here");
        return;
    };
    let (port, known) = (sshd.port.to_string(), env.file("known").display().to_string());
    let hosts = format!("UserKnownHostsFile={known}");
    let ssh = ["ssh", "-F", "/dev/null", "-o", &hosts, "-p", &port, "somebody@127.0.0.1"];
    known_in_time(&env, "ssh's question about a host key", "needs_input", &ssh);
    let trusting = [&ssh[..5], &["-o", "StrictHostKeyChecking=no"], &ssh[5..]].concat();
    known_in_time(&env, "ssh's password", "needs_secret", &trusting);
}

/// A command of a world that belongs to nobody, so that a program of root's is another user's there.
fn as_nobody(env: &TestEnv, args: &[&str]) -> Command {
    let mut command = env.program(if rustix::process::geteuid().is_root() { "setpriv" } else { "env" });
    if rustix::process::geteuid().is_root() {
        command.args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--"]);
    }
    command.arg(theirs(env).join("pryx")).args(args);
    command
}

/// Where another user may go, unlike to the build.
fn theirs(env: &TestEnv) -> std::path::PathBuf {
    env.home().join("theirs")
}

#[track_caller]
fn said(mut command: Command) -> String {
    let output = command.output().expect("it starts");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// sudo itself where it is installed, else su, which is of the same kind: root's, and it asks as sudo does. The kernel
/// tells nothing about what it waits for.
#[test]
fn waits_for_input_are_known_within_300_ms_sudo() {
    let mut env = modern();
    let root = rustix::process::geteuid().is_root();
    let home = theirs(&env);
    std::fs::create_dir(&home).expect("a directory");
    std::fs::copy(PRYX, home.join("pryx")).expect("a copy of the program");
    if root {
        for dir in [env.work().parent().expect("the world"), &env.home(), &env.work(), &home] {
            let owned = env.program("chown").arg(NOBODY).arg(dir).status();
            assert!(owned.is_ok_and(|done| done.success()));
        }
    }
    env.set("PRYX_HOME", home.join("p"));
    let sudo = env.program("sudo").arg("-V").stdout(Stdio::null()).status().is_ok();
    let asks: &[&str] = if sudo { &["sudo", "-k", "true"] } else { &["su", "root", "-c", "true"] };
    if !sudo {
        eprintln!("there is no sudo here: su stands for it");
    }
    if as_nobody(&env, &["--version"]).output().is_ok_and(|done| !done.status.success()) {
        eprintln!("skipped: another user can't run this build");
        return;
    }
    let start = [&["exec", "-d", "--tty", "--"], asks].concat();
    let mut late = Vec::new();
    for _ in 0..TRIES {
        let id = said(as_nobody(&env, &start));
        let waited = said(as_nobody(&env, &["wait", &id, "--until", "prompt", "--timeout", "30s"]));
        assert_eq!(waited, "needs_secret");
        let jobs: Value = serde_json::from_str(&said(as_nobody(&env, &["--json", "ps"]))).expect("JSON");
        late.push(seconds(&jobs[0]["live"]["since"]) - seconds(&jobs[0]["started"]));
        said(as_nobody(&env, &["stop", "--grace", "0", &id]));
        // Its own start is in it, since nothing tells when it asked.
        if late.last().is_some_and(|late| *late < KNOWN_WITHIN) {
            break;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    said(as_nobody(&env, &["hands", "stop", "--all"]));
    assert!(late.iter().any(|late| *late < KNOWN_WITHIN), "known after {late:?} s");
}
