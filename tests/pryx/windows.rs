//! Windows onto terminals: opened where the person looks, closed without a trace, and never more than a view.

use super::env::{PATIENCE, TestEnv, is_alive, wait_until};
use super::pty::{Screen, Tmux};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// In the order in which pryx looks for them, with what stands before the command.
const EMULATORS: &[(&str, &[&str])] = &[
    ("foot", &["--title", "dev"]),
    ("kitty", &["--title", "dev"]),
    ("alacritty", &["--title", "dev", "-e"]),
    ("wezterm", &["start", "--always-new-process", "--"]),
    ("ghostty", &["--title=dev", "-e"]),
    ("konsole", &["-p", "tabtitle=dev", "-e"]),
    ("gnome-terminal", &["--title=dev", "--"]),
    ("xterm", &["-T", "dev", "-e"]),
];

/// A program that writes down its arguments and runs the command among them, which begins with `env`.
fn fake(env: &mut TestEnv, name: &str) {
    let bin = env.home().join("bin");
    fs::create_dir_all(&bin).expect("a directory");
    let script = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$@\" >{}\nwhile [ \"$1\" != env ]; do shift; done\nexec \"$@\" </dev/null >/dev/null 2>&1\n",
        env.home().join("argv").display()
    );
    fs::write(bin.join(name), script).expect("a script");
    fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).expect("a script");
    env.set("PATH", format!("{}:/usr/bin:/bin", bin.display()));
}

/// How many windows are open onto a terminal.
fn windows(env: &TestEnv) -> u64 {
    env.json(["ps"])[0]["windows"].as_u64().unwrap_or(0)
}

#[track_caller]
fn wait_for_windows(env: &TestEnv, count: u64) {
    wait_until(&format!("{count} windows are open"), PATIENCE, || windows(env) == count);
}

#[test]
fn each_emulator_is_given_an_argument_vector_and_shows_the_terminal() {
    let mut env = TestEnv::new();
    env.set("WAYLAND_DISPLAY", "wayland-7");
    env.set("DISPLAY", ":77");
    // From the last to the first: each that comes is looked for before those that are there.
    for (name, before) in EMULATORS.iter().rev() {
        fake(&mut env, name);
        let done = env.pryx(["open", "dev"]).run();
        done.assert_code(0).assert_says(&format!("dev is in a window of {name}"));
        let argv = fs::read_to_string(env.home().join("argv")).expect("it was started");
        let argv: Vec<&str> = argv.lines().collect();
        let home = format!("PRYX_HOME={}", env.pryx_home().display());
        let command = ["env", &home, super::env::PRYX, "--host", "local", "attach", "dev"];
        assert_eq!(argv, [before, &command[..]].concat(), "{name}");
        wait_for_windows(&env, 1);
        env.pryx(["close", "dev"]).run().assert_code(0).assert_says("1 window closed");
        wait_for_windows(&env, 0);
    }
    assert_eq!(env.json(["ps"]).as_array().map(Vec::len), Some(1), "one shell for all of them");
}

#[test]
fn a_setting_chooses_the_terminal() {
    let mut env = TestEnv::new();
    fake(&mut env, "st");
    env.ok(["ps"]);
    let settings = |text: &str| fs::write(env.pryx_home().join("config.toml"), text).expect("settings");
    settings("terminal = [\"st\", \"-T\", \"{}\", \"-e\"]\n");
    let opened = env.json(["open", "dev", "--read-only"]);
    assert_eq!((&opened["window"], &opened["job"]["terminal"]), (&"st".into(), &"dev".into()), "{opened}");
    let argv = fs::read_to_string(env.home().join("argv")).expect("it was started");
    assert!(argv.starts_with("-T\ndev\n-e\nenv\n") && argv.ends_with("attach\n--read-only\ndev\n"), "{argv}");
    settings("terminal = \"notepad\"\n");
    env.pryx(["open", "dev"]).run().assert_code(2).assert_says("notepad").assert_one_clear_error();
    settings("terminal = [\"false\"]\n");
    let done = env.pryx(["open", "dev"]).run();
    done.assert_code(1).assert_says("opens no window").assert_says("pryx attach dev").assert_one_clear_error();
    settings("terminal = [\"no-such-program\"]\n");
    env.pryx(["open", "dev"]).run().assert_code(1).assert_one_clear_error();
}

#[test]
fn where_no_window_can_be_opened_the_way_to_join_is_printed() {
    let mut env = TestEnv::new();
    env.pryx(["open", "dev"]).run().assert_code(0).assert_out("pryx attach dev\n").assert_says("no window");
    assert_eq!(env.json(["open", "dev"])["window"], serde_json::Value::Null);
    // Without a name the directory's.
    env.ok(["open"]);
    let named = env.work().file_name().expect("a name").to_string_lossy().into_owned();
    assert!(env.ok(["open"]).contains(&format!("attach {named}")));
    // A screen that is here is no use to somebody who isn't; tmux is.
    env.set("SSH_CONNECTION", "10.0.0.1 5 10.0.0.2 22");
    env.pryx(["open", "dev"]).run().assert_code(0).assert_out("pryx attach dev\n");
    env.pryx(["close", "dev"]).run().assert_code(0).assert_says("no window was open");
    env.pryx(["close", "nosuch"]).run().assert_code(1).assert_one_clear_error();
}

