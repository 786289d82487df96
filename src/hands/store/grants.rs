//! What a human allowed beyond this once. A grant that is revoked, used up or over is gone at once.

use super::audit::{AuditEntry, append};
use super::{Store, StoreError};
use pryx_terms::{Grant, GrantId, SessionId, Timestamp};
use rusqlite::Row;

/// Most grants that are looked through for one question: each is compared with each program of the plan. Nobody keeps so
/// many in mind; the newest count.
const MAX_LIVE: u32 = 1000;

const COLUMNS: &str = "what, uses_left, used";
const LIVE: &str = "(expires_ms IS NULL OR expires_ms > ?1) AND (uses_left IS NULL OR uses_left > 0)";

type Raw = (String, Option<u32>, u32);

fn raw(row: &Row<'_>) -> rusqlite::Result<Raw> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

fn read((what, uses_left, used): Raw) -> Result<Grant, StoreError> {
    let grant: Grant = serde_json::from_str(&what).map_err(|error| StoreError::row("grants", error))?;
    Ok(Grant { uses_left, used, ..grant })
}

impl Store {
    /// Keeps a grant, with its audit row.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn insert_grant(&self, grant: &Grant, entry: &AuditEntry<'_>) -> Result<(), StoreError> {
        let what = serde_json::to_string(grant).map_err(|error| StoreError::row("grants", error))?;
        self.write(|transaction| {
            transaction
                .prepare_cached(
                    "INSERT INTO grants (id, session, made_ms, expires_ms, uses_left, used, what)
                     VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6)",
                )?
                .execute((
                    grant.id.as_str(),
                    grant.session.as_ref().map(SessionId::as_str),
                    grant.made.as_millisecond(),
                    grant.expires.map(Timestamp::as_millisecond),
                    grant.uses_left,
                    what,
                ))?;
            append(transaction, entry).map(drop)
        })
    }

    /// All grants that hold, the newest first.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn grants(&self) -> Result<Vec<Grant>, StoreError> {
        let now = Timestamp::now().as_millisecond();
        self.with(|connection| {
            let sql = format!("SELECT {COLUMNS} FROM grants WHERE {LIVE} ORDER BY made_ms DESC, id LIMIT ?2");
            let rows =
                connection.prepare_cached(&sql)?.query_map((now, MAX_LIVE), raw)?.collect::<Result<Vec<_>, _>>()?;
            rows.into_iter().map(read).collect()
        })
    }

    /// The grants that hold in a session, the newest first.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn grants_in(&self, session: Option<&SessionId>) -> Result<Vec<Grant>, StoreError> {
        let now = Timestamp::now().as_millisecond();
        let session = session.map(SessionId::as_str);
        self.with(|connection| {
            let sql = format!(
                "SELECT {COLUMNS} FROM grants WHERE {LIVE} AND (session IS NULL OR session = ?2)
                 ORDER BY made_ms DESC, id LIMIT ?3"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map((now, session, MAX_LIVE), raw)?.collect::<Result<Vec<_>, _>>()?;
            rows.into_iter().map(read).collect()
        })
    }

    /// Counts the use of grants: false when one of them holds no more. Those before it have then been counted as used,
    /// which errs on the side of fewer uses.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn use_grants(&self, grants: &[GrantId]) -> Result<bool, StoreError> {
        let now = Timestamp::now().as_millisecond();
        self.write(|transaction| {
            let sql = format!("UPDATE grants SET used = used + 1, uses_left = uses_left - 1 WHERE {LIVE} AND id = ?2");
            for grant in grants {
                if transaction.prepare_cached(&sql)?.execute((now, grant.as_str()))? != 1 {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }

    /// Ends a grant. False when there is none of that id.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn revoke_grant(&self, id: &GrantId, entry: &AuditEntry<'_>) -> Result<bool, StoreError> {
        self.write(|transaction| {
            let gone = transaction.prepare_cached("DELETE FROM grants WHERE id = ?1")?.execute([id.as_str()])?;
            if gone > 0 {
                append(transaction, entry)?;
            }
            Ok(gone > 0)
        })
    }
}
