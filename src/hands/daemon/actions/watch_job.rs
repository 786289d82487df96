//! Sits by a job until it has ended: its output goes out as events, a cancelled request stops it.

use crate::daemon::handler::machine;
use crate::daemon::{Hands, Interruption};
use crate::jobs::{Follower, Origin};
use pryx_ipc::{Event, JobEnded, JobStarted, RequestContext, WireError};
use pryx_terms::{JobId, JobRecord};
use std::time::Duration;

/// Between SIGTERM and SIGKILL when a request is cancelled: Ctrl-C should be felt within a second.
const CANCEL_GRACE: Duration = Duration::from_millis(500);

/// How it went.
pub(crate) enum Watched {
    /// It ended.
    Ended(JobRecord),
    /// It was stopped because the request was cancelled.
    Cancelled(JobRecord),
    /// It goes on, without us.
    LeftRunning,
}

/// Tells of the job from its first byte on.
pub(crate) async fn run(hands: &Hands, id: &JobId, context: &RequestContext) -> Result<Watched, WireError> {
    // The same call on another connection may be about to start it.
    hands.jobs.started(id).await;
    let record = hands.job(id.as_str())?;
    let mut follower = Follower::new(&hands.jobs, &record, Origin::Start, None, true);
    let telling = async {
        let mut listens = context.send(Event::JobStarted(Box::new(JobStarted { job: record }))).await;
        // When the client is gone the job goes on, and is waited for all the same: its call must be answered.
        while listens {
            match follower.next().await.map_err(|error| machine(&error))? {
                Some(output) => listens = context.send(Event::Output(output)).await,
                None => break,
            }
        }
        let job = follower.ended().await;
        context.send(Event::JobEnded(Box::new(JobEnded { job: job.clone() }))).await;
        Ok::<_, WireError>(job)
    };
    let interruption = hands.interruption(context.interrupted.clone());
    tokio::pin!(telling, interruption);
    tokio::select! {
        biased;
        job = &mut telling => return Ok(Watched::Ended(job?)),
        why = &mut interruption => match why {
            Interruption::ShuttingDown => return Ok(Watched::LeftRunning),
            Interruption::Cancelled => {}
        },
    }
    let stop = async {
        if let Some(job) = hands.jobs.live(id) {
            job.stop(CANCEL_GRACE, "cancelled").await;
        }
    };
    let (job, ()) = tokio::join!(telling, stop);
    Ok(Watched::Cancelled(job?))
}
