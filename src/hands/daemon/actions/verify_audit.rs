//! `verify_audit`: walks the chain of the audit log, off the loop that serves others.

use crate::daemon::Hands;
use crate::daemon::handler::{machine, not_for_agents};
use pryx_ipc::{AuditBreak, RequestContext, VerifyAuditReply, WireError};
use pryx_terms::Actor;

pub(crate) async fn run(hands: &Hands, context: &RequestContext) -> Result<VerifyAuditReply, WireError> {
    if hands.actor(context.peer) != Actor::Person {
        return Err(not_for_agents("read the audit log"));
    }
    let store = hands.store.clone();
    let check = tokio::task::spawn_blocking(move || store.verify_audit()).await.map_err(|error| machine(&error))??;
    let fault = check.fault.map(|fault| AuditBreak { seq: fault.seq.unsigned_abs(), what: fault.what });
    Ok(VerifyAuditReply { rows: check.rows, fault })
}
