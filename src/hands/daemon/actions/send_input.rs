//! `send_input`: bytes for a job's terminal or standard input.

use crate::daemon::handler::not_for_agents;
use crate::daemon::{Hands, answer_to};
use pryx_ipc::{Done, Interrupt, RequestContext, SendInput, WireError};
use pryx_terms::Actor;

pub(crate) async fn run(hands: &Hands, data: &SendInput, context: RequestContext) -> Result<Done, WireError> {
    // What is typed into a shell runs there, past the gate.
    if hands.actor(context.peer) != Actor::Person {
        return Err(not_for_agents("type into a job"));
    }
    // The first time it was taken, and perhaps just that has ended the job.
    if let Some(part) = &data.part
        && hands.typed.has(data, part).await
    {
        return Ok(Done {});
    }
    let job = hands.live_job(&data.job)?;
    let mut interrupted = context.interrupted.clone();
    let typing = async {
        match &data.part {
            Some(part) => hands.typed.add(job, data, part).await,
            None => job.input(&data.data.0, data.eof, data.window).await,
        }
    };
    tokio::select! {
        taken = typing => Ok(taken.map(|()| Done {})?),
        () = hands.ending.wait() => Err(answer_to(crate::daemon::Interruption::ShuttingDown)),
        why = interrupted.wait() => Err(answer_to(match why {
            Interrupt::ShuttingDown => crate::daemon::Interruption::ShuttingDown,
            Interrupt::Cancelled | Interrupt::HungUp => crate::daemon::Interruption::Cancelled,
        })),
    }
}
