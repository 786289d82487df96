//! A plan: what a tool call would really do, worked out before it runs.

use crate::FileDiff;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use std::path::PathBuf;

/// A program that a command would start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// As it stands in the command.
    pub name: String,
    /// The file that name resolves to, symlinks followed; nothing for a shell builtin or what wasn't found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// Its arguments, quotes removed and globs expanded; one in `unsure` stands as written.
    pub args: Vec<String>,
    /// Which of the arguments (by index) are known only when it runs: they hold a variable or a command's output.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsure: Vec<usize>,
}

/// What would be touched, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "access", rename_all = "snake_case")]
pub enum Access {
    /// Opened for reading.
    Read {
        /// Which file, as far as it is known before the run.
        path: String,
    },
    /// Created, or its content replaced.
    Write {
        /// Which file, as far as it is known before the run.
        path: String,
    },
    /// Created, or added to: what was there stays.
    Add {
        /// Which file, as far as it is known before the run.
        path: String,
    },
    /// Removed.
    Delete {
        /// Which file, as far as it is known before the run.
        path: String,
    },
    /// Another machine is talked to.
    Contact {
        /// Its name or address.
        host: String,
    },
}

/// What one tool call would do. The gate stores it, shows it, and executes exactly it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The tool ("shell.exec").
    pub tool: String,
    /// The text a person reads: for a shell, the command.
    pub command: String,
    /// The argument vector that is executed.
    pub argv: Vec<String>,
    /// The directory it is executed in, symlinks resolved.
    pub cwd: PathBuf,
    /// Every program that would be started, in order of appearance.
    pub programs: Vec<Program>,
    /// Files touched by redirections.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<Access>,
    /// What its programs would touch, as far as their arguments tell: for the person who decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub touches: Vec<Access>,
    /// Variables that are set for the commands or the shell, other than those that change no command.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sets: Vec<String>,
    /// What could not be worked out, in words. A plan with open questions is never allowed without asking.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<String>,
    /// What a file would become, where the tool writes one itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<FileDiff>,
}

/// SHA-256 of a plan, in hex: what was approved is what runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PlanHash(String);

impl Plan {
    /// The hash over everything that the plan says. Field order is fixed by the type, so it is canonical.
    #[must_use]
    pub fn hash(&self) -> PlanHash {
        // A plan is strings, paths and lists; where a path is no UTF-8, its debug form stands in for it.
        let text = serde_json::to_vec(self).unwrap_or_else(|_| format!("{self:?}").into_bytes());
        PlanHash(Sha256::digest(text).iter().map(|b| format!("{b:02x}")).collect())
    }
}

impl PlanHash {
    /// The 64 hex digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PlanHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
