//! Jobs: each a command in a keeper of its own, and here an actor that follows the keeper and can be talked to.
//!
//! On disk first, then started: a crash in between leaves a row that the next hands resolve. What was not seen is
//! never made up.

mod adopt;
mod by_hand;
mod end;
mod exports;
mod follow;
mod job;
mod keys;
mod leftovers;
mod live;
mod lookup;
mod remains;
mod start;
mod typing;
mod wait;
mod watch;
mod within;

pub(crate) use follow::{Follower, Origin};
pub(crate) use job::{InputError, Job, Status};
pub(crate) use lookup::LookupError;
pub(crate) use start::{Launch, NO_DIRECTORY, StartError};
pub(crate) use typing::TypingError;
pub(crate) use wait::Goal;
pub(crate) use within::{Inside, never};

use crate::HandsConfig;
use crate::daemon::Journal;
use crate::gate::Gate;
use crate::retention::Retention;
use crate::store::{JobFilter, Store, StoreError};
use pryx_terms::{Actor, JobId, JobRecord, SessionId};
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch as channel;

/// All jobs. Clones are the same.
#[derive(Clone)]
pub(crate) struct Jobs {
    inner: Arc<Inner>,
}

struct Inner {
    exe: PathBuf,
    home: PathBuf,
    jobs_dir: PathBuf,
    keepers_dir: PathBuf,
    store: Store,
    gate: Gate,
    journal: Arc<Journal>,
    retention: Retention,
    /// Jobs whose keeper lives, or whose end is still being recorded.
    live: Mutex<HashMap<JobId, Job>>,
    /// How many those are, starts under way included.
    busy: channel::Sender<usize>,
    /// Jobs that have their row but are not among the live ones yet, with their keepers. Those are entered before they
    /// get their spec, so that no command ever runs below a keeper that isn't known.
    starting: Mutex<HashMap<JobId, Option<KeeperOf>>>,
    /// Keepers of jobs that ended under earlier hands and left processes behind.
    left: Mutex<HashMap<JobId, KeeperOf>>,
    /// Terminals in which an agent has run something, with its conversation.
    shared: Mutex<HashMap<JobId, Option<SessionId>>>,
    /// Those in which an agent ran something that may have changed what words mean.
    altered: Mutex<HashSet<JobId>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A keeper, and whom its job belongs to.
#[derive(Debug, Clone)]
pub(crate) struct KeeperOf {
    pub pid: u32,
    pub actor: Actor,
    pub session: Option<SessionId>,
}

impl Jobs {
    pub fn new(config: &HandsConfig, store: Store, gate: Gate, journal: Arc<Journal>) -> Self {
        let (busy, _) = channel::channel(0);
        let (dirs, quiet) = ((config.jobs_dir(), config.keepers_dir()), Arc::clone(&journal));
        let retention = Retention::begin(dirs.0, dirs.1, config.logs, store.clone(), quiet);
        Self {
            inner: Arc::new(Inner {
                exe: config.exe.clone(),
                home: config.home.clone(),
                jobs_dir: config.jobs_dir(),
                keepers_dir: config.keepers_dir(),
                store,
                gate,
                journal,
                retention,
                live: Mutex::default(),
                busy,
                starting: Mutex::default(),
                left: Mutex::default(),
                shared: Mutex::default(),
                altered: Mutex::default(),
            }),
        }
    }

    /// How many jobs keep the hands from ending, as it changes.
    pub fn busy(&self) -> channel::Receiver<usize> {
        self.inner.busy.subscribe()
    }

    /// Where a job's log and record are.
    pub fn dir(&self, id: &JobId) -> PathBuf {
        self.inner.jobs_dir.join(id.as_str())
    }

    fn socket(&self, id: &JobId) -> PathBuf {
        self.inner.keepers_dir.join(format!("{id}.sock"))
    }

    /// A job that can be talked to.
    pub fn live(&self, id: &JobId) -> Option<Job> {
        lock(&self.inner.live).get(id).cloned()
    }

    /// All of those, in no order.
    pub fn all_live(&self) -> Vec<Job> {
        lock(&self.inner.live).values().cloned().collect()
    }

    /// What is known about a job now. Its row may lag behind its keeper.
    pub fn current(&self, record: JobRecord) -> JobRecord {
        self.live(&record.id).map_or(record, |job| job.status().record)
    }

    /// The newest jobs, ended ones too.
    pub fn newest(&self, limit: u32, tag: Option<String>, after: Option<JobId>) -> Result<Vec<JobRecord>, StoreError> {
        let rows = self.inner.store.jobs(&JobFilter { limit: Some(limit), tag, after, ..JobFilter::default() })?;
        Ok(rows.into_iter().map(|row| self.current(row)).collect())
    }

    /// The keepers that live, those that are just being started included.
    pub fn keepers(&self) -> Vec<KeeperOf> {
        let mut keepers: Vec<KeeperOf> = lock(&self.inner.starting).values().flatten().cloned().collect();
        keepers.extend(self.all_live().iter().map(|job| self.keeper_of(job)));
        keepers.extend(lock(&self.inner.left).values().cloned());
        keepers
    }

    /// Resolves when a job is not just being started any more: it is live then, or its end is recorded.
    pub async fn started(&self, id: &JobId) {
        let mut busy = self.busy();
        while lock(&self.inner.starting).contains_key(id) {
            // The sender is in our own hands: it can't be gone.
            let _ = busy.changed().await;
        }
    }

    /// Stops every job, and tells how each ended.
    pub async fn stop_those(&self, which: impl Fn(&JobRecord) -> bool, grace: Duration, by: &str) -> Vec<JobRecord> {
        let chosen = |status: &Status| status.is_alive() && which(&status.record);
        let jobs = self.all_live().into_iter().filter(|job| chosen(&job.status()));
        let mut stops = tokio::task::JoinSet::new();
        for job in jobs {
            let by = by.to_owned();
            stops.spawn(async move { job.stop(grace, &by).await });
        }
        stops.join_all().await
    }

    /// Resolves when every end that was seen is recorded.
    pub async fn settled(&self) {
        for job in self.all_live() {
            job.recorded().await;
        }
    }

    fn enter(&self, job: Job) {
        lock(&self.inner.live).insert(job.id().clone(), job);
        self.count();
    }

    fn leave(&self, id: &JobId) {
        lock(&self.inner.live).remove(id);
        lock(&self.inner.shared).remove(id);
        lock(&self.inner.altered).remove(id);
        self.inner.retention.ended(id);
        self.count();
    }

    fn count(&self) {
        let now = lock(&self.inner.live).len() + lock(&self.inner.starting).len();
        self.inner.busy.send_if_modified(|before| std::mem::replace(before, now) != now);
    }
}
