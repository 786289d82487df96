//! A connection to the hands, starting them when nobody answers.

use super::context::Context;
use super::failure::Failure;
use super::paths::Paths;
use pryx_ipc::{Client, ClientError, ErrorCode, Hello, PROTOCOL_VERSION, Status};
use pryx_terms::Actor;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, BufReader};

/// How long freshly started hands may take until they listen. They need some milliseconds; a machine under heavy
/// load gets this long before we say that something is wrong.
const START_DEADLINE: Duration = Duration::from_secs(15);

/// How long to look for a socket before starting hands again: those that held the lock may have been about to end.
const START_AGAIN: Duration = Duration::from_millis(250);

/// Pause between attempts while another process starts the hands.
const RETRY: Duration = Duration::from_millis(5);

/// How often freshly started hands may end without a word before that is told. One that was killed says nothing, and the
/// next one may live; hands that can't live end as quickly each time.
const SILENT_ENDS: u32 = 3;

/// What the hands print on stdout, once, when they listen.
pub const READY: &str = "ready";

/// What a client calls itself.
pub fn hello() -> Hello {
    Hello { protocol: PROTOCOL_VERSION, client: "pryx".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() }
}

/// Connects, and starts the hands first where there are none.
///
/// # Errors
/// When they can't be started, or are of another version.
pub async fn connect(paths: &Paths) -> Result<Client, Failure> {
    paths.prepare()?;
    if let Some(client) = try_connect(paths).await? {
        return Ok(client);
    }
    let deadline = tokio::time::Instant::now() + START_DEADLINE;
    let mut silent = 0;
    while tokio::time::Instant::now() < deadline {
        if !start().await? {
            silent += 1;
            if silent == SILENT_ENDS {
                return Err(Failure::new("the hands end at once, without a word").hint(format!(
                    "run `pryx hands` to see why; their log is {}",
                    paths.home.join("hands.log").display()
                )));
            }
        }
        let again = tokio::time::Instant::now() + START_AGAIN;
        while tokio::time::Instant::now() < again {
            if let Some(client) = try_connect(paths).await? {
                return Ok(client);
            }
            // Another process holds the lock and is about to listen: there is nothing to wait on but the socket.
            tokio::time::sleep(RETRY).await;
        }
    }
    Err(Failure::new("the hands were started but don't answer")
        .hint(format!("see {}; `pryx doctor` says what is wrong", paths.home.join("hands.log").display())))
}

/// Makes sure that a person asks, not a process that the agent started. The hands know by its descent.
///
/// # Errors
/// When the agent asks, or the hands can't tell.
pub async fn only_for_persons(context: &Context, what: &str) -> Result<(), Failure> {
    let status = connect(&context.paths).await?.call(Status {}).await?;
    match status.you {
        Some(Actor::Person) => Ok(()),
        Some(Actor::Agent { .. }) => Err(Failure::new(format!("a command of the agent can't {what}"))
            .hint("do it in a terminal of your own")
            .code(super::exit::BLOCKED)),
        None => Err(Failure::new("these hands are older than this pryx and can't tell who asks")
            .hint("`pryx hands stop`, then try again")),
    }
}

/// Connects to hands that run already; nothing when none do.
///
/// # Errors
/// When some run but can't be talked to.
pub async fn try_connect(paths: &Paths) -> Result<Option<Client>, Failure> {
    match Client::connect(&pryx_hands::socket_path(&paths.run), hello()).await {
        Ok((client, _)) => Ok(Some(client)),
        // They ended between accepting and greeting: the same as nobody there.
        Err(ClientError::Unreachable { .. } | ClientError::Lost) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// How often in quick succession one command connects anew before it gives up: hands that die this often are broken, and
/// would be started for ever.
const RECONNECTS: u32 = 20;

/// A connection that held for so long was no part of such a succession.
const STEADY: Duration = Duration::from_secs(10);

/// What is left of a command's patience with hands that go away.
#[derive(Default)]
pub struct Reconnects {
    count: u32,
    last: Option<Instant>,
}

impl Reconnects {
    /// After a failed request: a new connection if the hands went away, killed or ended, else the error. Only for requests
    /// that may safely be sent again: they have an idempotency key, or change nothing.
    ///
    /// # Errors
    /// The one given, or that there can be no connection.
    pub async fn after(&mut self, error: ClientError, paths: &Paths) -> Result<Client, Failure> {
        let gone = match &error {
            ClientError::Lost | ClientError::Unreachable { .. } => true,
            ClientError::Answer(answer) => answer.code == ErrorCode::ShuttingDown,
            _ => false,
        };
        if self.last.is_some_and(|last| last.elapsed() > STEADY) {
            self.count = 0;
        }
        if !gone || self.count == RECONNECTS {
            return Err(error.into());
        }
        self.count += 1;
        let client = connect(paths).await;
        self.last = Some(Instant::now());
        client
    }
}

/// Starts the daemon and waits for its word that it listens (or that another one does). False when it ended without one.
async fn start() -> Result<bool, Failure> {
    let exe = std::env::current_exe().map_err(|e| Failure::because("this program's own file can't be found", &e))?;
    let mut command = tokio::process::Command::new(exe);
    command.args(["hands", "run", "--detached"]).current_dir("/").env_clear();
    // The hands hold no model key: they get what they need to find programs and their own directory, and no more.
    for name in [
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "SHELL",
        "LANG",
        "TMPDIR",
        "PRYX_HOME",
        "PRYX_IDLE_MINUTES",
        "PRYX_APPROVAL_MINUTES",
        "SystemRoot",
        "USERPROFILE",
    ] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let cannot = |e: &std::io::Error| Failure::because("the hands can't be started", e);
    let mut child = command.spawn().map_err(|e| cannot(&e))?;
    let stdout = child.stdout.take();
    let said = async {
        let Some(stdout) = stdout else { return Ok(None) };
        BufReader::new(stdout).lines().next_line().await
    };
    match tokio::time::timeout(START_DEADLINE, said).await {
        Ok(Ok(Some(line))) if line == READY => Ok(true),
        Ok(Ok(Some(line))) => {
            Err(Failure::new(format!("the hands can't be started: {line}")).hint("`pryx doctor` says what is wrong"))
        }
        Ok(Ok(None)) => Ok(false),
        Ok(Err(e)) => Err(cannot(&e)),
        Err(_) => Err(Failure::new("the hands take too long to start").hint("run `pryx hands` to see why")),
    }
}
