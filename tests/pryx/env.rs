//! A hermetic place to run the shipped binary in: its own home, a cleared environment, a deadline on everything, and at
//! the end a look at the process table: whatever was left behind fails the test.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The shipped binary.
pub const PRYX: &str = env!("CARGO_BIN_EXE_pryx");

/// What a command of a test may take when nothing is wrong. It is long because a debug build on a loaded machine is
/// slow; whatever hangs is ended by it and shown with all it printed.
pub const PATIENCE: Duration = Duration::from_secs(40);

/// How long processes may take to be gone after they were told to end.
const FAREWELL: Duration = Duration::from_secs(5);

/// How often a condition is looked at.
const GLANCE: Duration = Duration::from_millis(5);

/// Where commands are found: nothing of the developer's own.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";

/// Looks until the condition holds; after the deadline the test fails and says what it waited for.
#[track_caller]
pub fn wait_until(what: &str, deadline: Duration, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < deadline, "waited {deadline:?} in vain until {what}");
        std::thread::sleep(GLANCE);
    }
}

/// One test's world.
pub struct TestEnv {
    dir: tempfile::TempDir,
    vars: Vec<(OsString, OsString)>,
}

impl TestEnv {
    pub fn new() -> Self {
        Self::below("/tmp")
    }

    /// One whose directories are not among the temporary files that every sandbox may write.
    pub fn outside_tmp() -> Self {
        Self::below("/var/tmp")
    }

    fn below(base: &str) -> Self {
        // Short, because sockets are made below it and their paths may have about 100 bytes.
        let dir = tempfile::Builder::new().prefix("px").rand_bytes(8).tempdir_in(base).expect("a directory");
        let mut env = Self { dir, vars: Vec::new() };
        for folder in [env.home(), env.work()] {
            std::fs::create_dir(folder).expect("a directory of the test's own");
        }
        for (name, value) in [("PATH", PATH), ("LANG", "C.UTF-8"), ("SHELL", "/bin/bash"), ("USER", "tester")] {
            env.set(name, value);
        }
        env.set("HOME", env.home());
        env.set("PRYX_HOME", env.dir.path().join("p"));
        // Nothing is fetched behind a test's back.
        env.set("PRYX_CATALOG_URL", "off");
        // The developer's own keyring and model servers are none of a test's business.
        env.set("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus");
        env.set("OLLAMA_HOST", "127.0.0.1:9");
        for name in ["LLAMA_CPP_BASE_URL", "LMSTUDIO_BASE_URL", "VLLM_BASE_URL"] {
            env.set(name, "http://127.0.0.1:9/v1");
        }
        // Should a test be killed, its daemon does not stay for half an hour.
        env.set("PRYX_IDLE_MINUTES", "5");
        env
    }

    /// One where pryx keeps its data where it does for most people, in `~/.pryx`.
    pub fn at_home() -> Self {
        let mut env = Self::new();
        env.unset("PRYX_HOME");
        env
    }

    /// The person's home directory.
    pub fn home(&self) -> PathBuf {
        self.dir.path().join("h")
    }

    /// pryx's data directory; not made before pryx makes it.
    pub fn pryx_home(&self) -> PathBuf {
        let elsewhere = self.vars.iter().any(|(name, _)| name == "PRYX_HOME");
        if elsewhere { self.dir.path().join("p") } else { self.home().join(".pryx") }
    }

    /// The directory commands start in.
    pub fn work(&self) -> PathBuf {
        self.dir.path().join("w")
    }

    /// A file in the working directory.
    pub fn file(&self, name: &str) -> PathBuf {
        self.work().join(name)
    }

    /// The hands' socket.
    pub fn socket(&self) -> PathBuf {
        self.pryx_home().join("run/hands.sock")
    }

    /// Sets a variable for every command from now on.
    pub fn set(&mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) {
        self.unset(name.as_ref());
        self.vars.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
    }

    /// Takes a variable away from every command from now on.
    pub fn unset(&mut self, name: impl AsRef<OsStr>) {
        self.vars.retain(|(known, _)| known != name.as_ref());
    }

    /// Any program in this environment.
    pub fn program(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(self.vars.iter().map(|(k, v)| (k, v))).current_dir(self.work());
        command
    }

    /// `pryx` with arguments, to be refined and run.
    pub fn pryx<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Act {
        let mut command = self.program(PRYX);
        command.args(args);
        Act::new(command)
    }

    /// `pryx` with arguments that must succeed; its stdout as text.
    #[track_caller]
    pub fn ok<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> String {
        let done = self.pryx(args).run();
        done.assert_code(0);
        done.out()
    }

