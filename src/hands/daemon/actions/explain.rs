//! `explain`: what the gate would say to a command of an agent's, and why. Nothing is run.

use crate::daemon::Hands;
use crate::env::{self, Fallback};
use crate::gate::{Act, Request, Surroundings};
use pryx_ipc::{ErrorCode, Explain, ExplainReply, Io, RequestContext, WireError};
use pryx_terms::Actor;
use std::path::PathBuf;

/// As a model's command is named.
const TOOL: &str = "shell.exec";

pub(crate) fn run(hands: &Hands, mut data: Explain, context: &RequestContext) -> Result<ExplainReply, WireError> {
    if data.command.trim().is_empty() || data.command.contains('\0') || !data.cwd.is_absolute() {
        return Err(WireError::new(ErrorCode::BadData, "there is no command, or cwd is no absolute path"));
    }
    let actor = hands.actor(context.peer);
    env::keep_own(&mut data.env, &actor);
    // What a command of an agent's would get, whoever asks.
    let fallback = Fallback::of(&hands.config);
    let env = env::of_command(&data.env, &Actor::Agent { session: None }, Io::Pipes, &fallback);
    let path = env.get("PATH").cloned().unwrap_or_default();
    let surroundings = Surroundings { path, home: env.get("HOME").map(PathBuf::from), terminal: None };
    let act = Act::Shell { command: data.command, shell: vec!["/bin/bash".to_owned(), "-c".to_owned()] };
    let request = Request { tool: TOOL.to_owned(), act, cwd: data.cwd, surroundings };
    let rules = match (&data.mode, &data.session, &actor) {
        (None, Some(session), Actor::Person) => hands.gate.rules(Some(session)),
        (mode, _, actor) => hands.gate.rules_named(mode.as_deref(), &request.cwd, actor),
    };
    let explanation = hands.gate.explain(&request, &rules, data.session.as_ref());
    let explanation = explanation.map_err(|obstacle| WireError::new(ErrorCode::BadData, obstacle.to_string()))?;
    Ok(ExplainReply { explanation })
}
