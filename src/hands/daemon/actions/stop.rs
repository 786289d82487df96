//! `stop`: ends a job and everything it started, or all jobs.

use crate::daemon::Hands;
use crate::daemon::handler::not_for_agents;
use pryx_ipc::{RequestContext, Stop, StopReply, StopTarget, WireError};
use pryx_terms::{Actor, JobRecord};
use std::time::Duration;

pub(crate) async fn run(hands: &Hands, data: &Stop, context: &RequestContext) -> Result<StopReply, WireError> {
    let grace = Duration::from_millis(data.grace_ms);
    let actor = hands.actor(context.peer);
    let stopped = match &data.target {
        StopTarget::All { .. } | StopTarget::Tag { .. } if actor != Actor::Person => {
            return Err(not_for_agents("stop jobs that are not its own"));
        }
        StopTarget::All { kept } => hands.jobs.stop_those(|job| *kept || !job.keep, grace, &data.by).await,
        StopTarget::Tag { tag } => hands.jobs.stop_those(|job| job.tag.as_ref() == Some(tag), grace, &data.by).await,
        StopTarget::Job { job } => {
            let record = hands.job(job)?;
            if !may_stop(&actor, &record) {
                return Err(not_for_agents("stop a job that is not its own"));
            }
            match hands.jobs.live(&record.id).filter(|job| job.status().is_alive()) {
                Some(job) => vec![job.stop(grace, &data.by).await],
                // It has ended: there is nothing to stop, and that is no error.
                None => Vec::new(),
            }
        }
    };
    Ok(StopReply { stopped })
}

/// An agent's command may stop what the same conversation started.
fn may_stop(actor: &Actor, job: &JobRecord) -> bool {
    match (actor, &job.actor) {
        (Actor::Person, _) => true,
        (Actor::Agent { session: Some(own) }, Actor::Agent { session }) => session.as_ref() == Some(own),
        (Actor::Agent { .. }, _) => false,
    }
}
