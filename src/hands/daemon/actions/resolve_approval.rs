//! `resolve_approval`: a human's answer. The gate refuses one that comes from an agent's job.

use crate::daemon::handler::machine;
use crate::daemon::{Hands, origin};
use crate::gate::{Answerer, ResolveError};
use pryx_ipc::{Done, ErrorCode, RequestContext, ResolveApproval, WireError};

pub(crate) fn run(hands: &Hands, data: &ResolveApproval, context: &RequestContext) -> Result<Done, WireError> {
    let (actor, place) = (hands.actor(context.peer), origin::of(context.peer));
    let from = Answerer { actor: &actor, place: place.as_deref() };
    match hands.gate.resolve(&data.approval, data.answer, &from) {
        Ok(_) => Ok(Done {}),
        Err(error) => Err(error.into()),
    }
}

impl From<ResolveError> for WireError {
    fn from(error: ResolveError) -> Self {
        match &error {
            ResolveError::Agent { .. } => Self::new(ErrorCode::Refused, error.to_string()),
            ResolveError::Unknown { .. } | ResolveError::Ended { .. } => {
                Self::new(ErrorCode::NotFound, error.to_string())
            }
            ResolveError::NoGrant { .. } | ResolveError::NoChange { .. } => {
                Self::new(ErrorCode::BadData, error.to_string()).hint("answer once or for the session instead, or no")
            }
            ResolveError::Store(_) => machine(&error),
        }
    }
}
