//! Starting a job: a permit in, a running command out.

use super::end::never_ran;
use super::job::Job;
use super::watch::Feed;
use super::{Jobs, KeeperOf, lock};
use crate::gate::Permit;
use crate::keeper::START_FILES;
use crate::keeper::wire::{FailedAt, Spec, StartAnswer, VERSION, line};
use crate::sandbox::{Held, Profile};
use crate::store::StoreError;
use pryx_ipc::{Io, Stdin};
use pryx_terms::{Actor, Confinement, JobId, JobRecord, JobState, Stream, StreamBytes, TerminalName, Timestamp};
use std::collections::BTreeMap;
use std::fs::DirBuilder;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// How long a keeper may take to answer. Only a directory on a dead network mount makes it this slow; waiting on
/// would hold the request for ever.
const ANSWER: Duration = Duration::from_secs(15);

/// The directory of a job for its temporary files, where it may write none elsewhere.
pub(super) const OWN_TEMP: &str = "tmp";

/// The file in a terminal's directory that says what its shell is held to.
const PROFILE: &str = "profile.json";

/// How the error begins when it is the directory's.
pub(crate) const NO_DIRECTORY: &str = "the directory ";

/// What a permit doesn't say about a start.
pub(crate) struct Launch {
    /// The environment, filtered already.
    pub env: BTreeMap<String, String>,
    pub io: Io,
    pub stdin: Stdin,
    pub timeout: Option<Duration>,
    pub terminal: Option<TerminalName>,
    pub tag: Option<String>,
    pub keep: bool,
    /// The mode whose sandbox the person wants for their own command.
    pub mode: Option<String>,
}

/// Why no job runs.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// The caller can mend it: the command or its directory.
    #[error("{what}: {message}")]
    Command { what: String, message: String },
    /// The machine's trouble.
    #[error("the command can't be started: {0}")]
    Machine(String),
    /// Nothing runs without its row.
    #[error("nothing runs without a record: {0}")]
    Store(#[from] StoreError),
    /// The sandbox that was asked for is not to be had.
    #[error("{0}")]
    NoSandbox(String),
    /// A terminal of that name is open.
    #[error("there is a terminal {name} already; `pryx attach {name}` joins it")]
    NameTaken { name: TerminalName },
    /// A terminal takes no command now.
    #[error("terminal {name} takes no command: {reason}")]
    Terminal { name: String, reason: String },
}

impl Jobs {
    /// What a terminal's shell is held to, if it is.
    pub fn profile_of(&self, terminal: &JobId) -> Option<Profile> {
        serde_json::from_slice(&std::fs::read(self.dir(terminal).join(PROFILE)).ok()?).ok()
    }

    /// Starts exactly what the permit's plan says. The permit is used up.
    pub async fn start(&self, permit: Permit, launch: Launch) -> Result<Job, StartError> {
        if let Some(name) = &launch.terminal
            && self.inner.store.live_terminal(name)?.is_some_and(|row| self.current(row).outcome().is_none())
        {
            return Err(StartError::NameTaken { name: name.clone() });
        }
        let held = match permit.actor() {
            // Not to be had unasked but as the hands start it: an agent's own `bash -i` is asked.
            Actor::Agent { .. } if launch.terminal.is_some() && is_interactive_shell(&permit.plan().argv) => {
                Ok(self.inner.gate.sandbox().of_shell(permit.reach()))
            }
            _ => self.inner.gate.sandbox().of(&permit, launch.mode.as_deref()),
        };
        let argv = permit.plan().argv.clone();
        self.start_held(permit, launch, argv, held.map_err(StartError::NoSandbox)?).await
    }

    /// Starts what a permit allows, held to this.
    pub(super) async fn start_held(
        &self,
        permit: Permit,
        launch: Launch,
        argv: Vec<String>,
        held: Held,
    ) -> Result<Job, StartError> {
        let (id, dir) = self.make_dir()?;
        let record = first_record(&id, &permit, &launch, held.told);
        let _starting = Starting::enter(self, &id);
        self.inner.store.insert_job(&record)?;
        if let Err(error) = self.inner.gate.audit_started(&permit, &id) {
            let error = StartError::from(error);
            self.never_ran(record, &error).await;
            return Err(error);
        }
        let mut spec = spec(&id, &permit, argv, launch, &self.inner.home);
        if let Some(profile) = held.profile {
            if spec.hooks {
                keep(&profile, &dir)?;
            }
            hold(&mut spec, profile, &dir);
        }
        let what = (spec.argv.first().cloned().unwrap_or_default(), spec.cwd.clone());
        match self.spawn(&record, &dir, spec).await {
            Ok(()) => {}
            // It was killed, by its own command perhaps, which was quicker than its answer.
            Err(SpawnFailure::Died) if dir.join(Stream::Tty.file_name()).exists() => {
                return Ok(self.read_back(record, false).await);
            }
            Err(failure) => {
                let error = failure.explain(&what.0, &what.1);
                self.never_ran(record, &error).await;
                return Err(error);
            }
        }
        // The keeper's socket is there before it answers.
        match Feed::open(&self.socket(&id), None).await {
            Ok((feed, known)) => {
                let job = self.follow_keeper(record, feed, known);
                if let Err(error) = self.inner.store.update_job(&job.status().record) {
                    // It runs all the same, and its end will be written.
                    self.inner.journal.note(format_args!("job {id}: {error}"));
                }
                Ok(job)
            }
            // It ran and was over before we could look: its record has everything.
            Err(_) => Ok(self.read_back(record, false).await),
        }
    }

