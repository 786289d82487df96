//! Hands on another machine: a real sshd on this one, with keys and settings of the test's own, and a home over there
//! that shares nothing with the one here.

use super::env::{Done, PATIENCE, PRYX, TestEnv, is_alive, signal, wait_until};
use super::pty::Screen;
use super::stub::{Chunking, Format, Stub, Turn};
use rustix::process::Signal;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The program; scripts/setup installs it.
const SSHD: &str = "/usr/sbin/sshd";

/// An sshd with one user, us, and the machine behind it.
struct Server {
    daemon: Child,
    /// Everything of the other machine.
    dir: PathBuf,
}

impl Server {
    /// Starts it, and makes `box` its name for the `ssh` that pryx finds in this environment.
    fn start(env: &mut TestEnv) -> Self {
        Self::with(env, "exec pryx")
    }

    /// The same with another script in the place of pryx over there.
    fn with(env: &mut TestEnv, pryx: &str) -> Self {
        assert!(Path::new(SSHD).is_file(), "sshd is missing: run scripts/setup");
        let dir = env.home().join("there");
        for folder in ["", "home", "bin", "keys"] {
            fs::create_dir_all(dir.join(folder)).expect("a directory");
        }
        for key in ["host", "user", "stranger"] {
            let mut make = Command::new("ssh-keygen");
            make.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(dir.join("keys").join(key));
            assert!(make.status().expect("ssh-keygen runs").success());
        }
        script(&dir.join("bin/pryx"), &pryx.replace("exec pryx", &format!("exec {PRYX} \"$@\"")));
        fs::copy(dir.join("keys/user.pub"), dir.join("keys/authorized")).expect("a copy");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
        let at = dir.display();
        let settings = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {at}/keys/host\nPidFile none\nUsePAM no\nStrictModes no\n\
             PermitRootLogin yes\nAuthorizedKeysFile {at}/keys/authorized\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nLogLevel VERBOSE\n\
             SetEnv HOME={at}/home PATH={at}/bin:/usr/bin:/bin PRYX_HOME={at}/p PRYX_IDLE_MINUTES=5 OVER_THERE=yes\n",
        );
        fs::write(dir.join("sshd_config"), settings).expect("a file");
        let known = fs::read_to_string(dir.join("keys/host.pub")).expect("a key");
        fs::write(dir.join("known"), format!("[127.0.0.1]:{port} {known}")).expect("a file");
        let host = |name: &str, key: &str, port: u16| {
            format!(
                "Host {name}\n HostName 127.0.0.1\n Port {port}\n IdentityFile {at}/keys/{key}\n IdentitiesOnly yes\n \
                 UserKnownHostsFile {at}/known\n GlobalKnownHostsFile /dev/null\n StrictHostKeyChecking yes\n"
            )
        };
        // A port that nobody listens at any more.
        let closed = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
        let hosts = [host("box", "user", port), host("barred", "stranger", port), host("closed", "user", closed)];
        fs::write(dir.join("ssh_config"), hosts.concat()).expect("a file");
        script(&dir.join("near/ssh"), &format!("exec /usr/bin/ssh -F {at}/ssh_config \"$@\""));
        env.set("PATH", format!("{at}/near:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"));
        env.set("ONLY_HERE", "yes");
        // Only root's sshd wants it.
        let _ = fs::create_dir_all("/run/sshd");
        let mut daemon = Command::new(SSHD);
        daemon.args(["-D", "-e", "-f"]).arg(dir.join("sshd_config")).stdin(Stdio::null()).stderr(Stdio::piped());
        let mut daemon = daemon.spawn().expect("sshd starts");
        let mut log = BufReader::new(daemon.stderr.take().expect("its log"));
        let mut line = String::new();
        while !line.contains("Server listening") {
            line.clear();
            assert!(log.read_line(&mut line).expect("its log") > 0, "sshd ended at once");
        }
        let file = dir.join("log");
        std::thread::spawn(move || {
            let mut file = fs::File::create(file)?;
            std::io::copy(&mut log, &mut file)
        });
        Self { daemon, dir }
    }

    /// The processes of the ssh on this side.
    fn connections(env: &TestEnv) -> Vec<i32> {
        env.running("/usr/bin/ssh -F")
    }

    /// Cuts every connection, as a network that fails does: without a word.
    fn cut(env: &TestEnv) {
        let cut = Self::connections(env);
        assert!(!cut.is_empty(), "there is no connection to cut");
        for pid in cut {
            signal(pid, Signal::KILL);
            wait_until("the connection is gone", PATIENCE, || !is_alive(pid));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // What runs over there is ended as a person there would.
        for args in [&["stop", "--all", "--grace", "100ms"][..], &["hands", "stop", "--all"]] {
            let mut pryx = Command::new(PRYX);
            pryx.env_clear()
                .env("PRYX_HOME", self.dir.join("p"))
                .env("HOME", self.dir.join("home"))
                .env("PATH", "/usr/bin:/bin");
            let _ = pryx.args(args).output();
        }
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

fn script(file: &Path, text: &str) {
    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    fs::write(file, format!("#!/bin/sh\n{text}\n")).expect("a script");
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).expect("a script");
}

fn there(env: &TestEnv, args: &[&str]) -> Done {
    env.pryx([&["--host", "box"], args].concat()).run()
}

#[test]
fn a_command_runs_over_there_with_its_code_and_output_and_nothing_of_ours() {
    let mut env = TestEnv::new();
    let server = Server::start(&mut env);
    let done =
        there(&env, &["exec", "--", "sh", "-c", "pwd; echo $HOME; echo $OVER_THERE$ONLY_HERE; echo e >&2; exit 7"]);
    done.assert_code(7).assert_says("e\n");
    let home = server.dir.join("home");
    assert_eq!(done.out(), format!("{0}\n{0}\n\n", home.display()), "{done}");
    fs::create_dir(home.join("sub")).expect("a directory");
    let place = |dir: &str| there(&env, &["-C", dir, "exec", "pwd"]).out();
    assert_eq!(place("sub"), format!("{}/sub\n", home.display()));
    assert_eq!(place("~/sub"), format!("{}/sub\n", home.display()));
    assert_eq!(place("/usr"), "/usr\n");
    // The jobs are over there, and only there.
    let jobs: serde_json::Value = serde_json::from_str(&there(&env, &["ps", "-a", "--json"]).out()).expect("JSON");
    assert_eq!(jobs.as_array().map(Vec::len), Some(4), "{jobs}");
    assert_eq!(env.json(["ps", "-a"]), serde_json::json!([]));
    // A variable says the same, and an option beats it.
    env.set("PRYX_HOST", "box");
    assert_eq!(env.ok(["log"]), "/usr\n");
    assert_eq!(env.json(["--host", "local", "ps", "-a"]), serde_json::json!([]));
    fs::write(env.pryx_home().join("config.toml"), "host = \"box\"\n").expect("settings");
    env.unset("PRYX_HOST");
    assert_eq!(env.ok(["log"]), "/usr\n");
    env.pryx(["doctor"]).run().assert_code(0);
    fs::remove_file(env.pryx_home().join("config.toml")).expect("settings");
}

#[test]
fn every_command_reaches_over_there() {
    let mut env = TestEnv::new();
    let _server = Server::start(&mut env);
    let id = there(&env, &["exec", "-d", "--tty", "--", "sh", "-c", "read a; echo got $a; sleep 333"]).out();
    let id = id.trim();
    there(&env, &["wait", id, "--until", "prompt"]).assert_code(0).assert_out("needs_input\n");
    there(&env, &["send", id, "words", "--key", "Enter"]).assert_code(0);
    there(&env, &["wait", id, "--until", "match=got", "--timeout", "30s"]).assert_code(0).assert_out("got words\n");
    assert!(there(&env, &["screen", id]).out().contains("got words"));
    assert!(there(&env, &["replay", id, "--export", "-"]).out().contains("got words"));
    there(&env, &["approvals"]).assert_code(0);
    there(&env, &["approve", "nosuch"]).assert_code(1).assert_one_clear_error();
    there(&env, &["hands", "status"]).assert_code(0);
    there(&env, &["stop", id, "--grace", "100ms"]).assert_code(0);
    there(&env, &["wait", id]).assert_code(0);
    there(&env, &["hands", "stop", "--all"]).assert_code(0);
}

#[test]
fn a_cut_connection_loses_nothing_and_repeats_nothing() {
    let mut env = TestEnv::new();
    let server = Server::start(&mut env);
    let marks = server.dir.join("home");
    let script = "echo once >>runs; seq 1 20000; while [ ! -e go1 ]; do sleep 0.02; done; seq 20001 40000; \
                  echo aside >&2; while [ ! -e go2 ]; do sleep 0.02; done; seq 40001 60000; exit 17";
    let running = env.pryx(["--host", "box", "exec", "--", "sh", "-c", script]).start();
    running.wait_for_out("\n20000\n");
    Server::cut(&env);
    fs::write(marks.join("go1"), "").expect("a mark");
    running.wait_for_out("\n40000\n");
    Server::cut(&env);
    fs::write(marks.join("go2"), "").expect("a mark");
    let done = running.wait();
    done.assert_code(17).assert_says("connecting again");
    let wanted: String = (1..=60000).map(|n| format!("{n}\n")).collect();
    assert!(done.out() == wanted, "{} bytes instead of {}", done.stdout.len(), wanted.len());
    assert_eq!(done.err().matches("aside").count(), 1);
    assert_eq!(fs::read_to_string(marks.join("runs")).expect("it ran"), "once\n");
}

#[test]
fn piped_input_arrives_once_over_a_cut_connection() {
    let mut env = TestEnv::new();
    let server = Server::start(&mut env);
    let input: String = (1..=200_000).map(|n| format!("line {n}\n")).collect();
    // It reads nothing until it may, so that input is on its way when the connection is cut.
    let script = "echo ready; while [ ! -e go ]; do sleep 0.02; done; cat >copy; wc -c <copy";
    let mut running = env.pryx(["--host", "box", "exec", "--", "sh", "-c", script]).open_stdin().start();
    let mut stdin = running.stdin.take().expect("an open stdin");
    let text = input.clone();
    let writer = std::thread::spawn(move || std::io::Write::write_all(&mut stdin, text.as_bytes()));
    running.wait_for_out("ready");
    Server::cut(&env);
    fs::write(server.dir.join("home/go"), "").expect("a mark");
    running.wait().assert_code(0);
    writer.join().expect("a thread").expect("it was read");
    let copy = fs::read_to_string(server.dir.join("home/copy")).expect("the copy");
    assert!(copy == input, "{} bytes instead of {}", copy.len(), input.len());
}

#[test]
fn ctrl_c_stops_the_command_over_there() {
    let mut env = TestEnv::new();
    let _server = Server::start(&mut env);
    let running = env.pryx(["--host", "box", "exec", "--", "sh", "-c", "echo begun; sleep 3339"]).start();
    running.wait_for_out("begun");
    running.interrupt();
    running.wait().assert_code(130);
    wait_until("it is gone", PATIENCE, || env.running("sleep 3339").is_empty());
}

#[test]
fn a_window_onto_a_terminal_over_there_survives_a_cut() {
    let mut env = TestEnv::new();
    let _server = Server::start(&mut env);
    let mut window = Screen::join(&env, &["--host", "box", "open", "--here", "main"]);
    window.keys("X=kept; echo be\"\"gun\r");
    window.wait_for("begun");
    Server::cut(&env);
    window.keys("echo $X and al\"\"ive\r");
    window.wait_for("kept and alive");
    window.keys("\u{1c}d");
    window.assert_code(0);
    assert!(window.text().contains("pryx --host box attach main"), "{}", window.text());
    assert_eq!(window.text().matches("kept and alive").count(), 1);
    let mut again = Screen::join(&env, &["--host", "box", "attach", "main"]);
    again.keys("exit 3\r");
    again.assert_code(3);
}

#[test]
fn the_gate_over_there_asks_and_the_answer_goes_there() {
    let mut env = TestEnv::new();
    let server = Server::start(&mut env);
    let stub =
        Stub::start(Format::Anthropic, Chunking::Whole, [Turn::runs("touch made; pwd"), Turn::says("It is there.")]);
    stub.serve(&mut env);
    let mut screen = Screen::pryx(&env, &["--host", "box", "make it"]);
    screen.wait_for("on      box");
    screen.wait_for("[y] yes");
    assert!(!server.dir.join("home/made").exists());
    assert_eq!(env.json(["approvals"]), serde_json::json!([]), "the question is over there");
    let waiting = there(&env, &["--json", "approvals"]).out();
    let waiting: serde_json::Value = serde_json::from_str(&waiting).expect("JSON");
    let id = waiting[0]["id"].as_str().expect("an id").to_owned();
    there(&env, &["approve", &id]).assert_code(0);
    screen.wait_for("It is there.");
    screen.assert_code(0);
    assert!(server.dir.join("home/made").exists());
    assert!(stub.tool_results().concat().contains("there/home"), "{:?}", stub.tool_results());
    // The conversation is here, and knows where it worked.
    env.pryx(["-c", "go on"]).run().assert_code(2).assert_says("box").assert_one_clear_error();
}

#[test]
fn an_agent_does_not_get_around_its_gate_through_another_machine() {
    let mut env = TestEnv::new();
    let server = Server::start(&mut env);
    let commands = ["pryx --host box exec touch made", "pryx ps --host box", "PRYX_HOST=box pryx ps"];
    // Unasked it may not even try; and when a person allowed it without looking, the descent still tells.
    let stub = Stub::start(
        Format::Anthropic,
        Chunking::Whole,
        commands.map(Turn::runs).into_iter().chain([Turn::says("No.")]),
    );
    stub.serve(&mut env);
    env.pryx(["look over there"]).run().assert_code(121);
    let line = format!("env PRYX_HOME={} {PRYX} --host box exec touch made", env.pryx_home().display());
    let stub = Stub::start(Format::Anthropic, Chunking::Whole, [Turn::runs(&line), Turn::says("It was refused.")]);
    stub.serve(&mut env);
    let mut screen = Screen::pryx(&env, &["look over there"]);
    screen.wait_for("[y] yes");
    screen.keys("y");
    screen.wait_for("It was refused.");
    assert!(
        stub.tool_results().concat().contains("can't use the hands of another machine"),
        "{:?}",
        stub.tool_results()
    );
    assert!(!server.dir.join("home/made").exists());
}

#[test]
fn without_anybody_to_ask_the_gate_over_there_refuses() {
    let mut env = TestEnv::new();
    let server = Server::start(&mut env);
    let stub =
        Stub::start(Format::Anthropic, Chunking::Whole, [Turn::runs("touch made"), Turn::says("It was refused.")]);
    stub.serve(&mut env);
    there(&env, &["run", "make it"]).assert_code(121);
    assert!(!server.dir.join("home/made").exists());
}

#[test]
fn what_stands_in_the_way_is_said_with_what_to_do() {
    let mut env = TestEnv::new();
    let server = Server::start(&mut env);
    let says = |host: &str, words: &str, hint: &str| {
        env.pryx(["--host", host, "ps"])
            .run()
            .assert_code(1)
            .assert_says(words)
            .assert_says(hint)
            .assert_one_clear_error();
    };
    says("closed", "closed can't be reached", "ssh closed");
    says("barred", "barred doesn't let us in", "ssh barred");
    script(&server.dir.join("bin/pryx"), "echo 'error: unexpected argument --stdio' >&2; exit 2");
    says("box", "too old", "install this version");
    fs::remove_file(server.dir.join("bin/pryx")).expect("it was there");
    says("box", "no pryx on box", "install it there");
    let answer = r#"{"id":1,"success":false,"error":{"code":"version_mismatch","message":"these hands speak protocol 7","retryable":false}}"#;
    script(&server.dir.join("bin/pryx"), &format!("read x; echo '{answer}'"));
    says("box", "protocol 7", "ssh box pryx hands stop");
    // Talk of a start-up file before the protocol is no obstacle.
    script(&server.dir.join("bin/pryx"), &format!("echo Welcome; echo to box; exec {PRYX} \"$@\""));
    there(&env, &["ps"]).assert_code(0);
    env.set("PATH", "/nowhere");
    env.pryx(["--host", "box", "ps"]).run().assert_code(1).assert_says("no ssh").assert_one_clear_error();
}

#[test]
fn a_host_is_never_an_option() {
    let mut env = TestEnv::new();
    let _server = Server::start(&mut env);
    let made = env.file("made");
    let inject = format!("-oProxyCommand=touch {}", made.display());
    for host in [&inject, "-v", "me@-oProxyCommand=x", "box;id", "a b", "", "$(id)", "box\n"] {
        env.pryx([format!("--host={host}"), "ps".to_owned()]).run().assert_code(2).assert_one_clear_error();
        env.pryx(["ps"]).var("PRYX_HOST", host).run().assert_code(if host.is_empty() { 0 } else { 2 });
    }
    assert!(!made.exists(), "ssh took a host for an option");
    assert!(Server::connections(&env).is_empty());
}

#[test]
fn hands_over_stdio_answer_whoever_asks_and_go_on_without_them() {
    let env = TestEnv::new();
    let ask = r#"{"action": "exec", "data": {"argv": ["echo", "hi"], "cwd": "/"}}"#;
    let done = env.pryx(["hands", "--stdio"]).stdin(format!("{ask}\n{{\"action\": \"status\"}}\n")).run();
    done.assert_code(0);
    let replies = done.events();
    assert_eq!((&replies[0]["output"], &replies[1]["success"]), (&"hi\r\n".into(), &true.into()), "{done}");
    // The daemon is not the connection's.
    assert!(is_alive(env.hands_pid()));
}
