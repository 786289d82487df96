//! Tools as a model sees them, and what a call came to.

use crate::{Activity, JobRecord, Refusal, Ruling};
use serde::{Deserialize, Serialize};

/// A tool that a model can call. Name, description and JSON Schema go into its prompt: keep them short.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolSpec {
    /// Dotted name ("shell.exec").
    pub name: String,
    /// One or two sentences.
    pub description: String,
    /// JSON Schema of the arguments.
    pub parameters: serde_json::Value,
}

/// The part of an output that is shown to a model or a person, with an honest count of what is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excerpt {
    /// The beginning; everything when nothing was left out. Control sequences are removed.
    pub head: String,
    /// The end, when something was left out between.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub tail: String,
    /// Bytes of the log that neither part covers.
    pub omitted_bytes: u64,
    /// Bytes the log has in all.
    pub total_bytes: u64,
}

/// What a tool call came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum ToolResult {
    /// A command ran. Its record says how it ended.
    Ran {
        /// The job.
        job: Box<JobRecord>,
        /// What it printed.
        output: Excerpt,
    },
    /// A command runs and waits for somebody to type.
    Waits {
        /// The job, which goes on.
        job: Box<JobRecord>,
        /// What it printed so far.
        output: Excerpt,
        /// What it waits for.
        activity: Activity,
    },
    /// A tool that needs no process answered.
    Text {
        /// The answer.
        text: String,
    },
    /// It did not run.
    Refused {
        /// Through whom.
        refusal: Refusal,
        /// What the gate had said.
        ruling: Ruling,
    },
    /// The arguments made no sense, or it could not be started.
    Failed {
        /// What was wrong, for the model and for the person.
        message: String,
    },
}
