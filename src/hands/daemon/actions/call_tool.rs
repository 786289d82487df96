//! `call_tool`: one act that a model asks for.

use super::admission::{Barred, Way, decide};
use super::exec::finish;
use super::watch_job::{self, Watched};
use crate::daemon::handler::machine;
use crate::daemon::{Hands, Interruption, answer_to};
use crate::excerpt::excerpt;
use crate::gate::{Admission, NotAdmitted, Permit};
use crate::jobs::{Origin, never};
use crate::tools::{self, Work};
use pryx_ipc::{CallTool, CallToolReply, RequestContext, WireError};
use pryx_terms::{Actor, Excerpt, JobId, JobRecord, Refusal, ToolResult};

pub(crate) async fn run(
    hands: &Hands,
    mut data: CallTool,
    context: &RequestContext,
) -> Result<CallToolReply, WireError> {
    let peer = hands.actor(context.peer);
    crate::env::keep_own(&mut data.env, &peer);
    // From inside an agent's job nobody can be asked, whatever the request says.
    let (session, can_ask) = match peer {
        Actor::Person => {
            // A session that was begun without a choice has the default from its first act on.
            hands.gate.settle(&data.session, &data.cwd)?;
            (Some(data.session.clone()), data.can_ask && context.takes_events())
        }
        Actor::Agent { session } => (session, false),
    };
    let key = data.key.clone();
    let made_before = tools::fs::made_before(hands, &data);
    let planned = if tools::typed::is_meant(&data) {
        tools::typed::plan(hands, data, session.as_ref(), context).await
    } else {
        tools::plan(hands, data, session.as_ref())
    };
    let planned = match planned {
        Ok(planned) => planned,
        Err(message) => return Ok(CallToolReply { result: ToolResult::Failed { message } }),
    };
    let actor = Actor::Agent { session: session.clone() };
    let admission = Admission { key: key.clone(), request: planned.request, actor, session, can_ask };
    let result = match decide(hands, admission, context).await {
        Ok(Way::Run(_)) if let Some(result) = made_before => Attended::Done(result),
        Ok(Way::Run(permit)) => carry_out(hands, *permit, planned.work, context).await?,
        Ok(Way::Attach(id)) => attend(hands, &id, context).await?,
        Ok(Way::Answered(result)) => return Ok(CallToolReply { result }),
        Err(Barred::Gate(NotAdmitted::Refused { refusal: Refusal::Cancelled, .. }))
        | Err(Barred::Early(Interruption::Cancelled)) => return Err(answer_to(Interruption::Cancelled)),
        // The gate has kept these answers already.
        Err(Barred::Gate(NotAdmitted::Impossible(obstacle))) => {
            return Ok(CallToolReply { result: ToolResult::Failed { message: obstacle.to_string() } });
        }
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
        Work::Background(launch) => Ok(Attended::Done(match hands.jobs.start(permit, *launch).await {
            Ok(job) => ran(hands, job.status().record).await?,
            Err(error) => ToolResult::Failed { message: error.to_string() },
        })),
        Work::Typed(typed) => {
            let tools::typed::Typed { terminal: Some(terminal), inside, background } = *typed else {
                return Ok(Attended::Done(ToolResult::Failed { message: "the call was begun before".to_owned() }));
            };
            match hands.jobs.start_within(permit, &terminal, inside).await {
                Ok(job) if background => Ok(Attended::Done(ran(hands, job.status().record).await?)),
                Ok(job) => attend(hands, job.id(), context).await,
                Err(error) => Ok(Attended::Done(ToolResult::Failed { message: error.to_string() })),
            }
        }
        Work::Http(http) => {
            let interruption = hands.interruption(context.interrupted.clone());
            let stopped = async {
                interruption.await;
            };
            Ok(Attended::Done(tools::http::run(hands, permit, *http, stopped).await))
        }
        Work::Fs(work) => {
            let interruption = hands.interruption(context.interrupted.clone());
            let stopped = async {
                interruption.await;
            };
            Ok(Attended::Done(tools::fs::run(hands, permit, work, stopped).await))
        }
        other => {
            hands.gate.audit_act(&permit)?;
            let interruption = hands.interruption(context.interrupted.clone());
            // The permit covers what is done, to its end.
            let result = tokio::select! {
                result = without_a_process(hands, other) => result,
                why = interruption => return Err(answer_to(why)),
            };
            drop(permit);
            Ok(Attended::Done(result))
        }
    }
}

async fn without_a_process(hands: &Hands, work: Work) -> ToolResult {
    match work {
        Work::Read(read) => tools::read::run(hands, read).await,
        Work::Wait(wait) => tools::wait::run(hands, *wait).await,
        Work::Input(input) => tools::input::run(hands, input).await,
        Work::Screen(job) => tools::screen::run(hands, *job).await,
        Work::Stop(job) => tools::stop::run(hands, *job).await,
        Work::List(session) => tools::list::run(hands, session.as_ref()),
        Work::Command(_) | Work::Background(_) | Work::Typed(_) | Work::Fs(_) | Work::Http(_) => {
            ToolResult::Failed { message: "a command needs a job".to_owned() }
        }
    }
}

async fn attend(hands: &Hands, id: &JobId, context: &RequestContext) -> Result<Attended, WireError> {
    match watch_job::run(hands, id, context, Origin::Start, true).await? {
        Watched::Ended(job) => Ok(Attended::Done(ran(hands, job).await?)),
        Watched::Cancelled(job) => Ok(Attended::Cancelled(ran(hands, job).await?)),
        Watched::Waits(job, activity) => {
            let (job, output) = seen(hands, job).await?;
            Ok(Attended::Done(ToolResult::Waits { job: Box::new(job), output, activity }))
        }
        Watched::LeftRunning => Err(answer_to(Interruption::ShuttingDown)),
    }
}

async fn ran(hands: &Hands, job: JobRecord) -> Result<ToolResult, WireError> {
    if let Some(reason) = never(&job) {
        return Ok(ToolResult::Failed { message: reason.to_owned() });
    }
    let (job, output) = seen(hands, job).await?;
    Ok(ToolResult::Ran { job: Box::new(job), output })
}

/// A job with what it printed.
async fn seen(hands: &Hands, job: JobRecord) -> Result<(JobRecord, Excerpt), WireError> {
    let first = job.output.first().copied();
    let output = match first {
        Some(stream) => {
            let dir = hands.jobs.dir(&job.id);
            let made = tokio::task::spawn_blocking(move || excerpt(&dir, stream)).await;
            made.map_err(|error| machine(&error))?.map_err(|error| machine(&error))?
        }
        None => Excerpt { head: String::new(), tail: String::new(), omitted_bytes: 0, total_bytes: 0 },
    };
    Ok((job, output))
}
