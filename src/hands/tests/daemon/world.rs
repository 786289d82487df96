//! A daemon in a home of its own, and what tests say to it.

use pryx_hands::{DaemonError, HandsConfig, socket_path};
use pryx_ipc::{
    Action, Blob, Call, Client, ClientError, ErrorCode, Event, Exec, Follow, FollowFrom, Hello, Io, ListJobs,
    PROTOCOL_VERSION, Shutdown, Stdin, Stop, StopTarget, Update,
};
use pryx_terms::{ApprovalId, CallKey, JobId, JobRecord};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// Everything here happens within this, or the test has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What the daemon says when it listens.
const READY: &str = "listening";
/// What it says when another one runs.
pub const TAKEN: u8 = 9;

pub struct World {
    _dir: tempfile::TempDir,
    pub home: PathBuf,
    pub run: PathBuf,
    pub daemon: Option<Child>,
}

/// Runs a future to its end, within the patience.
pub fn block<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(PATIENCE, future).await.expect("nothing came of it in time") })
}

pub fn hello() -> Hello {
    Hello { protocol: PROTOCOL_VERSION, client: "test".to_owned(), version: String::new() }
}

impl World {
    pub fn new() -> Self {
        Self::with_idle(Duration::from_secs(600))
    }

    pub fn with_idle(idle: Duration) -> Self {
        let dir = tempfile::Builder::new().prefix("ph").tempdir_in("/tmp").unwrap();
        let (home, run) = (dir.path().join("home"), dir.path().join("run"));
        let mut world = Self { _dir: dir, home, run, daemon: None };
        world.daemon = Some(world.start(idle));
        world
    }

    /// Starts a daemon and waits until it listens or has ended.
    pub fn start(&self, idle: Duration) -> Child {
        let mut command = self.command(idle);
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        child
    }

