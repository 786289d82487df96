//! The journal beside the database stays when a process ends: folding it in takes four waits for the disk, which is more than all
//! else that a short turn writes. It's folded in whenever it has grown to [`MOST_PAGES`], by whoever writes then.

use rusqlite::Connection;
use rusqlite::config::DbConfig;

/// Pages in the journal before it's folded into the database, some five turns: each start reads what is there, so many more
/// would be felt at a start, and many fewer at the end of every turn.
const MOST_PAGES: u32 = 400;

pub(super) fn keep(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "wal_autocheckpoint", MOST_PAGES)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(())
}
