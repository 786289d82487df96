//! Under which mode or policy a session runs: chosen once, by a person, and fixed from then on.

use super::audit::{AuditEntry, append};
use super::{Store, StoreError};
use pryx_terms::SessionId;
use rusqlite::OptionalExtension;
use std::path::{Path, PathBuf};

/// What is kept about a session's choice: the mode's or policy's name, and the directory.
pub type ChoiceRow = (String, Option<PathBuf>);

impl Store {
    /// The choice of a session.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn choice(&self, session: &SessionId) -> Result<Option<ChoiceRow>, StoreError> {
        self.with(|connection| {
            Ok(connection
                .prepare_cached("SELECT name, dir FROM choices WHERE session = ?1")?
                .query_row([session.as_str()], |row| {
                    Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?.map(PathBuf::from)))
                })
                .optional()?)
        })
    }

    /// Keeps the choice of a session that has none, with its audit row; gives the one that holds from now on.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn choose(
        &self,
        session: &SessionId,
        name: &str,
        dir: Option<&Path>,
        entry: &AuditEntry<'_>,
    ) -> Result<ChoiceRow, StoreError> {
        let made =
            self.write(|transaction| {
                // A directory that is no UTF-8 is none that could be compared later: the session has no workspace then.
                let made = transaction
                    .prepare_cached("INSERT OR IGNORE INTO choices VALUES (?1, ?2, ?3)")?
                    .execute((session.as_str(), name, dir.and_then(Path::to_str)))?;
                if made == 1 {
                    append(transaction, entry)?;
                }
                Ok(made)
            })?;
        match self.choice(session)? {
            Some(choice) => Ok(choice),
            None => Err(StoreError::row("choices", format!("{made} rows were written and none is there"))),
        }
    }
}
