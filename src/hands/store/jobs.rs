//! The index of jobs. The truth about a job is its keeper's; this is where it is looked up.

use super::{Store, StoreError};
use pryx_terms::{JobId, JobRecord, JobState, SessionId, TerminalName};
use rusqlite::ToSql;

/// Which jobs to list; the default lists all.
#[derive(Debug, Clone, Default)]
pub struct JobFilter {
    /// Only those that still run.
    pub running: bool,
    /// Only of this conversation.
    pub session: Option<SessionId>,
    /// Only with this tag.
    pub tag: Option<String>,
    /// The newest so many; all when absent.
    pub limit: Option<u32>,
    /// Only those that were started before this one.
    pub after: Option<JobId>,
}

/// What follows `SELECT record FROM jobs` in a list: the index gives the order, so that a limit ends the work early.
pub(super) const LIST: &str = "WHERE (?1 IS NULL OR session = ?1) AND (?2 IS NULL OR tag = ?2)
    AND (?3 = 0 OR running = 1) ORDER BY started_ms DESC, id DESC LIMIT ?4";

/// The same from a job on: the index is entered there.
pub(super) const PAGE: &str = "WHERE (?1 IS NULL OR session = ?1) AND (?2 IS NULL OR tag = ?2)
    AND (?3 = 0 OR running = 1) AND (started_ms, id) < (SELECT started_ms, id FROM jobs WHERE id = ?5)
    ORDER BY started_ms DESC, id DESC LIMIT ?4";

fn is_running(record: &JobRecord) -> bool {
    matches!(record.state, JobState::Running { .. })
}

fn write(record: &JobRecord) -> Result<String, StoreError> {
    serde_json::to_string(record).map_err(|error| StoreError::row("jobs", error))
}

fn read(text: &str) -> Result<JobRecord, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::row("jobs", error))
}

impl Store {
    /// Enters a new job.
    ///
    /// # Errors
    /// When it can't be written, or the id is taken.
    pub fn insert_job(&self, record: &JobRecord) -> Result<(), StoreError> {
        let text = write(record)?;
        self.with(|connection| {
            connection.prepare_cached("INSERT INTO jobs VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?.execute((
                record.id.as_str(),
                record.started.as_millisecond(),
                is_running(record),
                record.session.as_ref().map(SessionId::as_str),
                record.terminal.as_ref().map(TerminalName::as_str),
                record.tag.as_deref(),
                text,
            ))?;
            Ok(())
        })
    }

    /// Replaces what is known about a job.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn update_job(&self, record: &JobRecord) -> Result<(), StoreError> {
        let text = write(record)?;
        self.with(|connection| {
            connection.prepare_cached("UPDATE jobs SET running = ?2, record = ?3 WHERE id = ?1")?.execute((
                record.id.as_str(),
                is_running(record),
                text,
            ))?;
            Ok(())
        })
    }

    /// One job.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn job(&self, id: &JobId) -> Result<Option<JobRecord>, StoreError> {
        Ok(self.select_jobs("WHERE id = ?1", &[&id.as_str()])?.pop())
    }

    /// Jobs, the newest first.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn jobs(&self, filter: &JobFilter) -> Result<Vec<JobRecord>, StoreError> {
        let session = filter.session.as_ref().map(SessionId::as_str);
        let limit = filter.limit.map_or(-1, i64::from);
        match &filter.after {
            None => self.select_jobs(LIST, &[&session, &filter.tag, &filter.running, &limit]),
            Some(id) => self.select_jobs(PAGE, &[&session, &filter.tag, &filter.running, &limit, &id.as_str()]),
        }
    }

    /// Jobs whose id begins with a text, the newest first: what a person types.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn jobs_by_prefix(&self, prefix: &str, limit: u32) -> Result<Vec<JobRecord>, StoreError> {
        let length = i64::try_from(prefix.chars().count()).unwrap_or(i64::MAX);
        // A range over the primary key first: ids are ASCII, '~' sorts after all of theirs.
        let after = format!("{prefix}~");
        let tail = "WHERE id >= ?1 AND id < ?2 AND substr(id, 1, ?3) = ?1 ORDER BY started_ms DESC, id DESC LIMIT ?4";
        self.select_jobs(tail, &[&prefix, &after, &length, &limit])
    }

    /// The live terminal of that name.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn live_terminal(&self, name: &TerminalName) -> Result<Option<JobRecord>, StoreError> {
        // Commands that run in it carry its name too.
        let tail = "WHERE running = 1 AND terminal = ?1 ORDER BY started_ms DESC";
        Ok(self.select_jobs(tail, &[&name.as_str()])?.into_iter().find(|row| row.within.is_none()))
    }

    /// The terminal of that name that was started last, ended or not.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn last_terminal(&self, name: &TerminalName) -> Result<Option<JobRecord>, StoreError> {
        // Commands in terminals don't stand in the way: the newest of those that are none are few.
        let tail = "WHERE terminal = ?1 AND json_extract(record, '$.within') IS NULL ORDER BY started_ms DESC LIMIT 1";
        Ok(self.select_jobs(tail, &[&name.as_str()])?.pop())
    }

    /// Commands of agents that ran in a terminal; one is enough to know that there were any.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn agent_within(&self, terminal: &JobRecord) -> Result<Option<JobRecord>, StoreError> {
        let tail = "WHERE terminal = ?1 AND json_extract(record, '$.within') = ?2
            AND json_extract(record, '$.actor.kind') = 'agent' LIMIT 1";
        let name = terminal.terminal.as_ref().map(TerminalName::as_str);
        Ok(self.select_jobs(tail, &[&name, &terminal.id.as_str()])?.pop())
    }

    /// The job that was given to the hands last. What a person typed in a terminal was not: `pryx log` typed there means the
    /// job before it.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn latest_given(&self) -> Result<Option<JobRecord>, StoreError> {
        // The index gives the newest first, so that few records are looked into.
        let tail = "WHERE json_extract(record, '$.by_hand') IS NULL ORDER BY started_ms DESC, id DESC LIMIT 1";
        Ok(self.select_jobs(tail, &[])?.pop())
    }

    /// The job that was started last, in the session if one is given.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn latest_job(&self, session: Option<&SessionId>) -> Result<Option<JobRecord>, StoreError> {
        let filter = JobFilter { session: session.cloned(), limit: Some(1), ..JobFilter::default() };
        Ok(self.jobs(&filter)?.pop())
    }

    fn select_jobs(&self, tail: &str, values: &[&dyn ToSql]) -> Result<Vec<JobRecord>, StoreError> {
        let texts: Vec<String> = self.with(|connection| {
            let mut statement = connection.prepare_cached(&format!("SELECT record FROM jobs {tail}"))?;
            Ok(statement.query_map(values, |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
        })?;
        texts.iter().map(|text| read(text)).collect()
    }
}
