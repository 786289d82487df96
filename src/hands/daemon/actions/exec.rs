//! `exec`: a command of the person. It passes the gate, which lets a person's own act through; from inside an agent's
//! job it is the agent's act, and nobody can be asked there.

use super::admission::{Way, decide};
use super::watch_job::{self, Watched};
use crate::daemon::terminal::{self, Wanted};
use crate::daemon::{Hands, Interruption, answer_to};
use crate::env::{self, Fallback};
use crate::gate::{Act, Admission, Request, Surroundings};
use crate::jobs::{self, Job, Launch, Origin, StartError};
use crate::store::CallState;
use pryx_ipc::{ErrorCode, Exec, ExecReply, Inside, Io, RequestContext, WireError};
use pryx_terms::{Actor, CallKey, Excerpt, JobId, JobRecord, StreamBytes, ToolResult};
use std::path::PathBuf;
use std::time::Duration;

/// The tool's name in plans and rules. The same as for a model: what an agent may not do directly, its commands may not
/// do through `pryx exec`.
const TOOL: &str = "shell.exec";

pub(crate) async fn run(hands: &Hands, mut data: Exec, context: &RequestContext) -> Result<ExecReply, WireError> {
    if data.argv.iter().any(|arg| arg.contains('\0')) || data.argv.first().is_none_or(String::is_empty) {
        return Err(WireError::new(ErrorCode::BadData, "there is no command in argv"));
    }
    if !data.cwd.is_absolute() {
        return Err(WireError::new(ErrorCode::BadData, "cwd must be an absolute path"));
    }
    let actor = hands.actor(context.peer);
    env::keep_own(&mut data.env, &actor);
    if let Some(inside) = data.inside.clone() {
        // The plan doesn't tell of them, and they stay in the shell: what is typed there later would run by them.
        if actor != Actor::Person && !inside.set.is_empty() {
            return Err(WireError::new(
                ErrorCode::BadData,
                "only a person may set variables of a terminal; an agent's command says them itself (export NAME=value)",
            ));
        }
        if data.mode.is_some() {
            return Err(WireError::new(
                ErrorCode::BadData,
                "a terminal's shell keeps what it was started with: there is no mode for a command in it",
            ));
        }
        return run_inside(hands, data, inside, actor, context).await;
    }
    let fallback = Fallback::of(&hands.config);
    let env = env::of_command(&data.env, &actor, data.io, &fallback);
    let session = match &actor {
        Actor::Agent { session } => session.clone(),
        Actor::Person => None,
    };
    let surroundings = Surroundings {
        path: env.get("PATH").cloned().unwrap_or_default(),
        home: env.get("HOME").map(PathBuf::from),
        terminal: None,
    };
    let act = Act::Argv { argv: data.argv };
    let request = Request { tool: TOOL.to_owned(), act, cwd: data.cwd, surroundings };
    let admission = Admission { key: data.key.clone(), request, actor, session, can_ask: false };
    let id = match decide(hands, admission, context).await? {
        Way::Attach(id) => id,
        // Its output may not have reached the client before the connection was lost: it is told again, from the log.
        Way::Answered(ToolResult::Ran { job, .. } | ToolResult::Waits { job, .. }) => job.id,
        Way::Answered(result) => return Err(refused_before(result)),
        Way::Run(permit) => {
            let timeout = data.timeout_ms.map(Duration::from_millis);
            let launch = Launch {
                env,
                io: data.io,
                stdin: data.stdin,
                timeout,
                terminal: data.terminal,
                tag: data.tag,
                keep: data.keep,
                mode: data.mode,
            };
            started(hands, &data.key, hands.jobs.start(*permit, launch).await)?
        }
    };
    follow(hands, &id, &data.key, (data.detach, data.have), context).await
}

