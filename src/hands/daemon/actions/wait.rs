//! `wait`: answered when a job has come to a point, when time is up, or when it can't come to it any more.

use crate::daemon::handler::machine;
use crate::daemon::{Hands, answer_to};
use crate::jobs::Goal;
use crate::logs::search::pattern;
use pryx_ipc::{ErrorCode, RequestContext, Until, Wait, WaitEnd, WaitReply, WireError};
use std::time::Duration;
use tokio::time::timeout;

pub(crate) async fn run(hands: &Hands, data: &Wait, context: &RequestContext) -> Result<WaitReply, WireError> {
    let record = hands.job(&data.job)?;
    let goal = match &data.until {
        Until::Window { more_than } => Err(*more_than),
        other => Ok(goal(other)?),
    };
    let wait = async {
        let wait = async {
            match goal {
                Ok(goal) => hands.jobs.wait(&record, goal).await,
                Err(more_than) => tokio::select! {
                    () = hands.windows.more_than(&record.id, more_than) => Ok(WaitEnd::Met { what: None }),
                    _ = hands.jobs.wait(&record, Goal::Exit) => Ok(WaitEnd::Ended),
                },
            }
        };
        match data.timeout_ms {
            Some(ms) => timeout(Duration::from_millis(ms), wait).await.unwrap_or(Ok(WaitEnd::Timeout)),
            None => wait.await,
        }
    };
    let end = tokio::select! {
        end = wait => end.map_err(|error| machine(&error))?,
        why = hands.interruption(context.interrupted.clone()) => return Err(answer_to(why)),
    };
    Ok(WaitReply { end, job: hands.jobs.current(record) })
}

pub(crate) fn goal(until: &Until) -> Result<Goal, WireError> {
    Ok(match until {
        Until::Exit => Goal::Exit,
        Until::Prompt => Goal::Prompt,
        Until::Silence { ms } => Goal::Silence(Duration::from_millis(*ms)),
        Until::Port { port } => Goal::Port(*port),
        Until::Window { .. } => {
            return Err(WireError::new(ErrorCode::BadData, "windows are a person's matter"));
        }
        Until::Match { pattern: text } => {
            Goal::Match(pattern(text).map_err(|words| WireError::new(ErrorCode::BadData, words))?)
        }
    })
}
