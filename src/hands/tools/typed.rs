//! `shell.exec` and `shell.background` with a `terminal`: a command in a shell that stays.

use super::shell::{BACKGROUND, NAME, check, time_limit};
use super::{Planned, Work, arguments};
use crate::daemon::Hands;
use crate::daemon::terminal::{self, Open, Wanted};
use crate::env::{self, Fallback};
use crate::gate::{Act, Request, Surroundings};
use crate::jobs::{Inside, Job};
use crate::store::CallState;
use pryx_ipc::{CallTool, Io, RequestContext};
use pryx_terms::{Actor, SessionId, TerminalName, visible};
use serde::Deserialize;
use std::path::PathBuf;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    command: String,
    terminal: String,
    cwd: Option<PathBuf>,
    timeout_s: Option<u64>,
}

/// What to type, and where.
pub(crate) struct Typed {
    /// Absent when the call was begun before: then it is not typed again.
    pub terminal: Option<Job>,
    pub inside: Inside,
    /// Its end is not waited for.
    pub background: bool,
}

/// Whether a call is one of these.
pub(crate) fn is_meant(call: &CallTool) -> bool {
    [NAME, BACKGROUND].contains(&call.tool.as_str()) && call.arguments.get("terminal").is_some_and(|t| !t.is_null())
}

/// Turns it into something to rule on. A terminal of that name is started if there is none.
pub(crate) async fn plan(
    hands: &Hands,
    mut call: CallTool,
    session: Option<&SessionId>,
    context: &RequestContext,
) -> Result<Planned, String> {
    let background = call.tool == BACKGROUND;
    let given: Arguments = arguments(&call.tool, std::mem::take(&mut call.arguments))?;
    check(&given.command)?;
    let timeout = if background { None } else { Some(time_limit(given.timeout_s)?) };
    let name = TerminalName::parse(&given.terminal).map_err(|error| error.to_string())?;
    let actor = Actor::Agent { session: session.cloned() };
    let io = Io::default();
    let env = env::of_command(&call.env, &actor, io, &Fallback::of(&hands.config));
    let home = env.get("HOME").map(PathBuf::from);
    let begun = hands.store.call(&call.key).map_err(|error| error.to_string())?;
    let open = if matches!(begun, Some(CallState::Started { .. } | CallState::Done { .. })) {
        None
    } else {
        let wanted = Wanted { name: &name, actor: &actor, session, env: &env, cwd: &call.cwd, io };
        let open = terminal::open(hands, wanted, context).await.map_err(|error| error.message)?;
        refuse_busy(hands, &name, &open)?;
        Some(open)
    };
    let surroundings = open.as_ref().map_or_else(Surroundings::default, |open| open.surroundings(home));
    let enter = given.cwd.map(|dir| call.cwd.join(dir));
    let act = Act::Typed { terminal: name.to_string(), text: given.command, enter: enter.clone() };
    let inside = Inside {
        enter: enter.map(|dir| dir.to_string_lossy().into_owned()),
        export: Vec::new(),
        timeout,
        tag: None,
        planned: open.as_ref().and_then(|open| open.shell.cwd.clone()),
        env,
    };
    let request = Request { tool: call.tool, act, cwd: call.cwd, surroundings };
    let terminal = open.map(|open| open.job);
    Ok(Planned { request, work: Work::Typed(Box::new(Typed { terminal, inside, background })) })
}

/// What the model started itself it can wait for; a person at the keys is waited for by the keeper.
fn refuse_busy(hands: &Hands, name: &TerminalName, open: &Open) -> Result<(), String> {
    let Some(running) = &open.shell.running else { return Ok(()) };
    let what = hands.jobs.live(running).map(|job| visible(&job.status().record.command)).unwrap_or_default();
    Err(format!("terminal {name} is busy with job {running} ({what}); wait for it, stop it, or use another terminal"))
}
