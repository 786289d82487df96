//! `resize`: a new size for a job's terminal.

use crate::daemon::Hands;
use crate::daemon::handler::{machine, not_for_agents};
use pryx_ipc::{Done, RequestContext, Resize, WireError};
use pryx_terms::Actor;

pub(crate) async fn run(hands: &Hands, data: &Resize, context: &RequestContext) -> Result<Done, WireError> {
    if hands.actor(context.peer) != Actor::Person {
        return Err(not_for_agents("resize a terminal"));
    }
    let job = hands.live_job(&data.job)?;
    job.resize(data.rows, data.cols).await.map_err(|error| machine(&error))?;
    Ok(Done {})
}
