//! What persons typed at a terminal's prompt: jobs of theirs, made by the terminal's keeper and entered here, those of a
//! time without hands too.

use super::Jobs;
use super::watch::Feed;
use crate::keeper::record;
use crate::keeper::typed::{self, Entry};
use crate::store::StoreError;
use pryx_terms::{Actor, JobRecord, JobState, Stream, StreamBytes, Timestamp};

impl Jobs {
    /// Enters those from one on that are not known yet.
    pub(super) async fn enter_typed(&self, terminal: &JobRecord, skip: u64) {
        for entry in typed::read(&self.dir(&terminal.id), skip) {
            if let Err(error) = self.enter_one(terminal, &entry).await {
                self.inner.journal.note(format_args!("job {}, typed by hand, can't be entered: {error}", entry.job));
            }
        }
    }

    async fn enter_one(&self, terminal: &JobRecord, entry: &Entry) -> Result<(), StoreError> {
        if self.inner.store.job(&entry.job)?.is_some() {
            return Ok(());
        }
        let started = record::read(&self.dir(&entry.job)).map_or_else(|_| Timestamp::now(), |known| known.started);
        let row = row(terminal, entry, started);
        // It has happened already: what is not in the audit log now will never be.
        self.inner.gate.audit_typed(&row)?;
        self.inner.store.insert_job(&row)?;
        match Feed::open(&self.socket(&terminal.id), Some(&entry.job)).await {
            Ok((feed, known)) => drop(self.follow_keeper(row, feed, known)),
            // Long ended, or its keeper is gone: the record tells.
            Err(_) => drop(self.read_back(row, false).await),
        }
        Ok(())
    }

    /// A terminal's keeper tells of more: they are entered beside what else it tells.
    pub(super) fn note_typed(&self, terminal: &JobRecord, known: u64, told: u64) {
        if told > known {
            let (jobs, terminal) = (self.clone(), terminal.clone());
            tokio::spawn(async move { jobs.enter_typed(&terminal, known).await });
        }
    }
}

fn row(terminal: &JobRecord, entry: &Entry, started: Timestamp) -> JobRecord {
    JobRecord {
        id: entry.job.clone(),
        command: entry.text.clone(),
        cwd: entry.cwd.clone(),
        actor: Actor::Person,
        session: None,
        terminal: terminal.terminal.clone(),
        within: Some(terminal.id.clone()),
        tag: None,
        by_hand: true,
        waited_ms: None,
        keep: false,
        sandbox: terminal.sandbox.clone(),
        started,
        state: JobState::Running { pid: 0 },
        output: vec![StreamBytes { stream: Stream::Tty, bytes: 0 }],
    }
}
