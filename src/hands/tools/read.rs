//! `shell.read`: a range of what a command printed.

use super::{Planned, Work, arguments};
use crate::daemon::Hands;
use crate::excerpt::{CAP, clean};
use crate::gate::{Act, Request, Surroundings};
use crate::jobs::log_path;
use pryx_ipc::CallTool;
use pryx_terms::{JobId, JobRecord, SessionId, Stream, ToolResult, ToolSpec};
use serde::Deserialize;
use serde_json::json;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

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
}

/// What to read.
pub(crate) struct Read {
    job: JobId,
    from: From,
    limit: u64,
}

enum From {
    Offset(u64),
    Tail(u64),
}

pub(super) fn spec() -> ToolSpec {
    ToolSpec {
        name: NAME.to_owned(),
        description: "Read more of a job's output: a range by byte offset, or its last bytes.".to_owned(),
        parameters: json!({
            "type": "object",
            "properties": {
                "job": {"type": "string"},
                "offset": {"type": "integer", "minimum": 0},
                "limit": {"type": "integer", "minimum": 1, "maximum": MAX},
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
        (Some(_), Some(_)) => return Err("say offset or tail, not both".to_owned()),
        (offset, None) => From::Offset(offset.unwrap_or(0)),
        (None, Some(tail)) => From::Tail(tail.min(MAX)),
    };
    let limit = arguments.limit.unwrap_or(MAX).min(MAX);
    let request = Request {
        tool: NAME.to_owned(),
        act: act(&job, session),
        cwd: call.cwd,
        surroundings: Surroundings::default(),
    };
    Ok(Planned { request, work: Work::Read(Read { job: job.id, from, limit }) })
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

/// Reads it.
pub(crate) fn run(hands: &Hands, read: &Read) -> ToolResult {
    let job = match hands.jobs.resolve(read.job.as_str()) {
        Ok(job) => job,
        Err(error) => return ToolResult::Failed { message: error.to_string() },
    };
    let Some(first) = job.output.first().copied() else {
        return ToolResult::Failed { message: format!("job {} has no output", job.id) };
    };
    let (offset, limit) = match read.from {
        From::Offset(offset) => (offset.min(first.bytes), read.limit),
        From::Tail(tail) => (first.bytes.saturating_sub(tail), tail),
    };
    let length = (first.bytes - offset).min(limit);
    match range(&log_path(&hands.jobs.dir(&job.id), first.stream), offset, length) {
        Ok(bytes) => ToolResult::Text { text: describe(&job, first.stream, first.bytes, offset, &bytes) },
        Err(error) => ToolResult::Failed { message: format!("the log of job {} can't be read: {error}", job.id) },
    }
}

fn describe(job: &JobRecord, stream: Stream, total: u64, offset: u64, bytes: &[u8]) -> String {
    let state = job.outcome().map_or_else(|| "running".to_owned(), ToString::to_string);
    let name = match stream {
        Stream::Tty => "output",
        Stream::Stdout => "stdout",
        Stream::Stderr => "stderr",
    };
    let end = offset + bytes.len() as u64;
    let text = clean(bytes);
    format!("[job {}, {state}: bytes {offset} to {end} of {total} of its {name}]\n{text}", job.id)
}

fn range(path: &Path, offset: u64, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
    if !bytes.is_empty() {
        File::open(path)?.read_exact_at(&mut bytes, offset)?;
    }
    Ok(bytes)
}
