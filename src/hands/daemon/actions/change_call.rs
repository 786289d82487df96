//! `change_call`: another command in place of the one that a question is about.

use crate::daemon::{Hands, origin};
use crate::gate::Answerer;
use pryx_ipc::{ChangeCall, Done, RequestContext, WireError};

pub(crate) fn run(hands: &Hands, data: &ChangeCall, context: &RequestContext) -> Result<Done, WireError> {
    let (actor, place) = (hands.actor(context.peer), origin::of(context.peer));
    let from = Answerer { actor: &actor, place: place.as_deref() };
    hands.gate.change(&data.approval, data.command.clone(), &from)?;
    Ok(Done {})
}
