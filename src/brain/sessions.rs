//! Sessions as a person handles them: lists, names, copies, and an end. What was said in one is in `transcript`, where a
//! word was said in `search`.

mod document;
mod search;
#[cfg(test)]
mod tests;
mod transcript;

pub use search::{Hit, Piece};
pub use transcript::{Entry, Kind, Transcript};

use crate::store::{Store, StoreError, words};
use pryx_terms::{SessionId, Timestamp};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Sessions named when a beginning fits several. More would not help to choose.
const AMONG: u32 = 5;

/// The tables that hold what was said and done in a session, by `session`. What was counted (`usage`) isn't among them: a
/// deleted session has cost what it has cost, and budgets would else be lifted by deleting.
const TABLES: [&str; 6] = ["events", "messages", "rewrites", "spans", "tool_calls", "turns"];

/// A session, in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Session {
    /// Its identifier.
    pub id: SessionId,
    /// The first line of the first request, until somebody renames it.
    pub title: String,
    /// `provider/model` of its last turn.
    pub model: String,
    /// The directory it works in.
    pub workspace: PathBuf,
    /// When it began.
    pub created: Timestamp,
    /// When its last turn began.
    pub updated: Timestamp,
    /// How many turns it has.
    pub turns: u64,
    /// Whether lists leave it out.
    pub archived: bool,
    /// The session that it's a copy of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<SessionId>,
}

/// Which sessions are listed.
#[derive(Debug, Clone, Copy)]
pub struct Listing<'a> {
    /// Those of one directory alone.
    pub workspace: Option<&'a Path>,
    /// Archived ones too.
    pub archived: bool,
    /// At most so many.
    pub limit: u32,
}

const COLUMNS: &str = "id, title, model, workspace, created, updated, turns, archived, parent";

impl Store {
    /// Lists sessions, the last one used first.
    ///
    /// # Errors
    /// When they can't be read.
    pub fn sessions(&self, listing: Listing<'_>) -> Result<Vec<Session>, StoreError> {
        let Listing { workspace, archived, limit } = listing;
        let of = if workspace.is_some() { "workspace = ?3" } else { "?3 IS NULL" };
        let sql = format!(
            "SELECT {COLUMNS} FROM sessions WHERE turns > 0 AND (archived IS NULL OR ?1) AND {of}
             ORDER BY updated DESC LIMIT ?2"
        );
        let workspace = workspace.map(Path::to_string_lossy);
        self.with(|connection| {
            let mut select = connection.prepare_cached(&sql)?;
            select.query_map(params![archived, limit, workspace], session)?.collect()
        })
    }

    /// The session that `-c` goes on with: the last of this directory, else the last one.
    ///
    /// # Errors
    /// When they can't be read.
    pub fn last_session(&self, workspace: &Path) -> Result<Option<Session>, StoreError> {
        let here = Listing { workspace: Some(workspace), archived: false, limit: 1 };
        let found = self.sessions(here)?.pop();
        if found.is_some() {
            return Ok(found);
        }
        Ok(self.sessions(Listing { workspace: None, ..here })?.pop())
    }

    /// Finds a session by its identifier, a beginning of it that fits no other, or `last`.
    ///
    /// # Errors
    /// When there is none, or several, or they can't be read.
    pub fn session(&self, wanted: &str) -> Result<Session, StoreError> {
        let none = || StoreError::NoSession { wanted: wanted.to_owned() };
        if wanted == "last" {
            let last = Listing { workspace: None, archived: false, limit: 1 };
            return self.sessions(last)?.pop().ok_or_else(none);
        }
        SessionId::parse(wanted).map_err(|_| none())?;
        // Every character of an identifier sorts before this one.
        let end = format!("{wanted}~");
        let sql = format!("SELECT {COLUMNS} FROM sessions WHERE id >= ?1 AND id < ?2 LIMIT {AMONG}");
        let mut found: Vec<Session> = self.with(|connection| {
            let mut select = connection.prepare(&sql)?;
            select.query_map([wanted, &end], session)?.collect()
        })?;
        if let Some(exact) = found.iter().position(|session| session.id.as_str() == wanted) {
            return Ok(found.swap_remove(exact));
        }
        match found.len() {
            0 | 1 => found.pop().ok_or_else(none),
            _ => {
                let among = found.into_iter().map(|session| session.id.to_string()).collect();
                Err(StoreError::Ambiguous { wanted: wanted.to_owned(), among })
            }
        }
    }

