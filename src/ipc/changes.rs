//! Changes to files, and taking them back.

use pryx_terms::{ChangeId, FileChange, FileDiff};
use serde::{Deserialize, Serialize};

/// `list_changes`: what can be taken back, and what was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListChanges {
    /// Only those of a session: its id or an unambiguous beginning of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}

/// Changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListChangesReply {
    /// Newest first.
    pub changes: Vec<FileChange>,
}

/// What is to be taken back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "target", rename_all = "snake_case")]
pub enum UndoTarget {
    /// The last change.
    #[default]
    Last,
    /// This one.
    Change {
        /// Its id, or an unambiguous beginning of it.
        change: String,
    },
    /// All of a session, the newest first.
    Session {
        /// Its id, or an unambiguous beginning of it.
        session: String,
    },
}

/// `undo`. Only a person may.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undo {
    /// What.
    #[serde(flatten)]
    pub target: UndoTarget,
    /// Even where the file was changed since.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
}

/// What came of each change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoReply {
    /// In the order in which they were taken back.
    pub changes: Vec<UndoneChange>,
}

/// A change and what came of taking it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoneChange {
    /// The change.
    pub change: FileChange,
    /// What came of it.
    #[serde(flatten)]
    pub end: UndoEnd,
}

/// How taking a change back ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "snake_case")]
pub enum UndoEnd {
    /// The file is as it was before.
    Done {
        /// The change that did it; it can be taken back in turn.
        by: ChangeId,
        /// What it did.
        diff: FileDiff,
    },
    /// The file was so already.
    Already,
    /// Somebody changed the file since. It was left as it is.
    Changed {
        /// What taking it back would do.
        diff: FileDiff,
    },
    /// It couldn't be done.
    Failed {
        /// Why.
        message: String,
    },
}