    /// `pryx` with `--json` and arguments that must succeed; its stdout as one JSON value.
    #[track_caller]
    pub fn json<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> serde_json::Value {
        let args = std::iter::once(OsString::from("--json")).chain(args.into_iter().map(|a| a.as_ref().to_owned()));
        let text = self.ok(args);
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("no JSON ({e}): {text}"))
    }

    /// The daemon's process id.
    #[track_caller]
    pub fn hands_pid(&self) -> i32 {
        let pid = self.json(["hands", "status"])["pid"].as_i64().expect("a process id");
        i32::try_from(pid).expect("a process id")
    }

    /// The processes of this world, by their environment, arguments or directory: id and command line.
    pub fn processes(&self) -> Vec<(i32, String)> {
        let mark = self.dir.path().as_os_str().as_encoded_bytes();
        let mut found = Vec::new();
        for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            // A process that has just ended, or somebody else's, can't be read: it is none of ours.
            let environ = std::fs::read(entry.path().join("environ")).unwrap_or_default();
            let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let cwd = std::fs::read_link(entry.path().join("cwd")).unwrap_or_default();
            let names = |bytes: &[u8]| bytes.windows(mark.len()).any(|part| part == mark);
            if cwd.starts_with(self.dir.path()) || names(&environ) || names(&line) {
                found.push((pid, String::from_utf8_lossy(&line).replace('\0', " ")));
            }
        }
        found
    }

    /// The processes of this world whose command line holds a text.
    pub fn running(&self, text: &str) -> Vec<i32> {
        self.processes().into_iter().filter(|(_, line)| line.contains(text)).map(|(pid, _)| pid).collect()
    }

    /// Stops jobs and hands as a person would; what then is left, if anything.
    fn clear_up(&self) -> Vec<(i32, String)> {
        if self.processes().is_empty() {
            return Vec::new();
        }
        // The first starts hands where none run any more, so that keepers without hands are found again.
        for args in [&["stop", "--all", "--kept", "--grace", "100ms"][..], &["hands", "stop", "--all", "--kept"]] {
            let _ = self.pryx(args).try_run();
        }
        let start = Instant::now();
        loop {
            let left = self.processes();
            if left.is_empty() || start.elapsed() > FAREWELL {
                return left;
            }
            std::thread::sleep(GLANCE);
        }
    }
}

impl Drop for TestEnv {
    fn drop(&mut self) {
        let left = self.clear_up();
        for (pid, _) in &left {
            signal(*pid, rustix::process::Signal::KILL);
        }
        if !left.is_empty() && !std::thread::panicking() {
            let log = std::fs::read_to_string(self.pryx_home().join("hands.log")).unwrap_or_default();
            panic!("processes were left behind: {left:#?}\nthe hands' log:\n{log}");
        }
    }
}

/// Sends a signal to a process, or with a negative id to a group; one that is gone already is as good.
pub fn signal(pid: i32, signal: rustix::process::Signal) {
    let of = |pid: i32| rustix::process::Pid::from_raw(pid).expect("a process id above 0");
    let _ = if pid < 0 {
        rustix::process::kill_process_group(of(-pid), signal)
    } else {
        rustix::process::kill_process(of(pid), signal)
    };
}

/// Whether a process exists and has not ended.
pub fn is_alive(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().next()).is_some_and(|state| !"ZX".contains(state))
}

/// A command that is about to run.
pub struct Act {
    command: Command,
    stdin: Input,
    patience: Duration,
}

enum Input {
    /// Reads end of file at once.
    Null,
    Bytes(Vec<u8>),
    /// Stays open, until the test writes to it or drops it.
    Open,
}

impl Act {
    pub fn new(command: Command) -> Self {
        Self { command, stdin: Input::Null, patience: PATIENCE }
    }

