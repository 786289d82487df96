//! What the hands of yesterday left: keepers that go on are adopted, ends are read back, the rest is lost and said so.

use super::end::{KILLED, lost, never_ran, sizes};
use super::job::{Job, Status};
use super::watch::{Feed, apply};
use super::{Jobs, lock};
use crate::keeper::record;
use crate::logs::log_path;
use crate::store::{JobFilter, StoreError};
use pryx_terms::{JobId, JobRecord, Stream};
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::watch;

/// How long an adopted keeper may take to tell its state. One that is stopped (SIGSTOP) must not hold up the start.
pub(super) const GREETING: Duration = Duration::from_secs(2);

impl Jobs {
    /// Finds out about every job that was not known to have ended.
    pub async fn adopt_all(&self) -> Result<usize, StoreError> {
        let rows = self.inner.store.jobs(&JobFilter { running: true, ..JobFilter::default() })?;
        let mut tasks = tokio::task::JoinSet::new();
        for row in rows {
            self.recall_shared(&row);
            let jobs = self.clone();
            tasks.spawn(async move { jobs.adopt(row).await });
        }
        let adopted = tasks.join_all().await.into_iter().filter(|adopted| *adopted).count();
        self.find_leftovers().await?;
        Ok(adopted)
    }

    async fn adopt(&self, row: JobRecord) -> bool {
        let (socket, of) = self.place_of(&row);
        match tokio::time::timeout(GREETING, Feed::open(&socket, of)).await {
            Ok(Ok((feed, known))) => {
                self.follow_keeper(row, feed, known);
                return true;
            }
            Ok(Err(_)) => {}
            Err(_) => return self.adopt_later(row),
        }
        // A keeper that got its spec but has not opened its log yet finds the log taken, and doesn't start.
        let never = claim(&self.dir(&row.id)).is_ok();
        if never && let Err(error) = self.inner.store.call_never_ran(&row.id) {
            self.inner.journal.note(format_args!("job {}: {error}", row.id));
        }
        let (socket, of) = self.place_of(&row);
        if !never && let Ok((feed, known)) = Feed::open(&socket, of).await {
            self.follow_keeper(row, feed, known);
            return true;
        }
        let alone = row.within.is_none();
        self.read_back(row, never).await;
        if alone {
            let _ = std::fs::remove_file(&socket);
        }
        false
    }

    /// The keeper's socket, and whom to ask it about.
    fn place_of<'a>(&self, row: &'a JobRecord) -> (PathBuf, Option<&'a JobId>) {
        match &row.within {
            Some(terminal) => (self.socket(terminal), Some(&row.id)),
            None => (self.socket(&row.id), None),
        }
    }

    /// It lives but doesn't answer now.
    fn adopt_later(&self, row: JobRecord) -> bool {
        let (jobs, socket) = (self.clone(), self.place_of(&row).0);
        self.inner.journal.note(format_args!("job {}: its keeper doesn't answer yet", row.id));
        self.note_silent(&row);
        tokio::spawn(async move {
            let of = row.within.is_some().then(|| row.id.clone());
            let id = row.id.clone();
            match Feed::open(&socket, of.as_ref()).await {
                Ok((feed, known)) => drop(jobs.follow_keeper(row, feed, known)),
                Err(_) => drop(jobs.read_back(row, false).await),
            }
            lock(&jobs.inner.left).remove(&id);
        });
        true
    }

    /// The keeper is gone: its record tells, or nobody does. `never` when it is certain that nothing was started.
    pub(super) async fn read_back(&self, mut row: JobRecord, never: bool) -> Job {
        let dir = self.dir(&row.id);
        let mut pids = (0, 0);
        if let Ok(known) = record::read(&dir) {
            apply(&mut row, &known);
            pids = (known.keeper, known.command);
        }
        if row.terminal.is_some() && row.within.is_none() {
            Box::pin(self.enter_typed(&row, 0)).await;
        }
        if row.outcome().is_none() {
            row.output = sizes(&dir, &row.output);
            if never {
                row.state = never_ran("the hands ended before it was started");
            } else {
                if row.within.is_none() {
                    self.clear_remains(&row.id, None).await;
                }
                row.state = lost(KILLED);
            }
        }
        super::end::clear_temp(&dir);
        let id = row.id.clone();
        let (sender, status) =
            watch::channel(Status { record: row, paused: None, pulse: None, shell: None, gone: true, recorded: false });
        let job = Job::new(id.clone(), pids, self.socket(&id), status);
        self.enter(job.clone());
        let jobs = self.clone();
        // Hashing a large log takes seconds: nobody who starts the hands should have to wait for it.
        tokio::spawn(async move {
            jobs.record_end(&sender).await;
            jobs.leave(&id);
        });
        job
    }
}

/// What hands that give a job up make its log from: so the next ones, should these be killed now, know whose log it is.
const GIVEN_UP: &str = "never";

/// Creates the log that a keeper would have to create; or finds that hands before these did.
fn claim(dir: &Path) -> io::Result<()> {
    let (own, log) = (dir.join(GIVEN_UP), log_path(dir, Stream::Tty));
    OpenOptions::new().append(true).create(true).mode(0o600).open(&own)?;
    match std::fs::hard_link(&own, &log) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let file = |path: &Path| std::fs::metadata(path).map(|of| (of.dev(), of.ino()));
            if file(&own)? == file(&log)? { Ok(()) } else { Err(error) }
        }
        // A file system without links.
        Err(_) => OpenOptions::new().append(true).create_new(true).mode(0o600).open(&log).map(drop),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_the_hands_or_the_keepers_and_stays_it() {
        let dir = tempfile::tempdir().unwrap();
        assert!(claim(dir.path()).is_ok());
        assert!(claim(dir.path()).is_ok(), "the next hands know that nothing was started");
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(log_path(dir.path(), Stream::Tty), "").unwrap();
        assert!(claim(dir.path()).is_err() && claim(dir.path()).is_err(), "it is the keeper's");
    }
}
