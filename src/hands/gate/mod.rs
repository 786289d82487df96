//! The gate: nothing acts on the machine except through here. Plan, policy, approval, audit, in this order.
//!
//! [`Gate::admit`] is the only maker of a [`Permit`], and a job can't be started without one. Whatever fails on the
//! way (no plan, no store, no answer) ends in a refusal.

mod ask;
mod explain;
mod grants;
mod permit;
mod plan;
mod policy;
mod request;
mod session;

pub use ask::{Answerer, ApprovalEvent, ResolveError};
pub use permit::{Admission, Admitted, NotAdmitted, Permit};
pub use plan::{plan_shell, quote};
pub use policy::{Choice, Judgement, Mode, Part, Policies, Policy, PolicyFault, PolicyFile, PolicyListing, Rules};
pub use request::{Act, Around, Obstacle, Request, Surroundings};
pub use session::ChooseError;

use crate::sandbox::Sandbox;
use crate::store::{AuditEntry, AuditKind, CallStart, CallState, Store, StoreError};
use permit::InFlight;
use policy::{Rates, built_in};
use pryx_terms::{
    Actor, Area, CallKey, Contacts, JobId, JobRecord, Plan, Reach, Refusal, Ruling, SessionId, ToolResult, Verdict,
    redact, visible,
};
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// How long a question waits for its answer (5 minutes). Without an end, an agent that nobody watches would hang for
/// ever; much shorter, and a person who reads the card carefully is too late.
pub const APPROVAL_TIMEOUT: Duration = Duration::from_secs(300);

/// Rules of modes that let a command act because the kernel holds it to what they say.
const HELD: &[&str] = &["workspace-write", "listed-host"];

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
    policies: Policies,
    config: GateConfig,
    rates: Rates,
    sandbox: Sandbox,
    in_flight: InFlight,
    waiting: ask::Waiting,
}

/// The gate. Clones are the same gate.
#[derive(Clone)]
pub struct Gate {
    inner: Arc<Inner>,
}

impl Gate {
    /// A gate over a store and the policies that a session can run under.
    #[must_use]
    #[cfg_attr(not(unix), expect(dead_code, reason = "no hands run there yet"))]
    pub(crate) fn new(store: Store, policies: Policies, config: GateConfig, sandbox: Sandbox) -> Self {
        let (in_flight, waiting) = (InFlight::default(), ask::Waiting::default());
        let inner = Inner { store, policies, config, rates: Rates::default(), sandbox, in_flight, waiting };
        Self { inner: Arc::new(inner) }
    }

    /// What the gate says to a plan. A person's own act is recorded, not asked; what a human granted turns an ask into
    /// an allow, but never lifts a deny.
    #[must_use]
    pub fn rule(&self, plan: &Plan, actor: &Actor, session: Option<&SessionId>) -> Ruling {
        self.judge(plan, actor, &self.rules(session), session).ruling
    }

    fn judge(&self, plan: &Plan, actor: &Actor, rules: &Rules, session: Option<&SessionId>) -> Judgement {
        if *actor == Actor::Person {
            return own_act();
        }
        let judgement = self.held(rules.judge(plan), self.inner.sandbox.lacking());
        self.after_grants(plan, judgement, rules, session)
    }

    /// The same, for the place where it would run.
    fn judge_there(&self, admission: &Admission, plan: &Plan, rules: &Rules) -> Judgement {
        let persons = admission.request.surroundings.terminal.as_ref().is_some_and(|terminal| terminal.persons);
        if admission.actor == Actor::Person || !persons {
            return self.judge(plan, &admission.actor, rules, admission.session.as_ref());
        }
        let judgement = self.held(rules.judge(plan), Some("the shell of your own terminal is not held"));
        self.after_grants(plan, judgement, rules, admission.session.as_ref())
    }

    fn after_grants(
        &self,
        plan: &Plan,
        mut judgement: Judgement,
        rules: &Rules,
        session: Option<&SessionId>,
    ) -> Judgement {
        if judgement.ruling.verdict == Verdict::Ask
            && let Some(used) = self.granted(plan, &judgement, rules, session)
        {
            judgement.ruling = used;
        }
        judgement
    }

    /// What holds commands here.
    pub(crate) fn sandbox(&self) -> &Sandbox {
        &self.inner.sandbox
    }

    /// What a mode allows because a sandbox holds it is asked where there is none.
    fn held(&self, mut judgement: Judgement, lacking: Option<&str>) -> Judgement {
        let ruling = &mut judgement.ruling;
        if let Some(why) = lacking
            && ruling.verdict == Verdict::Allow
            && HELD.contains(&ruling.rule.name.as_str())
        {
            let reason = format!("{}, but nothing would hold it to that: {why}", ruling.reason);
            *ruling = Ruling { verdict: Verdict::Ask, rule: built_in("no-sandbox"), reason };
        }
        judgement
    }

    /// The ruling of grants that answer every question about a plan. Their use is counted.
    fn granted(
        &self,
        plan: &Plan,
        judgement: &Judgement,
        rules: &Rules,
        session: Option<&SessionId>,
    ) -> Option<Ruling> {
        // A store that can't be read has no grant: the question is asked.
        let all = self.inner.store.grants_in(session).ok()?;
        let used = grants::covering(plan, judgement, rules, &all)?;
        let ids: Vec<_> = used.iter().map(|grant| grant.id.clone()).collect();
        self.inner.store.use_grants(&ids).ok().filter(|counted| *counted)?;
        let own = used.iter().all(|grant| grant.session.is_some());
        let named = ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let (rule, reason) = if own {
            ("session-grant", "you allowed this command for the rest of the session".to_owned())
        } else {
            ("grant", format!("you allowed it: grant {named}"))
        };
        Some(Ruling { verdict: Verdict::Allow, rule: built_in(rule), reason })
    }

