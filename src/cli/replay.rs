//! `pryx replay`: a job's output again, at the pace it came, or as an asciicast file (version 2).

use super::args;
use super::context::Context;
use super::exit;
use super::failure::Failure;
use super::out::{self, OutError};
use super::signals::Endings;
use super::terminal::Guard;
use jiff::Timestamp;
use pryx_ipc::{Client, ReadLog, ReadTiming, TimingEvent};
use pryx_terms::{JobRecord, Stream};
use serde_json::json;
use std::fs::OpenOptions;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;

/// Bytes of output in one event of the recording, and asked for at once.
const PIECE: u64 = 64 * 1024;

/// The size told for a job that ran on no terminal.
const NO_TERMINAL: (u16, u16) = (24, 80);

/// Plays a job's output, or writes it into a file.
pub async fn replay(context: &Context, args: args::Replay) -> Result<u8, Failure> {
    let client = super::connect::connect(&context.route).await?;
    let mut endings = Endings::watch().map_err(|e| Failure::because("signals can't be watched", &e))?;
    let recording = Recording::load(&client, &args.job).await?;
    if recording.job.outcome().is_none() {
        context.talk(&format!("job {} still runs; this is what it printed so far", recording.job.id));
    }
    // What was recorded asks nobody any more: an answer would be typed into the shell that comes next.
    let mut guard = io::stdout().is_terminal().then(Guard::silent);
    let work = async {
        match args.export.as_deref() {
            None => play(&client, &recording, args.speed, guard.as_mut()).await,
            Some(file) => export(&client, &recording, args.speed, file).await,
        }
    };
    let done = super::follow::unless_ended(&mut endings, work).await;
    if let Some(guard) = guard.as_mut().filter(|_| args.export.is_none()) {
        let _ = out::data(&guard.undo());
    }
    match done {
        Err(ending) => Ok(ending.code),
        Ok(done) => done,
    }
}

/// What is known about a job's first stream.
struct Recording {
    job: JobRecord,
    stream: Stream,
    events: Vec<TimingEvent>,
}

impl Recording {
    async fn load(client: &Client, job: &str) -> Result<Self, Failure> {
        let (mut name, mut events) = (job.to_owned(), Vec::new());
        loop {
            let skip = events.len() as u64;
            let reply = client.call(ReadTiming { job: name, stream: None, skip }).await?;
            events.extend(reply.events);
            if reply.at_end {
                let mut recording = Self { job: reply.job, stream: reply.stream, events };
                recording.add_the_rest();
                return Ok(recording);
            }
            name = reply.job.id.to_string();
        }
    }

    /// Bytes whose time is not known come with the last that are.
    fn add_the_rest(&mut self) {
        let total = self.job.output.iter().find(|o| o.stream == self.stream).map_or(0, |o| o.bytes);
        let told = |event: &TimingEvent| if let TimingEvent::Output { end, .. } = event { Some(*end) } else { None };
        if self.events.iter().rev().find_map(told).unwrap_or(0) < total {
            let at_ms = self.events.last().map_or(0, |event| match event {
                TimingEvent::Output { at_ms, .. } | TimingEvent::Size { at_ms, .. } => *at_ms,
            });
            self.events.push(TimingEvent::Output { at_ms, end: total });
        }
    }

    fn size(&self) -> (u16, u16) {
        let size = |event: &TimingEvent| match event {
            TimingEvent::Size { rows, cols, .. } => Some((*rows, *cols)),
            TimingEvent::Output { .. } => None,
        };
        self.events.iter().find_map(size).unwrap_or(NO_TERMINAL)
    }
}

/// Something of a recording, on its way to a screen or a file.
enum Piece<'a> {
    Bytes(&'a [u8]),
    Size { rows: u16, cols: u16 },
}

/// Where the pieces of a recording go.
trait Sink {
    async fn take(&mut self, at: Duration, piece: Piece<'_>) -> Result<(), OutError>;
}

/// Hands out a recording piece by piece.
async fn run(client: &Client, recording: &Recording, sink: &mut impl Sink) -> Result<Option<OutError>, Failure> {
    let mut at_byte = 0;
    for event in &recording.events {
        match *event {
            TimingEvent::Size { at_ms, rows, cols } => {
                if let Err(error) = sink.take(Duration::from_millis(at_ms), Piece::Size { rows, cols }).await {
                    return Ok(Some(error));
                }
            }
            TimingEvent::Output { at_ms, end } => {
                while at_byte < end {
                    let limit = u32::try_from((end - at_byte).min(PIECE)).unwrap_or(u32::MAX);
                    let job = recording.job.id.to_string();
                    let read = ReadLog { job, stream: Some(recording.stream), offset: at_byte, limit };
                    let bytes = client.call(read).await?.data.0;
                    if bytes.is_empty() {
                        return Ok(None);
                    }
                    at_byte += bytes.len() as u64;
                    if let Err(error) = sink.take(Duration::from_millis(at_ms), Piece::Bytes(&bytes)).await {
                        return Ok(Some(error));
                    }
                }
            }
        }
    }
    Ok(None)
}

/// Shows it, waiting as the command did.
struct Screen<'a> {
    began: Instant,
    speed: f64,
    guard: Option<&'a mut Guard>,
}

