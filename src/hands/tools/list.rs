//! `shell.list`: the jobs of the same conversation that live.

use super::job::{act, is_own, planned};
use super::{Planned, Work, arguments};
use crate::daemon::Hands;
use pryx_ipc::CallTool;
use pryx_terms::{JobRecord, Live, SessionId, ToolResult, ToolSpec};
use serde::Deserialize;
use serde_json::json;
use std::fmt::Write as _;

pub(super) const NAME: &str = "shell.list";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {}

pub(super) fn spec() -> ToolSpec {
    ToolSpec {
        name: NAME.to_owned(),
        description: "List your running jobs.".to_owned(),
        parameters: json!({"type": "object", "properties": {}, "additionalProperties": false}),
    }
}

pub(super) fn plan(call: CallTool, session: Option<&SessionId>) -> Result<Planned, String> {
    let Arguments {} = arguments(NAME, call.arguments)?;
    Ok(planned(NAME, act(true, "list its own jobs".to_owned()), call.cwd, Work::List(session.cloned())))
}

/// Lists them.
pub(crate) fn run(hands: &Hands, session: Option<&SessionId>) -> ToolResult {
    let live = hands.jobs.all_live().into_iter().map(|job| job.status()).filter(|status| status.is_alive());
    let mut own: Vec<JobRecord> = live.map(|status| status.record).filter(|job| is_own(job, session)).collect();
    own.sort_by_key(|job| job.started);
    let mut text = String::new();
    for listed in hands.jobs.with_live(own) {
        let Some(live) = &listed.live else { continue };
        let typing = if live.person { " (a person types in it: commands wait)" } else { "" };
        let Live { activity, last_line, .. } = live;
        let _ = writeln!(text, "{} {activity}{typing} {}: {last_line}", listed.job.id, listed.job.command);
    }
    ToolResult::Text { text: if text.is_empty() { "no jobs run".to_owned() } else { text } }
}
