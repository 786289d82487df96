//! Asking a human: the question is on disk before it is shown, answered exactly once, and never by an agent.

use super::{Admission, Gate, entry};
use crate::store::{ApprovalRow, AuditEntry, AuditKind, Resolved, StoreError};
use pryx_terms::{Actor, Answer, Approval, ApprovalId, Plan, Program, Refusal, Resolution, Ruling, Timestamp, visible};
use serde_json::json;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{mpsc, oneshot};

/// What the side that asks is told.
#[derive(Debug, Clone, PartialEq)]
pub enum ApprovalEvent {
    /// A question waits.
    Needed(Box<Approval>),
    /// It ended.
    Resolved {
        /// Which.
        id: ApprovalId,
        /// How.
        resolution: Resolution,
    },
}

/// Why an answer didn't count.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// An agent tried to allow itself something.
    #[error("an agent can't answer approvals; run `pryx approve {id}` in a terminal of your own")]
    Agent {
        /// The question.
        id: ApprovalId,
    },
    /// No such question.
    #[error("there is no approval {id}; `pryx approvals` lists those that wait")]
    Unknown {
        /// The id that was given.
        id: ApprovalId,
    },
    /// Somebody was faster, or its time was up.
    #[error("approval {id} has already ended ({})", words(resolution))]
    Ended {
        /// The question.
        id: ApprovalId,
        /// How it ended.
        resolution: Resolution,
    },
    /// The record can't be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn words(resolution: &Resolution) -> &'static str {
    match resolution {
        Resolution::Person { answer: Answer::No } => "a person said no",
        Resolution::Person { answer: Answer::Once } => "a person allowed it once",
        Resolution::Person { answer: Answer::Session } => "a person allowed it for the session",
        Resolution::Timeout => "nobody answered in time",
        Resolution::Cancelled => "it was withdrawn",
    }
}

/// Calls that wait for an answer, by question.
#[derive(Debug, Clone, Default)]
pub(super) struct Waiting(Arc<Mutex<HashMap<ApprovalId, oneshot::Sender<Resolution>>>>);

impl Waiting {
    fn enter(&self, id: &ApprovalId) -> (oneshot::Receiver<Resolution>, Place) {
        let (sender, receiver) = oneshot::channel();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), sender);
        (receiver, Place { id: id.clone(), all: self.clone() })
    }

    fn take(&self, id: &ApprovalId) -> Option<oneshot::Sender<Resolution>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id)
    }

    fn contains(&self, id: &ApprovalId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(id)
    }
}

/// A waiting call's place, given up when the call goes away: the question itself stays on disk.
struct Place {
    id: ApprovalId,
    all: Waiting,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.all.take(&self.id);
    }
}

impl Gate {
    /// Nothing when a human allowed it, else the refusal.
    pub(super) async fn ask(
        &self,
        admission: &Admission,
        plan: &Plan,
        ruling: &Ruling,
        asker: &mpsc::Sender<ApprovalEvent>,
        cancel: impl Future<Output = ()>,
    ) -> Result<Option<Refusal>, StoreError> {
        let (approval, known) = self.question(admission, plan, ruling)?;
        let resolution = match known {
            Some(resolution) => resolution,
            None => self.wait(admission, &approval, asker, cancel).await?,
        };
        // Whoever asked may be gone; the answer counts all the same.
        let event = ApprovalEvent::Resolved { id: approval.id.clone(), resolution: resolution.clone() };
        let _ = asker.try_send(event);
        let answer = match resolution {
            Resolution::Person { answer: Answer::No } => return Ok(Some(Refusal::Person)),
            Resolution::Timeout => return Ok(Some(Refusal::Timeout)),
            Resolution::Cancelled => return Ok(Some(Refusal::Cancelled)),
            Resolution::Person { answer } => answer,
        };
        // Time has passed: a link or PATH may lead elsewhere now.
        let now = match admission.request.plan() {
            Ok(now) => now,
            Err(obstacle) => return Ok(Some(Refusal::Drift { what: obstacle.to_string() })),
        };
        if now.hash() != approval.plan_hash {
            return Ok(Some(Refusal::Drift { what: difference(&approval.plan, &now) }));
        }
        if !self.inner.store.use_approval(&approval.id)? {
            return Ok(Some(Refusal::Cancelled));
        }
        if let (Answer::Session, Some(session)) = (answer, &admission.session) {
            self.inner.store.grant(session, plan)?;
        }
        Ok(None)
    }

