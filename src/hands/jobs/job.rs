//! A handle on a job whose keeper lives: cheap to clone, safe to drop.

use crate::keeper::wire::{FromKeeper, INPUT_PIECE, MAX_LINE, Pulse, ShellState, ToKeeper, line};
use pryx_ipc::Blob;
use pryx_terms::{Activity, JobId, JobRecord, JobState, StopReason};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::sync::{Mutex, watch};

/// How long a stop waits, beyond its grace, for the last process to go. What takes longer hangs in the kernel; the
/// keeper goes on trying.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// What is known about a job, as it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Status {
    /// Its record.
    pub record: JobRecord,
    /// Why it is held back, if it is: its log can't be written.
    pub paused: Option<String>,
    /// What its keeper says that it does; nothing when there is none to say it.
    pub pulse: Option<Pulse>,
    /// What a terminal's shell told.
    pub shell: Option<ShellState>,
    /// Its keeper has ended, and with it everything the job started.
    pub gone: bool,
    /// Its end is in the database and the audit log.
    pub recorded: bool,
}

impl Status {
    /// What it does now.
    pub fn activity(&self) -> Activity {
        match (&self.record.state, self.pulse) {
            (JobState::Ended { .. }, _) => Activity::Exited,
            (JobState::Running { .. }, pulse) => pulse.map_or(Activity::Running, |pulse| pulse.activity),
        }
    }

    /// Whether a process of the job may live: its command, or one that outlived it.
    pub fn is_alive(&self) -> bool {
        match &self.record.state {
            JobState::Running { .. } => true,
            JobState::Ended { survivors, .. } => !self.gone && !survivors.is_empty(),
        }
    }
}

/// Why input was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputError {
    /// The keeper said why.
    #[error("job {job} takes no input: {reason}")]
    Refused { job: JobId, reason: String },
    /// The keeper is gone.
    #[error("job {job} takes no input: it has ended")]
    Ended { job: JobId },
}

/// Whose bytes these are.
#[derive(Debug, Clone, Copy)]
pub(super) struct By {
    pub person: bool,
    /// They come from a window, with what its terminal says by itself among them.
    pub window: bool,
    /// The longest line, of a text that is refused where the terminal would cut it.
    pub longest: Option<usize>,
}

/// A job.
#[derive(Clone)]
pub(crate) struct Job {
    shared: Arc<Shared>,
}

struct Shared {
    id: JobId,
    keeper: u32,
    pid: u32,
    socket: PathBuf,
    /// It runs in a terminal, whose keeper and socket these are.
    within: bool,
    status: watch::Receiver<Status>,
    /// The connection for input. Whoever types waits for whoever typed before.
    input: Mutex<Option<BufReader<UnixStream>>>,
}

impl Job {
    pub(super) fn new(id: JobId, (keeper, pid): (u32, u32), socket: PathBuf, status: watch::Receiver<Status>) -> Self {
        let within = status.borrow().record.within.is_some();
        Self { shared: Arc::new(Shared { id, keeper, pid, socket, within, status, input: Mutex::new(None) }) }
    }

    pub fn id(&self) -> &JobId {
        &self.shared.id
    }

    /// Its keeper's process id.
    pub fn keeper(&self) -> u32 {
        self.shared.keeper
    }

    /// Its command's process id, of an ended one too; 0 when nobody knows it any more.
    pub fn pid(&self) -> u32 {
        self.shared.pid
    }

    pub fn status(&self) -> Status {
        self.shared.status.borrow().clone()
    }

    pub fn watch(&self) -> watch::Receiver<Status> {
        self.shared.status.clone()
    }

    async fn until(&self, condition: impl Fn(&Status) -> bool) -> JobRecord {
        let mut status = self.watch();
        // The sender lives until everything has been recorded: an error means that this was.
        let _ = status.wait_for(|now| condition(now)).await;
        status.borrow_and_update().record.clone()
    }

    /// Resolves when the end is recorded, at once while the command runs.
    pub async fn recorded(&self) {
        self.until(|now| now.record.outcome().is_none() || now.recorded).await;
    }

    /// Ends the job and everything it started. Gives back how it ended; if it would not end in time, how it is.
    pub async fn stop(&self, grace: Duration, by: &str) -> JobRecord {
        let grace_ms = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
        let of = self.shared.within.then(|| self.id().clone());
        let stop = ToKeeper::Stop { grace_ms, by: by.to_owned(), reason: StopReason::Asked, of };
        // A connection of its own: nothing that waits on another one can hold up a stop. If it fails the keeper is
        // gone, and the status says so in a moment.
        let _ = self.send(&stop).await;
        let gone = self.until(|now| now.gone);
        match tokio::time::timeout(grace + STOP_PATIENCE, gone).await {
            Ok(record) => record,
            Err(_) => self.status().record,
        }
    }

    /// Tells the terminal its size.
    pub async fn resize(&self, rows: u16, cols: u16) -> io::Result<()> {
        self.send(&ToKeeper::Resize { rows, cols }).await
    }

    async fn send(&self, message: &ToKeeper) -> io::Result<()> {
        let mut stream = UnixStream::connect(&self.shared.socket).await?;
        stream.write_all(&line(message)).await
    }

    /// Types what a person typed, perhaps in a window. Returns when the keeper has taken all of it; waits while the command
    /// doesn't read.
    pub async fn input(&self, bytes: &[u8], eof: bool, window: bool) -> Result<(), InputError> {
        self.input_of(bytes, eof, By { person: true, window, longest: None }).await
    }

    /// The same; with the length of its longest line, it is refused where the terminal would cut such a line.
    pub(super) async fn input_of(
        &self,
        bytes: &[u8],
        eof: bool,
        By { person, window, longest }: By,
    ) -> Result<(), InputError> {
        let mut lane = self.shared.input.lock().await;
        // Taken out while in use: a caller that gives up half way takes the connection with it, and the next one
        // begins afresh instead of reading a stranger's answer.
        let mut stream = match lane.take() {
            Some(stream) => stream,
            None => BufReader::new(UnixStream::connect(&self.shared.socket).await.map_err(|_| self.ended_error())?),
        };
        for piece in bytes.chunks(INPUT_PIECE) {
            self.ask(&mut stream, &ToKeeper::Input { data: Blob(piece.to_vec()), longest, person, window }).await?;
        }
        if eof {
            self.ask(&mut stream, &ToKeeper::Eof).await?;
        }
        *lane = Some(stream);
        Ok(())
    }

    async fn ask(&self, stream: &mut BufReader<UnixStream>, message: &ToKeeper) -> Result<(), InputError> {
        let ended = |_| self.ended_error();
        stream.get_mut().write_all(&line(message)).await.map_err(ended)?;
        let mut text = Vec::new();
        let limit = u64::try_from(MAX_LINE).unwrap_or(u64::MAX);
        stream.take(limit).read_until(b'\n', &mut text).await.map_err(ended)?;
        match serde_json::from_slice(&text) {
            Ok(FromKeeper::Taken) => Ok(()),
            Ok(FromKeeper::Refused { reason }) => Err(InputError::Refused { job: self.id().clone(), reason }),
            _ => Err(self.ended_error()),
        }
    }

    fn ended_error(&self) -> InputError {
        InputError::Ended { job: self.id().clone() }
    }
}
