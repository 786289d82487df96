//! The gate: nothing acts on the machine except through here. Plan, policy, approval, audit, in this order.
//!
//! [`Gate::admit`] is the only maker of a [`Permit`], and a job can't be started without one. Whatever fails on the
//! way (no plan, no store, no answer) ends in a refusal.

mod ask;
mod permit;
mod plan;
mod policy;
mod request;

pub use ask::{ApprovalEvent, ResolveError};
pub use permit::{Admission, Admitted, NotAdmitted, Permit};
pub use plan::{plan_shell, quote};
pub use policy::Policy;
pub use request::{Act, Around, Obstacle, Request, Surroundings};

use crate::store::{AuditEntry, AuditKind, CallStart, CallState, Store, StoreError};
use permit::InFlight;
use pryx_terms::{
    Actor, CallKey, JobId, JobRecord, Plan, Refusal, RuleRef, Ruling, SessionId, ToolResult, Verdict, visible,
};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// How long a question waits for its answer (5 minutes). Without an end, an agent that nobody watches would hang for
/// ever; much shorter, and a person who reads the card carefully is too late.
pub const APPROVAL_TIMEOUT: Duration = Duration::from_secs(300);

/// What can be set about the gate.
#[derive(Debug, Clone)]
pub struct GateConfig {
    /// How long a question waits; then the answer is no.
    pub approval_timeout: Duration,
}

impl Default for GateConfig {
    fn default() -> Self {
        Self { approval_timeout: APPROVAL_TIMEOUT }
    }
}

struct Inner {
    store: Store,
    policy: Policy,
    config: GateConfig,
    in_flight: InFlight,
    waiting: ask::Waiting,
}

/// The gate. Clones are the same gate.
#[derive(Clone)]
pub struct Gate {
    inner: Arc<Inner>,
}

impl Gate {
    /// A gate over a store and a policy.
    #[must_use]
    pub fn new(store: Store, policy: Policy, config: GateConfig) -> Self {
        let inner = Inner { store, policy, config, in_flight: InFlight::default(), waiting: ask::Waiting::default() };
        Self { inner: Arc::new(inner) }
    }

    /// What the gate says to a plan. A person's own act is recorded, not asked; what a human allowed for the session
    /// turns an ask into an allow, but never lifts a deny.
    #[must_use]
    pub fn rule(&self, plan: &Plan, actor: &Actor, session: Option<&SessionId>) -> Ruling {
        if *actor == Actor::Person {
            return built_in(Verdict::Allow, "own-act", "you asked for it yourself");
        }
        let ruling = self.inner.policy.rule(plan);
        // A store that can't be read has no grant: the question is asked.
        let granted = |session| self.inner.store.is_granted(session, plan).unwrap_or(false);
        if ruling.verdict == Verdict::Ask && session.is_some_and(granted) {
            return built_in(Verdict::Allow, "session-grant", "you allowed this command for the rest of the session");
        }
        ruling
    }

    /// Whether reading a file must be asked, wherever a search comes across it.
    #[must_use]
    pub fn is_secret(&self, path: &std::path::Path) -> bool {
        self.inner.policy.is_secret(path)
    }

    /// Whether a call is between its arrival and its end right now.
    #[must_use]
    pub fn is_in_flight(&self, key: &CallKey) -> bool {
        self.inner.in_flight.contains(key)
    }

    /// Lets a call through, asks, or refuses. Every way out leaves rows in the audit log.
    ///
    /// `asker` gets the questions of this call; `cancel` ends the waiting when it completes.
    ///
    /// # Errors
    /// When the call must not run; [`NotAdmitted`] says through whom.
    pub async fn admit(
        &self,
        admission: Admission,
        asker: &mpsc::Sender<ApprovalEvent>,
        cancel: impl Future<Output = ()>,
    ) -> Result<Admitted, NotAdmitted> {
        let store = &self.inner.store;
        match store.begin_call(&admission.key, &admission.request.fingerprint())? {
            CallStart::Mismatch => return Err(NotAdmitted::KeyReused { key: admission.key }),
            CallStart::Again(state @ (CallState::Started { .. } | CallState::Done { .. })) => {
                return Ok(Admitted::Before(state));
            }
            CallStart::New | CallStart::Again(CallState::Open) => {}
        }
        // Open and in nobody's hands means that the hands were restarted before anything ran: it is taken up again.
        let Some(flight) = self.inner.in_flight.enter(&admission.key) else {
            return Ok(Admitted::Before(CallState::Open));
        };
        // Another task may have finished the call between the two looks.
        if let Some(state @ (CallState::Started { .. } | CallState::Done { .. })) = store.call(&admission.key)? {
            return Ok(Admitted::Before(state));
        }
        let plan = match admission.request.plan() {
            Ok(plan) => plan,
            Err(obstacle) => {
                self.finish(&admission.key, &ToolResult::Failed { message: obstacle.to_string() })?;
                return Err(NotAdmitted::Impossible(obstacle));
            }
        };
        let ruling = self.rule(&plan, &admission.actor, admission.session.as_ref());
        self.audit_ruling(&admission, &plan, &ruling)?;
        let refused = match ruling.verdict {
            Verdict::Allow => None,
            Verdict::Deny => Some(Refusal::Policy),
            Verdict::Ask if !admission.can_ask => Some(Refusal::NobodyToAsk),
            Verdict::Ask => self.ask(&admission, &plan, &ruling, asker, cancel).await?,
        };
        match refused {
            None => Ok(Admitted::Now(Box::new(Permit::new(admission, plan, ruling, flight)))),
            Some(refusal) => Err(self.refuse(&admission, &plan, refusal, ruling)?),
        }
    }

