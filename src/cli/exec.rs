//! `pryx exec`: the person's own command, with its exact exit code.

use super::args;
use super::context::Context;
use super::failure::Failure;
use super::follow::{self, End, Printer};
use super::link::Link;
use super::signals::Endings;
use super::terminal::{self, Raw, Size};
use super::{exit, input};
use pryx_ipc::{Client, Event, Exec, Inside, Io, JobListing, ListJobs, Stdin, Stop, StopTarget};
use pryx_terms::{CallKey, JobId, JobRecord, JobState, Outcome, Seen, StopReason, TerminalName, visible};
use std::cell::RefCell;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// What a command gets between SIGTERM and SIGKILL when the person ends it: Ctrl-C must work within a second.
pub const INTERRUPT_GRACE_MS: u64 = 500;

/// How long the hands let a command wait for a terminal. Only said: theirs is the one that counts.
const PATIENCE: Duration = Duration::from_secs(30);

/// Running jobs that are looked through for a terminal. With more the word that it is busy is left out.
const MOST_RUNNING: u32 = 1000;

/// SIGINT and SIGPIPE, the same on every Unix.
const INT: i32 = 2;
const PIPE: i32 = 13;

/// Runs it.
pub async fn run(context: &Context, args: args::Exec) -> Result<u8, Failure> {
    if let Some(terminal) = &args.terminal {
        nothing_is_piped(terminal)?;
    }
    let client = super::connect::connect(&context.route).await?;
    if let Some(terminal) = &args.terminal {
        tell_of_waiting(context, &client, terminal, args.timeout).await;
    }
    let (began, timeout) = (Instant::now(), args.timeout);
    let inside = args.terminal.is_some();
    let tty = inside || args.tty || (!args.no_tty && !args.detach && std::io::stdout().is_terminal());
    // In the background of a shell the terminal is somebody else's: raw mode would stop us.
    let own_terminal = !inside
        && tty
        && std::io::stdin().is_terminal()
        && std::io::stdout().is_terminal()
        && terminal::in_foreground();
    let feed =
        !inside && !args.detach && !own_terminal && (!std::io::stdin().is_terminal() || terminal::in_foreground());
    let Size { rows, cols } = terminal::size();
    let mut env = context.offered_env();
    let cwd = args.cwd.as_ref().map_or_else(|| context.work_dir(&client), |dir| context.work_dir(&client).join(dir));
    let enter = args.cwd.is_some() || context.is_directed();
    let in_terminal = inside;
    let inside = args.terminal.map(|terminal| Inside { terminal, enter, set: args.env.iter().cloned().collect() });
    env.extend(args.env);
    let request = Exec {
        key: CallKey::generate(),
        argv: args.argv,
        cwd,
        env,
        io: if tty { Io::Tty { rows, cols } } else { Io::Pipes },
        stdin: match (own_terminal || (args.detach && tty), feed) {
            // Without a window keys come from `pryx send` and `pryx attach`.
            (true, _) => Stdin::Inherit,
            (false, true) => Stdin::Pipe,
            (false, false) => Stdin::Null,
        },
        timeout_ms: args.timeout.map(|t| u64::try_from(t.as_millis()).unwrap_or(u64::MAX)),
        detach: args.detach,
        terminal: None,
        tag: args.tag,
        keep: args.keep,
        mode: args.mode,
        have: Vec::new(),
        inside,
    };
    if args.detach {
        let mut silent = |_: &Link, _: &Event| {};
        return match follow::run(context, &Link::new(context, client), request, &mut Printer::new(false), &mut silent)
            .await?
        {
            End::Reply(reply) => announce(context, &reply.job),
            End::ReaderGone => Ok(exit::BROKEN_PIPE),
        };
    }
    let mut endings = Endings::watch().map_err(|e| Failure::because("signals can't be watched", &e))?;
    // Held to the end: dropping it gives the person their terminal back.
    let raw = if own_terminal { Raw::enter().ok() } else { None };
    let started: RefCell<Option<JobId>> = RefCell::new(None);
    let mut on_event = |link: &Link, event: &Event| {
        // Over a new connection the beginning is told again.
        if started.borrow().is_none() || !matches!(event, Event::JobStarted(_)) {
            follow::tell_as_json(context, event);
        }
        if let Event::JobStarted(job) = event
            && started.replace(Some(job.job.id.clone())).is_none()
        {
            if own_terminal {
                input::forward_terminal(link.clone(), &job.job.id);
            } else if feed {
                input::forward_pipe(link.clone(), &job.job.id);
            }
        }
    };
    let printer = Printer::new(context.json);
    let mut printer = match (own_terminal && !context.json, in_terminal && std::io::stdout().is_terminal()) {
        (true, _) => printer.own(),
        // Seen here, but run elsewhere: no answer of this terminal gets to it.
        (false, true) if !context.json => printer.window(None),
        (false, _) => printer,
    };
    let link = Link::new(context, client);
    let work = follow::run(context, &link, request, &mut printer, &mut on_event);
    let result = follow::unless_ended(&mut endings, work).await;
    printer.restore();
    drop(raw);
    let job = started.take();
    match result {
        Err(ending) => {
            stop(context, job, ending.name).await;
            Ok(ending.code)
        }
        Ok(Ok(End::ReaderGone)) => {
            stop(context, job, "the reader of its output went away").await;
            Ok(exit::BROKEN_PIPE)
        }
        Ok(Ok(End::Reply(reply))) => {
            if let Some(words) = untimely_end(&reply.job) {
                context.talk(&context.style.warn(&words));
            }
            if let Some(words) = end_of_shell(&reply.job) {
                context.talk(&context.style.warn(&words));
            }
            let never_ran = matches!(&reply.job.state, JobState::Ended { seen: Some(Seen::Never), .. });
            let is_late = never_ran && timeout.is_some_and(|timeout| began.elapsed() >= timeout);
            follow::exit_code(&reply.job).map_err(|failure| if is_late { failure.code(exit::TIMEOUT) } else { failure })
        }
        Ok(Err(failure)) => Err(failure),
    }
}

