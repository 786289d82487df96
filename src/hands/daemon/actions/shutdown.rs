//! `shutdown`: ends the daemon; with `stop_jobs`, the jobs first.

use crate::daemon::Hands;
use crate::daemon::handler::not_for_agents;
use pryx_ipc::{Done, RequestContext, Shutdown, WireError};
use pryx_terms::Actor;
use std::time::Duration;

/// Between SIGTERM and SIGKILL for jobs that are stopped with the daemon.
const GRACE: Duration = Duration::from_secs(2);

pub(crate) async fn run(hands: &Hands, data: &Shutdown, context: &RequestContext) -> Result<Done, WireError> {
    if hands.actor(context.peer) != Actor::Person {
        return Err(not_for_agents("end the hands"));
    }
    if data.stop_jobs {
        hands.jobs.stop_those(|job| data.kept || !job.keep, GRACE, "the hands' shutdown").await;
    }
    hands.ending.begin();
    Ok(Done {})
}
