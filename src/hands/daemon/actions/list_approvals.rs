//! `list_approvals`: questions that wait for a human.

use crate::daemon::Hands;
use pryx_ipc::{ListApprovalsReply, WireError};

pub(crate) fn run(hands: &Hands) -> Result<ListApprovalsReply, WireError> {
    Ok(ListApprovalsReply { approvals: hands.gate.pending()? })
}
