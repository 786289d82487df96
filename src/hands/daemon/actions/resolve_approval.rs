//! `resolve_approval`: a human's answer. The gate refuses one that comes from an agent's job.

use crate::daemon::Hands;
use crate::daemon::handler::machine;
use crate::gate::ResolveError;
use pryx_ipc::{Done, ErrorCode, RequestContext, ResolveApproval, WireError};

pub(crate) fn run(hands: &Hands, data: &ResolveApproval, context: &RequestContext) -> Result<Done, WireError> {
    let actor = hands.actor(context.peer);
    match hands.gate.resolve(&data.approval, data.answer, &actor) {
        Ok(_) => Ok(Done {}),
        Err(error) => Err(match &error {
            ResolveError::Agent { .. } => WireError::new(ErrorCode::Refused, error.to_string()),
            ResolveError::Unknown { .. } | ResolveError::Ended { .. } => {
                WireError::new(ErrorCode::NotFound, error.to_string())
            }
            ResolveError::Store(_) => machine(&error),
        }),
    }
}
