//! The end of a job is recorded: the digest of its output in the audit log, its record in the database.

use super::Jobs;
use super::job::Status;
use crate::logs::{LogFile, log_path};
use pryx_terms::{JobRecord, JobState, Outcome, Seen, StreamBytes, Timestamp};
use sha2::{Digest, Sha256};
use std::io;
use std::path::Path;
use tokio::sync::watch;

/// Bytes hashed at once.
const CHUNK: u64 = 256 * 1024;

/// Why the end of a job that ran was not seen.
pub(super) const KILLED: &str = "its keeper was killed before the command ended";

/// An end that nobody saw.
pub(super) fn lost(reason: &str) -> JobState {
    JobState::Ended {
        outcome: Outcome::Lost { reason: reason.to_owned() },
        ended: Timestamp::now(),
        survivors: Vec::new(),
        stopped: None,
        seen: None,
    }
}

/// No end, because there was no beginning.
pub(super) fn never_ran(reason: &str) -> JobState {
    match lost(reason) {
        JobState::Ended { outcome, ended, survivors, stopped, .. } => {
            JobState::Ended { outcome, ended, survivors, stopped, seen: Some(Seen::Never) }
        }
        running => running,
    }
}

/// The sizes of the logs, when no keeper tells them any more.
pub(super) fn sizes(dir: &Path, known: &[StreamBytes]) -> Vec<StreamBytes> {
    let size = |one: &StreamBytes| {
        let found = std::fs::metadata(log_path(dir, one.stream)).map(|m| m.len());
        StreamBytes { stream: one.stream, bytes: found.unwrap_or(one.bytes) }
    };
    known.iter().map(size).collect()
}

/// Removes a job's own temporary files. Nobody is left who could use them.
pub(super) fn clear_temp(dir: &Path) {
    // Most jobs have none.
    let _ = std::fs::remove_dir_all(dir.join(super::start::OWN_TEMP));
}

impl Jobs {
    pub(super) async fn record_end(&self, status: &watch::Sender<Status>) {
        let record = status.borrow().record.clone();
        self.record_final(&record).await;
        status.send_modify(|now| now.recorded = true);
    }

    /// The audit row first: a crash between the two makes the next hands record it again, not never.
    pub(super) async fn record_final(&self, record: &JobRecord) {
        let (dir, output) = (self.dir(&record.id), record.output.clone());
        let digest = tokio::task::spawn_blocking(move || digest(&dir, &output)).await;
        let digest = digest.ok().and_then(Result::ok);
        if let Err(error) = self.inner.gate.audit_ended(record, digest.as_deref()) {
            self.inner.journal.note(format_args!("job {}: its end can't be audited: {error}", record.id));
        }
        if let Err(error) = self.inner.store.update_job(record) {
            self.inner.journal.note(format_args!("job {}: its end can't be recorded: {error}", record.id));
        }
    }
}

/// SHA-256 over the streams' bytes, one stream after the other, each as far as it is part of the record.
fn digest(dir: &Path, output: &[StreamBytes]) -> io::Result<String> {
    let mut hash = Sha256::new();
    for one in output {
        let mut log = LogFile::open(dir, one.stream)?;
        let mut at = 0;
        while at < one.bytes {
            let chunk = log.range(at, CHUNK.min(one.bytes - at))?;
            hash.update(&chunk);
            at += chunk.len() as u64;
        }
    }
    Ok(hash.finalize().iter().map(|b| format!("{b:02x}")).collect())
}
