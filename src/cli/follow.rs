//! A job's output on its way to our stdout and stderr, over lost connections too.

use super::context::Context;
use super::failure::Failure;
use super::link::Link;
use super::out::OutError;
use super::terminal::Guard;
use pryx_ipc::{Action, Call, ClientError, Event, Exec, Follow, FollowFrom, Output, Update};
use pryx_terms::{JobRecord, Keep, PlainFilter, Stream, StreamBytes, Switched, visible};
use std::future::Future;
use std::io::IsTerminal;
use tokio::io::AsyncWriteExt;

/// The streams, in the order of their numbers.
const STREAMS: [Stream; 3] = [Stream::Tty, Stream::Stdout, Stream::Stderr];

/// Where the bytes go, and how far each stream has been written, so that nothing is written twice.
pub struct Printer {
    written: [u64; 3],
    form: Form,
    /// Lines that are still wanted, if not all are.
    lines: Option<usize>,
    /// Stderr goes to our stdout too.
    one_way: bool,
    /// What the person's own terminal was switched to, where that is where the bytes go.
    left: Option<Switched>,
}

/// How output is written.
enum Form {
    /// Every byte as it is.
    Bytes,
    /// Without what could do something to the terminal that shows it.
    Clean(Box<[PlainFilter; 3]>),
    /// Whatever draws, for a window onto somebody else's program. Its questions to the terminal pass from that byte on.
    Guarded { guard: Box<Guard>, ask_from: Option<u64> },
    /// As events of the protocol, one per line.
    Json,
}

fn index(stream: Stream) -> usize {
    match stream {
        Stream::Tty => 0,
        Stream::Stdout => 1,
        Stream::Stderr => 2,
    }
}

impl Printer {
    /// Begins with the first byte of each stream; with `json`, prints events of the protocol instead of bytes.
    pub fn new(json: bool) -> Self {
        Self {
            written: [0; 3],
            form: if json { Form::Json } else { Form::Bytes },
            lines: None,
            one_way: false,
            left: None,
        }
    }

    /// For the eyes of a person who didn't start the command: colours stay, other control sequences don't.
    pub fn clean() -> Self {
        let filters = [(); 3].map(|()| PlainFilter::new(Keep::Colours));
        Self { written: [0; 3], form: Form::Clean(Box::new(filters)), lines: None, one_way: false, left: None }
    }

    /// For the person's own program on their own terminal: every byte, and what it leaves switched on is undone by
    /// [`Printer::restore`].
    pub fn own(self) -> Self {
        Self { left: Some(Switched::default()), ..self }
    }

    /// As a window: nothing that does more to the terminal than draw. With `ask_from`, programs may ask it from that byte
    /// on, since its answers are sent on; what stands before was asked long ago.
    pub fn window(self, ask_from: Option<u64>) -> Self {
        Self { form: Form::Guarded { guard: Box::default(), ask_from }, ..self }
    }

    /// Gives the terminal back as it was. True when it may still answer something.
    pub fn restore(&mut self) -> bool {
        let (undo, asked) = match (&mut self.form, self.left.take()) {
            (Form::Guarded { guard, .. }, _) => (guard.undo(), guard.has_asked()),
            (_, Some(left)) => (left.undo(), false),
            (_, None) => return false,
        };
        // A terminal that is gone needs nothing.
        let _ = super::out::data(&undo);
        asked
    }

    /// Writes so many lines and no more.
    pub fn lines(self, lines: usize) -> Self {
        Self { lines: Some(lines), ..self }
    }

    /// Writes stderr to our stdout too: it is what was asked for.
    pub fn one_way(self) -> Self {
        Self { one_way: true, ..self }
    }

    /// How far each stream has been written: what needn't come again over a new connection.
    fn have(&self) -> Vec<StreamBytes> {
        let told = STREAMS.into_iter().map(|stream| StreamBytes { stream, bytes: self.written[index(stream)] });
        told.filter(|of| of.bytes > 0).collect()
    }