    pub(super) fn make_dir(&self) -> Result<(JobId, PathBuf), StartError> {
        loop {
            let id = JobId::generate();
            let dir = self.dir(&id);
            match DirBuilder::new().mode(0o700).create(&dir) {
                Ok(()) => return Ok((id, dir)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(StartError::Machine(format!("can't create {}: {error}", dir.display()))),
            }
        }
    }

    pub(super) async fn never_ran(&self, mut record: JobRecord, error: &StartError) {
        record.state = never_ran(&format!("it never ran: {error}"));
        self.record_final(&record).await;
    }

    /// Starts the keeper and waits for its answer.
    async fn spawn(&self, record: &JobRecord, dir: &Path, spec: Spec) -> Result<(), SpawnFailure> {
        let mut command = Command::new(&self.inner.exe);
        command.arg("__keeper").arg(dir).arg(self.socket(&record.id));
        command
            .env_clear()
            .envs(crate::FRUGAL)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let (jobs, id) = (self.clone(), record.id.clone());
        let (actor, session) = (record.actor.clone(), record.session.clone());
        let talk = tokio::task::spawn_blocking(move || {
            let mut child = command.spawn()?;
            // Known before it gets its spec: no command ever runs below a keeper that isn't. Without one it ends.
            if !jobs.spawned(&id, KeeperOf { pid: child.id(), actor, session }) {
                return Err(io::Error::other("the start was given up"));
            }
            if let Some(mut stdin) = child.stdin.take() {
                stdin.write_all(&line(&spec))?;
            }
            let mut answer = String::new();
            if let Some(stdout) = child.stdout.take() {
                BufReader::new(stdout).read_line(&mut answer)?;
            }
            // Whoever reaps it: not this handle. See the daemon's reaper.
            io::Result::Ok(answer)
        });
        let talked = tokio::time::timeout(ANSWER, talk).await;
        let answer = match talked {
            Err(_) => {
                return Err(SpawnFailure::Machine(format!("its keeper gave no answer in {} s", ANSWER.as_secs())));
            }
            Ok(Err(error)) => return Err(SpawnFailure::machine(&error)),
            Ok(Ok(Err(error))) => return Err(SpawnFailure::machine(&error)),
            Ok(Ok(Ok(answer))) => answer,
        };
        match serde_json::from_str(&answer) {
            Ok(StartAnswer::Started { .. }) => Ok(()),
            Ok(StartAnswer::Failed { at: FailedAt::Keeper, message }) => Err(SpawnFailure::Machine(message)),
            Ok(StartAnswer::Failed { at, message }) => Err(SpawnFailure::Command(at, message)),
            Err(_) => Err(SpawnFailure::Died),
        }
    }
}

enum SpawnFailure {
    Command(FailedAt, String),
    Machine(String),
    Died,
}

impl SpawnFailure {
    fn machine(error: &dyn std::error::Error) -> Self {
        Self::Machine(error.to_string())
    }

    fn explain(self, program: &str, cwd: &Path) -> StartError {
        match self {
            Self::Command(FailedAt::Cwd, message) => {
                StartError::Command { what: format!("{NO_DIRECTORY}{}", cwd.display()), message }
            }
            Self::Command(_, message) => StartError::Command { what: program.to_owned(), message },
            Self::Machine(message) => StartError::Machine(message),
            Self::Died => StartError::Machine("its keeper ended without an answer".to_owned()),
        }
    }
}

impl Jobs {
    /// False when the job is not being started any more.
    fn spawned(&self, id: &JobId, keeper: KeeperOf) -> bool {
        let mut starting = lock(&self.inner.starting);
        let found = starting.get_mut(id);
        let is_there = found.is_some();
        found.into_iter().for_each(|entry| *entry = Some(keeper.clone()));
        is_there
    }
}

/// Counts a job among those that are being started.
pub(super) struct Starting<'a> {
    jobs: &'a Jobs,
    id: JobId,
}

