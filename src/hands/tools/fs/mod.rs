//! `fs.*`: files read and changed by the hands themselves. The path is followed when the call is planned; what is done is
//! done to exactly the path that the gate ruled on.

mod list;
mod read;
mod search;

use super::{Planned, arguments};
use crate::daemon::Hands;
use crate::files::{Changed, Edit, FileAct};
use crate::gate::{Act, Permit, Request, Surroundings};
use pryx_ipc::CallTool;
use pryx_terms::{Access, FileChange, Refusal, Ruling, ToolResult, ToolSpec};
use serde::Deserialize;
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Most replacements in one call. More can't be read on a card.
const MAX_EDITS: usize = 100;

/// What is done once the gate has said yes.
pub(crate) enum Fs {
    /// Reads a file.
    Read(read::Lines),
    /// Lists what is below a directory.
    List(list::Depth),
    /// Searches it.
    Search(Box<search::Query>),
    /// Changes a file.
    Change(FileAct),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Write {
    path: PathBuf,
    content: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edits {
    path: PathBuf,
    edits: Vec<Edit>,
}

pub(super) fn specs() -> Vec<ToolSpec> {
    vec![read::spec(), write_spec(), edit_spec(), list::spec(), search::spec()]
}

fn write_spec() -> ToolSpec {
    ToolSpec {
        name: "fs.write".to_owned(),
        description: "Make or replace a file. The user can undo it.".to_owned(),
        parameters: json!({
            "type": "object",
            "properties": {"path": {"type": "string"}, "content": {"type": "string"}},
            "required": ["path", "content"],
            "additionalProperties": false,
        }),
    }
}

fn edit_spec() -> ToolSpec {
    ToolSpec {
        name: "fs.edit".to_owned(),
        description: "Replace exact texts in a file, in order; each old must occur once unless all is true.".to_owned(),
        parameters: json!({
            "type": "object",
            "properties": {
                "path": {"type": "string"},
                "edits": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "old": {"type": "string"},
                            "new": {"type": "string"},
                            "all": {"type": "boolean"},
                        },
                        "required": ["old", "new"],
                        "additionalProperties": false,
                    },
                },
            },
            "required": ["path", "edits"],
            "additionalProperties": false,
        }),
    }
}

/// Nothing for a tool of another kind. Only the arguments are looked at here: what they mean on the disk is the plan's.
pub(super) fn plan(hands: &Hands, call: &mut CallTool) -> Option<Result<Planned, String>> {
    let value = std::mem::take(&mut call.arguments);
    let planned = match call.tool.as_str() {
        read::NAME => read::plan(value),
        list::NAME => list::plan(value),
        search::NAME => search::plan(value),
        "fs.write" => {
            arguments("fs.write", value).map(|Write { path, content }| both(FileAct::Write { path, content }))
        }
        "fs.edit" => edit(value),
        _ => {
            call.arguments = value;
            return None;
        }
    };
    Some(planned.map(|(act, work)| {
        let surroundings =
            Surroundings { path: String::new(), home: Some(hands.config.user_home.clone()), terminal: None };
        let request = Request { tool: call.tool.clone(), act: Act::File(act), cwd: call.cwd.clone(), surroundings };
        Planned { request, work: super::Work::Fs(work) }
    }))
}

fn both(act: FileAct) -> (FileAct, Fs) {
    (act.clone(), Fs::Change(act))
}

fn edit(value: serde_json::Value) -> Result<(FileAct, Fs), String> {
    let Edits { path, edits } = arguments("fs.edit", value)?;
    if edits.is_empty() || edits.len() > MAX_EDITS {
        return Err(format!("edits has from 1 to {MAX_EDITS} entries"));
    }
    if edits.iter().any(|edit| edit.old.is_empty()) {
        return Err("old is empty: fs.write makes files".to_owned());
    }
    Ok(both(FileAct::Edit { path, edits }))
}

