//! What a client can ask about a log beyond its bytes: which lines match, and when each byte came.

use pryx_terms::{JobRecord, Stream};
use serde::{Deserialize, Serialize};

/// `search_log`: the lines of a stream that a regular expression matches.
///
/// A line is matched as a person reads it: without control sequences. Of a line that was redrawn, the last state that
/// matches counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchLog {
    /// As in [`crate::ReadLog::job`].
    pub job: String,
    /// Which stream; the job's first by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<Stream>,
    /// The regular expression, in the syntax of Rust's `regex` crate.
    pub pattern: String,
    /// Where to begin: the first byte looked at.
    #[serde(default)]
    pub offset: u64,
    /// The number of the line that begins there; the server counts when it isn't said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// At most so many matches; the server gives at most 1,000 at once.
    #[serde(default = "default_matches")]
    pub limit: u32,
    /// Leave a last line alone that has no end yet: more of it may come.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub whole_lines: bool,
}

fn default_matches() -> u32 {
    100
}

/// Lines that match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchLogReply {
    /// The job, as it is now.
    pub job: JobRecord,
    /// The stream searched.
    pub stream: Stream,
    /// In the order of the log.
    pub matches: Vec<LogMatch>,
    /// Where the next request goes on.
    pub next: LogPosition,
    /// Whether the stream's present end was reached. One request looks at a bounded part of a log.
    pub at_end: bool,
}

/// One line that matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogMatch {
    /// Where it stands.
    #[serde(flatten)]
    pub at: LogPosition,
    /// Its text without control sequences; of a long line the part around the match, with `…` where it was cut.
    pub text: String,
}

/// A place in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPosition {
    /// Bytes before it.
    pub offset: u64,
    /// The line's number, from 1.
    pub line: u64,
}

/// `read_timing`: when the bytes of a stream came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadTiming {
    /// As in [`crate::ReadLog::job`].
    pub job: String,
    /// Which stream; the job's first by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<Stream>,
    /// How many of the first events are known already.
    #[serde(default)]
    pub skip: u64,
}

/// What came when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadTimingReply {
    /// The job, as it is now.
    pub job: JobRecord,
    /// The stream.
    pub stream: Stream,
    /// In order; at most 4,096 at once. Bytes after the last `end` came later, or nobody knows when.
    pub events: Vec<TimingEvent>,
    /// Whether these are all there are now.
    pub at_end: bool,
}

/// Something that happened on a stream, in milliseconds since the command was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TimingEvent {
    /// Bytes came.
    Output {
        /// When.
        at_ms: u64,
        /// Where they end in the log; they begin where those before end.
        end: u64,
    },
    /// The terminal got this size.
    Size {
        /// When.
        at_ms: u64,
        /// Lines.
        rows: u16,
        /// Columns.
        cols: u16,
    },
}
