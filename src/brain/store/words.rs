//! The index of words. A turn takes its messages in when it's over, so that nothing waits for it; what a killed turn
//! left out, a search takes in.

use rusqlite::{Connection, OptionalExtension};

/// Takes in the messages that the index doesn't have yet. To be called within a transaction.
pub(crate) fn index(change: &Connection) -> rusqlite::Result<()> {
    let newest: Option<i64> = change
        .prepare_cached("SELECT id FROM messages ORDER BY id DESC LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    let Some(newest) = newest.filter(|newest| indexed(change).is_ok_and(|indexed| indexed < *newest)) else {
        return Ok(());
    };
    change
        .prepare_cached(
            "INSERT INTO words (rowid, text) SELECT id, text FROM message_text
             WHERE id > (SELECT indexed FROM search) AND id <= ?1",
        )?
        .execute([newest])?;
    change.prepare_cached("UPDATE search SET indexed = ?1")?.execute([newest])?;
    Ok(())
}

/// Whether messages wait to be taken in.
pub(crate) fn is_behind(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT EXISTS (SELECT 1 FROM messages WHERE id > (SELECT indexed FROM search))", [], |row| {
        row.get(0)
    })
}

/// Takes the messages of a session out. To be called within a transaction, before they are deleted.
pub(crate) fn forget(change: &Connection, session: &str) -> rusqlite::Result<()> {
    // Words are then taken out of the index, not only marked as gone.
    change.execute("INSERT INTO words (words, rank) VALUES ('secure-delete', 1)", [])?;
    change.execute(
        "INSERT INTO words (words, rowid, text) SELECT 'delete', id, text FROM message_text
         WHERE session = ?1 AND id <= (SELECT indexed FROM search)",
        [session],
    )?;
    Ok(())
}

/// Numbers of deleted messages are given out again: the index must not believe that it has them.
pub(crate) fn rewind(change: &Connection) -> rusqlite::Result<()> {
    change.execute("UPDATE search SET indexed = min(indexed, (SELECT coalesce(max(id), 0) FROM messages))", [])?;
    Ok(())
}

fn indexed(change: &Connection) -> rusqlite::Result<i64> {
    change.prepare_cached("SELECT indexed FROM search")?.query_row([], |row| row.get(0))
}
