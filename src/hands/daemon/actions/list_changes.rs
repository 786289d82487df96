//! `list_changes`: what tools did to files.

use crate::daemon::Hands;
use crate::daemon::handler::not_for_agents;
use pryx_ipc::{ErrorCode, ListChanges, ListChangesReply, RequestContext, WireError};
use pryx_terms::{Actor, FileChange, SessionId};

pub(crate) fn run(hands: &Hands, data: &ListChanges, context: &RequestContext) -> Result<ListChangesReply, WireError> {
    if hands.actor(context.peer) != Actor::Person {
        return Err(not_for_agents("list changes to files"));
    }
    let all = hands.files.copies.list(None);
    let changes = match &data.session {
        None => all,
        Some(text) => of_session(all, text)?,
    };
    Ok(ListChangesReply { changes })
}

/// Those of the session that a text means.
pub(super) fn of_session(all: Vec<FileChange>, text: &str) -> Result<Vec<FileChange>, WireError> {
    let mut found: Vec<SessionId> = all.iter().filter_map(|change| change.session.clone()).collect();
    found.retain(|session| session.as_str().starts_with(text));
    found.sort();
    found.dedup();
    match found.as_slice() {
        [session] => Ok(all.into_iter().filter(|change| change.session.as_ref() == Some(session)).collect()),
        [] => Err(WireError::new(ErrorCode::NotFound, format!("session {text} has changed no file"))
            .hint("`pryx undo --list` lists all changes")),
        _ => Err(WireError::new(ErrorCode::NotFound, format!("several sessions begin with {text}"))
            .hint("type one more character of the id")),
    }
}
