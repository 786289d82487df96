//! What hands and keeper say to each other: newline-delimited JSON, private to the two.
//!
//! Both ship in one binary, but a keeper outlives the hands that started it, so newer hands must understand older
//! keepers: fields are only added, unknown messages are skipped, and [`VERSION`] goes up when that isn't enough.

use crate::sandbox::Profile;
use pryx_ipc::{Blob, Io, Stdin};
use pryx_terms::{Activity, JobId, JobState, StopReason, StreamBytes, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Version of these messages.
pub(crate) const VERSION: u32 = 1;

/// Longest line either side accepts. Input is sent in pieces well below it.
pub(crate) const MAX_LINE: usize = 512 * 1024;

/// Bytes of input in one message. Base64 makes it a third longer, still well below [`MAX_LINE`].
pub(crate) const INPUT_PIECE: usize = 64 * 1024;

/// What to run: one line on the keeper's standard input. It holds the environment, so it has no `Debug` and is
/// never written anywhere.
#[derive(Serialize, Deserialize)]
pub(crate) struct Spec {
    /// [`VERSION`] of the hands.
    pub v: u32,
    /// Which job.
    pub job: JobId,
    /// Program and arguments.
    pub argv: Vec<String>,
    /// The whole environment.
    pub env: BTreeMap<String, String>,
    /// Where it runs.
    pub cwd: PathBuf,
    /// A terminal, or pipes.
    pub io: Io,
    /// Where it reads from.
    pub stdin: Stdin,
    /// When to stop it.
    pub timeout_ms: Option<u64>,
    /// An interactive shell, which ignores SIGTERM: a stop hangs up on it, as a closed terminal would.
    pub hangup: bool,
    /// What the command and all it starts are held to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
}

/// The keeper's one line on its standard output.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub(crate) enum StartAnswer {
    /// The command runs.
    Started {
        /// Its process id.
        pid: u32,
    },
    /// It does not.
    Failed {
        /// What could not be done.
        at: FailedAt,
        /// The system's word.
        message: String,
    },
}

/// Where a start failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FailedAt {
    /// The directory.
    Cwd,
    /// The program.
    Program,
    /// The keeper itself: log, socket, PTY.
    Keeper,
}

/// To the keeper.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(crate) enum ToKeeper {
    /// Asks for the state; with `watch`, for every change from then on too.
    Hello {
        /// [`VERSION`] of the hands.
        v: u32,
        /// Whether changes are wanted.
        watch: bool,
    },
    /// Bytes to type. Answered with `taken` or `refused`.
    Input {
        /// The bytes.
        data: Blob,
        /// The longest line of the whole text: refused if the terminal would cut it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        longest: Option<usize>,
    },
    /// Ends a piped standard input. Answered like `input`.
    Eof,
    /// A new window size.
    Resize {
        /// Lines.
        rows: u16,
        /// Columns.
        cols: u16,
    },
    /// Ends the command and everything it started.
    Stop {
        /// Between SIGTERM and SIGKILL.
        grace_ms: u64,
        /// Who asks, in words.
        by: String,
        /// Why.
        reason: StopReason,
    },
}

/// From the keeper.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub(crate) enum FromKeeper {
    /// The answer to `hello`.
    State {
        /// [`VERSION`] of the keeper.
        v: u32,
        /// Everything known.
        record: KeeperRecord,
        /// What it does; absent from a keeper that doesn't know yet.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pulse: Option<Pulse>,
    },
    /// It does something else now.
    Pulse(Pulse),
    /// More output is in the logs.
    Grew {
        /// All streams.
        output: Vec<StreamBytes>,
    },
    /// A log can't be written; the command is held back until it can.
    Paused {
        /// The system's word.
        reason: String,
    },
    /// It can be written again.
    Resumed,
    /// Input was taken into the queue.
    Taken,
    /// Input can't be taken.
    Refused {
        /// Why.
        reason: String,
    },
    /// The command ended.
    Ended {
        /// How.
        record: KeeperRecord,
    },
    /// Everything it started has ended too, and so does the keeper.
    Gone,
    /// Something a later version says.
    #[serde(other)]
    Unknown,
}

/// What a job does at the moment. Not part of the record: it is true only while the keeper lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pulse {
    /// What.
    pub activity: Activity,
    /// Since when.
    pub since: Timestamp,
    /// The program wants pasted text in brackets.
    #[serde(default)]
    pub paste: bool,
    /// The program wants cursor keys in their application form.
    #[serde(default)]
    pub cursor_keys: bool,
}

/// What the keeper knows about its job: `record.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeeperRecord {
    /// [`VERSION`] of the keeper.
    pub v: u32,
    /// Which job.
    pub job: JobId,
    /// The keeper's own process id.
    pub keeper: u32,
    /// The command's, kept when it has ended; 0 from a keeper that didn't tell.
    #[serde(default)]
    pub command: u32,
    /// When the command was started.
    pub started: Timestamp,
    /// Running or ended.
    #[serde(flatten)]
    pub state: JobState,
    /// Bytes per stream.
    pub output: Vec<StreamBytes>,
    /// Why the command is held back, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<String>,
}

/// One message as a line.
pub(crate) fn line<T: Serialize>(message: &T) -> Vec<u8> {
    // These types are strings, numbers and maps keyed by strings: serde_json can't fail on them, save for a path
    // that is no UTF-8, and those come from JSON in the first place.
    let mut bytes = serde_json::to_vec(message).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}
