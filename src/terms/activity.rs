//! What a job is doing right now, as its terminal and the kernel tell, never as its output suggests.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// It works, or waits for something that is no key.
    Running,
    /// It waits for a line or a key.
    NeedsInput,
    /// It waits for a line that is not shown: a password. Only a person answers that.
    NeedsSecret,
    /// A program that fills the screen waits for keys: an editor, a pager.
    FullScreen,
    /// An interactive shell at its prompt.
    Idle,
    /// It has ended.
    Exited,
}

impl Activity {
    /// Whether nothing goes on until somebody types.
    #[must_use]
    pub fn waits_for_keys(self) -> bool {
        matches!(self, Self::NeedsInput | Self::NeedsSecret | Self::FullScreen | Self::Idle)
    }

    /// The name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::NeedsInput => "needs_input",
            Self::NeedsSecret => "needs_secret",
            Self::FullScreen => "full_screen",
            Self::Idle => "idle",
            Self::Exited => "exited",
        }
    }
}

impl fmt::Display for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What is true of a job at the moment it is asked about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    /// What it does.
    pub activity: Activity,
    /// Since when, as far as that was seen.
    pub since: Timestamp,
    /// Why it is held back, if it is: its log can't grow. It goes on by itself when it can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<String>,
    /// Processor time of all its processes, those included that they waited for; absent where the system doesn't tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_ms: Option<u64>,
    /// Resident memory of all its processes; what they share counts for each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resident_bytes: Option<u64>,
    /// A person types in the terminal, or runs something of their own there: commands for it wait.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub person: bool,
    /// Commands that wait for the terminal.
    #[serde(default, skip_serializing_if = "is_none")]
    pub waiting: u32,
    /// The last line that it printed, without control sequences; cut when it is long.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub last_line: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn is_none(count: &u32) -> bool {
    *count == 0
}
