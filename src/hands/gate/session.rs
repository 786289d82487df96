//! Under which rules a session runs: a person's choice, made once. Nothing that an agent started can choose.

use super::policy::{Choice, Mode};
use super::{Gate, Rules};
use crate::store::{AuditEntry, AuditKind, StoreError};
use pryx_terms::{Actor, SessionId};
use serde_json::json;
use std::path::Path;

/// Why a session did not get the mode that was asked for.
#[derive(Debug, thiserror::Error)]
pub enum ChooseError {
    /// An agent tried.
    #[error("an agent can't choose its own mode; it is the person's choice, at the session's beginning")]
    Agent,
    /// There is no such mode or policy.
    #[error("there is neither a mode nor a policy {name:?}; `pryx policy list` shows those there are")]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// The session has another one.
    #[error("session {session} runs under {fixed:?} since it began, and keeps it; begin a new session for {name:?}")]
    Fixed {
        /// Which.
        session: SessionId,
        /// What it runs under.
        fixed: String,
        /// What was asked for.
        name: String,
    },
    /// It can't be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Gate {
    /// Chooses the mode or policy of a session, and its workspace.
    ///
    /// # Errors
    /// When an agent tries, when there is no such mode, when the session has another one, or it can't be written.
    pub fn choose(
        &self,
        session: &SessionId,
        name: &str,
        dir: Option<&Path>,
        by: &Actor,
    ) -> Result<Choice, ChooseError> {
        if *by != Actor::Person {
            return Err(ChooseError::Agent);
        }
        if !self.inner.policies.exists(name) {
            return Err(ChooseError::Unknown { name: name.to_owned() });
        }
        let choice = self.fix(session, name, dir, by)?;
        if choice.name == name {
            return Ok(choice);
        }
        Err(ChooseError::Fixed { session: session.clone(), fixed: choice.name, name: name.to_owned() })
    }

    /// Gives a session that has no mode yet the default one, before it first acts on behalf of a person.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn settle(&self, session: &SessionId, dir: &Path) -> Result<(), StoreError> {
        if self.inner.store.choice(session)?.is_none() {
            let name = self.inner.policies.default_choice(None).name;
            self.fix(session, &name, Some(dir), &Actor::Person)?;
        }
        Ok(())
    }

    fn fix(&self, session: &SessionId, name: &str, dir: Option<&Path>, by: &Actor) -> Result<Choice, StoreError> {
        let body = json!({"policy": name, "workspace": dir.map(|dir| dir.display().to_string())});
        let entry =
            AuditEntry { kind: AuditKind::Mode, actor: by, session: Some(session), call: None, job: None, body };
        let (name, dir) = self.inner.store.choose(session, name, dir, &entry)?;
        Ok(Choice { name, dir })
    }

    /// The policy that names a program, so that what it asks for over the older protocol runs under that.
    #[must_use]
    pub fn policy_of_client(&self, program: &Path) -> Option<String> {
        self.inner.policies.of_client(program.to_str()?)
    }

    /// The file that the name of a policy stands for.
    ///
    /// # Errors
    /// When it can't be a name; in words.
    pub fn policy_file(&self, name: &str) -> Result<std::path::PathBuf, String> {
        self.inner.policies.file_of(name)
    }

    /// The rules of a session. Whoever belongs to none, or to one that nobody has begun, may only look.
    #[must_use]
    pub fn rules(&self, session: Option<&SessionId>) -> Rules {
        let known = session.and_then(|session| self.inner.store.choice(session).ok().flatten());
        let choice = match known {
            Some((name, dir)) => Choice { name, dir },
            None => Choice { name: Mode::ReadOnly.name().to_owned(), dir: None },
        };
        self.inner.policies.rules(&choice)
    }
}
