//! From what a person types to a job: its id, the beginning of one, a terminal's name, or `last`.

use super::Jobs;
use crate::store::StoreError;
use pryx_terms::{JobId, JobRecord, TerminalName};

/// The word for the job that was started last.
const LAST: &str = "last";

/// Fewer characters than this are no beginning of an id: one would hit by accident.
const MIN_PREFIX: usize = 2;

/// Jobs named in the error about an ambiguous beginning.
const SHOWN: u32 = 6;

/// Why a text names no job.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LookupError {
    #[error("there is no job or terminal {text:?}")]
    Unknown { text: String },
    #[error("{text:?} could be any of {}", candidates.join(", "))]
    Ambiguous { text: String, candidates: Vec<String> },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Jobs {
    /// The job that a text means, as it is now.
    pub fn resolve(&self, text: &str) -> Result<JobRecord, LookupError> {
        self.find(text).map(|row| self.current(row))
    }

    fn find(&self, text: &str) -> Result<JobRecord, LookupError> {
        let store = &self.inner.store;
        let unknown = || LookupError::Unknown { text: text.chars().take(40).collect() };
        if text == LAST {
            return store.latest_given()?.ok_or_else(unknown);
        }
        let Ok(id) = JobId::parse(text) else { return Err(unknown()) };
        if let Some(row) = store.job(&id)? {
            return Ok(row);
        }
        if let Ok(name) = TerminalName::parse(text)
            && let Some(row) = store.live_terminal(&name)?
        {
            return Ok(row);
        }
        if text.len() < MIN_PREFIX {
            return Err(unknown());
        }
        let mut rows = store.jobs_by_prefix(text, SHOWN)?;
        match rows.len() {
            0 => Err(unknown()),
            1 => Ok(rows.remove(0)),
            _ => Err(LookupError::Ambiguous {
                text: text.to_owned(),
                candidates: rows.iter().map(|row| row.id.to_string()).collect(),
            }),
        }
    }
}