    /// Whether all the lines that were asked for are written.
    pub fn has_enough(&self) -> bool {
        self.lines == Some(0)
    }

    /// The part of the bytes that is still wanted.
    fn wanted<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let Some(left) = &mut self.lines else { return bytes };
        let ends = bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at + 1);
        let mut end = 0;
        for at in ends.take(*left) {
            (end, *left) = (at, *left - 1);
        }
        if *left > 0 { bytes } else { &bytes[..end] }
    }

    /// Writes what is new of an output event.
    ///
    /// # Errors
    /// When our own output is closed or full.
    pub async fn print(&mut self, output: &Output) -> Result<(), OutError> {
        let written = &mut self.written[index(output.stream)];
        let end = output.offset + output.data.0.len() as u64;
        if end <= *written {
            return Ok(());
        }
        let skip = usize::try_from(written.saturating_sub(output.offset)).unwrap_or(0);
        let fresh = &output.data.0[skip.min(output.data.0.len())..];
        let offset = end - fresh.len() as u64;
        *written = end;
        let fresh = self.wanted(fresh);
        if let Some(left) = &mut self.left {
            left.feed(fresh);
        }
        let mut cleaned = Vec::new();
        let fresh = match &mut self.form {
            Form::Bytes => fresh,
            Form::Clean(filters) => {
                filters[index(output.stream)].push(fresh, &mut cleaned);
                &cleaned
            }
            Form::Guarded { guard, ask_from } => {
                let old = ask_from.map_or(u64::MAX, |from| from.saturating_sub(offset));
                let (old, new) = fresh.split_at(usize::try_from(old).unwrap_or(usize::MAX).min(fresh.len()));
                guard.let_ask(false);
                cleaned = guard.pass(old);
                guard.let_ask(ask_from.is_some());
                cleaned.extend(guard.pass(new));
                &cleaned
            }
            Form::Json => {
                let event = Event::Output(Output { offset, data: fresh.to_vec().into(), ..output.clone() });
                return super::out::line(&serde_json::to_string(&event).unwrap_or_default());
            }
        };
        if output.stream == Stream::Stderr && !self.one_way {
            let mut stderr = tokio::io::stderr();
            stderr.write_all(fresh).await?;
            stderr.flush().await?;
        } else {
            let mut stdout = tokio::io::stdout();
            stdout.write_all(fresh).await?;
            stdout.flush().await?;
        }
        Ok(())
    }
}

/// How following ended.
pub enum End<R> {
    /// With the reply.
    Reply(R),
    /// Nobody wants more: our stdout was closed by its reader, or has all the lines that were asked for.
    ReaderGone,
}

/// What a caller does with events other than output.
pub type OnEvent<'a> = &'a mut dyn FnMut(&Link, &Event);

/// A request that may safely be sent again: it has an idempotency key, or changes nothing.
pub trait Again: Action + Clone {
    /// The same request for one who has so much of the output already.
    fn again(&self, have: Vec<StreamBytes>) -> Self;
}

impl Again for Exec {
    fn again(&self, have: Vec<StreamBytes>) -> Self {
        Self { have, ..self.clone() }
    }
}

impl Again for Follow {
    fn again(&self, have: Vec<StreamBytes>) -> Self {
        // Of nothing there is nothing to go on from.
        if have.is_empty() { self.clone() } else { Self { from: FollowFrom::Have { have }, ..self.clone() } }
    }
}

/// Sends a request and prints its output until the reply. A lost connection is made anew, starting the hands if they are
/// gone; what was printed doesn't come again.
///
/// # Errors
/// When the hands answer with an error, can't be reached any more, or our own output fails.
pub async fn run<A: Again>(
    context: &Context,
    link: &Link,
    action: A,
    printer: &mut Printer,
    on_event: OnEvent<'_>,
) -> Result<End<A::Reply>, Failure> {
    let (mut client, mut request) = (link.client(), action.clone());
    loop {
        let result = match client.start(request).await {
            Ok(mut call) => one_connection(context, link, &mut call, printer, on_event).await?,
            Err(error) => Err(error),
        };
        match result {
            Ok(end) => return Ok(end),
            Err(error) => {
                client = link.renew(context, error).await?;
                request = action.again(printer.have());
            }
        }
    }
}

