//! `follow`: a job's output as events, at the reader's pace.

use super::read_log::unreadable;
use crate::daemon::{Hands, answer_to};
use crate::jobs::Follower;
use pryx_ipc::{ErrorCode, Event, Follow, FollowReply, Interrupt, RequestContext, TerminalHeld, WireError};
use pryx_terms::JobRecord;

/// Tells a window who has the terminal, now and whenever that changes.
async fn tell_who_has_it(hands: &Hands, terminal: &JobRecord, context: &RequestContext) {
    let mut status = hands.jobs.status_of(terminal);
    let mut told = None;
    loop {
        let shell = status.borrow_and_update().shell.clone();
        let now = shell.map(|shell| {
            let command =
                shell.running.as_ref().and_then(|id| hands.jobs.live(id)).map(|job| job.status().record.command);
            let (job, person, waiting) = (terminal.id.clone(), shell.person, shell.waiting);
            TerminalHeld { job, person, running: shell.running, command, waiting }
        });
        if let Some(now) = now.filter(|now| told.as_ref() != Some(now)) {
            if !context.send(Event::TerminalHeld(now.clone())).await {
                return;
            }
            told = Some(now);
        }
        if status.changed().await.is_err() {
            return;
        }
    }
}

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
    let telling = async {
        if data.view {
            tell_who_has_it(hands, &record, &context).await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        done = reading => done,
        () = telling => Err(WireError::new(ErrorCode::Cancelled, "following was given up")),
        () = told_to_close => Ok(FollowReply { job: hands.jobs.current(record.clone()), closed: true }),
        () = hands.ending.wait() => Err(answer_to(crate::daemon::Interruption::ShuttingDown)),
        why = interrupted.wait() => Err(match why {
            Interrupt::ShuttingDown => answer_to(crate::daemon::Interruption::ShuttingDown),
            Interrupt::Cancelled | Interrupt::HungUp => WireError::new(ErrorCode::Cancelled, "following was given up"),
        }),
    }
}