    /// The question of this call: the one from before a restart, with its answer if there is one, or a new one.
    fn question(
        &self,
        admission: &Admission,
        plan: &Plan,
        ruling: &Ruling,
    ) -> Result<(Approval, Option<Resolution>), StoreError> {
        let store = &self.inner.store;
        let asked = Timestamp::now();
        let timeout_ms = i64::try_from(self.inner.config.approval_timeout.as_millis()).unwrap_or(i64::MAX);
        let expires = Timestamp::from_millisecond(asked.as_millisecond().saturating_add(timeout_ms));
        let expires = expires.unwrap_or(Timestamp::MAX);
        if let Some(row) = store.approval_of_call(&admission.key)? {
            let ApprovalRow { mut approval, resolution, used, .. } = row;
            if approval.plan_hash == plan.hash() && !used {
                if resolution.is_none() {
                    store.postpone_approval(&approval.id, expires)?;
                    approval.expires = expires;
                }
                return Ok((approval, resolution));
            }
            self.end(&approval, &Resolution::Cancelled, &admission.actor)?;
        }
        let approval = Approval {
            id: ApprovalId::generate(),
            session: admission.session.clone(),
            plan: plan.clone(),
            plan_hash: plan.hash(),
            ruling: ruling.clone(),
            asked,
            expires,
        };
        let body = json!({"approval": approval.id, "plan": approval.plan_hash, "command": visible(&plan.command)});
        store.insert_approval(&approval, &admission.key, &entry(AuditKind::Approval, admission, body))?;
        Ok((approval, None))
    }

    async fn wait(
        &self,
        admission: &Admission,
        approval: &Approval,
        asker: &mpsc::Sender<ApprovalEvent>,
        cancel: impl Future<Output = ()>,
    ) -> Result<Resolution, StoreError> {
        let (answered, _place) = self.inner.waiting.enter(&approval.id);
        let unanswered = async {
            if asker.send(ApprovalEvent::Needed(Box::new(approval.clone()))).await.is_err() {
                return Resolution::Cancelled;
            }
            tokio::select! {
                () = tokio::time::sleep(self.inner.config.approval_timeout) => Resolution::Timeout,
                () = asker.closed() => Resolution::Cancelled,
            }
        };
        let ended = tokio::select! {
            biased;
            // The sender vanishes only with the gate itself.
            answer = answered => return Ok(answer.unwrap_or(Resolution::Cancelled)),
            () = cancel => Resolution::Cancelled,
            ended = unanswered => ended,
        };
        match self.end(approval, &ended, &admission.actor)? {
            // An answer came in the same moment, and was first.
            Resolved::Before(resolution) => Ok(resolution),
            Resolved::Now | Resolved::Unknown => Ok(ended),
        }
    }

    /// Answers a question. The first answer counts.
    ///
    /// # Errors
    /// When an agent tries, when there is no such question, when it has ended, or when it can't be recorded.
    pub fn resolve(&self, id: &ApprovalId, answer: Answer, from: &Actor) -> Result<Approval, ResolveError> {
        if *from != Actor::Person {
            return Err(ResolveError::Agent { id: id.clone() });
        }
        self.sweep()?;
        let Some(row) = self.inner.store.approval(id)? else {
            return Err(ResolveError::Unknown { id: id.clone() });
        };
        let resolution = Resolution::Person { answer };
        match self.end(&row.approval, &resolution, from)? {
            Resolved::Now => {}
            Resolved::Before(resolution) => return Err(ResolveError::Ended { id: id.clone(), resolution }),
            Resolved::Unknown => return Err(ResolveError::Unknown { id: id.clone() }),
        }
        if let Some(waiting) = self.inner.waiting.take(id) {
            let _ = waiting.send(resolution);
        }
        Ok(row.approval)
    }

    /// Questions that wait for a human, those from before a restart included.
    ///
    /// # Errors
    /// When the store can't be used.
    pub fn pending(&self) -> Result<Vec<Approval>, StoreError> {
        self.sweep()?;
        Ok(self.inner.store.pending_approvals()?.into_iter().map(|row| row.approval).collect())
    }

    /// Ends questions that nobody waits for any more and whose time is up; a waiting call ends its own.
    fn sweep(&self) -> Result<(), StoreError> {
        let now = Timestamp::now();
        for row in self.inner.store.pending_approvals()? {
            let ApprovalRow { approval, .. } = row;
            let over = approval.expires <= now && !self.inner.waiting.contains(&approval.id);
            if over {
                let actor = Actor::Agent { session: approval.session.clone() };
                self.end(&approval, &Resolution::Timeout, &actor)?;
            }
        }
        Ok(())
    }

    fn end(&self, approval: &Approval, resolution: &Resolution, by: &Actor) -> Result<Resolved, StoreError> {
        let row = AuditEntry {
            kind: AuditKind::Approval,
            actor: by,
            session: approval.session.as_ref(),
            call: None,
            job: None,
            body: json!({"approval": approval.id, "plan": approval.plan_hash, "resolution": resolution}),
        };
        self.inner.store.resolve_approval(&approval.id, resolution, &row)
    }
}

/// What changed between two plans for the same request, in words.
fn difference(before: &Plan, after: &Plan) -> String {
    if before.cwd != after.cwd {
        return format!("the directory was {} and is {} now", before.cwd.display(), after.cwd.display());
    }
    let shown = |program: &Program| {
        program.path.as_ref().map_or_else(|| "not found".to_owned(), |path| path.display().to_string())
    };
    for (old, new) in before.programs.iter().zip(&after.programs) {
        if old.path != new.path {
            return format!("{} was {} and is {} now", old.name, shown(old), shown(new));
        }
        if old.args != new.args {
            return format!("the files that the arguments of {} match are others now", old.name);
        }
    }
    if before.diff != after.diff || before.files != after.files {
        return "a file was changed, or its path leads elsewhere".to_owned();
    }
    "what the command would do is something else now".to_owned()
}
