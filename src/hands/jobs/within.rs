//! Commands in a terminal: each a job of its own, kept by the terminal's keeper.

use super::job::{Job, Status};
use super::start::{Launch, StartError, Starting};
use super::watch::Feed;
use super::{Jobs, KeeperOf, lock};
use crate::gate::Permit;
use crate::keeper::wire::{Run, ShellState};
use crate::keeper::{procs, record};
use crate::sandbox::{Held, ShellOf, Spot};
use crate::store::StoreError;
use pryx_ipc::{Io, Stdin};
use pryx_terms::{
    Actor, Area, Confinement, JobId, JobRecord, JobState, Outcome, Seen, Stream, StreamBytes, TerminalName, Timestamp,
    Verdict,
};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// How long a new terminal's shell may take to its first prompt before a command is planned without knowing where it
/// will be. Start-up files that ask the network take seconds.
const FIRST_PROMPT: Duration = Duration::from_secs(15);

/// How long a keeper may take to tell that its shell has ended. It must write the last of its log first.
const LAST_WORD: Duration = Duration::from_secs(5);

/// What a permit doesn't say about a command in a terminal.
pub(crate) struct Inside {
    /// Where the shell changes to before.
    pub enter: Option<String>,
    /// What it exports before.
    pub export: Vec<(String, String)>,
    pub timeout: Option<Duration>,
    pub tag: Option<String>,
    /// The directory in which the terminal was when it was planned, if it may run only there.
    pub planned: Option<PathBuf>,
    /// What a command beside it gets where the shell doesn't tell what it exports.
    pub env: BTreeMap<String, String>,
}

impl Jobs {
    /// The terminal of that name, if it lives.
    pub fn terminal(&self, name: &TerminalName) -> Result<Option<Job>, StoreError> {
        let row = self.inner.store.live_terminal(name)?;
        Ok(row.and_then(|row| self.live(&row.id)).filter(|job| job.status().record.outcome().is_none()))
    }

    /// Whether its shell lives. Where it has just died, its keeper is about to tell: that is waited for.
    pub async fn goes_on(&self, terminal: &Job) -> bool {
        let shell = i32::try_from(terminal.pid()).ok().and_then(procs::look_up);
        if shell.is_some_and(|shell| !shell.zombie) {
            return true;
        }
        let mut status = terminal.watch();
        let ended = status.wait_for(|now| now.record.outcome().is_some());
        tokio::time::timeout(LAST_WORD, ended).await.is_err()
    }

    /// Where the terminal of that name was when it ended.
    pub fn left_at(&self, name: &TerminalName) -> Result<Option<PathBuf>, StoreError> {
        let row = self.inner.store.last_terminal(name)?;
        Ok(row.and_then(|row| record::read(&self.dir(&row.id)).ok()?.cwd).filter(|dir| dir.is_dir()))
    }

    /// What a terminal's shell tells, once it has come to its first prompt.
    pub async fn shell(&self, terminal: &Job) -> Option<ShellState> {
        let mut status = terminal.watch();
        let knows =
            |now: &Status| now.record.outcome().is_some() || now.shell.as_ref().is_some_and(|s| s.cwd.is_some());
        let known = status.wait_for(|now| knows(now));
        let _ = tokio::time::timeout(FIRST_PROMPT, known).await;
        terminal.status().shell
    }

    /// Whether an agent ran something in it that may have changed what words mean there.
    pub fn is_altered(&self, terminal: &JobId) -> bool {
        lock(&self.inner.altered).contains(terminal)
    }

    /// Notes what was shared before these hands began.
    pub(super) fn recall_shared(&self, row: &JobRecord) {
        if row.terminal.is_some()
            && row.within.is_none()
            && let Ok(Some(command)) = self.inner.store.agent_within(row)
        {
            lock(&self.inner.shared).insert(row.id.clone(), command.session);
            // What its commands changed is not known any more.
            lock(&self.inner.altered).insert(row.id.clone());
        }
    }

    /// The keeper of a job, and on whose behalf it speaks.
    pub(super) fn keeper_of(&self, job: &Job) -> KeeperOf {
        let record = job.status().record;
        let terminal = record.within.as_ref().unwrap_or(&record.id);
        match lock(&self.inner.shared).get(terminal) {
            Some(session) => {
                let actor = Actor::Agent { session: session.clone() };
                KeeperOf { pid: job.keeper(), actor, session: session.clone() }
            }
            None => KeeperOf { pid: job.keeper(), actor: record.actor, session: record.session },
        }
    }

