//! `shell.wait`: waits for a job's end, output, silence, port or question, and returns early when it waits itself.

use super::job::{act, find, is_own, planned, state};
use super::{Planned, Work, arguments};
use crate::daemon::Hands;
use crate::jobs::Goal;
use crate::logs::search::pattern;
use pryx_ipc::{CallTool, WaitEnd};
use pryx_terms::{Activity, JobRecord, SessionId, ToolResult, ToolSpec};
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;

pub(super) const NAME: &str = "shell.wait";

/// How long it waits when the model says nothing, and at most.
const DEFAULT_S: u64 = 60;
const MAX_S: u64 = 3600;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    job: String,
    until: String,
    timeout_s: Option<u64>,
}

/// What to wait for.
pub(crate) struct Wait {
    job: JobRecord,
    goal: Goal,
    timeout: Duration,
    /// A question is no reason to go on waiting, unless it is what was waited for.
    or_question: bool,
}

pub(super) fn spec() -> ToolSpec {
    ToolSpec {
        name: NAME.to_owned(),
        description: "Wait for a job. Returns early if it needs input.".to_owned(),
        parameters: json!({
            "type": "object",
            "properties": {
                "job": {"type": "string"},
                "until": {"type": "string", "description": "exit, prompt, match=REGEX, silence=SECONDS or port=NUMBER"},
                "timeout_s": {"type": "integer", "minimum": 1, "maximum": MAX_S, "description": format!("default {DEFAULT_S}")},
            },
            "required": ["job", "until"],
            "additionalProperties": false,
        }),
    }
}

pub(super) fn plan(hands: &Hands, call: CallTool, session: Option<&SessionId>) -> Result<Planned, String> {
    let arguments: Arguments = arguments(NAME, call.arguments)?;
    let job = find(hands, &arguments.job)?;
    let goal = goal(&arguments.until)?;
    let timeout = Duration::from_secs(arguments.timeout_s.unwrap_or(DEFAULT_S).clamp(1, MAX_S));
    let or_question = !matches!(goal, Goal::Prompt);
    let act = act(is_own(&job, session), format!("wait until {} of job {} ({})", arguments.until, job.id, job.command));
    Ok(planned(NAME, act, call.cwd, Work::Wait(Box::new(Wait { job, goal, timeout, or_question }))))
}

fn goal(text: &str) -> Result<Goal, String> {
    let wrong =
        || format!("{text:?} can't be waited for; say exit, prompt, match=REGEX, silence=SECONDS or port=NUMBER");
    match text.split_once('=') {
        None if text == "exit" => Ok(Goal::Exit),
        None if text == "prompt" => Ok(Goal::Prompt),
        Some(("match", regex)) => pattern(regex).map(Goal::Match),
        Some(("silence", seconds)) => {
            let seconds = seconds.trim_end_matches('s').parse().map_err(|_| wrong())?;
            Duration::try_from_secs_f64(seconds).map(Goal::Silence).map_err(|_| wrong())
        }
        Some(("port", port)) => port.parse().map(Goal::Port).map_err(|_| wrong()),
        _ => Err(wrong()),
    }
}

/// Waits.
pub(crate) async fn run(hands: &Hands, wait: Wait) -> ToolResult {
    let question = async {
        if !wait.or_question {
            std::future::pending::<()>().await;
        }
        // A secret the person types, who has been told.
        let waits = |now| matches!(now, Activity::NeedsInput | Activity::FullScreen);
        hands.jobs.stuck(&wait.job, waits).await;
    };
    let end = async {
        tokio::select! {
            end = hands.jobs.wait(&wait.job, wait.goal) => end.map(Some),
            () = question => Ok(None),
        }
    };
    let end = match tokio::time::timeout(wait.timeout, end).await {
        Ok(Ok(Some(WaitEnd::Met { what: Some(what) }))) => format!("met: {what}"),
        Ok(Ok(Some(WaitEnd::Met { what: None }))) => "met".to_owned(),
        Ok(Ok(Some(WaitEnd::Ended))) => "not met: it ended before".to_owned(),
        Ok(Ok(None)) => "not met: it waits for somebody to type".to_owned(),
        Err(_) | Ok(Ok(Some(WaitEnd::Timeout))) => "not met: time is up, it goes on".to_owned(),
        Ok(Err(error)) => return ToolResult::Failed { message: format!("its log can't be read: {error}") },
    };
    let job = hands.jobs.current(wait.job);
    let state = state(hands, &job);
    ToolResult::Text { text: format!("{end}\njob {}, {state}, {} bytes of output", job.id, job.total_bytes()) }
}
