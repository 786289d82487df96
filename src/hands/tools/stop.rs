//! `shell.stop`: ends a job and everything it started.

use super::Work;
use super::job::OfOneJob;
use crate::daemon::Hands;
use pryx_terms::{JobRecord, ToolResult};
use std::time::Duration;

/// Between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(2);

pub(super) const TOOL: OfOneJob = OfOneJob {
    name: "shell.stop",
    description: "Stop a job and everything it started.",
    words: "stop",
    work: Work::Stop,
    disturbs: true,
};

/// Stops it.
pub(crate) async fn run(hands: &Hands, job: JobRecord) -> ToolResult {
    let ended = match hands.jobs.live(&job.id) {
        Some(live) => live.stop(GRACE, "the agent").await,
        None => hands.jobs.current(job),
    };
    let how = ended.outcome().map_or_else(|| "still runs".to_owned(), ToString::to_string);
    ToolResult::Text { text: format!("job {}: {how}", ended.id) }
}
