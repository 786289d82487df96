//! The tables, and the steps from each version of them to the next.

use rusqlite::{Connection, TransactionBehavior};

/// The version that the steps below lead to, kept in SQLite's `user_version`.
pub(super) const VERSION: i64 = STEPS.len() as i64;

/// Each step leads from the version of its index to the next. A released step never changes.
const STEPS: [&str; 1] = [FIRST];

/// Times are RFC 3339, JSON is text. `events` is the whole story of a session in order; the other tables say the
/// same by subject, so that nobody has to read the story for a list.
const FIRST: &str = "
    CREATE TABLE sessions (
        id TEXT PRIMARY KEY,
        created TEXT NOT NULL,
        surface TEXT NOT NULL,
        model TEXT NOT NULL,
        workspace TEXT NOT NULL
    ) WITHOUT ROWID;

    CREATE TABLE turns (
        id TEXT PRIMARY KEY,
        session TEXT NOT NULL,
        request TEXT NOT NULL,
        started TEXT NOT NULL,
        ended TEXT,
        status TEXT,
        steps INTEGER
    ) WITHOUT ROWID;
    CREATE INDEX turns_of_session ON turns (session, started);

    CREATE TABLE messages (
        id INTEGER PRIMARY KEY,
        session TEXT NOT NULL,
        turn TEXT,
        at TEXT NOT NULL,
        role TEXT NOT NULL,
        content TEXT NOT NULL
    );
    CREATE INDEX messages_of_session ON messages (session, id);

    CREATE TABLE tool_calls (
        call TEXT PRIMARY KEY,
        session TEXT NOT NULL,
        turn TEXT,
        requested TEXT NOT NULL,
        tool TEXT NOT NULL,
        arguments TEXT NOT NULL,
        job TEXT,
        ended TEXT,
        result TEXT
    ) WITHOUT ROWID;
    CREATE INDEX tool_calls_of_session ON tool_calls (session, requested);

    CREATE TABLE usage (
        id INTEGER PRIMARY KEY,
        session TEXT NOT NULL,
        turn TEXT,
        at TEXT NOT NULL,
        model TEXT NOT NULL,
        input_tokens INTEGER,
        output_tokens INTEGER,
        cache_read_tokens INTEGER,
        cache_write_tokens INTEGER
    );
    CREATE INDEX usage_of_session ON usage (session, id);

    CREATE TABLE events (
        session TEXT NOT NULL,
        version INTEGER NOT NULL,
        event TEXT NOT NULL,
        PRIMARY KEY (session, version)
    ) WITHOUT ROWID;
";

/// Brings the tables up to date and returns the version found. A version from the future is returned as it is, and
/// nothing is written.
pub(super) fn prepare(connection: &mut Connection) -> rusqlite::Result<i64> {
    let found = version(connection)?;
    if found > VERSION {
        return Ok(found);
    }
    let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    if !mode.eq_ignore_ascii_case("wal") {
        connection.pragma_update(None, "journal_mode", "WAL")?;
    }
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    if found == VERSION {
        return Ok(found);
    }
    let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been faster.
    let found = version(&change)?;
    for step in STEPS.iter().skip(usize::try_from(found).unwrap_or(0)) {
        change.execute_batch(step)?;
    }
    if found < VERSION {
        change.pragma_update(None, "user_version", VERSION)?;
    }
    change.commit()?;
    Ok(found)
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}