/// A person comes first in a terminal: that a command waits for them is said before it does.
async fn tell_of_waiting(context: &Context, client: &Client, terminal: &TerminalName, timeout: Option<Duration>) {
    // A connection that is lost here is made anew for the command itself.
    let listing = ListJobs { all: false, limit: MOST_RUNNING, tag: None, after: None };
    let jobs = client.call(listing).await.map(|reply| reply.jobs).unwrap_or_default();
    let is_it = |job: &&JobListing| job.job.terminal.as_ref() == Some(terminal) && job.job.within.is_none();
    let live = jobs.iter().find(is_it).and_then(|job| job.live.as_ref());
    if live.is_some_and(|live| live.person) {
        let patience = timeout.map_or(PATIENCE, |timeout| timeout.min(PATIENCE));
        let words = format!("{terminal}: somebody is typing; waiting up to {} s", patience.as_secs_f64());
        context.talk(&context.style.warn(&words));
    }
}

/// A command in a terminal reads that terminal: what a pipe or file has for it would be lost, and it would wait for a person.
#[cfg(unix)]
fn nothing_is_piped(terminal: &TerminalName) -> Result<(), Failure> {
    use rustix::fs::FileType;
    let Ok(stat) = rustix::fs::fstat(std::io::stdin()) else { return Ok(()) };
    let has_data = match FileType::from_raw_mode(stat.st_mode) {
        FileType::Fifo => true,
        FileType::RegularFile => stat.st_size > 0,
        _ => false,
    };
    if !has_data {
        return Ok(());
    }
    Err(Failure::usage(format!("a command in {terminal} reads that terminal, not this pipe or file"))
        .hint("leave out -t to feed it, or write `< /dev/null` behind it"))
}

#[cfg(not(unix))]
fn nothing_is_piped(_terminal: &TerminalName) -> Result<(), Failure> {
    Ok(())
}

/// What is said of a command that did not end by itself. As in a shell, nothing of Ctrl-C and of a reader that went away:
/// whoever caused these knows.
fn untimely_end(job: &JobRecord) -> Option<String> {
    let JobState::Ended { outcome, stopped, .. } = &job.state else { return None };
    let took = super::jobs::duration(job.duration_ms(pryx_terms::Timestamp::now()));
    match (stopped, outcome) {
        (Some(cause), _) if cause.reason == StopReason::Timeout => {
            Some(format!("stopped with SIG{} after {took}: its time was up", cause.signal))
        }
        (Some(cause), _) => Some(format!("stopped with SIG{} after {took} by {}", cause.signal, visible(&cause.by))),
        (None, Outcome::Signaled { signal }) if ![INT, PIPE].contains(signal) => {
            Some(format!("signal {signal} ended it after {took}"))
        }
        (None, _) => None,
    }
}

/// What is said when a terminal's shell ended with the command: the code is the shell's.
fn end_of_shell(job: &JobRecord) -> Option<String> {
    let (terminal, JobState::Ended { seen: Some(Seen::Waitpid), .. }) = (job.terminal.as_ref()?, &job.state) else {
        return None;
    };
    job.within.as_ref()?;
    Some(format!("the shell of {terminal} ended with it; the next command starts a new one in the same directory"))
}

fn announce(context: &Context, job: &JobRecord) -> Result<u8, Failure> {
    let text = if context.json { serde_json::to_string(job).unwrap_or_default() } else { job.id.to_string() };
    super::print_line(&text)?;
    let next = ["log -f", "attach", "stop"].map(|word| context.route.command(&format!("{word} {}", job.id)));
    context.talk(&context.style.dim(&next.join(" · ")));
    Ok(exit::DONE)
}

/// Stops a job whose person went away; on a connection of its own, since the first one may be busy or lost.
pub async fn stop(context: &Context, job: Option<JobId>, by: &str) {
    let Some(job) = job else { return };
    let target = StopTarget::Job { job: job.to_string() };
    let stop = Stop { target, grace_ms: INTERRUPT_GRACE_MS, by: by.to_owned() };
    let stopped = match super::connect::try_connect(&context.route).await {
        Ok(Some(client)) => client.call(stop).await.is_ok(),
        _ => false,
    };
    // It is still listed; we are leaving, and the exit code says so.
    if !stopped {
        let words = context.route.command(&format!("stop {job}"));
        context.talk(&context.style.warn(&format!("job {job} could not be told to stop and goes on; later: {words}")));
    }
}