impl<'a> Starting<'a> {
    pub(super) fn enter(jobs: &'a Jobs, id: &JobId) -> Self {
        lock(&jobs.inner.starting).insert(id.clone(), None);
        jobs.count();
        Self { jobs, id: id.clone() }
    }
}

impl Drop for Starting<'_> {
    fn drop(&mut self) {
        lock(&self.jobs.inner.starting).remove(&self.id);
        self.jobs.count();
    }
}

fn first_record(id: &JobId, permit: &Permit, launch: &Launch, sandbox: Confinement) -> JobRecord {
    let streams: &[Stream] = match launch.io {
        Io::Tty { .. } => &[Stream::Tty],
        Io::Pipes => &[Stream::Stdout, Stream::Stderr],
    };
    JobRecord {
        id: id.clone(),
        command: permit.plan().command.clone(),
        cwd: permit.plan().cwd.clone(),
        actor: permit.actor().clone(),
        session: permit.session().cloned(),
        terminal: launch.terminal.clone(),
        within: None,
        tag: launch.tag.clone(),
        by_hand: false,
        waited_ms: None,
        keep: launch.keep,
        sandbox: Some(sandbox),
        started: Timestamp::now(),
        // No process yet; the number of none.
        state: JobState::Running { pid: 0 },
        output: streams.iter().map(|stream| StreamBytes { stream: *stream, bytes: 0 }).collect(),
    }
}

fn spec(id: &JobId, permit: &Permit, argv: Vec<String>, launch: Launch, home: &Path) -> Spec {
    let Launch { mut env, io, stdin, timeout, terminal, .. } = launch;
    env.insert("PRYX_JOB".to_owned(), id.to_string());
    // A pryx inside the job must find these hands, whatever HOME it sees: they know whose job it is.
    if let Some(home) = home.to_str() {
        env.insert("PRYX_HOME".to_owned(), home.to_owned());
    }
    Spec {
        v: VERSION,
        job: id.clone(),
        env,
        cwd: permit.plan().cwd.clone(),
        io,
        stdin,
        timeout_ms: timeout.map(|t| u64::try_from(t.as_millis()).unwrap_or(u64::MAX)),
        hangup: terminal.is_some() || (matches!(io, Io::Tty { .. }) && is_interactive_shell(&argv)),
        hooks: terminal.is_some(),
        terminal,
        argv,
        profile: None,
    }
}

/// Notes what a terminal's shell is started with, for hands that come later too.
fn keep(profile: &Profile, dir: &Path) -> Result<(), StartError> {
    let text = serde_json::to_vec(profile).map_err(|error| StartError::Machine(error.to_string()))?;
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(dir.join(PROFILE));
    let written = file.and_then(|mut file| file.write_all(&text));
    written.map_err(|error| StartError::Machine(format!("can't write {}: {error}", dir.display())))
}

/// Puts a command into a sandbox. Where temporary files go must be a place that it may write.
fn hold(spec: &mut Spec, mut profile: Profile, dir: &Path) {
    if profile.needs_own_temp() {
        let own = dir.join(OWN_TEMP);
        // If it can't be made, the command finds out when it needs it.
        let _ = DirBuilder::new().mode(0o700).create(&own);
        spec.env.insert("TMPDIR".to_owned(), own.display().to_string());
        profile.write_too.push(own);
    } else if spec.env.get("TMPDIR").is_some_and(|temp| !profile.write.iter().any(|w| Path::new(temp).starts_with(w))) {
        spec.env.remove("TMPDIR");
    }
    if let Some((place, variables)) = profile.builds(|variable| spec.env.get(variable).map(PathBuf::from)) {
        // As above.
        let _ = DirBuilder::new().mode(0o700).recursive(true).create(place);
        spec.env.extend(variables.into_iter().map(|(name, path)| (name.to_owned(), path.display().to_string())));
    }
    if spec.hooks {
        // Its start-up files are there; pryx's own directory is hidden.
        profile.read_too.push(dir.join(START_FILES));
    }
    spec.profile = Some(profile);
}

/// A shell that would read its commands from the terminal.
fn is_interactive_shell(argv: &[String]) -> bool {
    const SHELLS: &[&str] = &["bash", "zsh", "fish", "sh", "dash", "ksh"];
    let Some((program, rest)) = argv.split_first() else { return false };
    let name = Path::new(program).file_name().and_then(|n| n.to_str()).unwrap_or_default();
    SHELLS.contains(&name) && rest.iter().all(|arg| matches!(arg.as_str(), "-i" | "-l" | "-il" | "-li" | "--login"))
}