    /// Runs exactly the command that the permit's plan holds: in the terminal's shell, or beside it where the shell is held
    /// to something else. The permit is used up.
    pub async fn start_within(&self, permit: Permit, terminal: &Job, mut inside: Inside) -> Result<Job, StartError> {
        inside.export.retain(|(name, _)| !crate::env::is_barred(name));
        let of = terminal.status().record;
        let told = match self.spot(&permit, &of) {
            Spot::Inside(told) => told,
            Spot::Beside(held) => return self.start_beside(permit, terminal, inside, *held).await,
        };
        let (id, dir) = self.make_dir()?;
        let record = first_record(&id, &permit, &of, &inside, told);
        let _starting = Starting::enter(self, &id);
        if let Actor::Agent { session } = permit.actor() {
            lock(&self.inner.shared).entry(of.id.clone()).or_insert_with(|| session.clone());
            if !permit.plan().open.is_empty() {
                lock(&self.inner.altered).insert(of.id.clone());
            }
        }
        self.inner.store.insert_job(&record)?;
        if let Err(error) = self.inner.gate.audit_started(&permit, &id) {
            let error = StartError::from(error);
            self.never_ran(record, &error).await;
            return Err(error);
        }
        let run = Run {
            job: id.clone(),
            dir,
            text: permit.plan().command.clone(),
            enter: inside.enter,
            export: inside.export,
            timeout_ms: inside.timeout.map(|t| u64::try_from(t.as_millis()).unwrap_or(u64::MAX)),
            planned: inside.planned,
        };
        let reason = match Feed::run(&self.socket(&of.id), run).await {
            Ok(Ok((feed, known))) => return Ok(self.follow_keeper(record, feed, known)),
            Ok(Err(reason)) => reason,
            // It may have been taken: the record that the keeper then left says so.
            Err(_) if record::path(&self.dir(&id)).exists() => return Ok(self.read_back(record, false).await),
            Err(error) => format!("it can't be reached ({error})"),
        };
        let error = StartError::Terminal { name: of.terminal.map(|name| name.to_string()).unwrap_or_default(), reason };
        self.never_ran(record, &error).await;
        Err(error)
    }
}

impl Jobs {
    fn spot(&self, permit: &Permit, of: &JobRecord) -> Spot {
        if *permit.actor() == Actor::Person {
            // Whatever its shell is held to, what a person types into it is.
            return Spot::Inside(of.sandbox.clone().unwrap_or_else(|| Held::terminal().told));
        }
        let shell = ShellOf { persons: of.actor == Actor::Person, profile: self.profile_of(&of.id) };
        let asked = (permit.plan(), permit.ruling(), permit.reach());
        self.inner.gate.sandbox().in_terminal(of.terminal.as_ref(), &shell, asked)
    }

    /// In a process of its own, with the shell's directory and what it exports.
    async fn start_beside(
        &self,
        permit: Permit,
        terminal: &Job,
        inside: Inside,
        held: Held,
    ) -> Result<Job, StartError> {
        let exports = terminal.status().shell.map(|shell| shell.exports).unwrap_or_default();
        let mut env = super::exports::variables(&exports);
        // What nobody was asked about and runs without a sandbox finds nothing by what a held shell exports.
        let unasked = permit.ruling().verdict != Verdict::Ask && permit.reach().write != Area::Everything;
        if env.is_empty() || (unasked && held.profile.is_none()) {
            env = inside.env;
        }
        env.extend(inside.export);
        env.retain(|name, _| !crate::env::is_barred(name) && !crate::env::is_shells_hook(name));
        let argv = vec![crate::daemon::terminal::shell(), "-c".to_owned(), permit.plan().command.clone()];
        let (timeout, tag) = (inside.timeout, inside.tag);
        let (io, stdin) = (Io::default(), Stdin::Inherit);
        let launch = Launch { env, io, stdin, timeout, terminal: None, tag, keep: false, mode: None };
        self.start_held(permit, launch, argv, held).await
    }
}

/// Why nothing came of a job that never ran, if it is one.
pub(crate) fn never(record: &JobRecord) -> Option<&str> {
    match &record.state {
        JobState::Ended { outcome: Outcome::Lost { reason }, seen: Some(Seen::Never), .. } => Some(reason),
        _ => None,
    }
}

fn first_record(id: &JobId, permit: &Permit, terminal: &JobRecord, inside: &Inside, told: Confinement) -> JobRecord {
    JobRecord {
        id: id.clone(),
        command: permit.plan().command.clone(),
        cwd: permit.plan().cwd.clone(),
        actor: permit.actor().clone(),
        session: permit.session().cloned(),
        terminal: terminal.terminal.clone(),
        within: Some(terminal.id.clone()),
        tag: inside.tag.clone(),
        by_hand: false,
        waited_ms: None,
        keep: false,
        sandbox: Some(told),
        started: Timestamp::now(),
        state: JobState::Running { pid: 0 },
        output: vec![StreamBytes { stream: Stream::Tty, bytes: 0 }],
    }
}
