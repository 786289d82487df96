//! What a killed keeper left running. Its job is lost; its processes must not stay behind unowned.

use super::Jobs;
use crate::keeper::procs::Remains;
use pryx_terms::JobId;
use rustix::process::Signal;
use std::time::Duration;

/// Rounds of killing. Each kills what the round before forked; a bound, because a process may hang in the kernel.
const ROUNDS: usize = 50;

/// Between two rounds: a killed process takes a moment to go.
const PAUSE: Duration = Duration::from_millis(20);

impl Jobs {
    /// Kills them. `keeper` is the keeper that led their session, if these hands saw it alive.
    pub(super) async fn clear_remains(&self, id: &JobId, keeper: Option<u32>) {
        let session = keeper.and_then(|pid| i32::try_from(pid).ok());
        let remains = Remains { mark: format!("PRYX_JOB={id}"), session };
        for _ in 0..ROUNDS {
            let remains = remains.clone();
            let round = tokio::task::spawn_blocking(move || {
                let left = remains.list();
                left.iter().for_each(|proc| {
                    remains.signal(proc, Signal::KILL);
                });
                left.len()
            });
            if matches!(round.await, Ok(0) | Err(_)) {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
        self.inner.journal.note(format_args!("job {id}: processes of it can't be killed"));
    }
}
