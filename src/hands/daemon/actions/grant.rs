//! `grant`: a person's yes, with a grant for what is like it.

use crate::daemon::{Hands, origin};
use crate::gate::Answerer;
use pryx_ipc::{GrantAlways, GrantAlwaysReply, RequestContext, WireError};

pub(crate) fn run(hands: &Hands, data: &GrantAlways, context: &RequestContext) -> Result<GrantAlwaysReply, WireError> {
    let (actor, place) = (hands.actor(context.peer), origin::of(context.peer));
    let from = Answerer { actor: &actor, place: place.as_deref() };
    let grant = hands.gate.grant(&data.approval, &data.terms, &from)?;
    Ok(GrantAlwaysReply { grant })
}
