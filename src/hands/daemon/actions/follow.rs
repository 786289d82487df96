//! `follow`: a job's output as events, at the reader's pace.

use super::read_log::unreadable;
use crate::daemon::{Hands, answer_to};
use crate::jobs::Follower;
use pryx_ipc::{ErrorCode, Follow, FollowReply, Interrupt, RequestContext, WireError};

pub(crate) async fn run(hands: &Hands, data: &Follow, context: RequestContext) -> Result<FollowReply, WireError> {
    let record = hands.job(&data.job)?;
    if data.stream.is_some() {
        super::read_log::stream_of(&record, data.stream)?;
    }
    let mut follower = Follower::new(&hands.jobs, &record, data.from.clone(), data.stream, data.until_end);
    let mut interrupted = context.interrupted.clone();
    let mut window = data.view.then(|| hands.windows.open(&record.id));
    let told_to_close = async {
        match &mut window {
            Some(window) => window.told_to_close().await,
            None => std::future::pending().await,
        }
    };
    let reading = async {
        while let Some(news) = follower.next().await.map_err(|error| unreadable(&record, &error))? {
            if !context.send(news.into_event(&record)).await {
                break;
            }
        }
        Ok(FollowReply { job: follower.record(), closed: false })
    };
    tokio::select! {
        done = reading => done,
        () = told_to_close => Ok(FollowReply { job: hands.jobs.current(record.clone()), closed: true }),
        () = hands.ending.wait() => Err(answer_to(crate::daemon::Interruption::ShuttingDown)),
        why = interrupted.wait() => Err(match why {
            Interrupt::ShuttingDown => answer_to(crate::daemon::Interruption::ShuttingDown),
            Interrupt::Cancelled | Interrupt::HungUp => WireError::new(ErrorCode::Cancelled, "following was given up"),
        }),
    }
}
