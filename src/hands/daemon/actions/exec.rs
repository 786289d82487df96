//! `exec`: a command of the person. It passes the gate, which lets a person's own act through; from inside an agent's
//! job it is the agent's act, and nobody can be asked there.

use super::admission::{Way, decide};
use super::watch_job::{self, Watched};
use crate::daemon::{Hands, Interruption, answer_to};
use crate::env::{self, Fallback};
use crate::gate::{Act, Admission, Request, Surroundings};
use crate::jobs::{Launch, Origin};
use pryx_ipc::{ErrorCode, Exec, ExecReply, RequestContext, WireError};
use pryx_terms::{Actor, CallKey, Excerpt, JobRecord, ToolResult};
use std::path::PathBuf;
use std::time::Duration;

/// The tool's name in plans and rules. The same as for a model: what an agent may not do directly, its commands may not
/// do through `pryx exec`.
const TOOL: &str = "shell.exec";

pub(crate) async fn run(hands: &Hands, data: Exec, context: &RequestContext) -> Result<ExecReply, WireError> {
    if data.argv.iter().any(|arg| arg.contains('\0')) || data.argv.first().is_none_or(String::is_empty) {
        return Err(WireError::new(ErrorCode::BadData, "there is no command in argv"));
    }
    if !data.cwd.is_absolute() {
        return Err(WireError::new(ErrorCode::BadData, "cwd must be an absolute path"));
    }
    let actor = hands.actor(context.peer);
    let fallback = Fallback::of(&hands.config);
    let env = env::of_command(&data.env, &actor, data.io, &fallback);
    let session = match &actor {
        Actor::Agent { session } => session.clone(),
        Actor::Person => None,
    };
    let surroundings =
        Surroundings { path: env.get("PATH").cloned().unwrap_or_default(), home: env.get("HOME").map(PathBuf::from) };
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
                workspace: None,
            };
            match hands.jobs.start(*permit, launch).await {
                Ok(job) => job.id().clone(),
                Err(error) => {
                    finish(hands, &data.key, &ToolResult::Failed { message: error.to_string() });
                    return Err(error.into());
                }
            }
        }
    };
    if data.detach {
        return Ok(ExecReply { job: hands.job(id.as_str())? });
    }
    match watch_job::run(hands, &id, context, Origin::Have { have: data.have }, false).await? {
        Watched::Ended(job) => {
            finish(hands, &data.key, &ran(&job));
            Ok(ExecReply { job })
        }
        Watched::Cancelled(job) => {
            finish(hands, &data.key, &ran(&job));
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
