//! The proof that the sandbox holds: a command tries what it must not, without it and in it. Part of `pryx doctor`.

use super::context::Context;
use super::exit;
use super::failure::Failure;
use pryx_ipc::{Client, Event, Exec, Io, Status, Stdin, Update};
use pryx_terms::CallKey;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long one try may take before it counts as failed.
const TRY: Duration = Duration::from_secs(10);

/// What is tried, in the words of the report.
const TRIES: [&str; 5] = ["write", "read", "network", "socket", "signal"];

/// What came of it.
pub enum Proof {
    /// Everything works without the sandbox and nothing in it. By what means, and what they leave out.
    Holds {
        /// "Landlock 7, seccomp".
        by: String,
        /// What can't be held on this system.
        lacks: Option<String>,
    },
    /// There is none here.
    None {
        /// Why.
        why: String,
    },
    /// It let these through, or they could not even be tried without it.
    Broken {
        /// In words.
        what: String,
    },
}

/// `pryx __probe HOME RUN PID`: tries it all, from wherever it is started.
pub struct Probe {
    home: PathBuf,
    run: PathBuf,
    hands: i32,
}

impl Probe {
    /// If that is what these arguments are.
    pub fn of(mut args: impl Iterator<Item = OsString>) -> Option<Self> {
        args.nth(1).filter(|word| word == "__probe")?;
        let (home, run) = (args.next()?.into(), args.next()?.into());
        let hands = args.next()?.to_str()?.parse().ok()?;
        args.next().is_none().then_some(Self { home, run, hands })
    }

    /// Prints a line for each thing that worked.
    pub fn run(&self) -> Result<u8, Failure> {
        let trial = self.home.join(format!(".doctor-{}", std::process::id()));
        let written = std::fs::write(&trial, b"x").is_ok();
        let _ = std::fs::remove_file(&trial);
        let read = std::fs::File::open(self.home.join("hands.db")).is_ok();
        let network = std::net::TcpListener::bind(("127.0.0.1", 0)).is_ok();
        for (name, worked) in TRIES.into_iter().zip([written, read, network, connects(&self.run), reaches(self.hands)])
        {
            if worked {
                super::print_line(name)?;
            }
        }
        Ok(exit::DONE)
    }
}

#[cfg(unix)]
fn connects(run: &Path) -> bool {
    std::os::unix::net::UnixStream::connect(pryx_hands::socket_path(run)).is_ok()
}

#[cfg(unix)]
fn reaches(hands: i32) -> bool {
    rustix::process::Pid::from_raw(hands).is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok())
}

#[cfg(windows)]
fn connects(_run: &Path) -> bool {
    false
}

#[cfg(windows)]
fn reaches(_hands: i32) -> bool {
    false
}

/// Makes both tries through the hands.
pub async fn prove(context: &Context, client: &Client) -> Result<Proof, Failure> {
    let status = client.call(Status {}).await?;
    let (by, lacks) = match status.sandbox {
        Some(held) if held.holds() => (held.profile, held.note),
        Some(held) => return Ok(Proof::None { why: held.note.unwrap_or_default() }),
        None => return Ok(Proof::None { why: "these hands are of an older pryx".to_owned() }),
    };
    let free = tried(context, client, status.pid, None).await?;
    let held = tried(context, client, status.pid, Some("workspace")).await?;
    if free != TRIES {
        let what = format!("without the sandbox only these worked, so nothing is proved: {}", free.join(", "));
        return Ok(Proof::Broken { what });
    }
    // What the kernel is known not to hold is said, and not counted as a hole.
    let through: Vec<String> = held.into_iter().filter(|name| name != "signal" || lacks.is_none()).collect();
    if through.is_empty() {
        return Ok(Proof::Holds { by, lacks });
    }
    Ok(Proof::Broken { what: format!("a command in the sandbox could still do this: {}", through.join(", ")) })
}

async fn tried(context: &Context, client: &Client, hands: u32, mode: Option<&str>) -> Result<Vec<String>, Failure> {
    let exe = std::env::current_exe().map_err(|e| Failure::because("this program's own file can't be found", &e))?;
    let places = [exe.as_path(), Path::new("__probe"), &context.paths.home, &context.paths.run];
    let mut argv: Vec<String> = places.iter().map(|path| path.display().to_string()).collect();
    argv.push(hands.to_string());
    let request = Exec {
        key: CallKey::generate(),
        argv,
        cwd: "/".into(),
        env: context.offered_env(),
        io: Io::Pipes,
        stdin: Stdin::Null,
        timeout_ms: u64::try_from(TRY.as_millis()).ok(),
        detach: false,
        terminal: None,
        tag: None,
        keep: false,
        mode: mode.map(str::to_owned),
        have: Vec::new(),
        inside: None,
    };
    let mut call = client.start(request).await?;
    let mut printed = Vec::new();
    let job = loop {
        match call.next().await? {
            Update::Event(Event::Output(output)) => printed.extend(output.data.0),
            Update::Event(_) => {}
            Update::Reply(reply) => break reply.job,
        }
    };
    match job.outcome() {
        Some(outcome) if outcome.is_success() => {
            Ok(String::from_utf8_lossy(&printed).lines().map(str::to_owned).collect())
        }
        outcome => Err(Failure::new(format!("a trial command ended with {outcome:?}"))),
    }
}