    fn refuse(
        &self,
        admission: &Admission,
        plan: &Plan,
        refusal: Refusal,
        ruling: Ruling,
    ) -> Result<NotAdmitted, StoreError> {
        let body = json!({"plan": plan.hash(), "command": visible(&plan.command), "refusal": refusal});
        let result = ToolResult::Refused { refusal: refusal.clone(), ruling: ruling.clone() };
        let row = entry(AuditKind::Refused, admission, body);
        self.inner.store.call_done(&admission.key, &result, Some(&row))?;
        Ok(NotAdmitted::Refused { refusal, ruling })
    }

    fn audit_ruling(&self, admission: &Admission, plan: &Plan, ruling: &Ruling) -> Result<(), StoreError> {
        let body = json!({
            "plan": plan.hash(),
            "tool": plan.tool,
            "command": visible(&plan.command),
            "cwd": plan.cwd.display().to_string(),
            "verdict": ruling.verdict,
            "rule": ruling.rule,
            "reason": ruling.reason,
        });
        self.inner.store.audit(&entry(AuditKind::Ruling, admission, body)).map(drop)
    }

    /// Records that a permit became a job, in the audit log and for idempotency. To be called before the process is
    /// started: if it fails, nothing may be started.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn audit_started(&self, permit: &Permit, job: &JobId) -> Result<(), StoreError> {
        let row = AuditEntry {
            kind: AuditKind::Started,
            actor: permit.actor(),
            session: permit.session(),
            call: Some(permit.key()),
            job: Some(job),
            body: json!({"plan": permit.plan_hash(), "command": visible(&permit.plan().command)}),
        };
        self.inner.store.call_started(permit.key(), job, &row)
    }

    /// Records that a permit is used for an act that is no job. To be called before it is done: if it fails, nothing may
    /// be done.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn audit_act(&self, permit: &Permit) -> Result<(), StoreError> {
        let plan = permit.plan();
        let diff = plan.diff.as_ref().map(|diff| json!({"before": diff.before, "after": diff.after}));
        let body = json!({"plan": permit.plan_hash(), "command": visible(&plan.command), "file": diff});
        self.inner.store.audit(&act(AuditKind::Started, permit, body)).map(drop)
    }

    /// Records what became of such an act.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn audit_acted(&self, permit: &Permit, outcome: serde_json::Value) -> Result<(), StoreError> {
        self.inner.store.audit(&act(AuditKind::Ended, permit, outcome)).map(drop)
    }

    /// Records how a job ended, with the SHA-256 of its output where that is known.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn audit_ended(&self, job: &JobRecord, output_sha256: Option<&str>) -> Result<(), StoreError> {
        self.inner.store.audit(&AuditEntry {
            kind: AuditKind::Ended,
            actor: &job.actor,
            session: job.session.as_ref(),
            call: None,
            job: Some(&job.id),
            body: json!({
                "outcome": job.outcome(),
                "bytes": job.total_bytes(),
                "output_sha256": output_sha256,
            }),
        })?;
        Ok(())
    }

    /// Ends a call: the same key sent again gets this answer.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn finish(&self, key: &CallKey, result: &ToolResult) -> Result<(), StoreError> {
        self.inner.store.call_done(key, result, None)
    }
}

fn entry(kind: AuditKind, admission: &Admission, body: serde_json::Value) -> AuditEntry<'_> {
    AuditEntry {
        kind,
        actor: &admission.actor,
        session: admission.session.as_ref(),
        call: Some(&admission.key),
        job: None,
        body,
    }
}

fn act(kind: AuditKind, permit: &Permit, body: serde_json::Value) -> AuditEntry<'_> {
    AuditEntry { kind, actor: permit.actor(), session: permit.session(), call: Some(permit.key()), job: None, body }
}

fn built_in(verdict: Verdict, rule: &str, reason: &str) -> Ruling {
    let rule = RuleRef { name: rule.to_owned(), source: "built in".to_owned() };
    Ruling { verdict, rule, reason: reason.to_owned() }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
