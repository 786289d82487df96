//! `revoke_grant`: ends a grant at once; the next question is asked again.

use crate::daemon::Hands;
use crate::daemon::handler::not_for_agents;
use crate::store::{AuditEntry, AuditKind};
use pryx_ipc::{Done, ErrorCode, RequestContext, RevokeGrant, WireError};
use pryx_terms::Actor;
use serde_json::json;

pub(crate) fn run(hands: &Hands, data: &RevokeGrant, context: &RequestContext) -> Result<Done, WireError> {
    let actor = hands.actor(context.peer);
    if actor != Actor::Person {
        return Err(not_for_agents("change grants"));
    }
    let body = json!({"revoked": data.grant});
    let row = AuditEntry { kind: AuditKind::Grant, actor: &actor, session: None, call: None, job: None, body };
    if hands.store.revoke_grant(&data.grant, &row)? {
        return Ok(Done {});
    }
    let message = format!("there is no grant {}", data.grant);
    Err(WireError::new(ErrorCode::NotFound, message).hint("`pryx grants list` shows those that hold"))
}
