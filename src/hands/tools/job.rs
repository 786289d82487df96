//! What the tools that concern a job share: whose it is, and so what the gate is asked.

use super::{Planned, Work, arguments};
use crate::daemon::Hands;
use crate::gate::{Act, Request, Surroundings};
use pryx_ipc::CallTool;
use pryx_terms::{JobRecord, SessionId, ToolSpec};
use serde::Deserialize;
use std::path::PathBuf;

/// A tool that is told a job and nothing else.
pub(super) struct OfOneJob {
    pub name: &'static str,
    pub description: &'static str,
    /// What the gate and the person are told, before the job.
    pub words: &'static str,
    pub work: fn(Box<JobRecord>) -> Work,
    /// It disturbs whoever has the terminal.
    pub disturbs: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    job: String,
}

impl OfOneJob {
    pub fn spec(&self) -> ToolSpec {
        ToolSpec {
            name: self.name.to_owned(),
            description: self.description.to_owned(),
            parameters: serde_json::json!({
                "type": "object",
                "properties": {"job": {"type": "string"}},
                "required": ["job"],
                "additionalProperties": false,
            }),
        }
    }

    pub fn plan(&self, hands: &Hands, call: CallTool, session: Option<&SessionId>) -> Result<Planned, String> {
        let Arguments { job } = arguments(self.name, call.arguments)?;
        let job = find(hands, &job)?;
        let harmless = is_own(&job, session) && !(self.disturbs && has_person(hands, &job));
        let act = act(harmless, format!("{} job {} ({})", self.words, job.id, job.command));
        Ok(planned(self.name, act, call.cwd, (self.work)(Box::new(job))))
    }
}

/// The job that a model means.
pub(super) fn find(hands: &Hands, text: &str) -> Result<JobRecord, String> {
    hands.jobs.resolve(text).map_err(|error| error.to_string())
}

/// Whether the same conversation started it.
pub(super) fn is_own(job: &JobRecord, session: Option<&SessionId>) -> bool {
    session.is_some() && job.session.as_ref() == session
}

/// Whether a person types in it, or runs something of their own there: then it is theirs for the time being.
pub(super) fn has_person(hands: &Hands, job: &JobRecord) -> bool {
    hands.jobs.live(&job.id).and_then(|live| live.status().shell).is_some_and(|shell| shell.person)
}

/// What was said or shown in the same conversation needs no question; anything else is the person's.
pub(super) fn act(harmless: bool, text: String) -> Act {
    if harmless { Act::Look { text } } else { Act::Other { text, argv: Vec::new() } }
}

pub(super) fn planned(tool: &str, act: Act, cwd: PathBuf, work: Work) -> Planned {
    Planned { request: Request { tool: tool.to_owned(), act, cwd, surroundings: Surroundings::default() }, work }
}

/// In which state a job is, in a few words.
pub(super) fn state(hands: &Hands, job: &JobRecord) -> String {
    match (job.outcome(), hands.jobs.live(&job.id)) {
        (Some(outcome), _) => outcome.to_string(),
        (None, Some(live)) => live.status().activity().to_string(),
        (None, None) => "running".to_owned(),
    }
}
