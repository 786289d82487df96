//! What the machine tells: events out of what it knows.

use super::{Effect, Failure, Pending, ToolInput};
use crate::event::{
    ApprovalNeeded, ApprovalResolved, ErrorReport, Notice, Payload, ToolComplete, ToolEnd, ToolExecuting, ToolOutput,
};
use crate::message::{Part, StopReason};
use pryx_terms::{CallKey, ToolResult};

/// Tells what a call came to, and makes the part that goes to the model.
pub(super) fn complete(pending: &Pending, result: ToolResult, out: &mut Vec<Effect>) -> Part {
    completed(pending, ToolEnd::of(&result), out);
    Part::ToolResult { id: pending.call.id.clone(), result }
}

pub(super) fn cancel(pending: &Pending, why: &str, out: &mut Vec<Effect>) -> Part {
    completed(pending, ToolEnd::Cancelled, out);
    Part::ToolResult { id: pending.call.id.clone(), result: ToolResult::Failed { message: why.to_owned() } }
}

/// Tells that a call is over.
pub(super) fn completed(pending: &Pending, end: ToolEnd, out: &mut Vec<Effect>) {
    let complete = ToolComplete { call: pending.key.clone(), tool: pending.call.tool.clone(), end };
    out.push(Effect::Emit(Payload::ToolComplete(Box::new(complete))));
}

/// Shows what happens to a call that goes on.
pub(super) fn progress(key: &CallKey, input: ToolInput, out: &mut Vec<Effect>) {
    let call = key.clone();
    let payload = match input {
        ToolInput::Started(job) => {
            let job = *job;
            Payload::ToolExecuting(ToolExecuting { call, job: job.id, command: job.command, cwd: job.cwd })
        }
        ToolInput::Output { job, stream, offset, bytes, text } => {
            Payload::ToolOutput(ToolOutput { call, job, stream, offset, bytes, text })
        }
        ToolInput::ApprovalNeeded(approval) => {
            Payload::ApprovalNeeded(Box::new(ApprovalNeeded { call, approval: *approval }))
        }
        ToolInput::ApprovalResolved { approval, resolution } => {
            Payload::ApprovalResolved(ApprovalResolved { call, approval, resolution })
        }
        ToolInput::Finished(_) | ToolInput::Cancelled | ToolInput::HandsFailed(_) => return,
    };
    out.push(Effect::Emit(payload));
}

pub(super) fn no_answer(model: &str, stop: StopReason) -> Failure {
    let (code, message, hint) = match stop {
        StopReason::Refusal => (
            "model_refused",
            format!("{model} refused to answer, by the rules of its provider"),
            "put the request in other words, or choose another model with --model",
        ),
        StopReason::Length => (
            "empty_answer",
            format!("{model} used up its whole output before it said anything"),
            "ask for less at once, or choose another model with --model",
        ),
        StopReason::Done | StopReason::ToolCalls | StopReason::NothingToRun => {
            ("empty_answer", format!("{model} answered nothing"), "try again, or choose another model with --model")
        }
    };
    Failure { code: code.to_owned(), message, hint: Some(hint.to_owned()) }
}

pub(super) fn stuck(words: &str) -> Failure {
    Failure {
        code: "stuck".to_owned(),
        message: format!("the turn was ended: {words}, and the model was told so before"),
        hint: Some("say what to do differently with pryx -c \"…\"".to_owned()),
    }
}

pub(super) fn refused_again(model: &str) -> Failure {
    Failure {
        code: "refused_again".to_owned(),
        message: format!("the turn was ended: {model} tried again what was refused, after it was told not to"),
        hint: Some("allow it when it asks, or say what to do instead with pryx -c \"…\"".to_owned()),
    }
}

pub(super) fn report(failure: Failure, out: &mut Vec<Effect>) {
    let Failure { code, message, hint } = failure;
    out.push(Effect::Emit(Payload::Error(ErrorReport { code, message, hint })));
}

pub(super) fn notice(code: &str, message: String, out: &mut Vec<Effect>) {
    out.push(Effect::Emit(Payload::Notice(Notice { code: code.to_owned(), message })));
}
