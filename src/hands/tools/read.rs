//! `shell.read`: a range of what a command printed.

use super::{Planned, Work, arguments};
use crate::daemon::Hands;
use crate::excerpt::CAP;
use crate::gate::{Act, Request, Surroundings};
use crate::logs::LogFile;
use crate::logs::collapse::clean;
use crate::logs::search::{self, Query};
use pryx_ipc::CallTool;
use pryx_terms::{JobId, JobRecord, SessionId, Stream, StreamBytes, ToolResult, ToolSpec};
use serde::Deserialize;
use serde_json::json;
use std::fmt::Write as _;
use std::io;

pub(super) const NAME: &str = "shell.read";

/// Bytes of log in one answer: as much as an excerpt holds.
const MAX: u64 = CAP as u64;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    job: String,
    offset: Option<u64>,
    limit: Option<u64>,
    tail: Option<u64>,
    grep: Option<String>,
}

/// What to read.
pub(crate) struct Read {
    job: JobId,
    from: From,
    limit: u64,
    grep: Option<regex::bytes::Regex>,
}

enum From {
    Offset(u64),
    Tail(u64),
}

pub(super) fn spec() -> ToolSpec {
    ToolSpec {
        name: NAME.to_owned(),
        description:
            "Read more of a job's output: a range by byte offset, its last bytes, or the lines that match a regex."
                .to_owned(),
        parameters: json!({
            "type": "object",
            "properties": {
                "job": {"type": "string"},
                "offset": {"type": "integer", "minimum": 0},
                "limit": {"type": "integer", "minimum": 1, "maximum": MAX},
                "grep": {"type": "string", "description": "from offset on; gives LINE:OFFSET:TEXT"},
                "tail": {"type": "integer", "minimum": 1, "maximum": MAX, "description": "instead of offset"},
            },
            "required": ["job"],
            "additionalProperties": false,
        }),
    }
}

pub(super) fn plan(hands: &Hands, call: CallTool, session: Option<&SessionId>) -> Result<Planned, String> {
    let arguments: Arguments = arguments(NAME, call.arguments)?;
    let job = hands.jobs.resolve(&arguments.job).map_err(|error| error.to_string())?;
    let from = match (arguments.offset, arguments.tail) {
        (_, Some(_)) if arguments.grep.is_some() => return Err("say grep or tail, not both".to_owned()),
        (Some(_), Some(_)) => return Err("say offset or tail, not both".to_owned()),
        (offset, None) => From::Offset(offset.unwrap_or(0)),
        (None, Some(tail)) => From::Tail(tail.min(MAX)),
    };
    let grep = arguments.grep.as_deref().map(search::pattern).transpose()?;
    let limit = arguments.limit.unwrap_or(MAX).min(MAX);
    let request = Request {
        tool: NAME.to_owned(),
        act: act(&job, session),
        cwd: call.cwd,
        surroundings: Surroundings::default(),
    };
    Ok(Planned { request, work: Work::Read(Read { job: job.id, from, limit, grep }) })
}

/// What the same conversation printed, its model has seen or could have; anything else is the person's to show.
fn act(job: &JobRecord, session: Option<&SessionId>) -> Act {
    let text = format!("read what job {} printed ({})", job.id, job.command);
    if session.is_some() && job.session.as_ref() == session {
        Act::Look { text }
    } else {
        Act::Other { text, argv: Vec::new() }
    }
}

/// Reads it, off the loop that serves others: a large log takes a moment to search.
pub(crate) async fn run(hands: &Hands, read: Read) -> ToolResult {
    let job = match hands.jobs.resolve(read.job.as_str()) {
        Ok(job) => job,
        Err(error) => return ToolResult::Failed { message: error.to_string() },
    };
    let Some(first) = job.output.first().copied() else {
        return ToolResult::Failed { message: format!("job {} has no output", job.id) };
    };
    let (id, dir) = (job.id.clone(), hands.jobs.dir(&job.id));
    let work = move || {
        let mut log = LogFile::open(&dir, first.stream)?;
        match &read.grep {
            Some(pattern) => lines(&mut log, &job, first, pattern, &read),
            None => range(&mut log, &job, first, &read),
        }
    };
    match tokio::task::spawn_blocking(work).await.map_err(io::Error::other).flatten() {
        Ok(text) => ToolResult::Text { text },
        Err(error) => ToolResult::Failed { message: format!("the log of job {id} can't be read: {error}") },
    }
}

fn heading(job: &JobRecord, stream: Stream) -> (String, &'static str) {
    let state = job.outcome().map_or_else(|| "running".to_owned(), ToString::to_string);
    let name = match stream {
        Stream::Tty => "output",
        Stream::Stdout => "stdout",
        Stream::Stderr => "stderr",
    };
    (format!("job {}, {state}", job.id), name)
}

fn range(log: &mut LogFile, job: &JobRecord, output: StreamBytes, read: &Read) -> io::Result<String> {
    let (offset, limit) = match read.from {
        From::Offset(offset) => (offset.min(output.bytes), read.limit),
        From::Tail(tail) => (output.bytes.saturating_sub(tail), tail),
    };
    let bytes = log.range(offset, (output.bytes - offset).min(limit))?;
    let (heading, name) = heading(job, output.stream);
    let end = offset + bytes.len() as u64;
    Ok(format!("[{heading}: bytes {offset} to {end} of {} of its {name}]\n{}", output.bytes, clean(&bytes)))
}

fn lines(
    log: &mut LogFile,
    job: &JobRecord,
    output: StreamBytes,
    pattern: &regex::bytes::Regex,
    read: &Read,
) -> io::Result<String> {
    let offset = match read.from {
        From::Offset(offset) => offset,
        From::Tail(_) => 0,
    };
    let mut query =
        Query { pattern: pattern.clone(), offset, line: None, limit: search::MAX_MATCHES, whole_lines: false };
    let (mut text, mut count) = (String::new(), 0);
    let room = usize::try_from(read.limit).unwrap_or(CAP);
    let rest = 'steps: loop {
        let found = search::search(log, output.bytes, &query)?;
        for one in &found.matches {
            if text.len() + one.text.len() > room && count > 0 {
                break 'steps Some(one.at.offset);
            }
            count += 1;
            let _ = writeln!(text, "{}:{}:{}", one.at.line, one.at.offset, one.text);
        }
        if found.at_end {
            break None;
        }
        (query.offset, query.line) = (found.next.offset, Some(found.next.line));
    };
    let (heading, name) = heading(job, output.stream);
    let more = rest.map(|at| format!("; more from offset {at} on")).unwrap_or_default();
    Ok(format!("[{heading}: {count} matching lines of its {name}, {} bytes{more}]\n{text}", output.bytes))
}
