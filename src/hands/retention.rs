//! What becomes of the logs of jobs that have ended: compressed, and after a while removed. A thread of its own, with
//! the lowest priority, that sleeps until a job ends. Running jobs and those that are kept are never touched.

use crate::config::LogLimits;
use crate::daemon::Journal;
use crate::logs::log_path;
use crate::logs::packed::pack;
use crate::store::Store;
use pryx_terms::{JobId, JobRecord, Stream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant, SystemTime};

/// Smaller logs stay as they are: a file takes a block of the disk anyway.
const SMALL: u64 = 16 * 1024;

/// Ended jobs that wait for the thread. What doesn't fit is found by the next round over all jobs.
const QUEUE: usize = 256;

/// Between two rounds over all jobs, at the least: with many jobs the directory takes a while to read.
const ROUND: Duration = Duration::from_secs(600);

/// Tells the thread about ends. It goes when this goes.
pub(crate) struct Retention(SyncSender<JobId>);

impl Retention {
    /// Begins with a round over all jobs there are.
    pub fn begin(
        jobs_dir: PathBuf,
        keepers_dir: PathBuf,
        limits: LogLimits,
        store: Store,
        journal: Arc<Journal>,
    ) -> Self {
        let (sender, receiver) = sync_channel(QUEUE);
        let keeping = Keeping { jobs_dir, keepers_dir, limits, store, journal };
        let started = std::thread::Builder::new().name("retention".to_owned()).spawn(move || keeping.run(&receiver));
        // Without the thread logs only grow older; its ends are dropped with the receiver.
        drop(started);
        Self(sender)
    }

    /// A job has ended, and so has its keeper.
    pub fn ended(&self, id: &JobId) {
        let _ = self.0.try_send(id.clone());
    }
}

struct Keeping {
    jobs_dir: PathBuf,
    keepers_dir: PathBuf,
    limits: LogLimits,
    store: Store,
    journal: Arc<Journal>,
}

/// A job's directory as it is on the disk.
struct Found {
    id: JobId,
    bytes: u64,
    changed: SystemTime,
}

impl Keeping {
    fn run(&self, ended: &Receiver<JobId>) {
        // Of this thread alone, on Linux. An error means the usual priority.
        #[cfg(target_os = "linux")]
        let _ = rustix::process::setpriority_process(None, 19);
        self.round();
        let mut last = Instant::now();
        while let Ok(id) = ended.recv() {
            self.pack(&id);
            if last.elapsed() >= ROUND {
                self.round();
                last = Instant::now();
            }
        }
    }

    /// The row of a job that may be touched.
    fn ended(&self, id: &JobId) -> Option<JobRecord> {
        let row = self.store.job(id).ok()??;
        let alive = self.keepers_dir.join(format!("{id}.sock")).exists();
        (row.outcome().is_some() && !row.keep && !alive).then_some(row)
    }

    fn pack(&self, id: &JobId) {
        let dir = self.jobs_dir.join(id.as_str());
        let large = |stream: &Stream| std::fs::metadata(log_path(&dir, *stream)).is_ok_and(|m| m.len() >= SMALL);
        let large: Vec<Stream> = [Stream::Stdout, Stream::Stderr].into_iter().filter(large).collect();
        if large.is_empty() || self.ended(id).is_none() {
            return;
        }
        for stream in large {
            if let Err(error) = pack(&dir, stream) {
                self.journal.note(format_args!("the log of job {id} can't be compressed: {error}"));
            }
        }
    }

    /// Over all jobs: compresses what is not yet, then removes what is too old or too much.
    fn round(&self) {
        let mut jobs = self.list();
        for job in &mut jobs {
            self.pack(&job.id);
            job.bytes = size(&self.jobs_dir.join(job.id.as_str()));
        }
        jobs.sort_by_key(|job| std::cmp::Reverse(job.changed));
        let mut total: u64 = jobs.iter().map(|job| job.bytes).sum();
        let now = SystemTime::now();
        // The oldest first, until the rest fits.
        for job in jobs.iter().skip(self.limits.keep_last).rev() {
            let old = now.duration_since(job.changed).is_ok_and(|age| age > self.limits.max_age);
            if !old && total <= self.limits.max_total {
                break;
            }
            if self.ended(&job.id).is_some() && self.remove(&job.id) {
                total = total.saturating_sub(job.bytes);
            }
        }
    }

    fn remove(&self, id: &JobId) -> bool {
        match std::fs::remove_dir_all(self.jobs_dir.join(id.as_str())) {
            Ok(()) => true,
            Err(error) => {
                self.journal.note(format_args!("the log of job {id} can't be removed: {error}"));
                false
            }
        }
    }

    fn list(&self) -> Vec<Found> {
        let Ok(entries) = std::fs::read_dir(&self.jobs_dir) else { return Vec::new() };
        let found = |entry: std::fs::DirEntry| {
            let id = JobId::parse(entry.file_name().to_str()?).ok()?;
            let record = crate::keeper::record::path(&entry.path());
            let meta = std::fs::metadata(record).or_else(|_| entry.metadata()).ok()?;
            Some(Found { id, bytes: 0, changed: meta.modified().ok()? })
        };
        entries.flatten().filter_map(found).collect()
    }
}

fn size(dir: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(dir) else { return 0 };
    entries.flatten().filter_map(|entry| entry.metadata().ok()).map(|meta| meta.len()).sum()
}