    pub fn command(&self, idle: Duration) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg("__daemon").arg(&self.home).arg(&self.run).arg(idle.as_millis().to_string());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin");
        command
    }

    /// Starts one that sees a small disk there, with a read-only one in its directory `ro`; nothing where the system
    /// doesn't let tests mount.
    pub fn start_with_small_disk(&self, at: &Path) -> Option<Child> {
        let plain = self.command(Duration::from_secs(600));
        let script = "mount -t tmpfs -o size=256k none \"$1\" && mkdir \"$1/ro\" && \
                      mount -t tmpfs -o ro none \"$1/ro\" && shift && exec \"$@\"";
        let mut command = Command::new("unshare");
        command.args(["-m", "sh", "-c", script, "sh"]).arg(at).arg(plain.get_program()).args(plain.get_args());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin");
        let mut child = command.spawn().ok()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take()?).read_line(&mut line).ok()?;
        if line.is_empty() {
            let _ = child.wait();
            return None;
        }
        Some(child)
    }

    /// As a crash would.
    pub fn kill_daemon(&mut self) {
        let mut daemon = self.daemon.take().unwrap();
        daemon.kill().unwrap();
        daemon.wait().unwrap();
    }

    pub fn restart(&mut self) {
        self.daemon = Some(self.start(Duration::from_secs(600)));
    }

    pub fn socket(&self) -> PathBuf {
        socket_path(&self.run)
    }

    pub async fn client(&self) -> Client {
        Client::connect(&self.socket(), hello()).await.unwrap().0
    }

    pub fn log(&self, job: &JobId) -> Vec<u8> {
        let dir = self.home.join("jobs").join(job.as_str());
        // The logs of ended jobs are compressed in the background; the plain one goes when the other is whole.
        let packed = || std::fs::read(dir.join("log.zst")).and_then(|bytes| zstd::decode_all(&bytes[..]));
        std::fs::read(dir.join("log")).or_else(|_| packed()).unwrap()
    }

    /// Runs a command to its end on pipes.
    pub fn exec(&self, argv: &[&str]) -> JobRecord {
        block(async { self.client().await.call(exec(argv)).await.unwrap().job })
    }

    /// The keeper's process id.
    pub fn keeper(&self, job: &JobId) -> i32 {
        keeper_in(&self.home.join("jobs").join(job.as_str())).unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let Some(mut daemon) = self.daemon.take() else { return };
        let socket = self.socket();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let farewell = async {
                let (client, _) = Client::connect(&socket, hello()).await?;
                client
                    .call(Stop { target: StopTarget::All { kept: true }, grace_ms: 0, by: "test".to_owned() })
                    .await?;
                client.call(Shutdown { stop_jobs: true, kept: true }).await
            };
            let _ = tokio::time::timeout(PATIENCE, farewell).await;
        });
        let _ = daemon.kill();
        let _ = daemon.wait();
        // A keeper that writes its last words would put files into a directory that is being removed.
        let jobs = std::fs::read_dir(self.home.join("jobs")).into_iter().flatten().flatten();
        let keepers: Vec<i32> = jobs.filter_map(|job| keeper_in(&job.path())).collect();
        let deadline = Instant::now() + Duration::from_secs(5);
        while keepers.iter().any(|pid| lives(*pid)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn keeper_in(dir: &Path) -> Option<i32> {
    let record: serde_json::Value = serde_json::from_slice(&std::fs::read(dir.join("record.json")).ok()?).ok()?;
    i32::try_from(record["keeper"].as_i64()?).ok()
}

pub fn exec(argv: &[&str]) -> Exec {
    Exec {
        key: CallKey::generate(),
        argv: argv.iter().map(ToString::to_string).collect(),
        cwd: PathBuf::from("/tmp"),
        env: BTreeMap::new(),
        io: Io::Pipes,
        stdin: Stdin::Inherit,
        timeout_ms: None,
        detach: false,
        terminal: None,
        tag: None,
        keep: false,
        mode: None,
        have: Vec::new(),
        inside: None,
    }
}

pub fn sh(script: &str) -> Exec {
    exec(&["bash", "-c", script])
}

pub fn on_tty(mut exec: Exec) -> Exec {
    exec.io = Io::Tty { rows: 24, cols: 80 };
    exec
}

pub fn detached(mut exec: Exec) -> Exec {
    exec.detach = true;
    exec
}

/// Follows a job from its beginning to its end.
pub async fn output(client: &Client, job: &JobId) -> (Vec<u8>, JobRecord) {
    let follow = Follow { job: job.to_string(), from: FollowFrom::Start, stream: None, until_end: true, view: false };
    let mut call = client.start(follow).await.unwrap();
    let mut bytes = Vec::new();
    loop {
        match call.next().await.unwrap() {
            Update::Event(Event::Output(output)) => {
                assert_eq!(output.offset, bytes.len() as u64, "a gap or a repetition");
                bytes.extend(output.data.0);
            }
            Update::Event(_) => {}
            Update::Reply(reply) => return (bytes, reply.job),
        }
    }
}

/// Waits until a job's output contains something.
pub async fn until_printed(client: &Client, job: &JobId, what: &str) {
    let follow = Follow { job: job.to_string(), from: FollowFrom::Start, stream: None, until_end: true, view: false };
    let mut call = client.start(follow).await.unwrap();
    let mut bytes = Vec::new();
    loop {
        match call.next().await.unwrap() {
            Update::Event(Event::Output(output)) => bytes.extend(output.data.0),
            Update::Event(_) => {}
            Update::Reply(_) => panic!("it ended without printing {what:?}: {}", String::from_utf8_lossy(&bytes)),
        }
        if String::from_utf8_lossy(&bytes).contains(what) {
            return;
        }
    }
}

pub async fn next_event<A: Action>(call: &mut Call<A>) -> Event {
    match call.next().await.unwrap() {
        Update::Event(event) => event,
        Update::Reply(_) => panic!("a reply where an event was expected"),
    }
}

pub fn error_code<T: std::fmt::Debug>(result: Result<T, ClientError>) -> ErrorCode {
    match result {
        Err(ClientError::Answer(error)) => error.code,
        other => panic!("no error of the hands: {other:?}"),
    }
}

pub async fn live(client: &Client) -> Vec<JobRecord> {
    client
        .call(ListJobs { all: false, limit: 100, tag: None, after: None })
        .await
        .unwrap()
        .jobs
        .into_iter()
        .map(|listed| listed.job)
        .collect()
}

/// Waits for something that nothing announces.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "never came true: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether a process exists and is no zombie.
pub fn lives(pid: i32) -> bool {
    let status = Command::new("ps").args(["-o", "stat=", "-p", &pid.to_string()]).output().unwrap();
    let state = String::from_utf8_lossy(&status.stdout).trim().to_owned();
    !state.is_empty() && !state.starts_with('Z')
}

/// The processes whose command line holds a mark.
pub fn marked(mark: &str) -> Vec<i32> {
    let listing = Command::new("ps").args(["-eo", "pid=,stat=,args="]).output().unwrap();
    let listing = String::from_utf8_lossy(&listing.stdout).into_owned();
    let of_line = |line: &str| {
        let mut words = line.split_whitespace();
        let pid: i32 = words.next()?.parse().ok()?;
        let zombie = words.next()?.starts_with('Z');
        (!zombie && line.contains(mark) && !line.contains("ps -eo")).then_some(pid)
    };
    listing.lines().filter_map(of_line).collect()
}

pub fn blob(bytes: &[u8]) -> Blob {
    Blob(bytes.to_vec())
}

/// The daemon itself.
pub fn daemon(home: &Path, run: &Path, idle_ms: u64) -> ExitCode {
    let config = HandsConfig {
        home: home.to_owned(),
        run_dir: run.to_owned(),
        exe: std::env::current_exe().unwrap(),
        version: "0.0.0-test".to_owned(),
        idle_timeout: Duration::from_millis(idle_ms),
        approval_timeout: Duration::from_secs(20),
        mode: "workspace".to_owned(),
        logs: pryx_hands::LogLimits { max_age: Duration::MAX, max_total: u64::MAX, keep_last: usize::MAX },
        sandbox: Default::default(),
        path_env: "/usr/local/bin:/usr/bin:/bin".to_owned(),
        proxies: Default::default(),
        user_home: PathBuf::from("/tmp"),
        own_env: std::collections::BTreeMap::new(),
        system: "a test".to_owned(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ended = runtime.block_on(async {
        let mut term = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).unwrap();
        let shutdown = async move {
            term.recv().await;
        };
        pryx_hands::daemon::run(config, || println!("{READY}"), shutdown).await
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(DaemonError::AlreadyRunning { .. }) => ExitCode::from(TAKEN),
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// A client that a job runs: prints the code of the error it gets, or `done`.
pub fn client(socket: &Path, what: &str, rest: &[&str]) -> ExitCode {
    let word = block(async {
        let (client, _) = Client::connect(socket, hello()).await.unwrap();
        let first = rest.first().copied().unwrap_or_default();
        let result = match what {
            "undo" => client.call(pryx_ipc::Undo::default()).await.map(drop),
            "changes" => client.call(pryx_ipc::ListChanges::default()).await.map(drop),
            "shutdown" => client.call(Shutdown::default()).await.map(drop),
            "exec" => client.call(exec(rest)).await.map(drop),
            "stop" => client
                .call(Stop { target: StopTarget::Job { job: first.to_owned() }, grace_ms: 0, by: "test".to_owned() })
                .await
                .map(drop),
            "approve" => client
                .call(pryx_ipc::ResolveApproval {
                    approval: ApprovalId::parse(first).unwrap(),
                    answer: pryx_terms::Answer::Once,
                })
                .await
                .map(drop),
            other => panic!("{other}"),
        };
        match result {
            Ok(()) => "done".to_owned(),
            Err(ClientError::Answer(error)) => format!("{:?}", error.code),
            Err(error) => error.to_string(),
        }
    });
    println!("answer: {word}");
    ExitCode::SUCCESS
}
