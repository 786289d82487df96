//! What hands and keeper say to each other: newline-delimited JSON, private to the two.
//!
//! Both ship in one binary, but a keeper outlives the hands that started it, so newer hands must understand older
//! keepers: fields are only added, unknown messages are skipped, and [`VERSION`] goes up when that isn't enough.

use crate::sandbox::Profile;
use pryx_ipc::{Blob, Io, Stdin};
use pryx_terms::{Activity, JobId, JobState, StopReason, StreamBytes, TerminalName, Timestamp};
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
    /// A terminal's shell, whose commands are to be followed one by one.
    #[serde(default)]
    pub hooks: bool,
    /// The terminal's name, for words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminal: Option<TerminalName>,
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
        /// A command that runs in the terminal, instead of the terminal itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        of: Option<JobId>,
    },
    /// Runs a command in the terminal's shell. Answered with `taken` or `refused`.
    Run(Box<Run>),
    /// Bytes to type. Answered with `taken` or `refused`.
    Input {
        /// The bytes.
        data: Blob,
        /// The longest line of the whole text: refused if the terminal would cut it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        longest: Option<usize>,
        /// A person types: commands wait until their line is done.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        person: bool,
        /// It comes from a window, so some of it may be what its terminal says by itself.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        window: bool,
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
        /// Only a command that runs in the terminal, with what it started.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        of: Option<JobId>,
    },
}

/// A command for a terminal's shell.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    /// Its id.
    pub job: JobId,
    /// Where its log and its record go; made by the hands.
    pub dir: PathBuf,
    /// What a person would type.
    pub text: String,
    /// The directory that the shell changes to before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enter: Option<String>,
    /// Variables that it exports before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub export: Vec<(String, String)>,
    /// When to stop it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// The directory that it was planned for: in another one it doesn't run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned: Option<PathBuf>,
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
        /// Of a terminal whose commands can be followed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shell: Option<ShellState>,
    },
    /// It does something else now.
    Pulse(Pulse),
    /// Its shell is in another state.
    Shell(ShellState),
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

/// What a terminal's shell told last, and what keeps it from running a command.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ShellState {
    /// `bash`, `zsh`, `fish` or `sh`.
    pub shell: String,
    /// The directory it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<PathBuf>,
    /// Its PATH.
    #[serde(default)]
    pub path: String,
    /// Its options, as it writes them.
    #[serde(default)]
    pub settings: String,
    /// What it exports, as it writes it; of a shell that is held.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub exports: String,
    /// The command that runs in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running: Option<JobId>,
    /// Commands that wait for it.
    #[serde(default)]
    pub waiting: u32,
    /// A person types, or runs something of their own.
    #[serde(default)]
    pub person: bool,
    /// Commands that persons typed in it so far: as many lines has [`crate::keeper::typed`]'s list.
    #[serde(default)]
    pub typed: u64,
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
    /// The directory that a terminal's shell was in last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<PathBuf>,
    /// How long it waited for a person who had the terminal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waited_ms: Option<u64>,
}

/// One message as a line.
pub(crate) fn line<T: Serialize>(message: &T) -> Vec<u8> {
    // These types are strings, numbers and maps keyed by strings: serde_json can't fail on them, save for a path
    // that is no UTF-8, and those come from JSON in the first place.
    let mut bytes = serde_json::to_vec(message).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}