    /// What it reads from a pipe, with the end after it.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Input::Bytes(bytes.into());
        self
    }

    /// Leaves its stdin open and silent.
    pub fn open_stdin(mut self) -> Self {
        self.stdin = Input::Open;
        self
    }

    /// Sets a variable.
    pub fn var(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Takes a variable away.
    pub fn without(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Starts elsewhere.
    pub fn dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Fails the test when it takes longer.
    pub fn within(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Starts it, without a controlling terminal: no person is there, even if one runs the tests.
    #[track_caller]
    pub fn start(mut self) -> Running {
        let stdin = if matches!(self.stdin, Input::Null) { Stdio::null() } else { Stdio::piped() };
        self.command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        // SAFETY: setsid is async-signal-safe and touches no memory of the parent.
        unsafe { self.command.pre_exec(|| Ok(rustix::process::setsid().map(drop)?)) };
        let shown = format!("{:?}", self.command.get_args().collect::<Vec<_>>());
        let mut child = self.command.spawn().unwrap_or_else(|e| panic!("{shown}: {e}"));
        let mut stdin = child.stdin.take();
        if let Input::Bytes(bytes) = self.stdin
            && let Some(mut pipe) = stdin.take()
        {
            // A command that does not read all of it is no failure.
            std::thread::spawn(move || drop(pipe.write_all(&bytes)));
        }
        let (out, err) = (Tap::new(child.stdout.take()), Tap::new(child.stderr.take()));
        Running { shown, child, stdin, out, err, start: Instant::now(), patience: self.patience }
    }

    /// Runs it to its end.
    #[track_caller]
    pub fn run(self) -> Done {
        self.start().wait()
    }

    fn try_run(self) -> Result<Done, String> {
        self.start().try_wait()
    }
}

/// Collects what comes out of a pipe.
struct Tap {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Tap {
    fn new(pipe: Option<impl Read + Send + 'static>) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&bytes);
        let reader = std::thread::spawn(move || {
            let Some(mut pipe) = pipe else { return };
            let mut chunk = [0; 64 * 1024];
            while let Ok(count @ 1..) = pipe.read(&mut chunk) {
                sink.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&chunk[..count]);
            }
        });
        Self { bytes, reader }
    }

    fn so_far(&self) -> Vec<u8> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A command that runs.
pub struct Running {
    shown: String,
    child: Child,
    /// Its stdin, when it was left open. Dropping it ends it.
    pub stdin: Option<ChildStdin>,
    out: Tap,
    err: Tap,
    start: Instant,
    patience: Duration,
}

impl Running {
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("a process id")
    }

    /// Presses Ctrl-C, so to say: the signal goes to the whole group, as a terminal would send it.
    pub fn interrupt(&self) {
        signal(-self.pid(), rustix::process::Signal::INT);
    }

    pub fn kill(&self) {
        signal(self.pid(), rustix::process::Signal::KILL);
    }

    /// What it printed so far.
    pub fn out(&self) -> String {
        String::from_utf8_lossy(&self.out.so_far()).into_owned()
    }

    /// What it said so far.
    pub fn err(&self) -> String {
        String::from_utf8_lossy(&self.err.so_far()).into_owned()
    }

    /// Waits until its stdout holds a text.
    #[track_caller]
    pub fn wait_for_out(&self, text: &str) {
        let start = Instant::now();
        while !self.out().contains(text) {
            assert!(start.elapsed() < self.patience, "{text:?} was never printed\n{}", self.so_far());
            std::thread::sleep(GLANCE);
        }
    }

    fn so_far(&self) -> String {
        format!("pryx {}\n--- stdout\n{}\n--- stderr\n{}", self.shown, self.out(), self.err())
    }

    /// Waits for its end.
    #[track_caller]
    pub fn wait(self) -> Done {
        self.try_wait().unwrap_or_else(|why| panic!("{why}"))
    }

    fn try_wait(mut self) -> Result<Done, String> {
        let status = loop {
            match self.child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if self.start.elapsed() < self.patience => std::thread::sleep(GLANCE),
                Ok(None) => {
                    signal(-self.pid(), rustix::process::Signal::KILL);
                    let _ = self.child.wait();
                    return Err(format!("it did not end within {:?}: {}", self.patience, self.so_far()));
                }
                Err(e) => return Err(format!("{e}: {}", self.so_far())),
            }
        };
        let (took, ended) = (self.start.elapsed(), Instant::now());
        let deadline = Instant::now() + FAREWELL;
        while !(self.out.reader.is_finished() && self.err.reader.is_finished()) {
            if Instant::now() > deadline {
                return Err(format!("it ended, but something holds its stdout or stderr open: {}", self.so_far()));
            }
            std::thread::sleep(GLANCE);
        }
        Ok(Done {
            shown: self.shown.clone(),
            status,
            stdout: self.out.so_far(),
            stderr: self.err.so_far(),
            took,
            ended,
        })
    }
}

/// A command that ended.
pub struct Done {
    shown: String,
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    pub took: Duration,
    /// When it ended; the tests read what it printed only later.
    pub ended: Instant,
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pryx {} ended with {} after {:?}", self.shown, self.status, self.took)?;
        write!(f, "\n--- stdout\n{}\n--- stderr\n{}", self.out(), self.err())
    }
}

impl Done {
    pub fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    pub fn err(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    pub fn code(&self) -> Option<i32> {
        assert_eq!(self.status.signal(), None, "a signal ended it: {self}");
        self.status.code()
    }

    #[track_caller]
    pub fn assert_code(&self, code: i32) -> &Self {
        assert_eq!(self.code(), Some(code), "{self}");
        self
    }

    #[track_caller]
    pub fn assert_out(&self, text: &str) -> &Self {
        assert_eq!(self.out(), text, "{self}");
        self
    }

    /// Its talk holds a text.
    #[track_caller]
    pub fn assert_says(&self, text: &str) -> &Self {
        assert!(self.err().contains(text), "{text:?} was not said: {self}");
        self
    }

    /// One clear sentence with what to do, and no trace of a panic.
    #[track_caller]
    pub fn assert_one_clear_error(&self) -> &Self {
        let said = self.err();
        assert_eq!(said.matches("error:").count(), 1, "{self}");
        for word in ["panicked", "RUST_BACKTRACE", "Os {", "Error("] {
            assert!(!said.contains(word), "{word:?} is no word for a person: {self}");
        }
        assert!(said.contains('→') || said.contains("`pryx "), "it doesn't say what to do: {self}");
        self
    }

    /// Each line of stdout as JSON.
    #[track_caller]
    pub fn events(&self) -> Vec<serde_json::Value> {
        self.out().lines().map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}\n{self}"))).collect()
    }
}
