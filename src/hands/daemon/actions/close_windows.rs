//! `close_windows`: tells whoever looks at a job's terminal to leave it. The job goes on.

use crate::daemon::Hands;
use crate::daemon::handler::not_for_agents;
use pryx_ipc::{CloseWindows, CloseWindowsReply, RequestContext, WireError};
use pryx_terms::Actor;

pub(crate) fn run(
    hands: &Hands,
    data: &CloseWindows,
    context: &RequestContext,
) -> Result<CloseWindowsReply, WireError> {
    if hands.actor(context.peer) != Actor::Person {
        return Err(not_for_agents("close windows"));
    }
    let job = hands.job(&data.job)?;
    Ok(CloseWindowsReply { closed: hands.windows.close(&job.id) })
}