/// The same in a terminal.
pub(crate) async fn run_inside(
    hands: &Hands,
    data: Exec,
    inside: Inside,
    actor: Actor,
    context: &RequestContext,
) -> Result<ExecReply, WireError> {
    let fallback = Fallback::of(&hands.config);
    let io = if matches!(data.io, Io::Tty { .. }) { data.io } else { Io::default() };
    let env = env::of_command(&data.env, &actor, io, &fallback);
    let session = match &actor {
        Actor::Agent { session } => session.clone(),
        Actor::Person => None,
    };
    let text = line_of(&data.argv);
    let enter = inside.enter.then(|| data.cwd.clone());
    let act = Act::Typed { terminal: inside.terminal.to_string(), text, enter: enter.clone() };
    let home = env.get("HOME").map(PathBuf::from);
    let mut request =
        Request { tool: TOOL.to_owned(), act, cwd: data.cwd.clone(), surroundings: Surroundings::default() };
    // What has begun already needs no terminal: it may have ended with its own.
    let begun = matches!(hands.store.call(&data.key)?, Some(CallState::Started { .. } | CallState::Done { .. }));
    let open = if begun {
        None
    } else {
        let (name, session, cwd) = (&inside.terminal, session.as_ref(), &data.cwd);
        let open = terminal::open(hands, Wanted { name, actor: &actor, session, env: &env, cwd, io }, context).await?;
        request.surroundings = open.surroundings(home);
        Some(open)
    };
    let agent = actor != Actor::Person;
    let admission = Admission { key: data.key.clone(), request, actor, session, can_ask: false };
    let id = match (decide(hands, admission, context).await?, open) {
        (Way::Attach(id), _) => id,
        (Way::Answered(ToolResult::Ran { job, .. } | ToolResult::Waits { job, .. }), _) => job.id,
        (Way::Answered(result), _) => return Err(refused_before(result)),
        (Way::Run(permit), Some(open)) => {
            let inside = jobs::Inside {
                enter: enter.map(|dir| dir.to_string_lossy().into_owned()),
                export: inside.set.into_iter().collect(),
                timeout: data.timeout_ms.map(Duration::from_millis),
                tag: data.tag,
                planned: agent.then_some(open.shell.cwd).flatten(),
                env,
            };
            started(hands, &data.key, hands.jobs.start_within(*permit, &open.job, inside).await)?
        }
        (Way::Run(_), None) => {
            return Err(WireError::new(ErrorCode::Machine, "the call was begun and is not any more"));
        }
    };
    follow(hands, &id, &data.key, (data.detach, data.have), context).await
}

/// One argument is a line as it stands; several are words.
fn line_of(argv: &[String]) -> String {
    match argv {
        [line] => line.clone(),
        words => words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" "),
    }
}

/// One word for any shell. To fish a backslash means something between single quotes; outside it is the same to all.
fn quote(word: &str) -> String {
    let parts: Vec<String> = word.split('\\').map(crate::gate::quote).collect();
    if parts.len() == 1 { parts.concat() } else { parts.join(r"\\") }
}

fn started(hands: &Hands, key: &CallKey, job: Result<Job, StartError>) -> Result<JobId, WireError> {
    job.map(|job| job.id().clone()).map_err(|error| {
        finish(hands, key, &ToolResult::Failed { message: error.to_string() });
        error.into()
    })
}

async fn follow(
    hands: &Hands,
    id: &JobId,
    key: &CallKey,
    (detach, have): (bool, Vec<StreamBytes>),
    context: &RequestContext,
) -> Result<ExecReply, WireError> {
    if detach {
        return Ok(ExecReply { job: hands.job(id.as_str())? });
    }
    match watch_job::run(hands, id, context, Origin::Have { have }, false).await? {
        Watched::Ended(job) => {
            finish(hands, key, &ran(&job));
            Ok(ExecReply { job })
        }
        Watched::Cancelled(job) => {
            finish(hands, key, &ran(&job));
            Err(answer_to(Interruption::Cancelled))
        }
        // A person's own command is waited for, whatever it asks.
        Watched::Waits(job, _) => Ok(ExecReply { job }),
        Watched::LeftRunning => Err(answer_to(Interruption::ShuttingDown)),
    }
}

/// The output is in the log; the answer that is kept needs no copy of it.
fn ran(job: &JobRecord) -> ToolResult {
    let total = job.total_bytes();
    let output = Excerpt { head: String::new(), tail: String::new(), omitted_bytes: total, total_bytes: total };
    ToolResult::Ran { job: Box::new(job.clone()), output }
}

/// The answer that such a request got when it ran nothing.
fn refused_before(result: ToolResult) -> WireError {
    match result {
        ToolResult::Failed { message } => WireError::new(ErrorCode::SpawnFailed, message),
        ToolResult::Refused { refusal, ruling } => crate::gate::NotAdmitted::Refused { refusal, ruling }.into(),
        ToolResult::Ran { .. } | ToolResult::Waits { .. } | ToolResult::Text { .. } => {
            WireError::new(ErrorCode::BadData, "this key belongs to another kind of call")
        }
    }
}

/// What a repeated request will be told. When it can't be written, it is told by attaching to the job instead.
pub(super) fn finish(hands: &Hands, key: &CallKey, result: &ToolResult) {
    if let Err(error) = hands.gate.finish(key, result) {
        hands.journal.note(format_args!("call {key}: its answer can't be kept: {error}"));
    }
}
