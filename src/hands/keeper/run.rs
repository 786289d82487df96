//! The keeper's loop: one `poll` over output, input, clients, signals and the next deadline.

use super::activity::{self, Observer};
use super::client::{Change, Client};
use super::command::{Started, TOO_LONG, Terminal, resize};
use super::input::{Input, Taken};
use super::log::{Progress, StreamLog};
use super::modes::Scanner;
use super::procs::{self, Watch};
use super::record;
use super::stop::{Stopping, Tree, go_on_if_suspended};
use super::wire::{FromKeeper, KeeperRecord, Spec, ToKeeper};
use pryx_terms::{JobState, Outcome, StopReason, StreamBytes, Timestamp};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::WaitOptions;
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
    clients: Vec<Client>,
    tree: Tree,
    timeout_at: Option<Instant>,
    stopping: Option<Stopping>,
    /// The exit status, seen but not yet recorded.
    outcome: Option<(Outcome, Timestamp)>,
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
            clients: Vec::new(),
            tree: Tree { root, hangup: spec.hangup.then_some(command.pid) },
            timeout_at: spec.timeout_ms.and_then(|ms| now.checked_add(Duration::from_millis(ms))),
            stopping: None,
            outcome: None,
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
        [self.timeout_at, self.retry_at, self.notice_at, stop, look].into_iter().flatten().min()
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

    fn accept(&mut self) {
        while let Ok((stream, _)) = self.listener.accept() {
            if self.clients.len() < MAX_CLIENTS
                && let Ok(client) = Client::new(stream)
            {
                self.clients.push(client);
            }
        }
    }

    fn pump(&mut self, index: usize) {
        let before = self.logs[index].bytes();
        let progress = self.logs[index].pump();
        if self.logs[index].bytes() > before {
            let at = self.noticed + NOTICE;
            self.notice_at.get_or_insert(at);
            self.observer.printed();
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

    fn feed(&mut self) {
        self.input.flush();
        // Whoever waited is tried in turn; one client's order is kept, since nothing more was read from it.
        for index in 0..self.clients.len() {
            if let Some(bytes) = self.clients[index].held.take() {
                self.offer(index, bytes);
            }
            self.hear_what_is_there(index);
        }
    }

    fn hear(&mut self, index: usize) {
        self.clients[index].read();
        self.hear_what_is_there(index);
    }

    fn hear_what_is_there(&mut self, index: usize) {
        while let Some(message) = self.clients[index].next() {
            match message {
                ToKeeper::Hello { watch, .. } => {
                    self.count();
                    self.clients[index].greet(watch);
                }
                ToKeeper::Input { longest: Some(longest), .. }
                    if self.terminal.as_ref().is_some_and(|t| t.would_cut(longest)) =>
                {
                    self.confirm(index, Taken::Never(TOO_LONG));
                }
                ToKeeper::Input { data, .. } => self.offer(index, data.0),
                ToKeeper::Eof => {
                    let taken = self.input.end();
                    self.confirm(index, taken);
                }
                ToKeeper::Resize { rows, cols } => {
                    if let Some(terminal) = &self.terminal {
                        let _ = resize(&terminal.master, rows, cols);
                        self.logs.iter_mut().for_each(|log| log.resized(rows, cols));
                    }
                }
                ToKeeper::Stop { grace_ms, by, reason } => self.stop(Duration::from_millis(grace_ms), by, reason),
            }
        }
    }

    fn offer(&mut self, index: usize, bytes: Vec<u8>) {
        match self.input.offer(&bytes) {
            Taken::Later => self.clients[index].held = Some(bytes),
            taken => {
                self.note_typing();
                self.confirm(index, taken);
            }
        }
    }

    fn note_typing(&mut self) {
        if self.terminal.is_some() && self.outcome.is_none() && self.observer.typed() {
            self.tell(Change::Pulse);
        }
    }

    /// What does it do now?
    fn look(&mut self) {
        let Some(terminal) = &self.terminal else { return };
        let modes = self.logs.iter().find_map(|log| log.scanner.as_ref()).map(Scanner::modes).unwrap_or_default();
        if self.observer.look(&terminal.slave, modes) {
            self.tell(Change::Pulse);
        }
    }

    fn confirm(&mut self, index: usize, taken: Taken) {
        let answer = match taken {
            Taken::Never(why) => FromKeeper::Refused { reason: why.to_owned() },
            Taken::Yes | Taken::Later => FromKeeper::Taken,
        };
        self.clients[index].answer(&answer);
    }

    fn stop(&mut self, grace: Duration, by: String, reason: StopReason) {
        if !self.children_left {
            return;
        }
        match &mut self.stopping {
            Some(stopping) => stopping.hurry(grace),
            None => self.stopping = Some(Stopping::begin(self.tree, grace, by, reason)),
        }
        self.timeout_at = None;
    }

    fn keep_time(&mut self) {
        let now = Instant::now();
        if self.timeout_at.is_some_and(|at| at <= now) {
            self.stop(OWN_GRACE, "its time limit".to_owned(), StopReason::Timeout);
        }
        if self.retry_at.is_some_and(|at| at <= now) {
            self.logs.iter_mut().for_each(StreamLog::retry);
            self.note_pause();
        }
        if self.notice_at.is_some_and(|at| at <= now) {
            self.notice();
        }
        if self.observer.look_at().is_some_and(|at| at <= now) {
            self.look();
        }
        if self.children_left
            && let Some(stopping) = self.stopping.as_mut().filter(|s| s.next_at() <= now)
        {
            stopping.sweep(self.tree);
            self.reap();
        }
    }

    /// Takes the exit status of the command, and of every orphan it left.
    fn reap(&mut self) {
        loop {
            match rustix::process::wait(WaitOptions::NOHANG | WaitOptions::UNTRACED) {
                Ok(Some((pid, status))) if pid.as_raw_nonzero().get() == self.pid => {
                    go_on_if_suspended(pid, status);
                    if let Some(outcome) = outcome(status) {
                        self.outcome = Some((outcome, Timestamp::now()));
                        self.timeout_at = None;
                        self.input.close("the command has ended");
                    }
                }
                Ok(Some(_)) | Err(rustix::io::Errno::INTR) => {}
                Ok(None) => break,
                Err(_) => {
                    self.children_left = false;
                    break;
                }
            }
        }
        if cfg!(not(target_os = "linux")) && self.pid_is_reaped() {
            let rest = self.living();
            self.children_left = !rest.is_empty();
            self.watch.watch(&rest);
        }
    }

    fn pid_is_reaped(&self) -> bool {
        self.outcome.is_some() || matches!(self.record.state, JobState::Ended { .. })
    }

    fn living(&self) -> Vec<procs::Proc> {
        let mut rest = procs::descendants(self.tree.root);
        rest.retain(|p| !p.zombie);
        rest
    }

    /// Records the end, once everything that the command wrote is in its logs.
    fn try_to_end(&mut self) {
        let stop_goes_on = self.children_left && self.stopping.as_ref().is_some_and(|s| !s.is_stuck());
        if self.outcome.is_none() || stop_goes_on || !self.drain() {
            return self.drain_the_last();
        }
        let Some((outcome, ended)) = self.outcome.take() else { return };
        let survivors = if self.children_left { self.living() } else { Vec::new() };
        let survivors = survivors.iter().filter_map(|p| u32::try_from(p.pid).ok()).collect();
        let stopped = self.stopping.as_ref().map(Stopping::cause);
        self.record.state = JobState::Ended { outcome, ended, survivors, stopped };
        self.count();
        self.write_record();
        self.observer.ended();
        self.tell(Change::Pulse);
        self.tell(Change::Ended);
    }

    /// What survivors wrote before they ended, too.
    fn drain_the_last(&mut self) {
        if !self.children_left {
            self.drain();
        }
    }

    /// Reads what is there now. False while a log can't be written.
    fn drain(&mut self) -> bool {
        for index in 0..self.logs.len() {
            let start = self.logs[index].bytes();
            loop {
                match self.logs[index].pump() {
                    Progress::More if self.children_left && self.logs[index].bytes() - start > LAST_OUTPUT => break,
                    Progress::More => {}
                    Progress::Empty | Progress::Closed => break,
                    Progress::Paused => {
                        self.note_pause();
                        return false;
                    }
                }
            }
        }
        true
    }

    fn count(&mut self) {
        self.record.output =
            self.logs.iter().map(|log| StreamBytes { stream: log.stream, bytes: log.bytes() }).collect();
    }

    /// Tells everybody how much there is now.
    fn notice(&mut self) {
        self.count();
        self.notice_at = None;
        self.noticed = Instant::now();
        self.tell(Change::Grew);
    }

    fn tell(&mut self, change: Change) {
        self.clients.iter_mut().for_each(|client| client.note(change));
    }

    fn write_record(&self) {
        // With a full disk it fails; the next change writes it again, and clients are told anyway.
        let _ = record::write(&self.place.job_dir, &self.record);
    }

    fn flush_clients(&mut self) {
        let (record, pulse) = (&self.record, self.observer.pulse());
        self.clients.iter_mut().filter(|c| c.wants_write()).for_each(|c| c.flush(record, pulse));
        self.clients.retain(|client| !client.is_broken());
    }

    fn say_goodbye(mut self) {
        self.drain();
        self.notice();
        self.write_record();
        self.tell(Change::Gone);
        let until = Instant::now() + FAREWELL;
        loop {
            self.flush_clients();
            if !self.clients.iter().any(Client::wants_write) || Instant::now() >= until {
                break;
            }
            let mut fds: Vec<PollFd<'_>> =
                self.clients.iter().map(|c| PollFd::from_borrowed_fd(c.fd(), PollFlags::OUT)).collect();
            let left = Timespec::try_from(until.saturating_duration_since(Instant::now())).ok();
            let _ = poll(&mut fds, left.as_ref());
        }
        let _ = std::fs::remove_file(&self.place.socket);
    }
}

fn outcome(status: rustix::process::WaitStatus) -> Option<Outcome> {
    if let Some(code) = status.exit_status() {
        return Some(Outcome::Exited { code: u8::try_from(code & 0xff).unwrap_or_default() });
    }
    status.terminating_signal().map(|signal| Outcome::Signaled { signal })
}
