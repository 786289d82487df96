//! What a human allowed for the rest of a session: one command, word for word, in one directory.

use super::{Store, StoreError};
use pryx_terms::{Plan, SessionId, Timestamp};

/// What a grant is for. Paths that are no UTF-8 stand in their debug form, which differs for different paths.
fn subject(plan: &Plan) -> (&str, &str, String) {
    let cwd = plan.cwd.to_str().map_or_else(|| format!("{:?}", plan.cwd), str::to_owned);
    (&plan.tool, &plan.command, cwd)
}

impl Store {
    /// Remembers that this plan's command may run again in the session.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn grant(&self, session: &SessionId, plan: &Plan) -> Result<(), StoreError> {
        let (tool, command, cwd) = subject(plan);
        self.with(|connection| {
            connection.prepare_cached("INSERT OR REPLACE INTO grants VALUES (?1, ?2, ?3, ?4, ?5)")?.execute((
                session.as_str(),
                tool,
                command,
                cwd,
                Timestamp::now().to_string(),
            ))?;
            Ok(())
        })
    }

    /// Whether this plan's command was allowed in the session.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn is_granted(&self, session: &SessionId, plan: &Plan) -> Result<bool, StoreError> {
        let (tool, command, cwd) = subject(plan);
        self.with(|connection| {
            Ok(connection
                .prepare_cached("SELECT 1 FROM grants WHERE session = ?1 AND tool = ?2 AND command = ?3 AND cwd = ?4")?
                .exists((session.as_str(), tool, command, cwd))?)
        })
    }
}
