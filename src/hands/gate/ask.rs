//! Asking a human: the question is on disk before it is shown, answered exactly once, and never by an agent.

use super::{Admission, Gate, Judgement, Rules, entry, grants};
use crate::store::{ApprovalRow, AuditEntry, AuditKind, Resolved, StoreError};
use pryx_terms::{
    Actor, Answer, Approval, ApprovalId, Confinement, Grant, GrantOffer, GrantTerms, Plan, Program, Refusal,
    Resolution, Timestamp, redact_json,
};
use serde_json::json;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
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
    /// There is no grant that would do what was wanted.
    #[error("it can't be granted: {why}")]
    NoGrant {
        /// Why.
        why: String,
    },
    /// The command can't be changed.
    #[error("it can't be changed: {why}")]
    NoChange {
        /// Why.
        why: String,
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
        Resolution::Person { answer: Answer::Always } => "a person granted it",
        Resolution::Person { answer: Answer::Changed } => "a person changed the command",
        Resolution::Timeout => "nobody answered in time",
        Resolution::Cancelled => "it was withdrawn",
    }
}

/// Calls that wait for an answer, by question.
#[derive(Debug, Clone, Default)]
pub(super) struct Waiting(Arc<Mutex<HashMap<ApprovalId, Waiter>>>);

/// The call at the other end, and whether its command could be changed.
#[derive(Debug)]
struct Waiter {
    sender: oneshot::Sender<Said>,
    can_change: bool,
}

/// What a person said, with the command they want instead, if so.
type Said = (Resolution, Option<String>);

/// Who answers, and where they sit, in words, as far as the hands found out themselves.
#[derive(Debug, Clone, Copy)]
pub struct Answerer<'a> {
    /// Who.
    pub actor: &'a Actor,
    /// Where.
    pub place: Option<&'a str>,
}

/// What is asked about.
pub(super) struct Question<'a> {
    pub plan: &'a Plan,
    pub judgement: &'a Judgement,
    pub rules: &'a Rules,
}

/// What came of a question.
pub(super) enum Answered {
    Yes,
    No(Refusal),
    /// Another command is to be looked at instead.
    Changed(String),
}

/// Longest command that a person may put in place of another: as long as a model's.
const MAX_COMMAND: usize = 64 * 1024;

