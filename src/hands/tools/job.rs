//! What the tools that concern a job share: whose it is, and so what the gate is asked.

use super::{Planned, Work};
use crate::daemon::Hands;
use crate::gate::{Act, Request, Surroundings};
use pryx_terms::{JobRecord, SessionId};
use std::path::PathBuf;

/// The job that a model means.
pub(super) fn find(hands: &Hands, text: &str) -> Result<JobRecord, String> {
    hands.jobs.resolve(text).map_err(|error| error.to_string())
}

/// Whether the same conversation started it.
pub(super) fn is_own(job: &JobRecord, session: Option<&SessionId>) -> bool {
    session.is_some() && job.session.as_ref() == session
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
