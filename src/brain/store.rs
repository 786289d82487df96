//! What the brain remembers, in `brain.db`: sessions, turns, messages, tool calls, usage, events. One connection,
//! one transaction for each batch; an event is in here before anybody sees it.

mod journal;
mod lock;
mod paces;
mod resume;
mod rows;
mod schema;
mod spans;
#[cfg(test)]
mod tests;
pub(crate) mod words;

pub(crate) use lock::SessionLock;
pub(crate) use paces::Left;
pub(crate) use resume::{OpenCall, OpenTurn, Resumed, json, tell_apart};

use crate::event::{Event, Payload};
use crate::message::{Message, Part};
use pryx_terms::{SessionId, Timestamp, TurnId};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long a write waits for another process to finish its own, which takes microseconds. Without it, two sessions
/// at once would fail on each other.
const BUSY: Duration = Duration::from_secs(5);

/// Why the store can't be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file can't be made or opened.
    #[error("the sessions can't be kept: {} can't be opened ({why}); make it writable for you, or set PRYX_HOME", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// A newer pryx wrote it. It was not touched.
    #[error("{} was written by a newer pryx (version {found} of its tables, this one knows {known}): update pryx; nothing was changed", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version that is known here.
        known: i64,
    },
    /// It is no database, or a damaged one. It was not touched.
    #[error("{path} is damaged ({why}); nothing was changed: move it away (mv {path} {path}.damaged) and pryx begins a new one", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        why: String,
    },
    /// There is no such session.
    #[error("no session begins with {wanted:?}; `pryx sessions list --all` lists them")]
    NoSession {
        /// What was asked for.
        wanted: String,
    },
    /// There are several.
    #[error("{wanted:?} may be any of {}: write more of it", among.join(", "))]
    Ambiguous {
        /// What was asked for.
        wanted: String,
        /// Some of those that it may be.
        among: Vec<String>,
    },
    /// Another process goes on with it.
    #[error(
        "session {session} is in use by another pryx: wait until it's done, or take a copy with `pryx sessions branch {session}`"
    )]
    InUse {
        /// Which.
        session: SessionId,
    },
    /// A write failed.
    #[error("a record could not be written to {} ({why}); free space on its disk or check it, then try again", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        why: String,
    },
}

/// Something to be kept.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Record {
    /// An event, which also tells the tables of turns, calls and usage.
    Event(Payload),
    /// A message of the history.
    Message(Message),
    /// What is sent of a message from now on; nothing if it isn't sent any more.
    Rewrite {
        /// Its row.
        message: i64,
        /// What is sent.
        parts: Option<Vec<Part>>,
    },
    /// The model is asked for a summary.
    Summarizing,
    /// Nothing is asked for a while, and why; then, without words, it goes on.
    Wait(Option<String>),
    /// The boundary of the session's data: what was fenced with it stays so when the session goes on.
    Boundary(String),
}

/// What a batch came to.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// Its events, with their place in the session.
    pub(crate) events: Vec<Event>,
    /// The rows of its messages.
    pub(crate) messages: Vec<i64>,
}

/// Whose records they are.
#[derive(Debug, Clone)]
pub(crate) struct Owner {
    pub(crate) session: SessionId,
    pub(crate) surface: String,
}

/// The database.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    connection: Mutex<Connection>,
}

impl Store {
    /// Opens the file, makes it if there is none, and brings an older one up to date.
    ///
    /// # Errors
    /// When it can't be opened, is damaged, or a newer pryx wrote it.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        create_private(path).map_err(|error| StoreError::Unusable { path: path.to_owned(), why: error.to_string() })?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = Connection::open_with_flags(path, flags).and_then(|mut connection| {
            connection.busy_timeout(BUSY)?;
            journal::keep(&connection)?;
            let found = schema::prepare(&mut connection, path)?;
            Ok((connection, found))
        });
        let (connection, found) = opened.map_err(|error| open_error(path, &error))?;
        if found > schema::VERSION {
            return Err(StoreError::Newer { path: path.to_owned(), found, known: schema::VERSION });
        }
        Ok(Self { path: path.to_owned(), connection: Mutex::new(connection) })
    }

    /// Keeps a batch, whole or not at all.
    pub(crate) fn append(
        &self,
        owner: &Owner,
        turn: Option<&TurnId>,
        records: Vec<Record>,
    ) -> Result<Kept, StoreError> {
        self.with(|connection| rows::append(connection, owner, turn, records, Timestamp::now()))
    }

    /// Does something with the database; says what it was when it failed.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut connection).map_err(|error| match error {
            error if is_damage(&error) => StoreError::Damaged { path: self.path.clone(), why: error.to_string() },
            error => StoreError::Write { path: self.path.clone(), why: error.to_string() },
        })
    }

    /// Takes a session for this process alone.
    pub(crate) fn take(&self, session: &SessionId) -> Result<SessionLock, StoreError> {
        SessionLock::take(&self.path, session)
    }
}

/// Makes the file readable for its owner alone before SQLite does; its side files take over the mode. A file that is
/// there isn't opened: closing it again would take away the locks of another connection of this process.
fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => keep_private(path),
        made => made.map(drop),
    }
}

#[cfg(unix)]
fn keep_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    if std::fs::metadata(path)?.permissions().mode() & 0o077 != 0 {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn keep_private(_: &Path) -> std::io::Result<()> {
    Ok(())
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

fn open_error(path: &Path, error: &rusqlite::Error) -> StoreError {
    let (path, why) = (path.to_owned(), error.to_string());
    if is_damage(error) { StoreError::Damaged { path, why } } else { StoreError::Unusable { path, why } }
}
