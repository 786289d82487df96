//! The keeper's loop: one `poll` over output, input, clients, signals and the next deadline.

mod end;
mod hear;
mod shell;

use super::activity::{self, Observer};
use super::client::{Change, Client};
use super::command::{Started, Terminal};
use super::input::Input;
use super::log::{Progress, StreamLog};
use super::modes::Scanner;
use super::procs::Watch;
use super::shell::Shell;
use super::stop::{Stopping, Tree};
use super::wire::{KeeperRecord, Spec};
use pryx_terms::{JobState, Outcome, StopReason, Timestamp};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Connections at once. The hands need three; the rest is for a second daemon's probes during a handover.
const MAX_CLIENTS: usize = 32;

/// Pause before a log that could not be written is tried again. Nothing tells when a disk has room again.
const RETRY: Duration = Duration::from_secs(1);

/// Shortest time between two messages that output grew. The first after a silence goes at once; in a flood, one
/// message per read would cost more than the reading.
const NOTICE: Duration = Duration::from_millis(5);

/// Output that survivors write while the end is being recorded counts up to here. More than a PTY or pipe holds, so
/// nothing that the command itself wrote is missed; a bound, because `yes &` never stops writing.
const LAST_OUTPUT: u64 = 1024 * 1024;

/// Between SIGTERM and SIGKILL when time is up or the keeper itself is told to end.
const OWN_GRACE: Duration = Duration::from_secs(2);

/// How long clients may take to read the last messages before the keeper ends without them.
const FAREWELL: Duration = Duration::from_secs(1);

pub(super) struct Place {
    pub job_dir: PathBuf,
    pub socket: PathBuf,
}

pub(super) struct Keeper {
    place: Place,
    record: KeeperRecord,
    pid: i32,
    logs: Vec<StreamLog>,
    input: Input,
    terminal: Option<Terminal>,
    observer: Observer,
    listener: UnixListener,
    signals: OwnedFd,
    watch: Watch,
    /// A terminal's shell whose commands are followed.
    shell: Option<Shell>,
    clients: Vec<Client>,
    tree: Tree,
    timeout_at: Option<Instant>,
    stopping: Option<Stopping>,
    /// The exit status, seen but not yet recorded.
    outcome: Option<(Outcome, Timestamp)>,
    /// The same, recorded or not.
    reaped: Option<(Outcome, Timestamp)>,
    children_left: bool,
    retry_at: Option<Instant>,
    /// Output grew and nobody was told yet.
    notice_at: Option<Instant>,
    noticed: Instant,
}

/// What a descriptor in the poll set stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Signals,
    Watch,
    Shell,
    Listener,
    Log(usize),
    Input,
    End,
    Client(usize),
}

impl Keeper {
    #[expect(clippy::too_many_arguments, reason = "called once; each is a different kind of thing")]
    pub fn new(
        place: Place,
        record: KeeperRecord,
        spec: &Spec,
        command: Started,
        mut logs: Vec<StreamLog>,
        listener: UnixListener,
        signals: OwnedFd,
        watch: Watch,
        shell: Option<Shell>,
    ) -> Self {
        for (stream, source) in command.sources {
            if let Some(log) = logs.iter_mut().find(|log| log.stream == stream) {
                log.attach(source);
            }
        }
        let now = Instant::now();
        let root = i32::try_from(record.keeper).unwrap_or_default();
        let mut keeper = Self {
            place,
            record,
            pid: command.pid,
            logs,
            input: Input::new(command.sink),
            terminal: command.terminal,
            observer: Observer::new(activity::shell(&spec.argv, command.pid, spec.hangup)),
            listener,
            signals,
            watch,
            shell,
            clients: Vec::new(),
            tree: Tree { root, hangup: spec.hangup.then_some(command.pid), ..Tree::default() },
            timeout_at: spec.timeout_ms.and_then(|ms| now.checked_add(Duration::from_millis(ms))),
            stopping: None,
            outcome: None,
            reaped: None,
            children_left: true,
            retry_at: None,
            notice_at: None,
            noticed: now.checked_sub(NOTICE).unwrap_or(now),
        };
        keeper.count();
        keeper.write_record();
        keeper
    }

    /// Keeps the job until nothing of it is left.
    pub fn run(mut self) {
        // The command may have ended before its SIGCHLD could be caught.
        self.reap();
        while !self.is_over() {
            let ready = self.wait(self.next_deadline());
            for source in ready {
                self.serve(source);
            }
            self.keep_time();
            self.try_to_end();
            self.flush_clients();
        }
        self.say_goodbye();
    }

    fn is_over(&self) -> bool {
        self.outcome.is_none()
            && !self.children_left
            && matches!(self.record.state, JobState::Ended { .. })
            && self.record.paused.is_none()
    }

