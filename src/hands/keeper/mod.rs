//! The keeper: one small single-threaded process per job. It owns the PTY or pipes, writes every byte to the log,
//! waits for the exit status, and outlives the hands that started it.
//!
//! It is started as `pryx __keeper JOB_DIR SOCKET` with its `wire::Spec` on standard input, answers with one line
//! on standard output, and speaks `wire` on its socket from then on. It sleeps in one `poll` and wakes for nothing
//! but bytes, signals, clients and deadlines.

mod activity;
mod client;
mod command;
mod detach;
mod input;
mod log;
pub(crate) mod modes;
pub(crate) mod procs;
pub(crate) mod record;
mod reports;
mod run;
pub(crate) mod shell;
mod stop;
mod tee;
mod times;
pub(crate) mod typed;
pub(crate) mod wire;

pub(crate) use shell::START_FILES;

use command::StartFailure;
use pryx_ipc::Io;
use pryx_terms::{JobState, Stream, Timestamp};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use wire::{KeeperRecord, Spec, StartAnswer, VERSION};

/// Longest spec accepted. The kernel takes no more than a few MiB of arguments and environment either.
const MAX_SPEC: usize = 16 * 1024 * 1024;

/// The body of `pryx __keeper JOB_DIR SOCKET`. Gives back the process's exit code: 0 when the job was kept to its
/// end, 1 when it could not be started (the answer on standard output says why), 2 when there was no spec.
#[must_use]
pub fn main(job_dir: &Path, socket: &Path) -> u8 {
    detach::close_inherited();
    let spec: Spec =
        match log::read_line(io::stdin().lock(), MAX_SPEC).map(|l| l.and_then(|l| serde_json::from_slice(&l).ok())) {
            Ok(Some(spec)) => spec,
            Ok(None) | Err(_) => return 2,
        };
    match start(&spec, job_dir, socket) {
        Ok(keeper) => {
            drop(spec);
            keeper.run();
            0
        }
        Err(failure) => {
            let _ = std::fs::remove_file(socket);
            let _ = answer(&StartAnswer::Failed { at: failure.at, message: words(&failure.error) });
            1
        }
    }
}

fn start(spec: &Spec, job_dir: &Path, socket: &Path) -> Result<run::Keeper, StartFailure> {
    let keeper = StartFailure::keeper;
    detach::own_session().map_err(keeper)?;
    let signals = detach::take_signals().map_err(keeper)?;
    let listener = listen(socket).map_err(keeper)?;
    let streams: &[Stream] = match spec.io {
        Io::Tty { .. } => &[Stream::Tty],
        Io::Pipes => &[Stream::Stdout, Stream::Stderr],
    };
    let mut logs = Vec::new();
    for stream in streams {
        logs.push(log::StreamLog::open(job_dir, *stream).map_err(keeper)?);
    }
    if let Io::Tty { rows, cols } = spec.io {
        logs.iter_mut().for_each(|log| log.resized(rows, cols));
    }
    let watch = procs::Watch::new().map_err(keeper)?;
    let flavor = shell::Flavor::of(&spec.argv).filter(|_| spec.hooks);
    let hooks = flavor
        .map(|flavor| shell::prepare(flavor, job_dir, &spec.env, spec.profile.is_some()))
        .transpose()
        .map_err(keeper)?;
    let command = command::start(spec, hooks.as_ref())?;
    let pid = u32::try_from(command.pid).unwrap_or_default();
    let record = KeeperRecord {
        v: VERSION,
        job: spec.job.clone(),
        keeper: std::process::id(),
        command: pid,
        started: Timestamp::now(),
        state: JobState::Running { pid },
        output: Vec::new(),
        paused: None,
        cwd: None,
        waited_ms: None,
    };
    let place = run::Place { job_dir: job_dir.to_owned(), socket: socket.to_owned() };
    let name = spec.terminal.as_ref().map_or("the terminal", |name| name.as_str()).to_owned();
    let shell = hooks.map(|hooks| shell::Shell::new(hooks, name));
    let keeper = run::Keeper::new(place, record, spec, command, logs, listener, signals, watch, shell);
    // From here on the command runs: whatever fails now must not end the keeper.
    let _ = answer(&StartAnswer::Started { pid });
    let _ = detach::silence();
    Ok(keeper)
}

fn listen(socket: &Path) -> io::Result<UnixListener> {
    let listener = UnixListener::bind(socket)?;
    std::fs::set_permissions(socket, std::fs::Permissions::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn answer(answer: &StartAnswer) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(&wire::line(answer))?;
    out.flush()
}

/// The system's word without Rust's "(os error 2)".
fn words(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}