impl Waiting {
    fn enter(&self, id: &ApprovalId, can_change: bool) -> (oneshot::Receiver<Said>, Place) {
        let (sender, receiver) = oneshot::channel();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), Waiter { sender, can_change });
        (receiver, Place { id: id.clone(), all: self.clone() })
    }

    fn take(&self, id: &ApprovalId) -> Option<Waiter> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id)
    }

    fn contains(&self, id: &ApprovalId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(id)
    }

    fn can_change(&self, id: &ApprovalId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id).is_some_and(|waiter| waiter.can_change)
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
    /// Puts a question before whoever is there, and waits.
    pub(super) async fn ask(
        &self,
        admission: &Admission,
        question: &Question<'_>,
        asker: &mpsc::Sender<ApprovalEvent>,
        cancel: impl Future<Output = ()>,
    ) -> Result<Answered, StoreError> {
        let (approval, known) = self.question(admission, question)?;
        let (resolution, changed) = match known {
            Some(resolution) => (resolution, None),
            None => self.wait(admission, &approval, question, asker, cancel).await?,
        };
        // Whoever asked may be gone; the answer counts all the same.
        let event = ApprovalEvent::Resolved { id: approval.id.clone(), resolution: resolution.clone() };
        let _ = asker.try_send(event);
        let no = |refusal| Ok(Answered::No(refusal));
        let answer = match resolution {
            Resolution::Person { answer: Answer::No } => return no(Refusal::Person),
            Resolution::Timeout => return no(Refusal::Timeout),
            Resolution::Cancelled => return no(Refusal::Cancelled),
            Resolution::Person { answer } => answer,
        };
        if answer == Answer::Changed {
            return match changed {
                Some(command) => Ok(Answered::Changed(command)),
                // The change was lost with the hands that took it.
                None => no(Refusal::Cancelled),
            };
        }
        // Time has passed: a link or PATH may lead elsewhere now.
        let now = match admission.request.plan() {
            Ok(now) => now,
            Err(obstacle) => return no(Refusal::Drift { what: obstacle.to_string() }),
        };
        if now.hash() != approval.plan_hash {
            return no(Refusal::Drift { what: difference(&approval.plan, &now) });
        }
        if !self.inner.store.use_approval(&approval.id)? {
            return no(Refusal::Cancelled);
        }
        if let (Answer::Session, Some(session)) = (answer, &admission.session) {
            let grant = grants::for_session(question.plan, question.judgement, question.rules, session);
            self.keep_grant(&grant, &Actor::Person)?;
        }
        Ok(Answered::Yes)
    }

    /// The question of this call: the one from before a restart, with its answer if there is one, or a new one.
    fn question(
        &self,
        admission: &Admission,
        question: &Question<'_>,
    ) -> Result<(Approval, Option<Resolution>), StoreError> {
        let (store, plan) = (&self.inner.store, question.plan);
        let asked = Timestamp::now();
        let timeout_ms = i64::try_from(self.patience(question.rules).as_millis()).unwrap_or(i64::MAX);
        let expires = Timestamp::from_millisecond(asked.as_millisecond().saturating_add(timeout_ms));
        let expires = expires.unwrap_or(Timestamp::MAX);
        if let Some(row) = store.approval_of_call(&admission.key)? {
            let ApprovalRow { mut approval, resolution, used, .. } = row;
            // A command that was to take its place was lost with the hands that heard of it.
            let changed = resolution == Some(Resolution::Person { answer: Answer::Changed });
            if approval.plan_hash == plan.hash() && !used && !changed {
                if resolution.is_none() {
                    store.postpone_approval(&approval.id, expires)?;
                    approval.expires = expires;
                }
                return Ok((approval, resolution));
            }
            self.end(&approval, &Resolution::Cancelled, &admission.actor, None)?;
        }
        let approval = Approval {
            id: ApprovalId::generate(),
            session: admission.session.clone(),
            plan: plan.clone(),
            plan_hash: plan.hash(),
            ruling: question.judgement.ruling.clone(),
            sandbox: self.would_hold(admission, question),
            asked,
            expires,
        };
        let body = json!({"approval": approval.id, "plan": approval.plan_hash, "command": super::shown(&plan.command)});
        store.insert_approval(&approval, &admission.key, &entry(AuditKind::Approval, admission, body))?;
        Ok((approval, None))
    }

    /// What the command would be held to after a yes; nothing for what is no command.
    #[cfg_attr(not(unix), expect(unused_variables, reason = "there are no terminals there yet"))]
    fn would_hold(&self, admission: &Admission, question: &Question<'_>) -> Option<Confinement> {
        let Judgement { ruling, reach, .. } = question.judgement;
        if question.plan.argv.is_empty() {
            return None;
        }
        let sandbox = &self.inner.sandbox;
        #[cfg(unix)]
        if let (crate::gate::Act::Typed { terminal, .. }, Some(around)) =
            (&admission.request.act, &admission.request.surroundings.terminal)
        {
            use crate::sandbox::{ShellOf, Spot};
            let shell = ShellOf { persons: around.persons, profile: around.profile.clone() };
            let name = pryx_terms::TerminalName::parse(terminal).ok();
            return Some(match sandbox.in_terminal(name.as_ref(), &shell, (question.plan, ruling, reach)) {
                Spot::Inside(told) => told,
                Spot::Beside(held) => held.told,
            });
        }
        Some(sandbox.of_agent(question.plan, ruling, reach).told)
    }

    async fn wait(
        &self,
        admission: &Admission,
        approval: &Approval,
        question: &Question<'_>,
        asker: &mpsc::Sender<ApprovalEvent>,
        cancel: impl Future<Output = ()>,
    ) -> Result<Said, StoreError> {
        let patience = self.patience(question.rules);
        let (answered, _place) = self.inner.waiting.enter(&approval.id, admission.request.is_command_line());
        let unanswered = async {
            if asker.send(ApprovalEvent::Needed(Box::new(approval.clone()))).await.is_err() {
                return Resolution::Cancelled;
            }
            tokio::select! {
                () = tokio::time::sleep(patience) => Resolution::Timeout,
                () = asker.closed() => Resolution::Cancelled,
            }
        };
        let ended = tokio::select! {
            biased;
            // The sender vanishes only with the gate itself.
            answer = answered => return Ok(answer.unwrap_or((Resolution::Cancelled, None))),
            () = cancel => Resolution::Cancelled,
            ended = unanswered => ended,
        };
        match self.end(approval, &ended, &admission.actor, None)? {
            // An answer came in the same moment, and was first.
            Resolved::Before(resolution) => Ok((resolution, None)),
            Resolved::Now | Resolved::Unknown => Ok((ended, None)),
        }
    }

    /// How long a question of these rules waits.
    fn patience(&self, rules: &Rules) -> Duration {
        rules.file().and_then(|file| file.timeout).unwrap_or(self.inner.config.approval_timeout)
    }

    /// Answers a question. The first answer counts.
    ///
    /// # Errors
    /// When an agent tries, when there is no such question, when it has ended, or when it can't be recorded.
    pub fn resolve(&self, id: &ApprovalId, answer: Answer, from: &Answerer<'_>) -> Result<Approval, ResolveError> {
        let approval = self.asked(id, from)?;
        match answer {
            Answer::Always => return self.grant(id, &GrantTerms::default(), from).map(|_| approval),
            Answer::Changed => return Err(ResolveError::NoChange { why: "the new command is missing".to_owned() }),
            Answer::Once | Answer::Session | Answer::No => {}
        }
        self.say(&approval, answer, None, from)?;
        Ok(approval)
    }

    /// Puts another command in place of the one that is asked about; it is ruled on like any other.
    ///
    /// # Errors
    /// As [`Gate::resolve`]; and when the question is about no command line, or its call isn't waiting.
    pub fn change(&self, id: &ApprovalId, command: String, from: &Answerer<'_>) -> Result<(), ResolveError> {
        let approval = self.asked(id, from)?;
        let no = |why: &str| Err(ResolveError::NoChange { why: why.to_owned() });
        if command.trim().is_empty() || command.len() > MAX_COMMAND || command.contains('\0') {
            return no("there is no command in it, or one that no shell could take");
        }
        if !self.inner.waiting.can_change(id) {
            return no("it is no command line, or whoever asked is gone");
        }
        self.say(&approval, Answer::Changed, Some(command), from)
    }

    /// The grant that would be saved with these terms, and what it would cover.
    ///
    /// # Errors
    /// As [`Gate::resolve`]; and when there is no such grant.
    pub fn offer(&self, id: &ApprovalId, terms: &GrantTerms, from: &Answerer<'_>) -> Result<GrantOffer, ResolveError> {
        let approval = self.asked(id, from)?;
        let rules = self.rules(approval.session.as_ref());
        let judgement = rules.judge(&approval.plan);
        let grant = grants::draft(&approval.plan, &judgement, &rules, approval.session.as_ref(), terms)
            .map_err(|why| ResolveError::NoGrant { why })?;
        let wider = grants::wider(&approval.plan, &judgement).filter(|pattern| terms.pattern.as_ref() != Some(pattern));
        let (matches, misses) = super::explain::examples(&grant, &approval.plan, &rules);
        Ok(GrantOffer { grant, wider, matches, misses })
    }

    /// Says yes, and keeps a grant for what is like it.
    ///
    /// # Errors
    /// As [`Gate::offer`].
    pub fn grant(&self, id: &ApprovalId, terms: &GrantTerms, from: &Answerer<'_>) -> Result<Grant, ResolveError> {
        let offer = self.offer(id, terms, from)?;
        let approval = self.asked(id, from)?;
        self.say(&approval, Answer::Always, None, from)?;
        self.keep_grant(&offer.grant, from.actor)?;
        Ok(offer.grant)
    }

    fn keep_grant(&self, grant: &Grant, by: &Actor) -> Result<(), StoreError> {
        let mut body = json!({"grant": grant});
        redact_json(&mut body);
        let session = grant.session.as_ref();
        let row = AuditEntry { kind: AuditKind::Grant, actor: by, session, call: None, job: None, body };
        self.inner.store.insert_grant(grant, &row)
    }

    /// The question, if it is a person who wants to answer it.
    fn asked(&self, id: &ApprovalId, from: &Answerer<'_>) -> Result<Approval, ResolveError> {
        if *from.actor != Actor::Person {
            return Err(ResolveError::Agent { id: id.clone() });
        }
        self.sweep()?;
        let row = self.inner.store.approval(id)?.ok_or_else(|| ResolveError::Unknown { id: id.clone() })?;
        match row.resolution {
            Some(resolution) => Err(ResolveError::Ended { id: id.clone(), resolution }),
            None => Ok(row.approval),
        }
    }

    /// Records the answer, and tells whoever waits.
    fn say(
        &self,
        approval: &Approval,
        answer: Answer,
        command: Option<String>,
        from: &Answerer<'_>,
    ) -> Result<(), ResolveError> {
        let (id, resolution) = (approval.id.clone(), Resolution::Person { answer });
        match self.end(approval, &resolution, from.actor, from.place)? {
            Resolved::Now => {}
            Resolved::Before(resolution) => return Err(ResolveError::Ended { id, resolution }),
            Resolved::Unknown => return Err(ResolveError::Unknown { id }),
        }
        if let Some(waiting) = self.inner.waiting.take(&id) {
            let _ = waiting.sender.send((resolution, command));
        }
        Ok(())
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
                self.end(&approval, &Resolution::Timeout, &actor, None)?;
            }
        }
        Ok(())
    }

    fn end(
        &self,
        approval: &Approval,
        resolution: &Resolution,
        by: &Actor,
        place: Option<&str>,
    ) -> Result<Resolved, StoreError> {
        let call = self.inner.store.approval(&approval.id)?.map(|row| row.call);
        let row = AuditEntry {
            kind: AuditKind::Approval,
            actor: by,
            session: approval.session.as_ref(),
            call: call.as_ref(),
            job: None,
            body: json!({
                "approval": approval.id,
                "plan": approval.plan_hash,
                "resolution": resolution,
                "from": place,
            }),
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
