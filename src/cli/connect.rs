//! A connection to the hands, here or on another machine, starting them when nobody answers.

use super::context::Context;
use super::failure::Failure;
use super::paths::Paths;
use super::remote::{self, Attempt, Host};
use super::settings::Settings;
use super::terminal;
use pryx_ipc::{Client, ClientError, Hello, PROTOCOL_VERSION, Status};
use pryx_terms::Actor;
use std::process::Stdio;
use std::time::Duration;
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

/// Between two attempts to reach another machine again, at first and at most.
const PAUSE_FIRST: Duration = Duration::from_millis(500);
const PAUSE_LONGEST: Duration = Duration::from_secs(15);

/// How long another machine is tried to be reached again. A laptop may sleep for hours and then is given all of this
/// anew; a network that is away this long needs a person.
const REACH_AGAIN: Duration = Duration::from_secs(600);

/// Where the hands are that a command talks to.
#[derive(Debug, Clone)]
pub enum Route {
    /// On this machine.
    Here(Paths),
    /// On another one.
    There {
        /// Which.
        host: Host,
        /// What is of this machine all the same.
        own: Paths,
    },
}

impl Route {
    /// The other machine, if it is one.
    pub fn host(&self) -> Option<&Host> {
        match self {
            Self::Here(_) => None,
            Self::There { host, .. } => Some(host),
        }
    }

    /// The command line that goes there: for hints.
    pub fn command(&self, words: &str) -> String {
        self.host().map_or_else(|| format!("pryx {words}"), |host| format!("pryx --host {host} {words}"))
    }
}

/// Connects, and starts the hands first where there are none.
///
/// # Errors
/// When they can't be reached or started, or are of another version.
pub async fn connect(route: &Route) -> Result<Client, Failure> {
    let host = match route {
        Route::Here(paths) => return here(paths).await,
        Route::There { host, own } => {
            by_a_person(own).await?;
            host
        }
    };
    match remote::reach(host, Attempt::Quiet).await {
        Ok(client) => Ok(client),
        // Only now: an ssh that may ask shares the terminal, and Ctrl-C, with us.
        Err(unreached) if unreached.wants_person && terminal::can_ask() => {
            remote::reach(host, Attempt::Asking).await.map_err(|unreached| unreached.failure)
        }
        Err(unreached) => Err(unreached.failure),
    }
}

/// Connects anew after a connection was lost. Another machine is tried for a while; nobody is asked for a password, since
/// keys may be on their way to the job.
///
/// # Errors
/// When they can't be reached any more.
pub async fn again(route: &Route) -> Result<Client, Failure> {
    let host = match route {
        Route::Here(paths) => return here(paths).await,
        Route::There { host, .. } => host,
    };
    let (deadline, mut pause) = (tokio::time::Instant::now() + REACH_AGAIN, PAUSE_FIRST);
    loop {
        match remote::reach(host, Attempt::Quiet).await {
            Ok(client) => return Ok(client),
            Err(unreached) if !unreached.may_pass || tokio::time::Instant::now() + pause > deadline => {
                return Err(unreached.failure);
            }
            Err(_) => {}
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE_LONGEST);
    }
}

/// Connects to hands that run already; nothing when none do. Those of another machine are started by asking.
///
/// # Errors
/// When some run but can't be talked to.
pub async fn try_connect(route: &Route) -> Result<Option<Client>, Failure> {
    match route {
        Route::Here(paths) => try_here(paths).await,
        Route::There { host, .. } => {
            remote::reach(host, Attempt::Quiet).await.map(Some).map_err(|unreached| unreached.failure)
        }
    }
}

/// Connects to the hands of this machine.
async fn here(paths: &Paths) -> Result<Client, Failure> {
    paths.prepare()?;
    if let Some(client) = try_here(paths).await? {
        return Ok(client);
    }
    // They would hold commands to less than the person wants, and go on after the file is mended.
    Settings::load(paths).map_err(|failure| {
        failure.hint("no hands run, and none start with such settings: mend them first (pryx config edit)")
    })?;
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
            if let Some(client) = try_here(paths).await? {
                return Ok(client);
            }
            // Another process holds the lock and is about to listen: there is nothing to wait on but the socket.
            tokio::time::sleep(RETRY).await;
        }
    }
    Err(Failure::new("the hands were started but don't answer")
        .hint(format!("see {}; `pryx doctor` says what is wrong", paths.home.join("hands.log").display())))
}

/// Makes sure that a person asks, not a process that the agent started. The hands of this machine know by its descent.
///
/// # Errors
/// When the agent asks, or the hands can't tell.
pub async fn only_for_persons(context: &Context, what: &str) -> Result<(), Failure> {
    let status = here(&context.paths).await?.call(Status {}).await?;
    match status.you {
        Some(Actor::Person) => Ok(()),
        Some(Actor::Agent { .. }) => Err(not_for_agents(what)),
        None => Err(Failure::new("these hands are older than this pryx and can't tell who asks")
            .hint("`pryx hands stop`, then try again")),
    }
}

/// The same where hands may be unable to start. Where none run, no agent can begin a command; one that goes on without its
/// hands has the person's rights only if the person gave them to it.
///
/// # Errors
/// When the agent asks, or hands that run can't tell.
pub async fn not_for_the_agent(paths: &Paths, what: &str) -> Result<(), Failure> {
    let Some(client) = try_here(paths).await? else { return Ok(()) };
    match client.call(Status {}).await?.you {
        Some(Actor::Person) => Ok(()),
        _ => Err(not_for_agents(what)),
    }
}

/// Over there, a process of the agent would look like the person's: nobody sees its descent through a network. Where no
/// hands run here, no agent does.
async fn by_a_person(own: &Paths) -> Result<(), Failure> {
    let Some(client) = try_here(own).await? else { return Ok(()) };
    match client.call(Status {}).await?.you {
        Some(Actor::Agent { .. }) => Err(not_for_agents("use the hands of another machine")),
        _ => Ok(()),
    }
}

fn not_for_agents(what: &str) -> Failure {
    Failure::new(format!("a command of the agent can't {what}"))
        .hint("do it in a terminal of your own")
        .code(super::exit::BLOCKED)
}

async fn try_here(paths: &Paths) -> Result<Option<Client>, Failure> {
    match Client::connect(&pryx_hands::socket_path(&paths.run), hello()).await {
        Ok((client, _)) => Ok(Some(client)),
        // They ended between accepting and greeting: the same as nobody there.
        Err(ClientError::Unreachable { .. } | ClientError::Lost) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Starts the daemon and waits for its word that it listens (or that another one does). False when it ended without one.
async fn start() -> Result<bool, Failure> {
    let exe = std::env::current_exe().map_err(|e| Failure::because("this program's own file can't be found", &e))?;
    let mut command = tokio::process::Command::new(exe);
    command.args(["hands", "run", "--detached"]).current_dir("/").env_clear().envs(pryx_hands::FRUGAL);
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
        // For the requests that they make themselves: the way out, and who vouches for servers.
        "http_proxy",
        "HTTP_PROXY",
        "https_proxy",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
        "no_proxy",
        "NO_PROXY",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
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
