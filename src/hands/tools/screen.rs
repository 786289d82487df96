//! `shell.screen`: what a job's terminal shows now.

use super::Work;
use super::job::{OfOneJob, state};
use crate::daemon::{Hands, draw};
use pryx_ipc::ScreenFormat;
use pryx_terms::{JobRecord, ToolResult};
use serde_json::json;

pub(super) const TOOL: OfOneJob = OfOneJob {
    name: "shell.screen",
    description: "What a job's terminal shows now; for full-screen programs.",
    words: "look at the screen of",
    work: Work::Screen,
    disturbs: false,
};

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
