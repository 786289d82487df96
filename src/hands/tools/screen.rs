//! `shell.screen`: what a job's terminal shows now.

use super::job::{act, find, is_own, planned, state};
use super::{Planned, Work, arguments};
use crate::daemon::Hands;
use crate::daemon::draw;
use pryx_ipc::{CallTool, ScreenFormat};
use pryx_terms::{JobRecord, SessionId, ToolResult, ToolSpec};
use serde::Deserialize;
use serde_json::json;

pub(super) const NAME: &str = "shell.screen";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    job: String,
}

pub(super) fn spec() -> ToolSpec {
    ToolSpec {
        name: NAME.to_owned(),
        description: "What a job's terminal shows now; for full-screen programs.".to_owned(),
        parameters: super::job_only(),
    }
}

pub(super) fn plan(hands: &Hands, call: CallTool, session: Option<&SessionId>) -> Result<Planned, String> {
    let arguments: Arguments = arguments(NAME, call.arguments)?;
    let job = find(hands, &arguments.job)?;
    let act = act(is_own(&job, session), format!("look at the screen of job {} ({})", job.id, job.command));
    Ok(planned(NAME, act, call.cwd, Work::Screen(Box::new(job))))
}

/// Draws it.
pub(crate) async fn run(hands: &Hands, job: JobRecord) -> ToolResult {
    let state = state(hands, &job);
    match draw(hands, hands.jobs.current(job), ScreenFormat::Text).await {
        Ok(screen) => {
            let cursor = screen.cursor.map(|(row, col)| json!([row, col])).unwrap_or_default();
            let head = format!("[job {}, {state}, {}x{}, cursor {cursor}]", screen.job.id, screen.rows, screen.cols);
            ToolResult::Text { text: format!("{head}\n{}", screen.content) }
        }
        Err(error) => ToolResult::Failed { message: error.message },
    }
}
