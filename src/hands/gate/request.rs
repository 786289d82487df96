//! What a call asks for, before anybody has worked out what it would do.

use super::plan::{plan_argv, plan_shell, plan_typed, quote};
use crate::sandbox::Profile;
use pryx_terms::Plan;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::path::PathBuf;

/// What the command will find around it. The hands hand over the very values that the child will get.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Surroundings {
    /// PATH.
    pub path: String,
    /// HOME.
    pub home: Option<PathBuf>,
    /// The terminal that it is typed into.
    pub terminal: Option<Around>,
}

/// What a command finds that is typed into a shell which stays. It may be another in a moment, so it is no part of what
/// was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Around {
    /// `bash`, `zsh`, `fish` or `sh`.
    pub shell: String,
    /// The directory it is in.
    pub cwd: PathBuf,
    /// Its options: `$-`, a colon, BASHOPTS.
    pub settings: String,
    /// A person opened it: it has their variables.
    pub persons: bool,
    /// A command was let through in it that may have changed what words mean.
    pub altered: bool,
    /// What its shell was started with.
    #[serde(skip)]
    pub(crate) profile: Option<Profile>,
}

/// The kinds of act that can be planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Act {
    /// A command line for a shell.
    Shell {
        /// What a person would type.
        command: String,
        /// The argument vector that the command is appended to (`["/bin/bash", "-c"]`).
        shell: Vec<String>,
    },
    /// A program with its arguments, no shell between.
    Argv {
        /// The program first.
        argv: Vec<String>,
    },
    /// A line that is typed into a terminal's shell.
    Typed {
        /// The terminal.
        terminal: String,
        /// The line, or several.
        text: String,
        /// The directory that it changes to before.
        enter: Option<PathBuf>,
    },
    /// A terminal's shell, as the hands start it themselves.
    Open {
        /// The terminal.
        terminal: String,
        /// The shell.
        argv: Vec<String>,
    },
    /// A look at what pryx itself holds (the output of a job of the same conversation). The caller has made sure that
    /// it is nothing else.
    Look {
        /// What is looked at, in words.
        text: String,
    },
    /// Something that is no command (input typed into a terminal). It is always asked when an agent wants it.
    Other {
        /// What would happen, in words.
        text: String,
        /// The process that is started for it, if one is.
        argv: Vec<String>,
    },
    /// A file is read or changed by the hands themselves.
    #[cfg(unix)]
    File(crate::files::FileAct),
    /// A web server is asked for something.
    #[cfg(unix)]
    Http(crate::http::HttpAct),
}

/// Why there is no plan: what was asked for makes no sense here. For the model and for the person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Obstacle(pub String);

/// One request: the tool, the act, and where it would happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Request {
    /// The tool ("shell.exec").
    pub tool: String,
    /// What is asked for.
    pub act: Act,
    /// The directory.
    pub cwd: PathBuf,
    /// PATH and HOME of the child.
    pub surroundings: Surroundings,
}

impl Request {
    /// Works out what would happen. Made again after a question was answered: a difference is drift.
    ///
    /// # Errors
    /// When nothing could: a file that isn't there can't be edited.
    pub fn plan(&self) -> Result<Plan, Obstacle> {
        Ok(match &self.act {
            Act::Shell { command, shell } => plan_shell(&self.tool, command, shell, &self.cwd, &self.surroundings),
            Act::Argv { argv } => plan_argv(&self.tool, argv, &self.cwd, &self.surroundings),
            Act::Typed { terminal, text, enter } => {
                let now = self.surroundings.terminal.as_ref().map_or(&self.cwd, |around| &around.cwd);
                let cwd = enter.as_ref().map_or_else(|| now.clone(), |dir| now.join(dir));
                // A grant for the same words outside of it is another one.
                plan_typed(&format!("{}@{terminal}", self.tool), terminal, text, &cwd, &self.surroundings)
            }
            Act::Open { argv, .. } => {
                let words: Vec<String> = argv.iter().map(|word| quote(word)).collect();
                self.bare(&words.join(" "), argv, Vec::new())
            }
            Act::Look { text } => self.bare(text, &[], Vec::new()),
            Act::Other { text, argv } => {
                self.bare(text, argv, vec![format!("what {} leads to can't be known before", self.tool)])
            }
            #[cfg(unix)]
            Act::File(act) => act.plan(&self.tool, &self.cwd, self.surroundings.home.as_deref())?,
            #[cfg(unix)]
            Act::Http(act) => act.plan(&self.tool, &self.cwd)?,
        })
    }

    /// The same for another command.
    pub(super) fn with_command(&self, command: String) -> Self {
        let act = match &self.act {
            Act::Shell { shell, .. } => Act::Shell { command, shell: shell.clone() },
            Act::Typed { terminal, enter, .. } => {
                Act::Typed { terminal: terminal.clone(), text: command, enter: enter.clone() }
            }
            // Only a command line can be changed; anything else stays what it was.
            other => other.clone(),
        };
        Self { act, ..self.clone() }
    }

    /// Whether there is a command line that a person could change.
    pub(super) fn is_command_line(&self) -> bool {
        matches!(self.act, Act::Shell { .. } | Act::Typed { .. })
    }

    fn bare(&self, text: &str, argv: &[String], open: Vec<String>) -> Plan {
        Plan {
            tool: self.tool.clone(),
            command: text.to_owned(),
            argv: argv.to_vec(),
            cwd: std::fs::canonicalize(&self.cwd).unwrap_or_else(|_| self.cwd.clone()),
            programs: Vec::new(),
            files: Vec::new(),
            touches: Vec::new(),
            sets: Vec::new(),
            open,
            diff: None,
        }
    }

    /// Tells requests apart that came with the same key.
    pub(super) fn fingerprint(&self) -> String {
        // What a client asked for, without PATH and HOME: they may differ after a restart of the hands.
        let asked = serde_json::to_vec(&(&self.tool, &self.act, &self.cwd));
        let text = asked.unwrap_or_else(|_| format!("{self:?}").into_bytes());
        Sha256::digest(text).iter().map(|b| format!("{b:02x}")).collect()
    }
}
