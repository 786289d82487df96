//! Idempotency: a call is known by its key; sent again it is answered from here and never acts twice.

use super::audit::{AuditEntry, append};
use super::{Store, StoreError};
use pryx_terms::{CallKey, JobId, Timestamp, ToolResult};
use rusqlite::OptionalExtension;
use serde::{Deserialize, Serialize};

/// How long the answer to a finished call is kept. A client that repeats a request does so within minutes; without
/// an end the table would grow with every command ever run.
const KEEP_ANSWERS_MS: i64 = 30 * 24 * 60 * 60 * 1000;

/// How far a call has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum CallState {
    /// The gate has it; nothing has been started.
    Open,
    /// It became a job.
    Started {
        /// Which.
        job: JobId,
    },
    /// It is over, one way or another.
    Done {
        /// What it came to.
        result: ToolResult,
    },
}

/// What is known when a call comes in.
#[derive(Debug, Clone, PartialEq)]
pub enum CallStart {
    /// It is new.
    New,
    /// It was sent before.
    Again(CallState),
    /// The key was used for a different request.
    Mismatch,
}

fn write_state(state: &CallState) -> Result<String, StoreError> {
    serde_json::to_string(state).map_err(|error| StoreError::row("calls", error))
}

fn read_state(text: &str) -> Result<CallState, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::row("calls", error))
}

impl Store {
    /// Takes a call in, or tells that it was here before. `request` names what is asked for (a hash).
    ///
    /// # Errors
    /// When it can't be written.
    pub fn begin_call(&self, key: &CallKey, request: &str) -> Result<CallStart, StoreError> {
        let open = write_state(&CallState::Open)?;
        self.write(|transaction| {
            let before = transaction
                .prepare_cached("SELECT request, state FROM calls WHERE key = ?1")?
                .query_row([key.as_str()], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))
                .optional()?;
            match before {
                Some((known, _)) if known != request => Ok(CallStart::Mismatch),
                Some((_, state)) => Ok(CallStart::Again(read_state(&state)?)),
                None => {
                    let now = Timestamp::now().as_millisecond();
                    transaction.prepare_cached("INSERT INTO calls VALUES (?1, ?2, ?3, 1, ?4)")?.execute((
                        key.as_str(),
                        request,
                        open,
                        now,
                    ))?;
                    Ok(CallStart::New)
                }
            }
        })
    }

    /// How far a call has come; nothing for an unknown key.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn call(&self, key: &CallKey) -> Result<Option<CallState>, StoreError> {
        self.with(|connection| {
            let state: Option<String> = connection
                .prepare_cached("SELECT state FROM calls WHERE key = ?1")?
                .query_row([key.as_str()], |row| row.get(0))
                .optional()?;
            state.as_deref().map(read_state).transpose()
        })
    }

    /// The call became a job, with its audit row. To be written before the process is started: then a crash between
    /// the two leaves a job that is lost, not a command that runs a second time.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn call_started(&self, key: &CallKey, job: &JobId, entry: &AuditEntry<'_>) -> Result<(), StoreError> {
        self.set_call(key, &CallState::Started { job: job.clone() }, Some(entry))
    }

    /// The call is over. A refusal has an audit row of its own.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn call_done(
        &self,
        key: &CallKey,
        result: &ToolResult,
        entry: Option<&AuditEntry<'_>>,
    ) -> Result<(), StoreError> {
        self.set_call(key, &CallState::Done { result: result.clone() }, entry)
    }

    /// A job turned out to have never been started: the call that it belongs to is open again, and may be repeated.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn call_never_ran(&self, job: &JobId) -> Result<(), StoreError> {
        let (before, after) = (write_state(&CallState::Started { job: job.clone() })?, write_state(&CallState::Open)?);
        self.with(|connection| {
            connection
                .prepare_cached("UPDATE calls SET state = ?2 WHERE open = 1 AND state = ?1")?
                .execute((before, after))?;
            Ok(())
        })
    }

    fn set_call(&self, key: &CallKey, state: &CallState, entry: Option<&AuditEntry<'_>>) -> Result<(), StoreError> {
        let text = write_state(state)?;
        let open = !matches!(state, CallState::Done { .. });
        self.write(|transaction| {
            transaction
                .prepare_cached("UPDATE calls SET state = ?2, open = ?3, at_ms = ?4 WHERE key = ?1")?
                .execute((key.as_str(), text, open, Timestamp::now().as_millisecond()))?;
            entry.map_or(Ok(()), |entry| append(transaction, entry).map(drop))
        })
    }

    pub(super) fn forget_old_calls(&self) -> Result<(), StoreError> {
        let before = Timestamp::now().as_millisecond() - KEEP_ANSWERS_MS;
        self.with(|connection| {
            connection.execute("DELETE FROM calls WHERE open = 0 AND at_ms < ?1", [before])?;
            Ok(())
        })
    }
}
