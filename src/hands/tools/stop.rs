//! `shell.stop`: ends a job and everything it started.

use super::job::{act, find, is_own, planned};
use super::{Planned, Work, arguments};
use crate::daemon::Hands;
use pryx_ipc::CallTool;
use pryx_terms::{JobRecord, SessionId, ToolResult, ToolSpec};
use serde::Deserialize;
use std::time::Duration;

pub(super) const NAME: &str = "shell.stop";

/// Between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(2);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    job: String,
}

pub(super) fn spec() -> ToolSpec {
    ToolSpec {
        name: NAME.to_owned(),
        description: "Stop a job and everything it started.".to_owned(),
        parameters: super::job_only(),
    }
}

pub(super) fn plan(hands: &Hands, call: CallTool, session: Option<&SessionId>) -> Result<Planned, String> {
    let arguments: Arguments = arguments(NAME, call.arguments)?;
    let job = find(hands, &arguments.job)?;
    let act = act(is_own(&job, session), format!("stop job {} ({})", job.id, job.command));
    Ok(planned(NAME, act, call.cwd, Work::Stop(Box::new(job))))
}

/// Stops it.
pub(crate) async fn run(hands: &Hands, job: JobRecord) -> ToolResult {
    let ended = match hands.jobs.live(&job.id) {
        Some(live) => live.stop(GRACE, "the agent").await,
        None => hands.jobs.current(job),
    };
    let how = ended.outcome().map_or_else(|| "still runs".to_owned(), ToString::to_string);
    ToolResult::Text { text: format!("job {}: {how}", ended.id) }
}
