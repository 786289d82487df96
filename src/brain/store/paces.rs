//! What is left of the user's own limits for a provider, over all processes.

use super::{Store, StoreError};
use pryx_terms::Timestamp;
use rusqlite::{OptionalExtension, TransactionBehavior, params};

/// What was left, and when.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Left {
    /// Requests.
    pub(crate) requests: f64,
    /// Tokens.
    pub(crate) tokens: f64,
    /// Microseconds since 1970.
    pub(crate) at: i64,
}

impl Store {
    /// Changes what is left for a provider, alone among all processes. `change` is told what was left, nothing if that was
    /// never told, and the time.
    pub(crate) fn pace<T>(
        &self,
        provider: &str,
        change: impl FnOnce(Option<Left>, i64) -> (Left, T),
    ) -> Result<T, StoreError> {
        self.with(|connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let sql = "SELECT requests, tokens, at FROM paces WHERE provider = ?1";
            let row =
                |row: &rusqlite::Row<'_>| Ok(Left { requests: row.get(0)?, tokens: row.get(1)?, at: row.get(2)? });
            let left = transaction.query_row(sql, [provider], row).optional()?;
            let (left, answer) = change(left, Timestamp::now().as_microsecond());
            transaction.execute(
                "INSERT OR REPLACE INTO paces (provider, requests, tokens, at) VALUES (?1, ?2, ?3, ?4)",
                params![provider, left.requests, left.tokens, left.at],
            )?;
            transaction.commit()?;
            Ok(answer)
        })
    }
}
