//! `pryx attach`: a window onto a terminal, wherever it is run. Leaving it leaves the terminal as it is.

use super::args;
use super::context::Context;
use super::exit;
use super::failure::Failure;
use super::follow::{self, End, Printer};
use super::input;
use super::link::Link;
use super::signals::Endings;
use super::terminal::{self, Raw, Size, Title};
use pryx_ipc::{Client, Event, Follow, FollowFrom, ReadLog, Resize, TerminalHeld};
use pryx_terms::{JobRecord, JobState, Stream};
use std::io::IsTerminal;
use std::time::Duration;
use tokio::sync::oneshot;

/// The first key of a command to the window: Ctrl-\. Twice sends it on.
const PREFIX: u8 = 0x1c;

/// After the prefix: leave.
const DETACH: u8 = b'd';

/// How long the keys typed before leaving may take. A program that reads none would else keep the window open.
const LAST_KEYS: Duration = Duration::from_millis(500);

/// How much of what was printed before is shown on joining: a screen or two.
const SHOWN_BEFORE: u64 = 16 * 1024;

/// Joins a job's terminal.
pub async fn attach(context: &Context, args: args::Attach) -> Result<u8, Failure> {
    let client = super::connect::connect(&context.route).await?;
    let probe = ReadLog { job: args.job.clone(), stream: None, offset: 0, limit: 0 };
    let seen = client.call(probe).await.map_err(Failure::from)?;
    if !matches!(seen.job.state, JobState::Running { .. }) {
        return Err(Failure::new(format!("{} has ended", args.job))
            .hint(format!("`pryx log {}` prints what it printed", seen.job.id)));
    }
    join(context, client, &seen.job, &args.job, args.read_only).await
}

/// The same for a job that is known to run.
pub async fn join(
    context: &Context,
    client: Client,
    job: &JobRecord,
    name: &str,
    read_only: bool,
) -> Result<u8, Failure> {
    let on_terminal = job.output.first().is_some_and(|output| output.stream == Stream::Tty);
    let keys = !read_only && on_terminal && std::io::stdin().is_terminal();
    if !read_only && !keys {
        context.talk(
            &context.style.warn(
                "watching only, since one side is no terminal (`exec --tty` gives a job one) · leave with Ctrl-C",
            ),
        );
    }
    if let Some(held) = job.sandbox.as_ref().filter(|held| held.holds()) {
        context.talk(&context.style.dim(&format!("it is held in the sandbox {held}")));
    }
    window(context, client, job, name, keys).await
}

/// Who has a terminal, in the words of a title.
fn title(name: &str, now: &TerminalHeld) -> String {
    let waits = match now.waiting {
        0 => String::new(),
        1 => ", a command waits".to_owned(),
        count => format!(", {count} commands wait"),
    };
    match (&now.command, now.person) {
        (Some(command), _) => format!("{name}: {command}{waits}"),
        (None, true) => format!("{name}: somebody types{waits}"),
        (None, false) => format!("{name}{waits}"),
    }
}

