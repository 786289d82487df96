//! What is true of jobs right now: what they do, what they use, what they printed last.

use super::Jobs;
use super::job::Status;
use crate::keeper::procs;
use crate::logs::LogFile;
use crate::logs::collapse::clean;
use pryx_ipc::JobListing;
use pryx_terms::{Activity, JobRecord, JobState, Live, Timestamp};

/// Bytes from the end of a log in which its last line is looked for.
const WINDOW: u64 = 4096;

/// Longest last line that is told. No terminal shows more next to the rest.
const MAX_LINE: usize = 240;

impl Jobs {
    /// Adds what is true of them now to the records of jobs; to those that live, the rest has nothing more to tell.
    pub fn with_live(&self, records: Vec<JobRecord>) -> Vec<JobListing> {
        // A command in a terminal has no processes that could be told from the terminal's.
        let alone = |record: &JobRecord| self.live(&record.id).filter(|_| record.within.is_none());
        let keepers: Vec<_> = records.iter().map(|record| alone(record).map(|job| job.keeper())).collect();
        let roots: Vec<i32> = keepers.iter().flatten().filter_map(|pid| i32::try_from(*pid).ok()).collect();
        let mut usage = procs::usage(&roots);
        let mut listing = Vec::with_capacity(records.len());
        for (record, keeper) in records.into_iter().zip(keepers) {
            let used = keeper.and_then(|pid| usage.remove(&i32::try_from(pid).ok()?));
            // One that is gone may still be among them while its end is being recorded.
            let status = self.live(&record.id).map(|job| job.status()).filter(Status::is_alive);
            let live = status.map(|status| Live {
                activity: status.activity(),
                since: since(&record, status.pulse.map(|pulse| (pulse.activity, pulse.since))),
                held: status.paused,
                cpu_ms: used.map(|used| used.cpu_ms),
                resident_bytes: used.map(|used| used.resident_bytes),
                person: status.shell.as_ref().is_some_and(|shell| shell.person),
                waiting: status.shell.as_ref().map_or(0, |shell| shell.waiting),
                last_line: self.last_line(&record),
            });
            listing.push(JobListing { job: record, live, windows: 0 });
        }
        listing
    }

    fn last_line(&self, record: &JobRecord) -> String {
        let Some(stream) = record.output.iter().find(|stream| stream.bytes > 0) else { return String::new() };
        let length = stream.bytes.min(WINDOW);
        let read = LogFile::open(&self.dir(&record.id), stream.stream)
            .and_then(|mut log| log.range(stream.bytes - length, length));
        // A log that can't be read is told of by whatever reads it for its own sake.
        let text = clean(&read.unwrap_or_default());
        let last = text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        last.chars().take(MAX_LINE).collect()
    }
}

fn since(record: &JobRecord, pulse: Option<(Activity, Timestamp)>) -> Timestamp {
    match (&record.state, pulse) {
        (JobState::Ended { ended, .. }, _) => *ended,
        (JobState::Running { .. }, Some((_, since))) => since,
        (JobState::Running { .. }, None) => record.started,
    }
}
