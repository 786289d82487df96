//! The windows that are open onto jobs: who follows one as a window, so that it can be told to close, wherever it is.

use pryx_terms::JobId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// The windows onto one job.
struct Onto {
    /// Goes up when they are told to close.
    closed: watch::Sender<u64>,
    /// How many are open.
    open: watch::Sender<u32>,
}

/// All windows. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Windows(Arc<Mutex<HashMap<JobId, Onto>>>);

/// An open window. Dropping it closes it.
pub(crate) struct Window {
    all: Windows,
    job: JobId,
    closed: watch::Receiver<u64>,
}

impl Windows {
    fn lock(&self) -> MutexGuard<'_, HashMap<JobId, Onto>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens one.
    pub fn open(&self, job: &JobId) -> Window {
        let mut all = self.lock();
        let onto = all.entry(job.clone()).or_insert_with(Onto::none);
        onto.open.send_modify(|open| *open += 1);
        Window { all: self.clone(), job: job.clone(), closed: onto.closed.subscribe() }
    }

    /// Tells them to close; how many there were.
    pub fn close(&self, job: &JobId) -> u32 {
        let all = self.lock();
        let Some(onto) = all.get(job) else { return 0 };
        onto.closed.send_modify(|times| *times += 1);
        *onto.open.borrow()
    }

    /// How many are open.
    pub fn count(&self, job: &JobId) -> u32 {
        self.lock().get(job).map_or(0, |onto| *onto.open.borrow())
    }

    /// Resolves when more than so many are open.
    pub async fn more_than(&self, job: &JobId, before: u32) {
        // Before the receiver, so that it is dropped after it.
        let _tidy = Tidy { all: self, job };
        let mut open = self.lock().entry(job.clone()).or_insert_with(Onto::none).open.subscribe();
        // The sender stays as long as somebody waits.
        let _ = open.wait_for(|open| *open > before).await;
    }

    /// Forgets a job that nobody looks at or waits for.
    fn tidy(&self, job: &JobId) {
        let mut all = self.lock();
        if all.get(job).is_some_and(|onto| *onto.open.borrow() == 0 && onto.open.receiver_count() == 0) {
            all.remove(job);
        }
    }
}

/// Tidies up behind whoever waited, to the end or not.
struct Tidy<'a> {
    all: &'a Windows,
    job: &'a JobId,
}

impl Drop for Tidy<'_> {
    fn drop(&mut self) {
        self.all.tidy(self.job);
    }
}

impl Onto {
    fn none() -> Self {
        Self { closed: watch::channel(0).0, open: watch::channel(0).0 }
    }
}

impl Window {
    /// Resolves when somebody wants it closed.
    pub async fn told_to_close(&mut self) {
        // Its own entry keeps the sender.
        let _ = self.closed.changed().await;
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        if let Some(onto) = self.all.lock().get(&self.job) {
            onto.open.send_modify(|open| *open = open.saturating_sub(1));
        }
        self.all.tidy(&self.job);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn windows_are_counted_told_and_forgotten() {
        let (windows, job, other) = (Windows::default(), JobId::generate(), JobId::generate());
        let waiting = tokio::spawn({
            let (windows, job) = (windows.clone(), job.clone());
            async move { windows.more_than(&job, 1).await }
        });
        let (mut one, two) = (windows.open(&job), windows.open(&job));
        waiting.await.unwrap();
        assert_eq!((windows.count(&job), windows.count(&other), windows.close(&other)), (2, 0, 0));
        drop(two);
        assert_eq!(windows.close(&job), 1);
        one.told_to_close().await;
        drop(one);
        assert!(windows.lock().is_empty(), "nothing is remembered of closed windows");
    }
}
