//! A person at a terminal: pryx on a real PTY, keys typed, the screen read; and a tmux server of a test's own.

use super::env::{PATIENCE, TestEnv, signal, wait_until};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A program on a terminal of its own.
pub struct Screen {
    master: File,
    child: Child,
    shown: Arc<Mutex<Vec<u8>>>,
    reader: std::thread::JoinHandle<()>,
    /// Up to where the screen has been read.
    read: usize,
}

impl Screen {
    /// Starts a command with a new PTY of 24 by 80 as its controlling terminal.
    #[track_caller]
    pub fn start(mut command: Command) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a PTY");
        grantpt(&master).expect("a PTY of ours");
        unlockpt(&master).expect("an unlocked PTY");
        let name = ptsname(&master, Vec::new()).expect("the terminal's name");
        let path = name.into_string().expect("a name in ASCII");
        let slave = || Stdio::from(File::options().read(true).write(true).open(&path).expect("the terminal"));
        tcsetwinsize(&master, Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 }).expect("a size");
        command.env("TERM", "xterm-256color").stdin(slave()).stdout(slave()).stderr(slave());
        // SAFETY: both calls are async-signal-safe and touch no memory of the parent.
        unsafe {
            command.pre_exec(|| {
                rustix::process::setsid()?;
                Ok(rustix::process::ioctl_tiocsctty(rustix::stdio::stdin())?)
            })
        };
        let child = command.spawn().expect("the program starts");
        // Its copies of the terminal's other side go with it: the master ends when the last user is gone.
        drop(command);
        let master = File::from(master);
        let shown = Arc::new(Mutex::new(Vec::new()));
        let (sink, mut source) = (Arc::clone(&shown), master.try_clone().expect("a second descriptor"));
        let reader = std::thread::spawn(move || {
            let mut chunk = [0; 64 * 1024];
            while let Ok(count @ 1..) = source.read(&mut chunk) {
                sink.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&chunk[..count]);
            }
        });
        Self { master, child, shown, reader, read: 0 }
    }

    /// `pryx` with arguments that open a window onto a terminal, ready for keys.
    #[track_caller]
    pub fn join(env: &TestEnv, args: &[&str]) -> Self {
        let mut window = Self::pryx(env, args);
        window.wait_for("leave with");
        window.wait_until_raw();
        window
    }

    /// `pryx` with arguments.
    #[track_caller]
    pub fn pryx(env: &TestEnv, args: &[&str]) -> Self {
        let mut command = env.program(super::env::PRYX);
        command.args(args);
        Self::start(command)
    }

    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("a process id")
    }

    /// Types keys.
    #[track_caller]
    pub fn keys(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).expect("the terminal takes keys");
    }

    /// Everything shown so far, without colours and other control sequences.
    pub fn text(&self) -> String {
        plain(&self.shown.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The last control sequence out of several that was sent.
    pub fn last_of<'a>(&self, sequences: &[&'a str]) -> Option<&'a str> {
        let shown = String::from_utf8_lossy(&self.shown.lock().unwrap_or_else(PoisonError::into_inner)).into_owned();
        sequences.iter().copied().max_by_key(|sequence| shown.rfind(sequence)).filter(|last| shown.contains(last))
    }

    /// Waits until a text is shown, after whatever was waited for before.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) {
        let start = Instant::now();
        loop {
            let shown = self.text();
            if let Some(at) = shown.get(self.read..).and_then(|fresh| fresh.find(text)) {
                self.read += at + text.len();
                return;
            }
            assert!(start.elapsed() < PATIENCE, "{text:?} was never shown (again). The screen:\n{shown}");
            // The reader ends when nobody has the terminal open any more; then everything has been shown.
            let over = self.reader.is_finished() && self.text() == shown;
            assert!(!over, "it ended before {text:?} was shown. The screen:\n{shown}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until bytes are sent to the terminal, control sequences included.
    #[track_caller]
    pub fn wait_for_raw(&self, text: &str) {
        wait_until(&format!("{text:?} is sent"), PATIENCE, || self.last_of(&[text]).is_some());
    }

    /// Waits until keys arrive one by one at the program: before, they would be taken as a line typed ahead.
    #[track_caller]
    pub fn wait_until_raw(&self) {
        wait_until("the terminal is in raw mode", PATIENCE, || {
            tcgetattr(&self.master).is_ok_and(|modes| !modes.local_modes.contains(LocalModes::ICANON))
        });
    }

    pub fn running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    pub fn resize(&self, rows: u16, cols: u16) {
        let size = Winsize { ws_row: rows, ws_col: cols, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(self.master.as_fd(), size).expect("a size");
    }

    /// Waits for the program's end.
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child of ours") {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "it never ended. The screen:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for the program's end with an exit code.
    #[track_caller]
    pub fn assert_code(&mut self, code: i32) {
        let status = self.wait();
        assert_eq!(status.code(), Some(code), "{status}. The screen:\n{}", self.text());
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if self.running() {
            signal(-self.pid(), rustix::process::Signal::KILL);
            signal(self.pid(), rustix::process::Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

/// The text without control sequences: CSI, OSC, and two-byte escapes.
pub fn plain(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, c == '\u{1b}') {
            (_, true) => match chars.next() {
                Some('[') => drop(chars.by_ref().find(|c| ('@'..='~').contains(c))),
                Some(']') => drop(chars.by_ref().find(|c| *c == '\u{7}' || *c == '\u{1b}')),
                Some('(' | ')') => drop(chars.next()),
                _ => {}
            },
            ('\r', _) => {}
            (c, _) => out.push(c),
        }
    }
    out
}

/// A tmux server of a test's own, ended with it.
pub struct Tmux<'a> {
    env: &'a TestEnv,
}

impl<'a> Tmux<'a> {
    /// Starts one with a single window of 24 by 80 that runs a shell command.
    #[track_caller]
    pub fn start(env: &'a TestEnv, command: &str) -> Self {
        let tmux = Self { env };
        tmux.run(&["new-session", "-d", "-x", "80", "-y", "24", command]);
        tmux
    }

    fn command(&self) -> Command {
        let mut command = self.env.program("tmux");
        command.env("TMUX_TMPDIR", self.env.home()).args(["-L", "test", "-f", "/dev/null"]);
        command
    }

    #[track_caller]
    pub fn run(&self, args: &[&str]) -> String {
        let output = self.command().args(args).output().expect("tmux runs");
        assert!(output.status.success(), "tmux {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Types keys, by tmux's names for them.
    #[track_caller]
    pub fn keys(&self, keys: &[&str]) {
        self.run(&[&["send-keys"], keys].concat());
    }

    #[track_caller]
    pub fn screen(&self) -> String {
        self.run(&["capture-pane", "-p"])
    }

    #[track_caller]
    pub fn wait_for(&self, text: &str) {
        wait_until(&format!("tmux shows {text:?}"), PATIENCE, || self.screen().contains(text));
    }

    /// Ends the server as roughly as can be.
    #[track_caller]
    pub fn kill_hard(&self) {
        let pid = self.run(&["display-message", "-p", "#{pid}"]).trim().parse().expect("the server's process id");
        signal(pid, rustix::process::Signal::KILL);
        wait_until("the tmux server is gone", PATIENCE, || !super::env::is_alive(pid));
    }
}

impl Drop for Tmux<'_> {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.command().arg("kill-server").output();
    }
}

#[test]
fn a_screen_shows_what_is_typed_and_ends_with_its_code() {
    let env = TestEnv::new();
    let mut screen = Screen::start({
        let mut sh = env.program("/bin/sh");
        sh.args([
            "-c",
            "test -t 0 && stty size </dev/tty; read line; printf '\\033[1mgot %s\\033[0m\\n' \"$line\"; exit 7",
        ]);
        sh
    });
    screen.wait_for("24 80");
    screen.keys("words\r");
    screen.wait_for("got words");
    screen.assert_code(7);
}

#[test]
fn control_sequences_are_left_out() {
    assert_eq!(plain(b"\x1b[1;32mok\x1b[0m \x1b]0;title\x07done\r\n\x1b(Bx"), "ok done\nx");
}