async fn one_connection<A: Action>(
    context: &Context,
    link: &Link,
    call: &mut Call<A>,
    printer: &mut Printer,
    on_event: OnEvent<'_>,
) -> Result<Result<End<A::Reply>, ClientError>, Failure> {
    loop {
        if printer.has_enough() {
            return Ok(Ok(End::ReaderGone));
        }
        match call.next().await {
            Ok(Update::Event(Event::Output(output))) => match printer.print(&output).await {
                Ok(()) => {}
                Err(OutError::Gone) => return Ok(Ok(End::ReaderGone)),
                Err(OutError::Failed(e)) => return Err(Failure::because("the output can't be written", &e)),
            },
            Ok(Update::Event(event)) => {
                tell_of_holding(context, &event);
                on_event(link, &event);
            }
            Ok(Update::Reply(reply)) => return Ok(Ok(End::Reply(reply))),
            Err(error) => return Ok(Err(error)),
        }
    }
}

/// With `--json`, an event that is no output as a line.
pub fn tell_as_json(context: &Context, event: &Event) {
    if context.json
        && let Ok(line) = serde_json::to_string(event)
    {
        let _ = super::out::line(&line);
    }
}

/// A job that stands still because its log can't grow looks like one that hangs, if nobody says so.
fn tell_of_holding(context: &Context, event: &Event) {
    let words = match event {
        Event::JobHeld(held) => {
            let (job, why) = (&held.job, visible(&held.reason));
            format!("job {job} is held back: {why}; it goes on by itself when its log can grow, nothing is lost")
        }
        Event::JobResumed(resumed) => format!("job {} goes on", resumed.job),
        _ => return,
    };
    // A terminal in raw mode, as a window has it, doesn't return the carriage by itself.
    let end = if std::io::stderr().is_terminal() { "\r" } else { "" };
    context.talk(&format!("{}{end}", context.style.warn(&words)));
}

/// Waits for a future that prints a job, unless the person ends it first.
pub async fn unless_ended<T>(
    endings: &mut super::signals::Endings,
    work: impl Future<Output = T>,
) -> Result<T, super::signals::Ending> {
    tokio::select! {
        ending = endings.next() => Err(ending),
        done = work => Ok(done),
    }
}

/// The exit code that tells how a job ended.
///
/// # Errors
/// When nobody observed its end.
pub fn exit_code(job: &JobRecord) -> Result<u8, Failure> {
    use pryx_terms::{JobState, Outcome, Seen, StopReason};
    if let JobState::Ended { stopped: Some(stopped), .. } = &job.state
        && stopped.reason == StopReason::Timeout
    {
        return Ok(super::exit::TIMEOUT);
    }
    if let JobState::Ended { outcome: Outcome::Lost { reason }, seen: Some(Seen::Never), .. } = &job.state {
        let terminal = job.terminal.as_ref().map_or("last", |name| name.as_str());
        return Err(Failure::new(format!("job {}: {reason}", job.id))
            .hint(format!("`pryx attach {terminal}` shows what goes on in it")));
    }
    match job.outcome() {
        Some(Outcome::Lost { reason }) => {
            Err(Failure::new(format!("job {} was lost: {reason}; its exit code was not observed", job.id))
                .hint(format!("`pryx log {}` has what it printed", job.id)))
        }
        Some(outcome) => Ok(outcome.shell_code().unwrap_or(super::exit::FAILED)),
        None => Err(Failure::new(format!("job {} has not ended", job.id))),
    }
}
