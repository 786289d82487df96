//! The tables, and how an older file becomes a current one. Released steps are never edited, only added to.

use super::{StoreError, explain};
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::path::Path;

/// Step n brings a file from format n to n + 1.
const STEPS: &[&str] = &["
    CREATE TABLE audit (
        seq       INTEGER PRIMARY KEY,
        at        TEXT NOT NULL,
        kind      TEXT NOT NULL,
        actor     TEXT NOT NULL,
        session   TEXT,
        call      TEXT,
        job       TEXT,
        body      TEXT NOT NULL,
        prev_hash TEXT NOT NULL,
        hash      TEXT NOT NULL
    ) STRICT;
    CREATE INDEX audit_by_session ON audit (session, seq) WHERE session IS NOT NULL;
    CREATE INDEX audit_by_job ON audit (job) WHERE job IS NOT NULL;
    CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT raise(ABORT, 'audit rows never change'); END;
    CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT raise(ABORT, 'audit rows are never removed'); END;
    CREATE TABLE audit_head (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL, hash TEXT NOT NULL) STRICT;

    CREATE TABLE approvals (
        id         TEXT PRIMARY KEY,
        call       TEXT NOT NULL,
        approval   TEXT NOT NULL,
        plan_hash  TEXT NOT NULL,
        expires_ms INTEGER NOT NULL,
        resolution TEXT,
        used       INTEGER NOT NULL DEFAULT 0
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX approvals_pending ON approvals (expires_ms) WHERE resolution IS NULL;
    CREATE INDEX approvals_by_call ON approvals (call);

    CREATE TABLE grants (
        session TEXT NOT NULL,
        tool    TEXT NOT NULL,
        command TEXT NOT NULL,
        cwd     TEXT NOT NULL,
        granted TEXT NOT NULL,
        PRIMARY KEY (session, tool, command, cwd)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE calls (
        key     TEXT PRIMARY KEY,
        request TEXT NOT NULL,
        state   TEXT NOT NULL,
        open    INTEGER NOT NULL,
        at_ms   INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX calls_by_age ON calls (at_ms) WHERE open = 0;

    CREATE TABLE jobs (
        id         TEXT PRIMARY KEY,
        started_ms INTEGER NOT NULL,
        running    INTEGER NOT NULL,
        session    TEXT,
        terminal   TEXT,
        tag        TEXT,
        record     TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX jobs_by_start ON jobs (started_ms DESC, id DESC);
    CREATE INDEX jobs_running ON jobs (running, terminal) WHERE running = 1;
", "
    CREATE INDEX jobs_by_terminal ON jobs (terminal, started_ms DESC) WHERE terminal IS NOT NULL;
", "
    CREATE TABLE choices (session TEXT PRIMARY KEY, name TEXT NOT NULL, dir TEXT) STRICT, WITHOUT ROWID;

    DROP TABLE grants;
    CREATE TABLE grants (
        id         TEXT PRIMARY KEY,
        session    TEXT,
        made_ms    INTEGER NOT NULL,
        expires_ms INTEGER,
        uses_left  INTEGER,
        used       INTEGER NOT NULL DEFAULT 0,
        what       TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX grants_by_session ON grants (session);
"];

fn known() -> i64 {
    i64::try_from(STEPS.len()).unwrap_or(i64::MAX)
}

/// Looks through a read-only connection, so that a newer file isn't touched at all.
pub(super) fn refuse_newer(path: &Path) -> Result<(), StoreError> {
    let peek = || {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.busy_timeout(super::BUSY_TIMEOUT)?;
        connection.query_row("PRAGMA user_version", (), |row| row.get::<_, i64>(0))
    };
    let found = peek().map_err(|error| explain(path, error))?;
    if found > known() {
        return Err(StoreError::Newer { path: path.to_owned(), found, known: known() });
    }
    Ok(())
}

pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = transaction.query_row("PRAGMA user_version", (), |row| row.get(0))?;
    for step in STEPS.iter().skip(usize::try_from(found).unwrap_or(usize::MAX)) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", known())?;
    transaction.commit()
}