/// The answer to a change that was made before a crash let it be told: it is there, and is not made twice.
pub(crate) fn made_before(hands: &Hands, call: &CallTool) -> Option<ToolResult> {
    // A key that nobody has seen before needs no look at the disk.
    hands.store.call(&call.key).ok()??;
    let change = hands.files.copies.of_call(&call.key)?;
    hands.files.is_in_place(&change).then(|| ToolResult::Text { text: told(&change) })
}

/// Does what the permit allows.
pub(crate) async fn run(hands: &Hands, permit: Permit, work: Fs, interrupted: impl Future<Output = ()>) -> ToolResult {
    let path = match permit.plan().files.as_slice() {
        [Access::Read { path } | Access::Write { path }] => PathBuf::from(path),
        _ => return failed("the plan names no file"),
    };
    if let Fs::Change(act) = work {
        return changed(hands, permit, act).await;
    }
    let given_up = GivenUp(Arc::default());
    let flag = Arc::clone(&given_up.0);
    let gate = hands.gate.clone();
    let looking = tokio::task::spawn_blocking(move || match work {
        Fs::Read(lines) => read::run(&path, &lines),
        Fs::List(depth) => list::run(&path, &depth, &flag),
        Fs::Search(query) => search::run(&path, &query, &gate, &flag),
        Fs::Change(_) => Err(std::io::ErrorKind::Unsupported.into()),
    });
    let looked = tokio::select! {
        looked = looking => looked,
        () = interrupted => return failed("it was stopped"),
    };
    match looked {
        Ok(Ok(text)) => ToolResult::Text { text },
        Ok(Err(error)) => failed(format!("{}: {error}", permit.plan().command)),
        Err(error) => failed(error.to_string()),
    }
}

async fn changed(hands: &Hands, permit: Permit, act: FileAct) -> ToolResult {
    let what = permit.plan().command.clone();
    match change(hands, permit, act).await {
        Ok((Changed::Made(change), _)) => ToolResult::Text { text: told(&change) },
        Ok((Changed::Not(why), _)) => ToolResult::Text { text: format!("nothing was changed: {why}") },
        Ok((Changed::Drift(what), ruling)) => ToolResult::Refused { refusal: Refusal::Drift { what }, ruling },
        Err(why) => failed(format!("{what}: {why}; nothing was changed")),
    }
}

/// Changes a file, with its rows in the audit log. A change is short and is not stopped half way.
///
/// # Errors
/// Why it can't be done, in words; the file is then as it was.
pub(crate) async fn change(hands: &Hands, permit: Permit, act: FileAct) -> Result<(Changed, Ruling), String> {
    let writes = permit.plan().diff.is_some();
    if writes && let Err(error) = hands.gate.audit_act(&permit) {
        return Err(error.to_string());
    }
    let files = hands.files.clone();
    let done = tokio::task::spawn_blocking(move || (files.change(&permit, &act), permit)).await;
    let (done, permit) = done.map_err(|error| error.to_string())?;
    let outcome = match &done {
        Ok(Changed::Made(change)) => json!({"change": change.id}),
        Ok(Changed::Not(_)) => json!({"unchanged": true}),
        Ok(Changed::Drift(what)) => json!({"drift": what}),
        Err(error) => json!({"error": error.to_string()}),
    };
    if writes && let Err(error) = hands.gate.audit_acted(&permit, outcome) {
        hands.journal.note(format_args!("call {}: its end can't be recorded: {error}", permit.key()));
    }
    done.map(|changed| (changed, permit.ruling().clone())).map_err(|error| error.to_string())
}

fn told(change: &FileChange) -> String {
    let path = change.path.display();
    match (&change.before, &change.after) {
        (None, Some(after)) => format!("made {path}, {} bytes (change {})", after.bytes, change.id),
        (Some(before), Some(after)) => {
            format!("wrote {path}, {} bytes become {} (change {})", before.bytes, after.bytes, change.id)
        }
        (_, None) => format!("removed {path} (change {})", change.id),
    }
}

fn failed(message: impl Into<String>) -> ToolResult {
    ToolResult::Failed { message: message.into() }
}

/// Tells a thread that nobody waits for it any more, when dropped.
struct GivenUp(Arc<AtomicBool>);

impl Drop for GivenUp {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
