//! `undo`: files become what they were before a tool changed them. Only a person may, and it is recorded as their act.

use super::admission::{Way, decide};
use super::list_changes::of_session;
use crate::daemon::handler::not_for_agents;
use crate::daemon::{Hands, Interruption};
use crate::files::{Changed, FileAct};
use crate::gate::{Act, Admission, Request, Surroundings};
use crate::tools;
use pryx_ipc::{ErrorCode, RequestContext, Undo, UndoEnd, UndoReply, UndoTarget, UndoneChange, WireError};
use pryx_terms::{Actor, CallKey, FileChange, Timestamp};
use std::path::PathBuf;

/// The name of the act in plans and records.
const TOOL: &str = "undo";

pub(crate) async fn run(hands: &Hands, data: &Undo, context: &RequestContext) -> Result<UndoReply, WireError> {
    if hands.actor(context.peer) != Actor::Person {
        return Err(not_for_agents("take back changes to files"));
    }
    let mut changes = Vec::new();
    for change in chosen(hands, &data.target)? {
        let end = match take_back(hands, &change, data.force, context).await {
            Ok(end) => end,
            Err(message) => UndoEnd::Failed { message },
        };
        changes.push(UndoneChange { change, end });
    }
    Ok(UndoReply { changes })
}

/// The changes that are meant, newest first: each must find the file as it left it.
fn chosen(hands: &Hands, target: &UndoTarget) -> Result<Vec<FileChange>, WireError> {
    let mut all = hands.files.copies.list(None);
    let is_open = |change: &FileChange| change.undone.is_none() && change.undoes.is_none();
    let none = |what: &str| WireError::new(ErrorCode::NotFound, what).hint("`pryx undo --list` lists all changes");
    match target {
        UndoTarget::Last => all.retain(is_open),
        UndoTarget::Session { session } => {
            all = of_session(all, session)?;
            all.retain(is_open);
        }
        UndoTarget::Change { change: text } => {
            all.retain(|change| change.id.as_str().starts_with(text.as_str()));
            match all.as_slice() {
                [] => return Err(none(&format!("there is no change {text}"))),
                [one] if one.undone.is_some() => return Err(none(&format!("change {text} was taken back already"))),
                [_] => {}
                _ => return Err(none(&format!("several changes begin with {text}"))),
            }
        }
    }
    if *target == UndoTarget::Last {
        all.truncate(1);
    }
    if all.is_empty() { Err(none("there is no change to take back")) } else { Ok(all) }
}

async fn take_back(
    hands: &Hands,
    change: &FileChange,
    force: bool,
    context: &RequestContext,
) -> Result<UndoEnd, String> {
    let (content, dirs) =
        hands.files.copies.read(change).map_err(|error| format!("its copy can't be used: {error}"))?;
    let act = FileAct::Restore {
        change: change.id.clone(),
        path: change.path.clone(),
        content: content.map(Into::into),
        mode: change.before.as_ref().and_then(|state| state.mode),
        dirs,
    };
    let request = Request {
        tool: TOOL.to_owned(),
        act: Act::File(act.clone()),
        cwd: PathBuf::from("/"),
        surroundings: Surroundings::default(),
    };
    let plan = request.plan().map_err(|obstacle| obstacle.to_string())?;
    let Some(diff) = plan.diff else {
        note(hands, change);
        return Ok(UndoEnd::Already);
    };
    if diff.before.as_ref() != change.after.as_ref().map(|state| &state.sha256) && !force {
        return Ok(UndoEnd::Changed { diff });
    }
    let session = change.session.clone();
    let admission = Admission { key: CallKey::generate(), request, actor: Actor::Person, session, can_ask: false };
    let permit = match decide(hands, admission, context).await {
        Ok(Way::Run(permit)) => *permit,
        Ok(_) => return Err("it was done before".to_owned()),
        Err(super::admission::Barred::Gate(error)) => return Err(error.to_string()),
        Err(super::admission::Barred::Early(Interruption::Cancelled)) => return Err("it was cancelled".to_owned()),
        Err(super::admission::Barred::Early(Interruption::ShuttingDown)) => {
            return Err("the hands are ending".to_owned());
        }
    };
    // What was looked at, and with --force shown, is what is replaced.
    if permit.plan().diff.as_ref() != Some(&diff) {
        return Err("the file was changed in this moment; nothing was done".to_owned());
    }
    match tools::fs::change(hands, permit, act).await?.0 {
        Changed::Made(made) => {
            note(hands, change);
            Ok(UndoEnd::Done { by: made.id, diff })
        }
        Changed::Not(why) | Changed::Drift(why) => Err(why),
    }
}

/// Notes that it was taken back; and if it had taken back another itself, that this one is there again.
fn note(hands: &Hands, change: &FileChange) {
    let copies = &hands.files.copies;
    let mut noted = copies.set_undone(&change.id, Some(Timestamp::now()));
    if let Some(first) = &change.undoes {
        noted = noted.and(copies.set_undone(first, None));
    }
    if let Err(error) = noted {
        hands.journal.note(format_args!("change {}: that it was taken back can't be kept: {error}", change.id));
    }
}
