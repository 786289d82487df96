//! A terminal's shell, whose commands are run one by one: typed at its prompt as a person would type them, followed by
//! what its hooks tell on a private channel, each with an exact beginning, end and code.

mod channel;
mod command;
mod line;
mod peer;
mod start;

#[cfg(any(test, fuzzing))]
pub(crate) use channel::any_bytes;
pub(super) use channel::{Channel, Kind, Report};
pub(super) use command::Command;
pub(super) use peer::Sender;
pub(super) use start::{Flavor, Hooks, hand_over, numbers, prepare};

use super::wire::ShellState;
use pryx_terms::JobId;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Commands that wait at once. A script that starts hundreds without waiting has lost count.
pub(super) const MAX_WAITING: usize = 16;

/// Ended commands whose record is kept at hand for clients that are still being told.
const MAX_ENDED: usize = 32;

/// After a person's last key, so long nothing is typed for anybody else: they may be about to go on.
const HANDS_OFF: Duration = Duration::from_secs(1);

/// How long a command waits for a person, or for a program of theirs, before it is given up. Much longer, and whoever
/// waits for it takes it for hung.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where the shell is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It reads its start-up files.
    Begins,
    /// At its prompt; `ready` when its line editor takes keys.
    Prompt { ready: bool },
    /// A line was typed for a command, and it has not started.
    Typed,
    /// A command runs: ours when there is a current one, else a person's.
    Runs,
    /// It has ended.
    Gone,
}

/// The shell, and the commands for it.
pub(super) struct Shell {
    pub flavor: Flavor,
    pub channel: Channel,
    /// Its start-up files, while it may still read them.
    files: Option<PathBuf>,
    pub place: Place,
    pub reports: VecDeque<Report>,
    pub waiting: VecDeque<Command>,
    pub current: Option<Command>,
    pub ended: VecDeque<Command>,
    /// Bytes of the terminal's log when the current command was typed.
    pub typed_at: u64,
    cwd: Option<PathBuf>,
    path: String,
    settings: String,
    /// A person's last key.
    key: Option<Instant>,
    /// They typed since the prompt: there may be half a line.
    dirty: bool,
    /// Since when the first that waits does, for anything but a command before it.
    since: Option<Instant>,
}

impl Shell {
    pub fn new(flavor: Flavor, channel: Channel, files: PathBuf) -> Self {
        Self {
            flavor,
            channel,
            files: Some(files),
            place: Place::Begins,
            reports: VecDeque::new(),
            waiting: VecDeque::new(),
            current: None,
            ended: VecDeque::new(),
            typed_at: 0,
            cwd: None,
            path: String::new(),
            settings: String::new(),
            key: None,
            dirty: false,
            since: None,
        }
    }

    /// What clients are told.
    pub fn state(&self) -> ShellState {
        ShellState {
            shell: self.flavor.name().to_owned(),
            cwd: self.cwd.clone(),
            path: self.path.clone(),
            settings: self.settings.clone(),
            running: self.current.as_ref().map(|command| command.id().clone()),
            waiting: u32::try_from(self.waiting.len()).unwrap_or(u32::MAX),
            person: self.dirty || (self.place == Place::Runs && self.current.is_none()),
        }
    }

    pub fn cwd(&self) -> Option<&PathBuf> {
        self.cwd.as_ref()
    }

    /// It has come to its prompt: whatever was half typed is gone.
    pub fn at_prompt(&mut self, report: Report) {
        self.place = Place::Prompt { ready: false };
        self.dirty = false;
        (self.path, self.settings) = (report.path, report.settings);
        self.cwd = Some(report.cwd);
        if let Some(files) = self.files.take() {
            let _ = std::fs::remove_dir_all(files);
        }
    }

    /// Keeps the word of a better witness than the shell's.
    pub fn set_cwd(&mut self, cwd: PathBuf) {
        self.cwd = Some(cwd);
    }

    /// A person typed.
    pub fn person_typed(&mut self) {
        self.key = Some(Instant::now());
        self.dirty |= matches!(self.place, Place::Prompt { .. } | Place::Begins);
    }

    /// When something is to be looked at: the first that waits may be typed, or is given up.
    pub fn deadline(&self) -> Option<Instant> {
        let since = self.since.filter(|_| !self.waiting.is_empty() && self.current.is_none())?;
        let free = self.key.filter(|_| self.is_free()).map(|key| key + HANDS_OFF);
        Some(free.map_or(since + PATIENCE, |free| free.min(since + PATIENCE)))
    }

    fn is_free(&self) -> bool {
        self.place == (Place::Prompt { ready: true }) && !self.dirty && self.current.is_none()
    }

    /// The command that can be typed now.
    pub fn next(&mut self) -> Option<Command> {
        if self.waiting.is_empty() || self.current.is_some() {
            self.since = None;
            return None;
        }
        self.since.get_or_insert_with(Instant::now);
        let rests = self.key.is_none_or(|key| key.elapsed() >= HANDS_OFF);
        if !(self.is_free() && rests) {
            return None;
        }
        self.since = None;
        self.waiting.pop_front()
    }

    /// Commands that have waited long enough, and why nothing came of it.
    pub fn given_up(&mut self) -> Option<(Vec<Command>, &'static str)> {
        let since = self.since.filter(|since| since.elapsed() >= PATIENCE && self.current.is_none())?;
        let _ = since;
        let why = match self.place {
            Place::Begins => "its shell has not come to its prompt",
            Place::Gone => "it has ended",
            Place::Runs => "a program that a person started runs in it",
            Place::Prompt { .. } | Place::Typed if self.dirty => "somebody is typing in it",
            Place::Prompt { .. } | Place::Typed => "its shell does not take a line",
        };
        self.since = None;
        Some((self.waiting.drain(..).collect(), why))
    }

    /// A command by its id, wherever it stands.
    pub fn find(&self, id: &JobId) -> Option<&Command> {
        self.current.iter().chain(&self.waiting).chain(&self.ended).find(|command| command.id() == id)
    }

    /// Keeps an ended command for those who ask.
    pub fn keep(&mut self, command: Command) {
        self.ended.push_back(command);
        if self.ended.len() > MAX_ENDED
            && let Some(at) = self.ended.iter().position(|command| !command.is_alive())
        {
            self.ended.remove(at);
        }
    }
}
