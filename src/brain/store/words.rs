//! The index of words. The end of a turn takes in what has gathered, so that no search has much to do; a search takes
//! in the rest.

use rusqlite::{Connection, TransactionBehavior};

/// Messages that wait before the end of a turn takes some in. Turns are the rule and searches the exception: touching
/// the index each time would cost each turn what all of them together need once.
const WORTH_IT: u32 = 64;

/// Messages that a turn takes in at most. After an update of a large file all of them wait, and a turn must not.
const AFTER_A_TURN: u32 = 256;

/// Messages that a search takes in at once. Other processes write between two such portions: one for all would keep
/// them waiting until they give up.
const BEFORE_A_SEARCH: u32 = 2000;

/// Takes in messages when enough of them wait. To be called within a transaction.
pub(super) fn index_some(change: &Connection) -> rusqlite::Result<()> {
    let sql = "SELECT EXISTS (SELECT 1 FROM messages WHERE id > (SELECT indexed FROM search) + ?1)";
    if change.prepare_cached(sql)?.query_row([WORTH_IT], |row| row.get(0))? {
        take_in(change, AFTER_A_TURN)?;
    }
    Ok(())
}

/// Takes in all messages that the index doesn't have yet.
pub(crate) fn index_all(connection: &mut Connection) -> rusqlite::Result<()> {
    while is_behind(connection)? {
        let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        take_in(&change, BEFORE_A_SEARCH)?;
        change.commit()?;
    }
    Ok(())
}

fn take_in(change: &Connection, limit: u32) -> rusqlite::Result<()> {
    let sql = "SELECT max(id) FROM (
        SELECT id FROM messages WHERE id > (SELECT indexed FROM search) ORDER BY id LIMIT ?1)";
    let last: Option<i64> = change.prepare_cached(sql)?.query_row([limit], |row| row.get(0))?;
    let Some(last) = last else { return Ok(()) };
    change
        .prepare_cached(
            "INSERT INTO words (rowid, text) SELECT id, text FROM message_text
             WHERE id > (SELECT indexed FROM search) AND id <= ?1",
        )?
        .execute([last])?;
    change.prepare_cached("UPDATE search SET indexed = ?1")?.execute([last])?;
    Ok(())
}

/// Whether messages wait to be taken in.
fn is_behind(connection: &Connection) -> rusqlite::Result<bool> {
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
