//! Waiting until a job has come to a point: by its end, its output, its silence, its activity; only a port is looked for.

use super::Jobs;
use super::job::Status;
use crate::keeper::procs;
use crate::logs::LogFile;
use crate::logs::search::{Query, search};
use pryx_ipc::WaitEnd;
use pryx_terms::{Activity, JobRecord, Stream};
use regex::bytes::Regex;
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::watch;

/// Between two looks for a listener, at first and at most. The kernel tells no one without rights when a port is opened;
/// only while somebody waits for one it is looked at.
const PORT_FIRST: Duration = Duration::from_millis(20);
const PORT_LONGEST: Duration = Duration::from_secs(1);

/// A program that reads keys for so long waits for them. Answers that were typed ahead are read faster.
const SETTLED: Duration = Duration::from_millis(700);

/// What is waited for, understood.
pub(crate) enum Goal {
    Exit,
    Match(Regex),
    Silence(Duration),
    Port(u16),
    Prompt,
}

impl Jobs {
    /// A job's status as it changes; of one that is gone, as it stayed.
    pub fn status_of(&self, record: &JobRecord) -> watch::Receiver<Status> {
        self.live(&record.id).map(|job| job.watch()).unwrap_or_else(|| {
            let ended =
                Status { record: record.clone(), paused: None, pulse: None, shell: None, gone: true, recorded: true };
            watch::channel(ended).1
        })
    }

    /// Resolves when it has waited so long enough to be no program between two questions. Never for a job that goes on or
    /// ends.
    pub async fn stuck(&self, record: &JobRecord, waits: impl Fn(Activity) -> bool) -> Activity {
        let mut status = self.status_of(record);
        let asks = |now: &Status| waits(now.activity());
        loop {
            if !until(&mut status, asks).await {
                return std::future::pending().await;
            }
            if tokio::time::timeout(SETTLED, until(&mut status, |now| !asks(now))).await.is_err() {
                return status.borrow().activity();
            }
        }
    }

    /// Resolves when it came to the point, or ended before.
    ///
    /// # Errors
    /// When a log can't be read.
    pub async fn wait(&self, record: &JobRecord, goal: Goal) -> io::Result<WaitEnd> {
        let mut status = self.status_of(record);
        match goal {
            Goal::Exit => {
                until(&mut status, |_| false).await;
                let outcome = status.borrow().record.outcome().map(ToString::to_string);
                Ok(WaitEnd::Met { what: outcome })
            }
            Goal::Prompt => {
                let waits = until(&mut status, |now| now.activity().waits_for_keys()).await;
                let what = status.borrow().activity().to_string();
                Ok(if waits { WaitEnd::Met { what: Some(what) } } else { WaitEnd::Ended })
            }
            Goal::Silence(quiet) => Ok(silence(&mut status, quiet).await),
            Goal::Port(number) => Ok(port(&mut status, number).await),
            Goal::Match(pattern) => matching(&mut status, self.dir(&record.id), &pattern).await,
        }
    }
}

/// Waits for a condition; false when the job ended before.
async fn until(status: &mut watch::Receiver<Status>, holds: impl Fn(&Status) -> bool) -> bool {
    // The sender lives until the end is known: an error means that it is.
    let _ = status.wait_for(|now| now.record.outcome().is_some() || holds(now)).await;
    let now = status.borrow_and_update();
    now.record.outcome().is_none() && holds(&now)
}

async fn silence(status: &mut watch::Receiver<Status>, quiet: Duration) -> WaitEnd {
    loop {
        let printed = status.borrow_and_update().record.total_bytes();
        let more = until(status, |now| now.record.total_bytes() != printed);
        match tokio::time::timeout(quiet, more).await {
            Err(_) => return WaitEnd::Met { what: None },
            Ok(false) => return WaitEnd::Ended,
            Ok(true) => {}
        }
    }
}

async fn port(status: &mut watch::Receiver<Status>, number: u16) -> WaitEnd {
    let mut pause = PORT_FIRST;
    loop {
        let listens = tokio::task::spawn_blocking(move || procs::listens(number)).await.unwrap_or(false);
        if listens {
            return WaitEnd::Met { what: None };
        }
        if status.borrow().record.outcome().is_some() {
            return WaitEnd::Ended;
        }
        // One more look when it has ended: a server that went into the background listens by then.
        let _ = tokio::time::timeout(pause, until(status, |_| false)).await;
        pause = (pause * 2).min(PORT_LONGEST);
    }
}

async fn matching(status: &mut watch::Receiver<Status>, dir: PathBuf, pattern: &Regex) -> io::Result<WaitEnd> {
    let mut places: Vec<(Stream, u64)> = Vec::new();
    loop {
        let record = status.borrow_and_update().record.clone();
        for stream in &record.output {
            let known = places.iter().position(|(known, _)| *known == stream.stream);
            let index = known.unwrap_or_else(|| {
                places.push((stream.stream, 0));
                places.len() - 1
            });
            let (dir, pattern, offset, of) = (dir.clone(), pattern.clone(), places[index].1, *stream);
            let look = move || look(&mut LogFile::open(&dir, of.stream)?, of.bytes, pattern, offset);
            let (found, next) = tokio::task::spawn_blocking(look).await.map_err(io::Error::other)??;
            if found.is_some() {
                return Ok(WaitEnd::Met { what: found });
            }
            places[index].1 = next;
        }
        if record.outcome().is_some() || status.changed().await.is_err() {
            return Ok(WaitEnd::Ended);
        }
    }
}

/// The first match from an offset on, in the line that is not ended yet too; and where to go on.
fn look(log: &mut LogFile, total: u64, pattern: Regex, mut offset: u64) -> io::Result<(Option<String>, u64)> {
    let first = |found: crate::logs::search::Found| found.matches.into_iter().next().map(|found| found.text);
    loop {
        let query = Query { pattern: pattern.clone(), offset, line: Some(1), limit: 1, whole_lines: true };
        let found = search(log, total, &query)?;
        let (next, at_end) = (found.next.offset, found.at_end);
        if let Some(text) = first(found) {
            return Ok((Some(text), next));
        }
        // A piece of a line so long that it is searched without its end.
        if at_end || next <= offset {
            let rest = Query { pattern, offset: next, line: Some(1), limit: 1, whole_lines: false };
            return Ok((first(search(log, total, &rest)?), next));
        }
        offset = next;
    }
}
