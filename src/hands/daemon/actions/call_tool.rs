//! `call_tool`: one act that a model asks for.

use super::admission::{Barred, Way, decide};
use super::exec::finish;
use super::watch_job::{self, Watched};
use crate::daemon::handler::machine;
use crate::daemon::{Hands, Interruption, answer_to};
use crate::excerpt::excerpt;
use crate::gate::{Admission, NotAdmitted, Permit};
use crate::tools::{self, Work};
use pryx_ipc::{CallTool, CallToolReply, RequestContext, WireError};
use pryx_terms::{Actor, Excerpt, JobId, JobRecord, Refusal, ToolResult};

pub(crate) async fn run(hands: &Hands, data: CallTool, context: &RequestContext) -> Result<CallToolReply, WireError> {
    // From inside an agent's job nobody can be asked, whatever the request says.
    let (session, can_ask) = match hands.actor(context.peer) {
        Actor::Person => (Some(data.session.clone()), data.can_ask && context.takes_events()),
        Actor::Agent { session } => (session, false),
    };
    let key = data.key.clone();
    let planned = match tools::plan(hands, data, session.as_ref()) {
        Ok(planned) => planned,
        Err(message) => return Ok(CallToolReply { result: ToolResult::Failed { message } }),
    };
    let actor = Actor::Agent { session: session.clone() };
    let admission = Admission { key: key.clone(), request: planned.request, actor, session, can_ask };
    let result = match decide(hands, admission, context).await {
        Ok(Way::Run(permit)) => carry_out(hands, *permit, planned.work, context).await?,
        Ok(Way::Attach(id)) => attend(hands, &id, context).await?,
        Ok(Way::Answered(result)) => return Ok(CallToolReply { result }),
        Err(Barred::Gate(NotAdmitted::Refused { refusal: Refusal::Cancelled, .. }))
        | Err(Barred::Early(Interruption::Cancelled)) => return Err(answer_to(Interruption::Cancelled)),
        // The gate has kept this answer already.
        Err(Barred::Gate(NotAdmitted::Refused { refusal, ruling })) => {
            return Ok(CallToolReply { result: ToolResult::Refused { refusal, ruling } });
        }
        Err(barred) => return Err(barred.into()),
    };
    let (result, cancelled) = match result {
        Attended::Done(result) => (result, false),
        Attended::Cancelled(result) => (result, true),
    };
    finish(hands, &key, &result);
    if cancelled { Err(answer_to(Interruption::Cancelled)) } else { Ok(CallToolReply { result }) }
}

enum Attended {
    Done(ToolResult),
    Cancelled(ToolResult),
}

async fn carry_out(hands: &Hands, permit: Permit, work: Work, context: &RequestContext) -> Result<Attended, WireError> {
    match work {
        Work::Command(launch) => match hands.jobs.start(permit, *launch).await {
            Ok(job) => attend(hands, job.id(), context).await,
            Err(error) => Ok(Attended::Done(ToolResult::Failed { message: error.to_string() })),
        },
        Work::Read(read) => {
            let result = tools::read::run(hands, read).await;
            // The permit covers the reading too.
            drop(permit);
            Ok(Attended::Done(result))
        }
    }
}

async fn attend(hands: &Hands, id: &JobId, context: &RequestContext) -> Result<Attended, WireError> {
    match watch_job::run(hands, id, context).await? {
        Watched::Ended(job) => Ok(Attended::Done(ran(hands, job).await?)),
        Watched::Cancelled(job) => Ok(Attended::Cancelled(ran(hands, job).await?)),
        Watched::LeftRunning => Err(answer_to(Interruption::ShuttingDown)),
    }
}

async fn ran(hands: &Hands, job: JobRecord) -> Result<ToolResult, WireError> {
    let first = job.output.first().copied();
    let output = match first {
        Some(stream) => {
            let dir = hands.jobs.dir(&job.id);
            let made = tokio::task::spawn_blocking(move || excerpt(&dir, stream)).await;
            made.map_err(|error| machine(&error))?.map_err(|error| machine(&error))?
        }
        None => Excerpt { head: String::new(), tail: String::new(), omitted_bytes: 0, total_bytes: 0 },
    };
    Ok(ToolResult::Ran { job: Box::new(job), output })
}
