//! `wait`: answered when a job has come to a point, or can't come to it any more.

use pryx_terms::JobRecord;
use serde::{Deserialize, Serialize};

/// `wait`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// As in [`crate::ReadLog::job`].
    pub job: String,
    /// What for.
    #[serde(flatten)]
    pub until: Until,
    /// Answer after this many milliseconds in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
}

/// What a job can be waited for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "until", rename_all = "snake_case")]
pub enum Until {
    /// It has ended.
    Exit,
    /// A line of its output matches, what it printed before included. Without control sequences, as `log` shows it.
    Match {
        /// A regular expression.
        pattern: String,
    },
    /// It printed nothing for so long.
    Silence {
        /// Milliseconds.
        ms: u64,
    },
    /// Somebody on this machine listens at that TCP port.
    Port {
        /// Which.
        port: u16,
    },
    /// Nothing goes on until somebody types: it asks, or a shell is at its prompt.
    Prompt,
    /// So many windows onto it are open, and at least one more.
    Window {
        /// Those that were open before.
        more_than: u32,
    },
}

/// How the waiting ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitReply {
    /// Why it is answered.
    #[serde(flatten)]
    pub end: WaitEnd,
    /// The job, as it then was.
    pub job: JobRecord,
}

/// Why a `wait` is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "snake_case")]
pub enum WaitEnd {
    /// It came to the point.
    Met {
        /// The line that matched; what the job waits for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        what: Option<String>,
    },
    /// Time was up.
    Timeout,
    /// It ended before.
    Ended,
}
