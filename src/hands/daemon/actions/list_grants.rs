//! `list_grants`: what was allowed beyond once, and still holds.

use crate::daemon::Hands;
use crate::daemon::handler::not_for_agents;
use pryx_ipc::{ListGrantsReply, RequestContext, WireError};
use pryx_terms::Actor;

pub(crate) fn run(hands: &Hands, context: &RequestContext) -> Result<ListGrantsReply, WireError> {
    // It would tell what goes unasked.
    if hands.actor(context.peer) != Actor::Person {
        return Err(not_for_agents("read grants"));
    }
    Ok(ListGrantsReply { grants: hands.store.grants()? })
}