    /// Whether reading a file must be asked, wherever a search comes across it.
    #[must_use]
    pub fn is_secret(&self, path: &std::path::Path) -> bool {
        self.inner.policies.is_secret(path)
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
        let rules = self.rules(admission.session.as_ref());
        tokio::pin!(cancel);
        let mut admission = admission;
        loop {
            let plan = match admission.request.plan() {
                Ok(plan) => plan,
                Err(obstacle) => {
                    self.finish(&admission.key, &ToolResult::Failed { message: obstacle.to_string() })?;
                    return Err(NotAdmitted::Impossible(obstacle));
                }
            };
            let judgement = match self.too_often(&admission, &plan, &rules) {
                Some(ruling) => Judgement { ruling, ..own_act() },
                None => self.judge_there(&admission, &plan, &rules),
            };
            self.audit_ruling(&admission, &plan, &judgement.ruling, rules.name())?;
            let refused = match judgement.ruling.verdict {
                Verdict::Allow => None,
                Verdict::Deny => Some(Refusal::Policy),
                Verdict::Ask if !admission.can_ask => Some(Refusal::NobodyToAsk),
                Verdict::Ask => {
                    let question = ask::Question { plan: &plan, judgement: &judgement, rules: &rules };
                    match self.ask(&admission, &question, asker, cancel.as_mut()).await? {
                        ask::Answered::Yes => None,
                        ask::Answered::No(refusal) => Some(refusal),
                        // Another command, so another plan: it is ruled on like the first.
                        ask::Answered::Changed(command) => {
                            admission.request = admission.request.with_command(command);
                            continue;
                        }
                    }
                }
            };
            return match refused {
                None => Ok(Admitted::Now(Box::new(Permit::new(admission, plan, judgement, flight)))),
                Some(refusal) => Err(self.refuse(&admission, &plan, refusal, judgement.ruling)?),
            };
        }
    }

    /// The ruling that forbids a call because there were too many.
    fn too_often(&self, admission: &Admission, plan: &Plan, rules: &Rules) -> Option<Ruling> {
        let file = rules.file().filter(|_| admission.actor != Actor::Person)?;
        self.inner.rates.count(admission.session.as_ref(), file, plan, Instant::now())
    }

    fn refuse(
        &self,
        admission: &Admission,
        plan: &Plan,
        refusal: Refusal,
        ruling: Ruling,
    ) -> Result<NotAdmitted, StoreError> {
        let body = json!({"plan": plan.hash(), "command": shown(&plan.command), "refusal": refusal});
        let result = ToolResult::Refused { refusal: refusal.clone(), ruling: ruling.clone() };
        let row = entry(AuditKind::Refused, admission, body);
        self.inner.store.call_done(&admission.key, &result, Some(&row))?;
        Ok(NotAdmitted::Refused { refusal, ruling })
    }

    fn audit_ruling(
        &self,
        admission: &Admission,
        plan: &Plan,
        ruling: &Ruling,
        policy: &str,
    ) -> Result<(), StoreError> {
        let body = json!({
            "plan": plan.hash(),
            "tool": plan.tool,
            "command": shown(&plan.command),
            "cwd": plan.cwd.display().to_string(),
            "policy": policy,
            "verdict": ruling.verdict,
            "rule": ruling.rule,
            "reason": shown(&ruling.reason),
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
            body: json!({"plan": permit.plan_hash(), "command": shown(&permit.plan().command)}),
        };
        self.inner.store.call_started(permit.key(), job, &row)
    }

    /// Records what a person typed in a terminal by themselves. Nothing was ruled on: it ran when it was typed.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn audit_typed(&self, job: &JobRecord) -> Result<(), StoreError> {
        let terminal = job.terminal.as_ref().map(ToString::to_string);
        self.inner.store.audit(&AuditEntry {
            kind: AuditKind::Started,
            actor: &job.actor,
            session: None,
            call: None,
            job: Some(&job.id),
            body: json!({"command": shown(&job.command), "typed_in": terminal}),
        })?;
        Ok(())
    }

    /// Records that a permit is used for an act that is no job. To be called before it is done: if it fails, nothing may
    /// be done.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn audit_act(&self, permit: &Permit) -> Result<(), StoreError> {
        let plan = permit.plan();
        let diff = plan.diff.as_ref().map(|diff| json!({"before": diff.before, "after": diff.after}));
        let body = json!({
            "plan": permit.plan_hash(),
            "tool": plan.tool,
            "command": shown(&plan.command),
            "file": diff,
        });
        self.inner.store.audit(&act(AuditKind::Act, permit, body)).map(drop)
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

/// A text as it may be kept: control characters written out, keys and passwords left out.
fn shown(text: &str) -> String {
    redact(&visible(text)).into_owned()
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

/// A person's own act may touch what the person may.
fn own_act() -> Judgement {
    let rule = built_in("own-act");
    let ruling = Ruling { verdict: Verdict::Allow, rule, reason: "you asked for it yourself".to_owned() };
    let (read, write, contact) = (Area::Everything, Area::Everything, Contacts::Everything);
    let reach = Reach { read, hidden: Vec::new(), write, workspace: None, contact };
    Judgement { ruling, parts: Vec::new(), reach, grantable: false }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
