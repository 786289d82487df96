//! The tables, and the steps from each version of them to the next.

use super::lock;
use rusqlite::{Connection, TransactionBehavior};
use std::path::Path;

/// The version that the steps below lead to, kept in SQLite's `user_version`.
pub(super) const VERSION: i64 = STEPS.len() as i64;

/// Each step leads from the version of its index to the next. A released step never changes.
const STEPS: [&str; 5] = [FIRST, SESSIONS_AND_SPANS, COSTS, REWRITES, PACES];

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

/// What lists, search and the timeline need. `message_text` is the text of a message as it's searched and shown in
/// part; the index holds words alone and reads the text through it. `search` says up to which message the index goes. Times of spans are microseconds since 1970.
const SESSIONS_AND_SPANS: &str = "
    ALTER TABLE sessions ADD COLUMN title TEXT;
    ALTER TABLE sessions ADD COLUMN fence TEXT;
    ALTER TABLE sessions ADD COLUMN updated TEXT NOT NULL DEFAULT '';
    ALTER TABLE sessions ADD COLUMN turns INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE sessions ADD COLUMN archived TEXT;
    ALTER TABLE sessions ADD COLUMN parent TEXT;
    UPDATE sessions SET
        updated = coalesce((SELECT max(started) FROM turns WHERE session = sessions.id), created),
        turns = (SELECT count(*) FROM turns WHERE session = sessions.id),
        title = (SELECT trim(substr(request, 1, instr(request || char(10), char(10)) - 1))
                 FROM turns WHERE session = sessions.id ORDER BY started LIMIT 1);
    CREATE INDEX sessions_by_update ON sessions (updated);
    CREATE INDEX sessions_of_workspace ON sessions (workspace, updated);

    CREATE VIEW message_text AS
        SELECT id, session, (
            SELECT group_concat(coalesce(
                json_extract(value, '$.text'),
                json_extract(value, '$.arguments.command'),
                json_extract(value, '$.result.output.head') || coalesce(json_extract(value, '$.result.output.tail'), ''),
                json_extract(value, '$.result.text'),
                json_extract(value, '$.result.message')
            ), char(10)) FROM json_each(CASE WHEN json_valid(content) THEN content END)
        ) AS text FROM messages;
    CREATE VIRTUAL TABLE words USING fts5 (
        text, content = 'message_text', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2'
    );
    CREATE TABLE search (indexed INTEGER NOT NULL);
    INSERT INTO search VALUES (0);

    ALTER TABLE usage ADD COLUMN reasoning_tokens INTEGER;

    CREATE TABLE spans (
        id INTEGER PRIMARY KEY,
        parent INTEGER,
        session TEXT NOT NULL,
        kind TEXT NOT NULL,
        subject TEXT NOT NULL,
        detail TEXT NOT NULL,
        started INTEGER NOT NULL,
        ended INTEGER,
        status TEXT,
        input_tokens INTEGER,
        output_tokens INTEGER,
        cache_read_tokens INTEGER,
        cache_write_tokens INTEGER,
        reasoning_tokens INTEGER
    );
    CREATE INDEX spans_of_session ON spans (session, id);
    CREATE INDEX open_spans ON spans (session) WHERE ended IS NULL;
    INSERT INTO spans (session, kind, subject, detail, started, ended, status)
        SELECT session, 'turn', id, request, CAST(unixepoch(started, 'subsec') * 1000000 AS INTEGER),
            CAST(unixepoch(ended, 'subsec') * 1000000 AS INTEGER), status
        FROM turns ORDER BY started;
    INSERT INTO spans (parent, session, kind, subject, detail, started, ended, status)
        SELECT (SELECT id FROM spans WHERE kind = 'turn' AND subject = turn), session, 'tool', call,
            coalesce(json_extract(arguments, '$.command'), tool),
            CAST(unixepoch(requested, 'subsec') * 1000000 AS INTEGER),
            CAST(unixepoch(ended, 'subsec') * 1000000 AS INTEGER), json_extract(result, '$.status')
        FROM tool_calls ORDER BY requested;
";

/// Costs are whole micro-dollars; NULL is unknown. `budgets` holds at most one limit for each period. `reservations` is
/// what requests under way may cost at most, with their time in microseconds since 1970: one that was never settled, because
/// its process was killed, counts no longer after a while. `unpriced` names models that may be asked under a budget
/// although nobody knows what they cost.
const COSTS: &str = "
    ALTER TABLE usage ADD COLUMN cost INTEGER;
    CREATE INDEX usage_by_time ON usage (at);
    ALTER TABLE spans ADD COLUMN cost INTEGER;

    CREATE TABLE budgets (period TEXT PRIMARY KEY, micros INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE reservations (
        id INTEGER PRIMARY KEY,
        session TEXT NOT NULL,
        at INTEGER NOT NULL,
        micros INTEGER NOT NULL
    );
    CREATE TABLE unpriced (model TEXT PRIMARY KEY) WITHOUT ROWID;
";

/// What became of messages when room was made: their content as it is sent from now on, nothing for those that aren't sent
/// any more. `messages` keeps what was said.
const REWRITES: &str = "
    CREATE TABLE rewrites (
        message INTEGER PRIMARY KEY,
        session TEXT NOT NULL,
        content TEXT
    );
    CREATE INDEX rewrites_of_session ON rewrites (session);
";

/// What is left of the user's own limits for a provider: requests and tokens, at a time in microseconds since 1970. Below
/// zero is what waiting requests have taken in advance. No row, nothing taken.
const PACES: &str = "
    CREATE TABLE paces (
        provider TEXT PRIMARY KEY,
        requests REAL NOT NULL,
        tokens REAL NOT NULL,
        at INTEGER NOT NULL
    ) WITHOUT ROWID;
";

/// Brings the tables up to date and returns the version found. A version from the future is returned as it is, and
/// nothing is written.
pub(super) fn prepare(connection: &mut Connection, place: &Path) -> rusqlite::Result<i64> {
    let found = version(connection)?;
    if found > VERSION {
        return Ok(found);
    }
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    if found == VERSION && is_wal(connection)? {
        return Ok(found);
    }
    // Two processes that change the journal at once fail on each other, however long they'd be willing to wait.
    let _alone = lock::exclusive(place).map_err(|_| rusqlite::Error::InvalidPath(place.to_owned()))?;
    if !is_wal(connection)? {
        connection.pragma_update(None, "journal_mode", "WAL")?;
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

fn is_wal(connection: &Connection) -> rusqlite::Result<bool> {
    let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    Ok(mode.eq_ignore_ascii_case("wal"))
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}
