//! What a policy lets a plan touch, whatever its programs try: what a sandbox enforces and tools check themselves.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};

/// A part of the file system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "area", rename_all = "snake_case")]
pub enum Area {
    /// No file.
    Nothing,
    /// These, and all that is below them.
    Below {
        /// Absolute, links followed.
        paths: Vec<PathBuf>,
    },
    /// All files.
    Everything,
}

/// Other machines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "contacts", rename_all = "snake_case")]
pub enum Contacts {
    /// None.
    Nothing,
    /// These: a name stands for itself, `*.` before it for all names below it.
    Hosts {
        /// Names in lower case, or addresses.
        hosts: Vec<String>,
    },
    /// All.
    Everything,
}

/// What a plan may read, write and contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// What may be read.
    pub read: Area,
    /// What may not, although it lies in `read`: directories of secrets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hidden: Vec<PathBuf>,
    /// What may be written.
    pub write: Area,
    /// The directory of it that is the session's workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<PathBuf>,
    /// Who may be talked to.
    pub contact: Contacts,
}

impl Area {
    /// Adds a path. One that is there already, or below one that is, changes nothing.
    pub fn add(&mut self, path: &Path) {
        match self {
            Self::Everything => {}
            Self::Below { paths } if paths.iter().any(|known| path.starts_with(known)) => {}
            Self::Below { paths } => paths.push(path.to_owned()),
            Self::Nothing => *self = Self::Below { paths: vec![path.to_owned()] },
        }
    }
}

impl Contacts {
    /// Adds a host.
    pub fn add(&mut self, host: &str) {
        match self {
            Self::Everything => {}
            Self::Hosts { hosts } if hosts.iter().any(|known| known == host) => {}
            Self::Hosts { hosts } => hosts.push(host.to_owned()),
            Self::Nothing => *self = Self::Hosts { hosts: vec![host.to_owned()] },
        }
    }
}

impl fmt::Display for Area {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing"),
            Self::Everything => f.write_str("everything"),
            Self::Below { paths } => {
                let shown: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
                f.write_str(&shown.join(", "))
            }
        }
    }
}

impl fmt::Display for Contacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("nobody"),
            Self::Everything => f.write_str("everybody"),
            Self::Hosts { hosts } => f.write_str(&hosts.join(", ")),
        }
    }
}
