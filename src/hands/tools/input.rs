//! `shell.input`: text and keys for a job. A secret is never the model's to type.

use super::job::{act, find, has_person, is_own, planned};
use super::{Planned, Work, arguments};
use crate::daemon::Hands;
use pryx_ipc::CallTool;
use pryx_terms::{Activity, JobId, SessionId, ToolResult, ToolSpec};
use serde::Deserialize;
use serde_json::json;

pub(super) const NAME: &str = "shell.input";

/// Answers that run nothing wherever a program asks: a yes or no to what was approved with the command itself, and the
/// way out. Anything else is asked, because programs that may be started freely run commands on a line of input
/// (`!` in a pager).
const HARMLESS_TEXT: &[&str] = &["", "y", "n", "Y", "N", "q"];
const HARMLESS_KEYS: &[&str] = &["enter", "escape", "up", "down", "left", "right", "pageup", "pagedown", "home", "end"];

/// The way out of anything.
const ALWAYS: &[&str] = &["c-c", "c-d"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    job: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    keys: Vec<String>,
}

/// What to type.
pub(crate) struct Input {
    job: JobId,
    text: String,
    keys: Vec<String>,
}

pub(super) fn spec() -> ToolSpec {
    ToolSpec {
        name: NAME.to_owned(),
        description: "Type text, then keys, into a job. Not for passwords: those the user types.".to_owned(),
        parameters: json!({
            "type": "object",
            "properties": {
                "job": {"type": "string"},
                "text": {"type": "string"},
                "keys": {"type": "array", "items": {"type": "string"}, "description": "Enter, C-c, Up, Escape, F5"},
            },
            "required": ["job"],
            "additionalProperties": false,
        }),
    }
}

pub(super) fn plan(hands: &Hands, call: CallTool, session: Option<&SessionId>) -> Result<Planned, String> {
    let arguments: Arguments = arguments(NAME, call.arguments)?;
    let job = find(hands, &arguments.job)?;
    let activity = hands.jobs.live(&job.id).map_or(Activity::Exited, |live| live.status().activity());
    let mine = is_own(&job, session) && !has_person(hands, &job);
    let harmless = mine && is_harmless(activity, &arguments.text, &arguments.keys);
    let what = format!("type {:?} {} into job {} ({})", arguments.text, arguments.keys.join(" "), job.id, job.command);
    let Arguments { text, keys, .. } = arguments;
    Ok(planned(NAME, act(harmless, what), call.cwd, Work::Input(Input { job: job.id, text, keys })))
}

fn is_harmless(activity: Activity, text: &str, keys: &[String]) -> bool {
    let all_in = |known: &[&str]| keys.iter().all(|key| known.contains(&key.to_ascii_lowercase().as_str()));
    let out = text.is_empty() && all_in(ALWAYS);
    let asks = matches!(activity, Activity::NeedsInput | Activity::FullScreen);
    out || (asks && HARMLESS_TEXT.contains(&text) && all_in(HARMLESS_KEYS))
}

/// Types it.
pub(crate) async fn run(hands: &Hands, input: Input) -> ToolResult {
    let failed = |message: String| ToolResult::Failed { message };
    let Some(job) = hands.jobs.live(&input.job) else {
        return failed(format!("job {} has ended", input.job));
    };
    // Looked at when it is done, not when it was asked: a password may be asked for since.
    if job.status().activity() == Activity::NeedsSecret {
        return failed(format!(
            "job {0} waits for a secret, which only the user may type: with `pryx attach {0}`. Wait for it with shell.wait.",
            input.job
        ));
    }
    match job.type_keys(input.text.as_bytes(), &input.keys, false).await {
        Ok(()) => ToolResult::Text { text: format!("typed into job {}", input.job) },
        Err(error) => failed(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Activity, is_harmless};

    #[test]
    fn only_what_runs_nothing_goes_unasked() {
        let keys = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert!(is_harmless(Activity::NeedsInput, "y", &keys(&["Enter"])));
        assert!(is_harmless(Activity::FullScreen, "q", &[]));
        assert!(is_harmless(Activity::Running, "", &keys(&["C-c"])));
        for (activity, text, names) in [
            (Activity::FullScreen, "!rm -rf ~", &["Enter"][..]),
            (Activity::Idle, "y", &["Enter"]),
            (Activity::Idle, "", &["Up", "Enter"]),
            (Activity::Running, "y", &["Enter"]),
            (Activity::NeedsInput, "yes", &["Enter"]),
            (Activity::NeedsInput, "", &["M-!"]),
        ] {
            assert!(!is_harmless(activity, text, &keys(names)), "{activity} {text} {names:?}");
        }
    }
}
