//! What goes into the gate and what comes out. Only the gate makes a permit, and whoever starts a job uses it up.

use super::{Judgement, Obstacle, Request};
use crate::store::{CallState, StoreError};
use pryx_terms::{Actor, CallKey, Plan, PlanHash, Reach, Refusal, Ruling, SessionId};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

/// A call that wants to act.
#[derive(Debug, Clone)]
pub struct Admission {
    /// Its idempotency key.
    pub key: CallKey,
    /// What it wants.
    pub request: Request,
    /// On whose behalf, as the hands found out themselves.
    pub actor: Actor,
    /// The conversation it belongs to.
    pub session: Option<SessionId>,
    /// Whether a person is there who could answer a question.
    pub can_ask: bool,
}

/// The answer to a call that was not refused.
#[derive(Debug)]
pub enum Admitted {
    /// It may run, once.
    Now(Box<Permit>),
    /// The same key was here before; `Open` means that it is being decided or started right now.
    Before(CallState),
}

/// Why a call must not run.
#[derive(Debug, thiserror::Error)]
pub enum NotAdmitted {
    /// The gate refused it.
    #[error("refused by {}: {}", ruling.rule.name, ruling.reason)]
    Refused {
        /// Through whom.
        refusal: Refusal,
        /// What the gate had said.
        ruling: Ruling,
    },
    /// There is nothing to rule on.
    #[error(transparent)]
    Impossible(Obstacle),
    /// The client's mistake: one key, two requests.
    #[error("call key {key} was used before for a different request; every new request needs a new key")]
    KeyReused {
        /// The key.
        key: CallKey,
    },
    /// Without its record nothing runs.
    #[error("nothing runs without a record: {0}")]
    Store(#[from] StoreError),
}

/// The right to run one plan once. It can't be copied, and only the gate makes one: a job can't be started around it.
#[derive(Debug)]
pub struct Permit {
    key: CallKey,
    plan: Plan,
    hash: PlanHash,
    actor: Actor,
    session: Option<SessionId>,
    ruling: Ruling,
    reach: Reach,
    /// Keeps a second request with the same key out until this one has been started or dropped.
    _flight: Flight,
}

impl Permit {
    pub(super) fn new(admission: Admission, plan: Plan, judgement: Judgement, flight: Flight) -> Self {
        let hash = plan.hash();
        let Admission { key, actor, session, .. } = admission;
        let Judgement { ruling, reach, .. } = judgement;
        Self { key, plan, hash, actor, session, ruling, reach, _flight: flight }
    }

    /// The call's key.
    #[must_use]
    pub fn key(&self) -> &CallKey {
        &self.key
    }

    /// What may run: exactly this argument vector in exactly this directory.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The hash of the plan.
    #[must_use]
    pub fn plan_hash(&self) -> &PlanHash {
        &self.hash
    }

    /// On whose behalf.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The conversation.
    #[must_use]
    pub fn session(&self) -> Option<&SessionId> {
        self.session.as_ref()
    }

    /// What it may touch, whatever its programs try.
    #[must_use]
    pub fn reach(&self) -> &Reach {
        &self.reach
    }

    /// What the gate had said.
    #[must_use]
    pub fn ruling(&self) -> &Ruling {
        &self.ruling
    }
}

/// Calls that are between their arrival and their start.
#[derive(Debug, Clone, Default)]
pub(super) struct InFlight(Arc<Mutex<HashSet<CallKey>>>);

impl InFlight {
    /// Nothing when somebody else has the key.
    pub(super) fn enter(&self, key: &CallKey) -> Option<Flight> {
        let fresh = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone());
        fresh.then(|| Flight { key: key.clone(), all: self.clone() })
    }
}

impl InFlight {
    /// Whether somebody has the key.
    pub(super) fn contains(&self, key: &CallKey) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(key)
    }
}

/// A call's place among those in flight, given up when dropped.
#[derive(Debug)]
pub(super) struct Flight {
    key: CallKey,
    all: InFlight,
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.all.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}