    fn next_deadline(&self) -> Option<Instant> {
        let stop = self.stopping.as_ref().filter(|_| self.children_left).map(Stopping::next_at);
        let look = self.observer.look_at().filter(|_| self.terminal.is_some());
        [self.timeout_at, self.retry_at, self.notice_at, stop, look, self.shell_deadline()].into_iter().flatten().min()
    }

    fn wait(&self, deadline: Option<Instant>) -> Vec<Source> {
        let mut sources = vec![Source::Signals, Source::Listener];
        let mut fds = vec![PollFd::new(&self.signals, PollFlags::IN), PollFd::new(&self.listener, PollFlags::IN)];
        let mut add = |source, fd, flags| {
            sources.push(source);
            fds.push(PollFd::from_borrowed_fd(fd, flags));
        };
        if let Some(fd) = self.watch.fd() {
            add(Source::Watch, fd, PollFlags::IN);
        }
        if let Some(fd) = self.shell.as_ref().and_then(|shell| shell.channel.fd()) {
            add(Source::Shell, fd, PollFlags::IN);
        }
        for (index, log) in self.logs.iter().enumerate() {
            if let Some(fd) = log.fd() {
                add(Source::Log(index), fd, PollFlags::IN);
            }
        }
        if let Some(fd) = self.input.fd() {
            add(Source::Input, fd, PollFlags::OUT);
        }
        for fd in self.observer.ends() {
            add(Source::End, fd, PollFlags::IN);
        }
        for (index, client) in self.clients.iter().enumerate() {
            let mut flags = PollFlags::empty();
            flags.set(PollFlags::IN, client.held.is_none());
            flags.set(PollFlags::OUT, client.wants_write());
            add(Source::Client(index), client.fd(), flags);
        }
        let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        let timeout = left.and_then(|left| Timespec::try_from(left).ok());
        match poll(&mut fds, timeout.as_ref()) {
            Ok(1..) => {}
            // A signal, or the deadline; whatever else is looked at again next time.
            _ => return Vec::new(),
        }
        let ready = fds.iter().zip(&sources).filter(|(fd, _)| !fd.revents().is_empty());
        ready.map(|(_, source)| *source).collect()
    }

    fn serve(&mut self, source: Source) {
        match source {
            Source::Signals => self.take_signals(),
            Source::Watch => {
                self.watch.clear();
                self.reap();
            }
            Source::Shell => self.hear_shell(),
            Source::Listener => self.accept(),
            Source::Log(index) => self.pump(index),
            Source::Input => self.feed(),
            Source::End => self.observer.one_ended(),
            Source::Client(index) => self.hear(index),
        }
    }

    fn take_signals(&mut self) {
        let mut bytes = [0_u8; 256];
        while let Ok(count @ 1..) = rustix::io::read(&self.signals, &mut bytes) {
            if bytes[..count].contains(&super::detach::TERMINATE) {
                self.stop(OWN_GRACE, "a signal to its keeper".to_owned(), StopReason::Asked);
            }
        }
        self.reap();
    }

    fn pump(&mut self, index: usize) {
        let before = self.logs[index].bytes();
        let progress = self.logs[index].pump();
        if self.logs[index].bytes() > before {
            let at = self.noticed + NOTICE;
            self.notice_at.get_or_insert(at);
            self.observer.printed();
            self.look_for_prompt(false);
        }
        if progress == Progress::Paused {
            self.note_pause();
        }
    }

    fn note_pause(&mut self) {
        let trouble = self.logs.iter().find_map(|log| log.trouble().map(str::to_owned));
        self.retry_at = trouble.is_some().then(|| Instant::now() + RETRY);
        if self.record.paused.is_some() != trouble.is_some() {
            self.record.paused = trouble;
            self.notice();
            self.write_record();
            self.tell(Change::Pause);
        }
    }

    /// What does it do now?
    fn look(&mut self) {
        let Some(terminal) = &self.terminal else { return };
        let modes = self.logs.iter().find_map(|log| log.scanner.as_ref()).map(Scanner::modes).unwrap_or_default();
        if self.observer.look(&terminal.slave, modes) {
            self.tell(Change::Pulse);
        }
        self.look_for_prompt(true);
    }

    fn keep_time(&mut self) {
        let now = Instant::now();
        if self.timeout_at.is_some_and(|at| at <= now) {
            self.stop(OWN_GRACE, "its time limit".to_owned(), StopReason::Timeout);
        }
        if self.retry_at.is_some_and(|at| at <= now) {
            self.logs.iter_mut().for_each(StreamLog::retry);
            self.note_pause();
            self.take_reports();
        }
        self.keep_shell_time();
        if self.notice_at.is_some_and(|at| at <= now) {
            self.notice();
        }
        if self.observer.look_at().is_some_and(|at| at <= now) {
            self.look();
        }
        if self.children_left
            && let Some(stopping) = self.stopping.as_mut().filter(|s| s.next_at() <= now)
        {
            stopping.sweep(&self.tree);
            self.reap();
        }
    }
}
