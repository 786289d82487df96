//! Sits by a job until it has ended: its output goes out as events, a cancelled request stops it.

use crate::daemon::handler::machine;
use crate::daemon::{Hands, Interruption};
use crate::jobs::{Follower, Origin};
use pryx_ipc::{Event, JobEnded, JobStarted, RequestContext, WireError};
use pryx_terms::{Activity, JobId, JobRecord, JobState};
use std::time::Duration;

/// Between SIGTERM and SIGKILL when a request is cancelled: Ctrl-C should be felt within a second.
const CANCEL_GRACE: Duration = Duration::from_millis(500);

/// How it went.
pub(crate) enum Watched {
    /// It ended.
    Ended(JobRecord),
    /// It was stopped because the request was cancelled.
    Cancelled(JobRecord),
    /// It waits for somebody to type.
    Waits(JobRecord, Activity),
    /// It goes on, without us.
    LeftRunning,
}

/// Tells of the job, from its first byte on if need be.
/// With `or_question`, until it waits for somebody to type.
pub(crate) async fn run(
    hands: &Hands,
    id: &JobId,
    context: &RequestContext,
    from: Origin,
    or_question: bool,
) -> Result<Watched, WireError> {
    // The same call on another connection may be about to start it.
    hands.jobs.started(id).await;
    let record = hands.job(id.as_str())?;
    let waits = |now: Activity| now.waits_for_keys() && now != Activity::Idle;
    let question = async {
        if !or_question {
            std::future::pending::<()>().await;
        }
        Ok::<_, WireError>(hands.jobs.stuck(&hands.job(id.as_str())?, waits).await)
    };
    let mut follower = Follower::new(&hands.jobs, &record, from, None, true);
    let telling = async {
        let job = as_it_began(record.clone(), hands.jobs.live(id).map_or(0, |job| job.pid()));
        let mut listens = context.send(Event::JobStarted(Box::new(JobStarted { job }))).await;
        // When the client is gone the job goes on, and is waited for all the same: its call must be answered.
        while listens {
            match follower.next().await.map_err(|error| machine(&error))? {
                Some(news) => listens = context.send(news.into_event(&record)).await,
                None => break,
            }
        }
        let job = follower.ended().await;
        context.send(Event::JobEnded(Box::new(JobEnded { job: job.clone() }))).await;
        Ok::<_, WireError>(job)
    };
    let interruption = hands.interruption(context.interrupted.clone());
    tokio::pin!(telling, interruption, question);
    tokio::select! {
        biased;
        job = &mut telling => return Ok(Watched::Ended(job?)),
        activity = &mut question => return Ok(Watched::Waits(hands.job(id.as_str())?, activity?)),
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

/// A short command has ended before anybody could be told that it was started; the end is told at its own time.
fn as_it_began(mut job: JobRecord, pid: u32) -> JobRecord {
    if job.outcome().is_some() {
        job.state = JobState::Running { pid };
        job.output.iter_mut().for_each(|stream| stream.bytes = 0);
    }
    job
}
