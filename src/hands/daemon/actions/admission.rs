//! The way of an acting request through the gate: questions go out as events, the same key is never decided twice.

use crate::daemon::{Hands, Interruption, answer_to};
use crate::gate::{Admission, Admitted, ApprovalEvent, NotAdmitted, Permit};
use crate::store::CallState;
use pryx_ipc::{ApprovalNeeded, ApprovalResolved, Event, RequestContext, WireError};
use pryx_terms::{JobId, ToolResult};
use tokio::sync::mpsc;

/// Questions of one call that wait to be sent. A call asks one at a time.
const QUESTIONS: usize = 4;

/// What a request may do now.
pub(crate) enum Way {
    /// Run it, once.
    Run(Box<Permit>),
    /// It runs or ran already.
    Attach(JobId),
    /// It is over already.
    Answered(ToolResult),
}

/// Why it may not.
pub(crate) enum Barred {
    Gate(NotAdmitted),
    Early(Interruption),
}

impl From<Barred> for WireError {
    fn from(barred: Barred) -> Self {
        match barred {
            Barred::Gate(error) => error.into(),
            Barred::Early(why) => answer_to(why),
        }
    }
}

/// Waits until the gate has decided.
pub(crate) async fn decide(hands: &Hands, admission: Admission, context: &RequestContext) -> Result<Way, Barred> {
    loop {
        let decided = hands.decided.notified();
        tokio::pin!(decided);
        decided.as_mut().enable();
        match once(hands, admission.clone(), context).await? {
            Admitted::Now(permit) => return Ok(Way::Run(permit)),
            Admitted::Before(CallState::Started { job }) => return Ok(Way::Attach(job)),
            // What is kept for a call under way is what holds if it never ends.
            Admitted::Before(CallState::Done { .. }) if hands.gate.is_in_flight(&admission.key) => tokio::select! {
                () = decided => {}
                why = hands.interruption(context.interrupted.clone()) => return Err(Barred::Early(why)),
            },
            Admitted::Before(CallState::Done { result }) => return Ok(Way::Answered(result)),
            // Another connection brought the same call and waits for its answer: this one shows the question too.
            Admitted::Before(CallState::Open) => {
                if let Ok(Some(row)) = hands.store.approval_of_call(&admission.key) {
                    let needed = ApprovalNeeded { approval: row.approval };
                    context.send(Event::ApprovalNeeded(Box::new(needed))).await;
                }
                tokio::select! {
                    () = decided => {}
                    why = hands.interruption(context.interrupted.clone()) => return Err(Barred::Early(why)),
                }
            }
        }
    }
}

async fn once(hands: &Hands, admission: Admission, context: &RequestContext) -> Result<Admitted, Barred> {
    let (asker, mut questions) = mpsc::channel(QUESTIONS);
    let (give_up, given_up) = tokio::sync::oneshot::channel::<()>();
    let cancel = async {
        if given_up.await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    let _told = TellOthers(hands);
    let gate = async { hands.gate.admit(admission, &asker, cancel).await };
    let interruption = hands.interruption(context.interrupted.clone());
    tokio::pin!(gate, interruption);
    let mut give_up = Some(give_up);
    loop {
        tokio::select! {
            biased;
            Some(event) = questions.recv() => {
                // A client that has hung up doesn't hear it; the question waits all the same.
                context.send(to_wire(event)).await;
            }
            admitted = &mut gate => {
                while let Ok(event) = questions.try_recv() {
                    context.send(to_wire(event)).await;
                }
                return admitted.map_err(Barred::Gate);
            }
            why = &mut interruption, if give_up.is_some() => match (why, give_up.take()) {
                (Interruption::Cancelled, Some(give_up)) => drop(give_up.send(())),
                // The question stays on disk: the next hands ask it again when the call is repeated.
                _ => return Err(Barred::Early(why)),
            },
        }
    }
}

/// Whoever waits for this decision is told, whichever way it is left.
struct TellOthers<'a>(&'a Hands);

impl Drop for TellOthers<'_> {
    fn drop(&mut self) {
        self.0.decided.notify_waiters();
    }
}

fn to_wire(event: ApprovalEvent) -> Event {
    match event {
        ApprovalEvent::Needed(approval) => Event::ApprovalNeeded(Box::new(ApprovalNeeded { approval: *approval })),
        ApprovalEvent::Resolved { id, resolution } => {
            Event::ApprovalResolved(ApprovalResolved { approval: id, resolution })
        }
    }
}
