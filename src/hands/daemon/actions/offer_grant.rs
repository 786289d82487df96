//! `offer_grant`: what a grant for a question's command would be. Nothing is saved.

use crate::daemon::{Hands, origin};
use crate::gate::Answerer;
use pryx_ipc::{OfferGrant, OfferGrantReply, RequestContext, WireError};

pub(crate) fn run(hands: &Hands, data: &OfferGrant, context: &RequestContext) -> Result<OfferGrantReply, WireError> {
    let (actor, place) = (hands.actor(context.peer), origin::of(context.peer));
    let from = Answerer { actor: &actor, place: place.as_deref() };
    let offer = hands.gate.offer(&data.approval, &data.terms, &from)?;
    Ok(OfferGrantReply { offer })
}
