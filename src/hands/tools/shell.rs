//! `shell.exec`: runs a command line in a terminal of its own.

use super::{Planned, Work, arguments};
use crate::daemon::Hands;
use crate::daemon::terminal::shell;
use crate::env::{self, Fallback};
use crate::gate::{Act, Request, Surroundings};
use crate::jobs::Launch;
use pryx_ipc::{CallTool, Io, Stdin};
use pryx_terms::{Actor, ToolSpec};
use serde::Deserialize;
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;

pub(super) const NAME: &str = "shell.exec";

/// The same without waiting for its end.
pub(super) const BACKGROUND: &str = "shell.background";

/// How long a command runs when the model says nothing. A build fits; one that waits for input is found out.
const DEFAULT_TIMEOUT_S: u64 = 120;

/// The longest a model can ask for.
const MAX_TIMEOUT_S: u64 = 3600;

/// Longest command. The kernel takes no longer argument (`MAX_ARG_STRLEN`, 128 KiB), and a person could not read it.
const MAX_COMMAND: usize = 64 * 1024;

/// What a terminal is to a model.
const TERMINAL: &str = "name of a persistent shell: cd, variables, functions stay";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Background {
    command: String,
    cwd: Option<PathBuf>,
}

pub(super) fn background_spec() -> ToolSpec {
    ToolSpec {
        name: BACKGROUND.to_owned(),
        description: "Start a bash command (a server, a watcher) and return at once with its job.".to_owned(),
        parameters: json!({
            "type": "object",
            "properties": {"command": {"type": "string"}, "cwd": {"type": "string"}, "terminal": {"type": "string"}},
            "required": ["command"],
            "additionalProperties": false,
        }),
    }
}

pub(super) fn plan_background(hands: &Hands, mut call: CallTool) -> Result<Planned, String> {
    let Background { command, cwd } = arguments(BACKGROUND, std::mem::take(&mut call.arguments))?;
    let (request, launch) = command_line(hands, call, BACKGROUND, command, cwd, None)?;
    Ok(Planned { request, work: Work::Background(Box::new(launch)) })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    command: String,
    cwd: Option<PathBuf>,
    timeout_s: Option<u64>,
}

pub(super) fn spec() -> ToolSpec {
    ToolSpec {
        name: NAME.to_owned(),
        description: "Run a bash command on the user's machine and wait for it. Returns the exit code and the output; \
                      of long output the beginning and end, the rest with shell.read. Returns early if it needs input."
            .to_owned(),
        parameters: json!({
            "type": "object",
            "properties": {
                "command": {"type": "string"},
                "cwd": {"type": "string", "description": "directory; default: the session's, or the terminal's"},
                "terminal": {"type": "string", "description": TERMINAL},
                "timeout_s": {
                    "type": "integer", "minimum": 1, "maximum": MAX_TIMEOUT_S,
                    "description": format!("default {DEFAULT_TIMEOUT_S}"),
                },
            },
            "required": ["command"],
            "additionalProperties": false,
        }),
    }
}

pub(super) fn plan(hands: &Hands, mut call: CallTool) -> Result<Planned, String> {
    let arguments: Arguments = arguments(NAME, std::mem::take(&mut call.arguments))?;
    let timeout = Some(time_limit(arguments.timeout_s)?);
    let (request, launch) = command_line(hands, call, NAME, arguments.command, arguments.cwd, timeout)?;
    Ok(Planned { request, work: Work::Command(Box::new(launch)) })
}

/// How long it may run.
pub(super) fn time_limit(seconds: Option<u64>) -> Result<Duration, String> {
    match seconds.unwrap_or(DEFAULT_TIMEOUT_S) {
        seconds @ 1..=MAX_TIMEOUT_S => Ok(Duration::from_secs(seconds)),
        _ => Err(format!("timeout_s is from 1 to {MAX_TIMEOUT_S}")),
    }
}

/// Text that can be a command.
pub(super) fn check(command: &str) -> Result<(), String> {
    if command.trim().is_empty() {
        return Err("the command is empty".to_owned());
    }
    if command.len() > MAX_COMMAND {
        return Err(format!("the command is longer than {MAX_COMMAND} bytes: write it to a file first"));
    }
    if command.contains('\0') {
        return Err("the command holds a NUL character".to_owned());
    }
    Ok(())
}

fn command_line(
    hands: &Hands,
    call: CallTool,
    tool: &str,
    command: String,
    cwd: Option<PathBuf>,
    timeout: Option<Duration>,
) -> Result<(Request, Launch), String> {
    check(&command)?;
    let cwd = cwd.map_or_else(|| call.cwd.clone(), |dir| call.cwd.join(dir));
    if !cwd.is_absolute() || !cwd.is_dir() {
        return Err(format!("{} is no directory", cwd.display()));
    }
    let io = Io::default();
    let fallback = Fallback::of(&hands.config);
    let env = env::of_command(&call.env, &Actor::Agent { session: Some(call.session) }, io, &fallback);
    let surroundings = Surroundings {
        path: env.get("PATH").cloned().unwrap_or_default(),
        home: env.get("HOME").map(PathBuf::from),
        terminal: None,
    };
    let act = Act::Shell { command, shell: vec![shell(), "-c".to_owned()] };
    let launch = Launch { env, io, stdin: Stdin::Inherit, timeout, terminal: None, tag: None, keep: false, mode: None };
    Ok((Request { tool: tool.to_owned(), act, cwd, surroundings }, launch))
}
