//! `pryx log`: what a job printed, all of it or a part, or the lines that match.

use super::args;
use super::context::Context;
use super::exit;
use super::failure::Failure;
use super::follow::{self, End, Printer};
use super::link::Link;
use super::signals::Endings;
use pryx_ipc::{Client, Event, Follow, FollowFrom, LogMatch, ReadLog, SearchLog, Update};
use pryx_terms::{JobRecord, Stream, visible};
use std::collections::VecDeque;
use std::io::IsTerminal;

/// Bytes asked for at once while looking for lines.
const STEP: u64 = 64 * 1024;

/// Prints a job's output.
pub async fn log(context: &Context, args: args::Log) -> Result<u8, Failure> {
    let client = super::connect::connect(&context.route).await?;
    let mut endings = Endings::watch().map_err(|e| Failure::because("signals can't be watched", &e))?;
    let reading = Reading::of(&client, &args).await?;
    match follow::unless_ended(&mut endings, print(context, client, args, reading)).await {
        Err(ending) => Ok(ending.code),
        Ok(done) => done,
    }
}

/// The stream that a part is taken of, and how far it goes now.
struct Reading {
    job: JobRecord,
    stream: Stream,
    bytes: u64,
}

impl Reading {
    async fn of(client: &Client, args: &args::Log) -> Result<Self, Failure> {
        let stream = args.stderr.then_some(Stream::Stderr);
        let probe = ReadLog { job: args.job.clone(), stream, offset: 0, limit: 0 };
        let seen = client.call(probe).await?;
        let bytes = seen.job.output.iter().find(|o| o.stream == seen.stream).map_or(0, |o| o.bytes);
        Ok(Self { job: seen.job, stream: seen.stream, bytes })
    }

    async fn read(&self, client: &Client, offset: u64, limit: u64) -> Result<Vec<u8>, Failure> {
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        let part = ReadLog { job: self.job.id.to_string(), stream: Some(self.stream), offset, limit };
        Ok(client.call(part).await?.data.0)
    }

    /// Where the last `lines` lines begin.
    async fn tail(&self, client: &Client, lines: usize) -> Result<u64, Failure> {
        let (mut start, mut newlines) = (if lines == 0 { 0 } else { self.bytes }, 0);
        while start > 0 {
            let from = start.saturating_sub(STEP);
            let part = self.read(client, from, start - from).await?;
            for (at, _) in part.iter().enumerate().rev().filter(|(_, b)| **b == b'\n') {
                let after = from + at as u64 + 1;
                // The newline that ends the last line begins no other.
                if after == self.bytes {
                    continue;
                }
                newlines += 1;
                if newlines == lines {
                    return Ok(after);
                }
            }
            start = from;
        }
        Ok(if lines == 0 { self.bytes } else { 0 })
    }
}

async fn print(context: &Context, client: Client, args: args::Log, reading: Reading) -> Result<u8, Failure> {
    if let Some(pattern) = &args.grep {
        return grep(context, &client, &args, &reading, pattern).await;
    }
    let part = args.stderr || args.since.is_some() || args.head.is_some() || args.tail.is_some();
    let from = match (args.tail, args.since) {
        (Some(lines), _) => FollowFrom::Offset { offset: reading.tail(&client, lines).await? },
        (None, Some(offset)) => FollowFrom::Offset { offset },
        (None, None) => FollowFrom::Start,
    };
    let clean = !args.raw && !context.json && std::io::stdout().is_terminal();
    let mut printer = if clean { Printer::clean() } else { Printer::new(context.json) };
    if args.stderr {
        printer = printer.one_way();
    }
    if let Some(lines) = args.head {
        printer = printer.lines(lines);
    }
    let stream = part.then_some(reading.stream);
    let follow = Follow { job: reading.job.id.to_string(), from, stream, until_end: args.follow, view: false };
    let mut on_event = |_: &Link, event: &Event| follow::tell_as_json(context, event);
    match follow::run(context, &Link::new(context, client), follow, &mut printer, &mut on_event).await? {
        End::ReaderGone if !printer.has_enough() => Ok(exit::BROKEN_PIPE),
        End::ReaderGone | End::Reply(_) => Ok(exit::DONE),
    }
}

/// Prints the lines that match; like grep, fails when there are none.
async fn grep(
    context: &Context,
    client: &Client,
    args: &args::Log,
    reading: &Reading,
    pattern: &str,
) -> Result<u8, Failure> {
    let mut query = SearchLog {
        job: reading.job.id.to_string(),
        stream: Some(reading.stream),
        pattern: pattern.to_owned(),
        offset: args.since.unwrap_or(0),
        line: None,
        limit: u32::MAX,
        whole_lines: args.follow,
    };
    let mut lines = Lines { json: context.json, head: args.head, tail: args.tail, kept: VecDeque::new(), found: false };
    // Tells when there is more to search: its events are only counted, and it begins where the search is.
    let from = FollowFrom::Offset { offset: reading.bytes };
    let follow = Follow { job: query.job.clone(), from, stream: query.stream, until_end: true, view: false };
    let mut growth = if args.follow { Some(client.start(follow).await?) } else { None };
    loop {
        let reply = client.call(query.clone()).await?;
        (query.offset, query.line) = (reply.next.offset, Some(reply.next.line));
        for one in reply.matches {
            if !lines.take(one)? {
                return Ok(exit::DONE);
            }
        }
        if !reply.at_end {
            continue;
        }
        match &mut growth {
            None => break,
            Some(call) => {
                if let Update::Reply(_) = call.next().await? {
                    (growth, query.whole_lines) = (None, false);
                }
            }
        }
    }
    lines.end()
}

/// The matches on their way out.
struct Lines {
    json: bool,
    head: Option<usize>,
    tail: Option<usize>,
    kept: VecDeque<LogMatch>,
    found: bool,
}

impl Lines {
    /// False when no more are wanted.
    fn take(&mut self, one: LogMatch) -> Result<bool, Failure> {
        self.found = true;
        if let Some(tail) = self.tail {
            self.kept.push_back(one);
            if self.kept.len() > tail {
                self.kept.pop_front();
            }
            return Ok(true);
        }
        if let Some(left) = &mut self.head {
            if *left == 0 {
                return Ok(false);
            }
            *left -= 1;
        }
        self.print(&one)?;
        Ok(self.head != Some(0))
    }

    fn print(&self, one: &LogMatch) -> Result<(), Failure> {
        if self.json {
            return super::print_line(&serde_json::to_string(one).unwrap_or_default());
        }
        // A tab is part of many a line; whatever else could act on a terminal is gone or written out.
        let text = one.text.split('\t').map(visible).collect::<Vec<_>>().join("\t");
        super::print_line(&format!("{}:{}:{text}", one.at.line, one.at.offset))
    }

    fn end(mut self) -> Result<u8, Failure> {
        for one in std::mem::take(&mut self.kept) {
            self.print(&one)?;
        }
        Ok(if self.found { exit::DONE } else { exit::FAILED })
    }
}
