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
pub(crate) use start::START_FILES;
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

/// How long a command waits for a person, or for a program of theirs, before it is given up; less if its own time limit is
/// less. Much longer, and whoever waits for it takes it for hung.
const PATIENCE: Duration = Duration::from_secs(30);

/// After the channel was closed, so long the shell may take to be gone. One that lives on can't tell the end of anything
/// any more: a command has closed it.
const SILENT: Duration = Duration::from_secs(2);

/// Clears what stands before the cursor, in every line editor and in canonical mode.
pub(super) const CLEAR_LINE: &str = "\x15";

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
    /// The terminal's name, for words.
    name: String,
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
    exports: String,
    /// A person's last key.
    key: Option<Instant>,
    /// They typed since the prompt: there may be half a line.
    dirty: bool,
    /// They typed while something ran: what it didn't read stands at the next prompt.
    ahead: bool,
    /// Commands that persons typed here.
    pub typed: u64,
    /// Since when the first that waits does, for anything but a command before it.
    since: Option<Instant>,
    /// Since when nothing can come on the channel any more.
    silent: Option<Instant>,
}

impl Shell {
    pub fn new(hooks: Hooks, name: String) -> Self {
        Self {
            name,
            flavor: hooks.flavor,
            channel: hooks.channel,
            files: Some(hooks.files),
            place: Place::Begins,
            reports: VecDeque::new(),
            waiting: VecDeque::new(),
            current: None,
            ended: VecDeque::new(),
            typed_at: 0,
            cwd: None,
            path: String::new(),
            settings: String::new(),
            exports: String::new(),
            key: None,
            dirty: false,
            ahead: false,
            typed: 0,
            since: None,
            silent: None,
        }
    }

    /// What clients are told.
    pub fn state(&self) -> ShellState {
        ShellState {
            shell: self.flavor.name().to_owned(),
            cwd: self.cwd.clone(),
            path: self.path.clone(),
            settings: self.settings.clone(),
            exports: self.exports.clone(),
            running: self.given().map(|command| command.id().clone()),
            waiting: u32::try_from(self.waiting.len()).unwrap_or(u32::MAX),
            person: self.dirty || (self.place == Place::Runs && self.given().is_none()),
            typed: self.typed,
        }
    }

    /// The command that runs, if it was given to the terminal and not typed by hand.
    fn given(&self) -> Option<&Command> {
        self.current.as_ref().filter(|command| !command.by_hand)
    }

    pub fn cwd(&self) -> Option<&PathBuf> {
        self.cwd.as_ref()
    }

    /// It has come to its prompt: whatever was half typed is gone. Whole lines that a person typed ahead are read by it next,
    /// and may be the beginning of something longer.
    pub fn at_prompt(&mut self, report: Report, has_lines: bool) {
        self.place = Place::Prompt { ready: false };
        self.dirty = self.ahead && has_lines;
        (self.path, self.settings, self.exports) = (report.path, report.settings, report.text);
        self.cwd = Some(report.cwd);
        if let Some(files) = self.files.take() {
            let _ = std::fs::remove_dir_all(files);
        }
    }

    /// Keeps the word of a better witness than the shell's.
    pub fn set_cwd(&mut self, cwd: PathBuf) {
        self.cwd = Some(cwd);
    }

    /// A person typed. True when a line was sent to a shell that doesn't tell what it does with it.
    pub fn person_typed(&mut self, keys: &[u8]) -> bool {
        self.key = Some(Instant::now());
        let at_prompt = matches!(self.place, Place::Prompt { .. });
        let has_line = self.dirty || keys.first().is_some_and(|key| !matches!(key, b'\r' | b'\n'));
        self.ahead |= matches!(self.place, Place::Runs | Place::Typed);
        self.dirty |= at_prompt || self.place == Place::Begins;
        let sent = at_prompt && has_line && keys.iter().any(|key| matches!(key, b'\r' | b'\n'));
        if sent && self.flavor == Flavor::Sh {
            self.place = Place::Runs;
            return true;
        }
        false
    }

    /// When something is to be looked at: the first that waits may be typed, or is given up.
    pub fn deadline(&self) -> Option<Instant> {
        let silent = self.silent.map(|since| since + SILENT);
        let since = self.since.filter(|_| self.given().is_none());
        let given_up = since.and_then(|since| self.waiting.iter().map(|c| since + c.patience(PATIENCE)).min());
        let free = self.key.filter(|_| self.is_free() && !self.rests() && !self.waiting.is_empty());
        let free = free.map(|key| key + HANDS_OFF);
        [silent, given_up, free].into_iter().flatten().min()
    }

    /// Whether the shell lives on and can't be heard. It must not be left so: no end would ever be known.
    pub fn is_deaf(&mut self, lives: bool) -> bool {
        if self.channel.fd().is_some() || self.place == Place::Gone || !lives {
            self.silent = None;
            return false;
        }
        let since = *self.silent.get_or_insert_with(Instant::now);
        let deaf = since.elapsed() >= SILENT;
        if deaf {
            (self.silent, self.place) = (None, Place::Gone);
        }
        deaf
    }

    fn is_free(&self) -> bool {
        self.place == (Place::Prompt { ready: true }) && !self.dirty && self.current.is_none()
    }

    /// The command that can be typed now.
    pub fn next(&mut self) -> Option<Command> {
        if self.waiting.is_empty() || self.given().is_some() {
            self.since = None;
            return None;
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        if !(self.is_free() && self.rests()) {
            return None;
        }
        self.since = None;
        let mut next = self.waiting.pop_front()?;
        if self.key.is_some_and(|key| key + HANDS_OFF >= since) {
            next.waited_for_a_person(since.elapsed());
        }
        if std::mem::take(&mut self.ahead) {
            next.line.insert_str(0, CLEAR_LINE);
        }
        Some(next)
    }

    fn rests(&self) -> bool {
        self.key.is_none_or(|key| key.elapsed() >= HANDS_OFF)
    }

    /// Commands that have waited long enough, and why nothing came of it.
    pub fn given_up(&mut self) -> Option<(Vec<Command>, String)> {
        let since = self.since.filter(|_| self.given().is_none())?;
        let is_over = |command: &Command| since.elapsed() >= command.patience(PATIENCE);
        if !self.waiting.iter().any(is_over) {
            return None;
        }
        let name = &self.name;
        let why = match self.place {
            Place::Begins => format!("the shell of {name} has not come to its prompt"),
            Place::Gone => format!("{name} has ended"),
            Place::Runs => match &self.current {
                Some(command) => format!("a person runs something in {name} (job {})", command.id()),
                None => format!("a person runs something in {name}"),
            },
            Place::Prompt { .. } | Place::Typed if self.dirty || !self.rests() => {
                format!("somebody is typing in {name}")
            }
            Place::Prompt { .. } | Place::Typed => format!("the shell of {name} does not take a line"),
        };
        let (over, on) = std::mem::take(&mut self.waiting).into_iter().partition(is_over);
        self.waiting = on;
        Some((Vec::from_iter::<VecDeque<Command>>(over), why))
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
