//! `send_keys`: text and keys for a job's terminal, all of it or nothing.

use crate::daemon::handler::not_for_agents;
use crate::daemon::{Hands, answer_to};
use crate::jobs::TypingError;
use pryx_ipc::{Done, ErrorCode, RequestContext, SendKeys, WireError};
use pryx_terms::Actor;

pub(crate) async fn run(hands: &Hands, data: &SendKeys, context: &RequestContext) -> Result<Done, WireError> {
    // What is typed into a shell runs there, past the gate.
    if hands.actor(context.peer) != Actor::Person {
        return Err(not_for_agents("type into a job"));
    }
    let job = hands.live_job(&data.job)?;
    tokio::select! {
        typed = job.type_keys(&data.text.0, &data.keys, true) => Ok(typed.map(|()| Done {})?),
        why = hands.interruption(context.interrupted.clone()) => Err(answer_to(why)),
    }
}

impl From<TypingError> for WireError {
    fn from(error: TypingError) -> Self {
        match error {
            TypingError::Input(error) => error.into(),
            TypingError::Key(_) | TypingError::Mark => Self::new(ErrorCode::BadData, error.to_string()),
        }
    }
}