#[test]
fn in_tmux_a_window_is_a_tmux_window() {
    let env = TestEnv::new();
    let tmux = Tmux::start(&env, "bash --norc");
    let names = || tmux.run(&["list-windows", "-F", "#{window_name}"]);
    tmux.keys(&[&format!("{} open dev", super::env::PRYX), "Enter"]);
    wait_for_windows(&env, 1);
    wait_until("there is a window of that name", PATIENCE, || names().lines().any(|name| name == "dev"));
    tmux.run(&["select-window", "-t", "dev"]);
    tmux.wait_for("joined dev");
    tmux.keys(&["X=kept; echo $((40+2))", "Enter"]);
    tmux.wait_for("42");
    // Another look at the same shell, watching only, from another tmux client's point of view.
    let mut watcher = Screen::pryx(&env, &["attach", "dev", "--read-only"]);
    wait_for_windows(&env, 2);
    tmux.keys(&["echo $((50+5))", "Enter"]);
    watcher.wait_for("55");
    env.pryx(["close", "dev"]).run().assert_code(0).assert_says("2 windows closed");
    watcher.wait_for("this window was closed");
    watcher.assert_code(0);
    wait_until("the tmux window is gone", PATIENCE, || !names().lines().any(|name| name == "dev"));
    wait_for_windows(&env, 0);
    // The shell went on; killing tmux is nothing to it either.
    tmux.kill_hard();
    let mut again = Screen::join(&env, &["open", "dev", "--here"]);
    again.keys("echo still $X\r");
    again.wait_for("still kept");
    again.keys("exit\r");
    again.assert_code(0);
}

/// An X server of a test's own.
struct Display {
    server: Child,
    name: String,
}

impl Display {
    fn start() -> Self {
        assert!(Path::new("/usr/bin/Xvfb").is_file(), "Xvfb is missing: run scripts/setup");
        let (mut number, write) = std::io::pipe().expect("a pipe");
        let mut server = Command::new("/usr/bin/Xvfb");
        // It chooses a number that is free, and tells it when it listens.
        server.args(["-displayfd", "1", "-screen", "0", "640x480x8", "-nolisten", "tcp"]);
        server.stdin(Stdio::null()).stdout(write).stderr(Stdio::null());
        let child = server.spawn().expect("Xvfb starts");
        drop(server);
        let mut said = Vec::new();
        let mut byte = [0];
        while std::io::Read::read(&mut number, &mut byte).expect("its number") == 1 && byte[0] != b'\n' {
            said.push(byte[0]);
        }
        Self { server: child, name: format!(":{}", String::from_utf8_lossy(&said)) }
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[test]
fn a_real_xterm_shows_the_terminal_and_goes_when_it_is_closed() {
    let display = Display::start();
    let mut env = TestEnv::new();
    assert!(Path::new("/usr/bin/xterm").is_file(), "xterm is missing: run scripts/setup");
    env.set("DISPLAY", &display.name);
    env.pryx(["open", "dev"]).run().assert_code(0).assert_says("a window of xterm");
    let xterm = env.running("xterm -T dev");
    assert_eq!(xterm.len(), 1, "{:?}", env.processes());
    env.ok(["send", "dev", "echo $((6*7))", "--key", "Enter"]);
    env.ok(["wait", "dev", "--until", "match=^42", "--timeout", "30s"]);
    env.pryx(["close", "dev"]).run().assert_says("1 window closed");
    wait_until("the xterm is gone", PATIENCE, || !is_alive(xterm[0]));
    // A window that the person closes by hand is nothing to the shell.
    env.pryx(["open", "dev"]).run().assert_code(0);
    let xterm = env.running("xterm -T dev")[0];
    super::env::signal(xterm, rustix::process::Signal::TERM);
    wait_for_windows(&env, 0);
    env.ok(["send", "dev", "echo $((7*7))", "--key", "Enter"]);
    env.ok(["wait", "dev", "--until", "match=^49", "--timeout", "30s"]);
}

#[test]
fn a_command_of_the_agent_closes_no_windows() {
    let mut env = TestEnv::new();
    let line = format!("{} close main", super::env::PRYX);
    let turns = [super::stub::Turn::runs(&line), super::stub::Turn::says("It was refused.")];
    let stub = super::stub::Stub::start(super::stub::Format::Anthropic, super::stub::Chunking::Whole, turns);
    stub.serve(&mut env);
    let mut window = Screen::join(&env, &["open", "main", "--here"]);
    let mut screen = Screen::pryx(&env, &["close it"]);
    screen.wait_for("[y] yes");
    screen.keys("y");
    screen.wait_for("It was refused.");
    assert!(stub.tool_results().concat().contains("can't close windows"), "{:?}", stub.tool_results());
    window.keys("exit\r");
    window.assert_code(0);
}
