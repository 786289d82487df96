//! `status`: what the hands are doing.

use crate::daemon::Hands;
use pryx_ipc::{RequestContext, StatusReply, WireError};
use pryx_terms::Timestamp;

pub(crate) fn run(hands: &Hands, context: &RequestContext) -> Result<StatusReply, WireError> {
    let up = Timestamp::now().as_second().saturating_sub(hands.started.as_second());
    let running = hands.jobs.all_live().iter().filter(|job| job.status().record.outcome().is_none()).count();
    Ok(StatusReply {
        version: hands.config.version.clone(),
        pid: std::process::id(),
        uptime_s: u64::try_from(up).unwrap_or_default(),
        running_jobs: u32::try_from(running).unwrap_or(u32::MAX),
        connections: u32::try_from(*hands.connections().borrow()).unwrap_or(u32::MAX),
        home: hands.config.home.clone(),
        you: Some(hands.actor(context.peer)),
        sandbox: Some(hands.gate.sandbox().means()),
    })
}