impl Sink for Screen<'_> {
    async fn take(&mut self, at: Duration, piece: Piece<'_>) -> Result<(), OutError> {
        let Piece::Bytes(bytes) = piece else { return Ok(()) };
        let due = Duration::try_from_secs_f64(at.as_secs_f64() / self.speed).unwrap_or(Duration::MAX);
        tokio::time::sleep(due.saturating_sub(self.began.elapsed())).await;
        match &mut self.guard {
            Some(guard) => out::data(&guard.pass(bytes)),
            None => out::data(bytes),
        }
    }
}

async fn play(client: &Client, recording: &Recording, speed: f64, guard: Option<&mut Guard>) -> Result<u8, Failure> {
    let mut screen = Screen { began: Instant::now(), speed, guard };
    finish(run(client, recording, &mut screen).await?)
}

fn finish(error: Option<OutError>) -> Result<u8, Failure> {
    match error {
        None => Ok(exit::DONE),
        Some(OutError::Gone) => Ok(exit::BROKEN_PIPE),
        Some(OutError::Failed(e)) => Err(Failure::because("the output can't be written", &e)),
    }
}

/// Writes an asciicast: a line of JSON as header, then one per event.
struct Cast<W> {
    out: W,
    speed: f64,
    /// The beginning of a character whose end comes with the next bytes.
    partial: Vec<u8>,
    last: Duration,
    sized: bool,
}

impl<W: Write> Cast<W> {
    fn line(&mut self, at: Duration, kind: &str, data: &str) -> Result<(), OutError> {
        // Microseconds, as other recorders write them.
        let seconds = (at.as_secs_f64() / self.speed * 1e6).round() / 1e6;
        writeln!(self.out, "{}", json!([seconds, kind, data]))?;
        Ok(())
    }

    fn end(&mut self) -> Result<(), OutError> {
        let rest = String::from_utf8_lossy(&std::mem::take(&mut self.partial)).into_owned();
        if !rest.is_empty() {
            self.line(self.last, "o", &rest)?;
        }
        self.out.flush()?;
        Ok(())
    }
}

impl<W: Write> Sink for Cast<W> {
    async fn take(&mut self, at: Duration, piece: Piece<'_>) -> Result<(), OutError> {
        self.last = at;
        match piece {
            // The first size stands in the header.
            Piece::Size { .. } if !std::mem::replace(&mut self.sized, true) => Ok(()),
            Piece::Size { rows, cols } => self.line(at, "r", &format!("{cols}x{rows}")),
            Piece::Bytes(bytes) => {
                self.partial.extend_from_slice(bytes);
                let text = whole_characters(&mut self.partial);
                if text.is_empty() { Ok(()) } else { self.line(at, "o", &text) }
            }
        }
    }
}

/// Takes the text out of the bytes and leaves a character that has only begun. Bytes that are no text become U+FFFD.
fn whole_characters(bytes: &mut Vec<u8>) -> String {
    let mut text = String::with_capacity(bytes.len());
    let mut rest = 0;
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        rest += chunk.valid().len();
        if chunk.invalid().is_empty() {
            continue;
        }
        if rest + chunk.invalid().len() == bytes.len() && begins_a_character(chunk.invalid()) {
            break;
        }
        text.push(char::REPLACEMENT_CHARACTER);
        rest += chunk.invalid().len();
    }
    bytes.drain(..rest);
    text
}

/// Whether more bytes could make it a character: then what is there is no error, only short.
fn begins_a_character(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

async fn export(client: &Client, recording: &Recording, speed: f64, file: &Path) -> Result<u8, Failure> {
    let stdout = file == Path::new("-");
    let out: Box<dyn Write> = if stdout {
        Box::new(BufWriter::new(io::stdout()))
    } else {
        let opened = OpenOptions::new().write(true).create_new(true).open(file);
        let file = opened.map_err(|e| {
            Failure::because(format!("{} can't be made", file.display()), &e).hint("name a file that isn't there yet")
        })?;
        Box::new(BufWriter::new(file))
    };
    let (rows, cols) = recording.size();
    let mut cast = Cast { out, speed, partial: Vec::new(), last: Duration::ZERO, sized: false };
    let header = json!({
        "version": 2,
        "width": cols,
        "height": rows,
        "timestamp": Timestamp::as_second(recording.job.started),
        "command": recording.job.command,
        "title": format!("pryx job {}", recording.job.id),
    });
    if let Err(error) = writeln!(cast.out, "{header}") {
        return finish(Some(error.into()));
    }
    let error = run(client, recording, &mut cast).await?;
    finish(error.or_else(|| cast.end().err()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_split_nowhere() {
        let bytes = "aé漢🦀\u{7f}z".as_bytes();
        for size in 1..bytes.len() {
            let (mut partial, mut text) = (Vec::new(), String::new());
            for part in bytes.chunks(size) {
                partial.extend_from_slice(part);
                text.push_str(&whole_characters(&mut partial));
            }
            assert_eq!((text.as_bytes(), partial.len()), (bytes, 0), "in parts of {size}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_marked() {
        for (bytes, text, left) in [
            (&b"a\xffb"[..], "a\u{fffd}b", 0),
            (b"\xe6\xbc", "", 2),
            (b"x\xe6\xbcy", "x\u{fffd}y", 0),
            (b"\xff", "\u{fffd}", 0),
        ] {
            let mut bytes = bytes.to_vec();
            assert_eq!((whole_characters(&mut bytes).as_str(), bytes.len()), (text, left));
        }
    }
}