/// Shows a terminal until it ends or the person leaves.
async fn window(context: &Context, client: Client, of: &JobRecord, name: &str, keys: bool) -> Result<u8, Failure> {
    let job = of.id.to_string();
    let mut endings = Endings::watch().map_err(|e| Failure::because("signals can't be watched", &e))?;
    if keys {
        context.talk(&context.style.dim(&format!("joined {name} · leave with Ctrl-\\ d")));
    }
    let raw = if keys { Raw::enter().ok() } else { None };
    let (leave, mut left) = oneshot::channel();
    let link = Link::new(context, client);
    if keys {
        forward_keys(&link, &job, leave);
        let Size { rows, cols } = terminal::size();
        // A program that fills the screen draws it anew when the size changes; so ours is told even if it is the same.
        let _ = link.client().call(Resize { job: job.clone(), rows, cols }).await;
        input::forward_sizes(link.clone(), job.clone());
    }
    let (printer, shows) = (Printer::new(false), std::io::stdout().is_terminal());
    // What was printed before asked another terminal than this one.
    let mut printer = if shows { printer.window(keys.then(|| of.total_bytes())) } else { printer };
    let term = context.offered_env().remove("TERM").unwrap_or_default();
    let bar = if shows { Title::begin(&term) } else { None };
    let follow = Follow {
        job: job.clone(),
        from: FollowFrom::Tail { bytes: SHOWN_BEFORE },
        stream: None,
        until_end: true,
        view: true,
    };
    let mut on_event = |_: &Link, event: &Event| {
        if let (Some(bar), Event::TerminalHeld(now)) = (&bar, event) {
            bar.set(&title(name, now));
        }
    };
    let work = follow::run(context, &link, follow, &mut printer, &mut on_event);
    let result = tokio::select! {
        result = follow::unless_ended(&mut endings, work) => Some(result),
        Ok(()) = &mut left, if keys => None,
    };
    drop(bar);
    if printer.restore() && raw.is_some() {
        terminal::swallow_answers();
    }
    drop(raw);
    match result {
        None => {
            let back = context.route.command(&format!("attach {name}"));
            context.talk(&format!("\n{}", context.style.dim(&format!("left {name}; it goes on · {back}"))));
            Ok(exit::DONE)
        }
        Some(Err(ending)) => Ok(ending.code),
        Some(Ok(Ok(End::ReaderGone))) => Ok(exit::BROKEN_PIPE),
        Some(Ok(Ok(End::Reply(reply)))) if reply.closed => {
            context.talk(&format!("\n{}", context.style.dim(&format!("this window was closed; {name} goes on"))));
            Ok(exit::DONE)
        }
        Some(Ok(Ok(End::Reply(reply)))) => {
            if let Some(outcome) = reply.job.outcome() {
                context.talk(&context.style.dim(&format!("{name} ended: {outcome}")));
            }
            follow::exit_code(&reply.job)
        }
        Some(Ok(Err(failure))) => Err(failure),
    }
}

fn forward_keys(link: &Link, job: &str, leave: oneshot::Sender<()>) {
    let keys = input::Keys::forward(link.clone(), job.to_owned());
    tokio::spawn(async move {
        let mut chunks = input::stdin_chunks();
        let mut prefix = Prefix::default();
        while let Some(chunk) = chunks.recv().await {
            let (send, left) = prefix.read(&chunk);
            if left {
                // Leaving must work while there is no connection, or while nobody reads the keys.
                let last = async {
                    keys.send(send).await;
                    keys.finish().await;
                };
                let _ = tokio::time::timeout(LAST_KEYS, last).await;
                let _ = leave.send(());
                return;
            }
            if !keys.send(send).await {
                return;
            }
        }
        // Our own stdin ended: there are no keys any more, but there is still something to see. Keeping the sender
        // keeps the window open.
        std::future::pending::<()>().await;
    });
}

/// Finds the window's own keys among those for the terminal.
#[derive(Default)]
struct Prefix {
    seen: bool,
}

impl Prefix {
    /// What to send on, and whether the person leaves.
    fn read(&mut self, chunk: &[u8]) -> (Vec<u8>, bool) {
        let mut send = Vec::with_capacity(chunk.len());
        for &key in chunk {
            match (std::mem::take(&mut self.seen), key) {
                (true, DETACH) => return (send, true),
                (true, PREFIX) => send.push(PREFIX),
                (true, other) => send.extend([PREFIX, other]),
                (false, PREFIX) => self.seen = true,
                (false, other) => send.push(other),
            }
        }
        (send, false)
    }
}

#[cfg(test)]
mod tests {
    use super::Prefix;

    #[test]
    fn keys_of_the_window_and_keys_of_the_terminal() {
        let mut prefix = Prefix::default();
        assert_eq!(prefix.read(b"ls\r"), (b"ls\r".to_vec(), false));
        assert_eq!(prefix.read(b"a\x1c"), (b"a".to_vec(), false));
        assert_eq!(prefix.read(b"\x1cx"), (b"\x1cx".to_vec(), false));
        assert_eq!(prefix.read(b"\x1cq"), (b"\x1cq".to_vec(), false));
        assert_eq!(prefix.read(b"z\x1cdrest"), (b"z".to_vec(), true));
    }
}