    /// Names a session.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn rename_session(&self, id: &SessionId, title: &str) -> Result<(), StoreError> {
        self.change(|change| {
            change.execute("UPDATE sessions SET title = ?2 WHERE id = ?1", [id.as_str(), title]).map(drop)
        })
    }

    /// Leaves a session out of lists, or takes it back in.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn archive_session(&self, id: &SessionId, archived: bool) -> Result<(), StoreError> {
        let at = archived.then(|| Timestamp::now().to_string());
        self.change(|change| {
            change.execute("UPDATE sessions SET archived = ?2 WHERE id = ?1", params![id.as_str(), at]).map(drop)
        })
    }

    /// Deletes a session and all that was said in it, from the file too. The logs of its jobs are the hands'.
    ///
    /// # Errors
    /// When another process goes on with it, or it can't be written.
    pub fn delete_session(&self, id: &SessionId) -> Result<(), StoreError> {
        let _lock = self.take(id)?;
        self.with(|connection| {
            connection.pragma_update(None, "secure_delete", "ON")?;
            let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            words::forget(&change, id.as_str())?;
            for table in TABLES {
                change.execute(&format!("DELETE FROM {table} WHERE session = ?1"), [id.as_str()])?;
            }
            change.execute("DELETE FROM sessions WHERE id = ?1", [id.as_str()])?;
            change.execute("UPDATE usage SET turn = NULL WHERE session = ?1", [id.as_str()])?;
            words::rewind(&change)?;
            change.commit()?;
            // What was deleted must not stay readable in the write-ahead log. A busy one is emptied by its next reader.
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        })
    }

    /// Copies a session up to the end of its turn of that number (its last finished one by default), to go on from
    /// there in another way.
    ///
    /// # Errors
    /// When it can't be read or written.
    pub fn branch_session(&self, id: &SessionId, turns: Option<u64>) -> Result<Session, StoreError> {
        let new = SessionId::generate();
        self.change(|change| branch(change, id.as_str(), new.as_str(), turns))?;
        self.session(new.as_str())
    }

    fn change<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        self.with(|connection| {
            let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = work(&change)?;
            change.commit()?;
            Ok(done)
        })
    }
}

/// Copies what the model reads. Turns, calls, tokens and events stay with the session in which they happened, so that
/// nothing is counted twice.
fn branch(change: &Connection, from: &str, to: &str, turns: Option<u64>) -> rusqlite::Result<()> {
    let now = format!("{:.6}", Timestamp::now());
    let limit = turns.map_or(-1, |turns| i64::try_from(turns).unwrap_or(i64::MAX));
    change.execute(
        "CREATE TEMP TABLE kept AS SELECT turn, min(id) AS first FROM messages
         WHERE session = ?1 AND turn NOT IN (SELECT id FROM turns WHERE session = ?1 AND ended IS NULL)
         GROUP BY turn ORDER BY first LIMIT ?2",
        params![from, limit],
    )?;
    change.execute(
        "INSERT INTO sessions (id, created, updated, surface, model, workspace, title, fence, turns, parent)
         SELECT ?2, ?3, ?3, surface, model, workspace, title, fence, (SELECT count(*) FROM kept), id
         FROM sessions WHERE id = ?1",
        [from, to, &now],
    )?;
    change.execute(
        "INSERT INTO messages (session, turn, at, role, content) SELECT ?2, turn, at, role, content FROM messages
         WHERE session = ?1 AND turn IN (SELECT turn FROM kept) ORDER BY id",
        [from, to],
    )?;
    change.execute_batch("DROP TABLE kept")
}

fn session(row: &Row<'_>) -> rusqlite::Result<Session> {
    let parent: Option<String> = row.get(8)?;
    Ok(Session {
        id: parsed(row, 0)?,
        title: row.get::<_, Option<String>>(1)?.unwrap_or_default(),
        model: row.get(2)?,
        workspace: row.get::<_, String>(3)?.into(),
        created: parsed(row, 4)?,
        updated: parsed(row, 5)?,
        turns: u64::try_from(row.get::<_, i64>(6)?).unwrap_or(0),
        archived: row.get::<_, Option<String>>(7)?.is_some(),
        parent: parent.and_then(|parent| SessionId::parse(&parent).ok()),
    })
}

/// A column that holds an identifier or a time.
fn parsed<T>(row: &Row<'_>, at: usize) -> rusqlite::Result<T>
where
    T: std::str::FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let text = row.get_ref(at)?.as_str()?;
    text.parse().map_err(|error| rusqlite::Error::FromSqlConversionFailure(at, Type::Text, Box::new(error)))
}

/// One session of a connection that reads other things too.
fn by_id(connection: &Connection, id: &str) -> rusqlite::Result<Option<Session>> {
    let sql = format!("SELECT {COLUMNS} FROM sessions WHERE id = ?1");
    connection.prepare_cached(&sql)?.query_row([id], session).optional()
}
