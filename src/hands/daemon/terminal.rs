//! A terminal that a command is meant for: found by its name, or started; and what the gate has to know about it.

use super::Hands;
use super::actions::admission::{Way, decide};
use crate::gate::{Act, Admission, Around, Request, Surroundings};
use crate::jobs::{Job, Launch, StartError};
use crate::keeper::wire::ShellState;
use pryx_ipc::{Io, RequestContext, Stdin, WireError};
use pryx_terms::{Actor, CallKey, SessionId, TerminalName};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The tool that a terminal is opened by.
const TOOL: &str = "shell.exec";

/// Shells whose commands can be followed.
const FOLLOWED: &[&str] = &["bash", "zsh", "fish", "sh", "dash", "ash"];

/// Where a shell usually is. Fixed places first: a `bash` earlier in PATH would be somebody's script.
const SHELLS: &[&str] = &["/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash", "/opt/homebrew/bin/bash", "/bin/sh"];

/// Who wants a terminal, and what a new one is started with.
pub(crate) struct Wanted<'a> {
    pub name: &'a TerminalName,
    pub actor: &'a Actor,
    pub session: Option<&'a SessionId>,
    pub env: &'a BTreeMap<String, String>,
    pub cwd: &'a Path,
    pub io: Io,
}

/// One that lives.
pub(crate) struct Open {
    pub job: Job,
    pub shell: ShellState,
    around: Around,
}

impl Open {
    /// What the gate has to know for a command in it.
    pub fn surroundings(&self, home: Option<PathBuf>) -> Surroundings {
        Surroundings { path: self.shell.path.clone(), home, terminal: Some(self.around.clone()) }
    }
}

/// The shell that an agent's commands are run with.
pub(crate) fn shell() -> String {
    let found = SHELLS.iter().find(|path| Path::new(path).is_file());
    (*found.unwrap_or(&"/bin/sh")).to_owned()
}

/// Finds it or starts it, and waits until it has come to its first prompt.
pub(crate) async fn open(hands: &Hands, wanted: Wanted<'_>, context: &RequestContext) -> Result<Open, WireError> {
    let job = match hands.jobs.terminal(wanted.name)? {
        Some(job) if hands.jobs.goes_on(&job).await => job,
        _ => start(hands, &wanted, context).await?,
    };
    let record = job.status().record;
    let persons = match (&record.actor, wanted.actor) {
        (_, Actor::Person) => false,
        (Actor::Person, Actor::Agent { .. }) => true,
        (Actor::Agent { session: of }, Actor::Agent { .. }) if of.is_some() && of.as_ref() == wanted.session => false,
        (Actor::Agent { .. }, Actor::Agent { .. }) => {
            return Err(refused(wanted.name, "it belongs to another conversation"));
        }
    };
    let Some(shell) = hands.jobs.shell(&job).await else {
        return Err(refused(wanted.name, "its shell is none whose commands can be followed (bash, zsh, fish, sh)"));
    };
    let around = Around {
        shell: shell.shell.clone(),
        cwd: shell.cwd.clone().unwrap_or_else(|| record.cwd.clone()),
        settings: shell.settings.clone(),
        persons,
        altered: hands.jobs.is_altered(&record.id),
        profile: hands.jobs.profile_of(&record.id),
    };
    Ok(Open { job, shell, around })
}

fn refused(name: &TerminalName, reason: &str) -> WireError {
    StartError::Terminal { name: name.to_string(), reason: reason.to_owned() }.into()
}

async fn start(hands: &Hands, wanted: &Wanted<'_>, context: &RequestContext) -> Result<Job, WireError> {
    // Where the last one of that name was left, or where the command was asked for.
    let cwd = hands.jobs.left_at(wanted.name)?.unwrap_or_else(|| wanted.cwd.to_owned());
    let argv = vec![shell_for(wanted), "-i".to_owned()];
    let act = Act::Open { terminal: wanted.name.to_string(), argv };
    let request = Request { tool: TOOL.to_owned(), act, cwd, surroundings: Surroundings::default() };
    let (actor, session) = (wanted.actor.clone(), wanted.session.cloned());
    let admission = Admission { key: CallKey::generate(), request, actor, session, can_ask: false };
    let Way::Run(permit) = decide(hands, admission, context).await? else {
        return Err(refused(wanted.name, "it could not be started"));
    };
    let launch = Launch {
        env: wanted.env.clone(),
        io: wanted.io,
        stdin: Stdin::Inherit,
        timeout: None,
        terminal: Some(wanted.name.clone()),
        tag: None,
        keep: false,
        mode: None,
    };
    match hands.jobs.start(*permit, launch).await {
        Ok(job) => Ok(job),
        // Another command wanted it in the same moment.
        Err(StartError::NameTaken { name }) => match hands.jobs.terminal(&name)? {
            Some(job) => Ok(job),
            None => Err(StartError::NameTaken { name }.into()),
        },
        Err(error) => Err(error.into()),
    }
}

/// The person's own shell; for an agent bash, whose language the gate understands.
fn shell_for(wanted: &Wanted<'_>) -> String {
    let own = wanted.env.get("SHELL").filter(|path| {
        let name = path.rsplit('/').next().unwrap_or_default();
        path.starts_with('/') && FOLLOWED.contains(&name) && Path::new(path).is_file()
    });
    match (wanted.actor, own) {
        (Actor::Person, Some(own)) => own.clone(),
        _ => shell(),
    }
}
