//! The private task of a job: reads what its keeper tells until the keeper is gone, then records the end.

use super::Jobs;
use super::end::lost;
use super::job::{Job, Status};
use crate::keeper::record;
use crate::keeper::wire::{FromKeeper, KeeperRecord, MAX_LINE, Pulse, Run, ShellState, ToKeeper, VERSION, line};
use pryx_terms::{Actor, JobId, JobRecord, JobState};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long a keeper that can't be reached for lack of something is tried again.
const PATIENCE: Duration = Duration::from_secs(5);

/// Between two tries. Nothing tells when a descriptor has become free.
const PAUSE: Duration = Duration::from_millis(50);

fn means_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

/// A connection that gets every change.
pub(super) struct Feed {
    stream: BufReader<UnixStream>,
    /// What the job did when the connection was made.
    pulse: Option<Pulse>,
    shell: Option<ShellState>,
}

impl Feed {
    /// Connects, and gets the state as it is: of the keeper's job, or of a command in its terminal.
    pub async fn open(socket: &Path, of: Option<&JobId>) -> io::Result<(Self, KeeperRecord)> {
        Self::greet(Self::connect(socket).await?, of).await
    }

    async fn greet(mut stream: UnixStream, of: Option<&JobId>) -> io::Result<(Self, KeeperRecord)> {
        stream.write_all(&line(&ToKeeper::Hello { v: VERSION, watch: true, of: of.cloned() })).await?;
        let mut feed = Self { stream: BufReader::new(stream), pulse: None, shell: None };
        loop {
            match feed.next().await? {
                Some(FromKeeper::State { record, pulse, shell, .. }) => {
                    (feed.pulse, feed.shell) = (pulse, shell);
                    return Ok((feed, record));
                }
                Some(_) => {}
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
    }

    /// Tells a keeper that is gone from one that can't be reached right now (no free descriptors): the second must
    /// not be given up for lost.
    async fn connect(socket: &Path) -> io::Result<UnixStream> {
        let patience = Instant::now() + PATIENCE;
        loop {
            match UnixStream::connect(socket).await {
                Err(error) if !means_gone(&error) && Instant::now() < patience => tokio::time::sleep(PAUSE).await,
                other => return other,
            }
        }
    }

    /// Gives a terminal a command, and follows it.
    pub async fn run(socket: &Path, run: Run) -> io::Result<Result<(Self, KeeperRecord), String>> {
        let id = run.job.clone();
        let mut stream = BufReader::new(Self::connect(socket).await?);
        stream.get_mut().write_all(&line(&ToKeeper::Run(Box::new(run)))).await?;
        let mut feed = Self { stream, pulse: None, shell: None };
        match feed.next().await? {
            Some(FromKeeper::Taken) => Self::greet(feed.stream.into_inner(), Some(&id)).await.map(Ok),
            Some(FromKeeper::Refused { reason }) => Ok(Err(reason)),
            Some(_) | None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Resolves when the keeper is gone.
    pub async fn until_gone(mut self) {
        while !matches!(self.next().await, Ok(Some(FromKeeper::Gone)) | Ok(None) | Err(_)) {}
    }

    async fn next(&mut self) -> io::Result<Option<FromKeeper>> {
        let mut text = Vec::new();
        let limit = u64::try_from(MAX_LINE).unwrap_or(u64::MAX);
        let count = (&mut self.stream).take(limit).read_until(b'\n', &mut text).await?;
        if count == 0 {
            return Ok(None);
        }
        serde_json::from_slice(&text).map(Some).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
    }
}

impl Jobs {
    /// Begins to follow a keeper.
    pub(super) fn follow_keeper(&self, mut record: JobRecord, feed: Feed, known: KeeperRecord) -> Job {
        apply(&mut record, &known);
        let id = record.id.clone();
        let (pulse, shell) = (feed.pulse, feed.shell.clone());
        let socket = self.socket(record.within.as_ref().unwrap_or(&id));
        let status = Status { record, paused: known.paused.clone(), pulse, shell, gone: false, recorded: false };
        let (sender, receiver) = watch::channel(status);
        let job = Job::new(id.clone(), (known.keeper, known.command), socket, receiver);
        self.enter(job.clone());
        let (jobs, keeper) = (self.clone(), known.keeper);
        self.note_typed(&job.status().record, 0, typed(&job.status()));
        tokio::spawn(async move {
            let (recording, said) = jobs.listen(feed, &sender).await;
            jobs.conclude(&id, keeper, &sender, recording, said).await;
            jobs.leave(&id);
        });
        job
    }

    /// Takes in what the keeper tells until it is gone. Gives back the recording of the end, if one was begun: it
    /// hashes the log, and a stop must not wait for that; and whether the keeper said that all is over.
    async fn listen(&self, mut feed: Feed, status: &watch::Sender<Status>) -> (Option<JoinHandle<()>>, bool) {
        let mut recording = None;
        loop {
            if recording.is_none() && status.borrow().record.outcome().is_some() {
                let (jobs, status) = (self.clone(), status.clone());
                recording = Some(tokio::spawn(async move { jobs.record_end(&status).await }));
            }
            match feed.next().await {
                Ok(Some(FromKeeper::Gone)) => return (recording, true),
                Ok(None) | Err(_) => return (recording, false),
                Ok(Some(message)) => {
                    let before = (status.borrow().paused.clone(), typed(&status.borrow()));
                    status.send_modify(|now| take(now, message));
                    let now = status.borrow();
                    self.note_pause(before.0.as_deref(), &now);
                    self.note_typed(&now.record, before.1, typed(&now));
                }
            }
        }
    }

    fn note_pause(&self, before: Option<&str>, now: &Status) {
        let id = &now.record.id;
        match (before, &now.paused) {
            (None, Some(why)) => {
                self.inner.journal.note(format_args!("job {id} is held back, its log can't grow: {why}"))
            }
            (Some(_), None) => self.inner.journal.note(format_args!("job {id} goes on")),
            _ => {}
        }
    }

    /// The keeper is gone. Did it say how the job ended? Else nobody knows.
    async fn conclude(
        &self,
        id: &JobId,
        keeper: u32,
        status: &watch::Sender<Status>,
        recording: Option<JoinHandle<()>>,
        said: bool,
    ) {
        let dir = self.dir(id);
        if let Ok(known) = record::read(&dir) {
            status.send_modify(|now| apply(&mut now.record, &known));
        }
        if status.borrow().record.outcome().is_none() {
            self.inner.journal.note(format_args!("job {id}: its keeper {keeper} died"));
            if status.borrow().record.within.is_none() {
                self.clear_remains(id, Some(keeper)).await;
            }
            let output = super::end::sizes(&dir, &status.borrow().record.output);
            let state = lost(super::end::KILLED);
            status.send_modify(|now| {
                now.record.state = state;
                now.record.output = output;
            });
        }
        let (agents, within) = {
            let record = &status.borrow().record;
            (record.actor != Actor::Person, record.within.is_some())
        };
        if agents && !within && !said {
            // Without their keeper later hands could not tell whose they are.
            self.clear_remains(id, Some(keeper)).await;
        }
        super::end::clear_temp(&dir);
        status.send_modify(|now| now.gone = true);
        match recording {
            // It can't fail but by the end of the runtime, and then there is nobody left to tell.
            Some(recording) => drop(recording.await),
            None => self.record_end(status).await,
        }
    }
}

fn typed(status: &Status) -> u64 {
    status.shell.as_ref().map_or(0, |shell| shell.typed)
}

fn take(status: &mut Status, message: FromKeeper) {
    match message {
        FromKeeper::State { record, .. } | FromKeeper::Ended { record } => {
            apply(&mut status.record, &record);
            status.paused = record.paused;
        }
        FromKeeper::Pulse(pulse) => status.pulse = Some(pulse),
        FromKeeper::Shell(shell) => status.shell = Some(shell),
        FromKeeper::Grew { output } => status.record.output = output,
        FromKeeper::Paused { reason } => status.paused = Some(reason),
        FromKeeper::Resumed => status.paused = None,
        FromKeeper::Taken | FromKeeper::Refused { .. } | FromKeeper::Gone | FromKeeper::Unknown => {}
    }
}

/// The keeper knows better, save that an end is never taken back.
pub(super) fn apply(record: &mut JobRecord, known: &KeeperRecord) {
    record.output.clone_from(&known.output);
    if record.outcome().is_none() || matches!(known.state, JobState::Ended { .. }) {
        record.started = known.started;
        record.waited_ms = known.waited_ms;
        record.state = known.state.clone();
    }
}
