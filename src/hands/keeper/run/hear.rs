//! The keeper's side of its connections: what clients say and what they are told.

use super::{FAREWELL, Keeper, MAX_CLIENTS};
use crate::keeper::client::{Change, Client, Now};
use crate::keeper::command::{TOO_LONG, Terminal, resize};
use crate::keeper::input::Taken;
use crate::keeper::reports::{Sieved, sieve};
use crate::keeper::shell::{Command, Shell};
use crate::keeper::wire::{FromKeeper, Pulse, ToKeeper};
use pryx_terms::{Activity, JobId};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::time::{Duration, Instant};

impl Keeper {
    pub(super) fn accept(&mut self) {
        while let Ok((stream, _)) = self.listener.accept() {
            if self.clients.len() < MAX_CLIENTS
                && let Ok(client) = Client::new(stream)
            {
                self.clients.push(client);
            }
        }
    }

    pub(super) fn feed(&mut self) {
        self.input.flush();
        // Whoever waited is tried in turn; one client's order is kept, since nothing more was read from it.
        for index in 0..self.clients.len() {
            if let Some(bytes) = self.clients[index].held.take() {
                self.offer(index, bytes);
            }
            self.hear_what_is_there(index);
        }
    }

    pub(super) fn hear(&mut self, index: usize) {
        self.clients[index].read();
        self.hear_what_is_there(index);
    }

    pub(super) fn hear_what_is_there(&mut self, index: usize) {
        while let Some(message) = self.clients[index].next() {
            match message {
                ToKeeper::Hello { watch, of, .. } => self.greet(index, watch, of),
                ToKeeper::Run(run) => {
                    let taken = self.take_command(*run);
                    self.confirm(index, taken);
                }
                ToKeeper::Input { longest: Some(longest), .. }
                    if self.terminal.as_ref().is_some_and(|t| t.would_cut(longest)) =>
                {
                    self.confirm(index, Taken::Never(TOO_LONG));
                }
                ToKeeper::Input { data, person, window, .. } => {
                    let Sieved { bytes, typed } = self.sieve(data.0, window);
                    if person && typed {
                        self.person_typed(&bytes);
                    }
                    self.offer(index, bytes);
                }
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
                ToKeeper::Stop { grace_ms, by, reason, of: Some(id) } => {
                    self.stop_command(&id, Duration::from_millis(grace_ms), by, reason);
                }
                ToKeeper::Stop { grace_ms, by, reason, of: None } => {
                    self.stop(Duration::from_millis(grace_ms), by, reason);
                }
            }
        }
    }

    pub(super) fn offer(&mut self, index: usize, bytes: Vec<u8>) {
        match self.input.offer(&bytes) {
            Taken::Later => self.clients[index].held = Some(bytes),
            taken => {
                self.note_typing();
                self.confirm(index, taken);
            }
        }
    }

    pub(super) fn note_typing(&mut self) {
        if self.terminal.is_some() && self.outcome.is_none() && self.observer.typed() {
            self.tell(Change::Pulse);
        }
    }

    pub(super) fn confirm(&mut self, index: usize, taken: Taken) {
        let answer = match taken {
            Taken::Never(why) => FromKeeper::Refused { reason: why.to_owned() },
            Taken::Yes | Taken::Later => FromKeeper::Taken,
        };
        self.clients[index].answer(&answer);
    }

    pub(super) fn tell(&mut self, change: Change) {
        self.clients.iter_mut().for_each(|client| client.note(change));
    }

    pub(super) fn flush_clients(&mut self) {
        let (pulse, shell) = (self.observer.pulse(), self.shell.as_ref());
        for client in self.clients.iter_mut().filter(|client| client.wants_write()) {
            match client.of.as_ref() {
                None => client.flush(&Now { record: &self.record, pulse, shell: shell.map(Shell::state) }),
                Some(id) => match shell.and_then(|shell| shell.find(id)) {
                    Some(command) => {
                        client.flush(&Now { record: &command.record, pulse: pulse_of(command, pulse), shell: None });
                    }
                    // Long ended, or never here: the record on disk says which.
                    None => client.close(),
                },
            }
        }
        self.clients.retain(|client| !client.is_broken());
    }

    fn greet(&mut self, index: usize, watch: bool, of: Option<JobId>) {
        self.count();
        let client = &mut self.clients[index];
        client.greet(watch, of.clone());
        let command = of.and_then(|id| self.shell.as_ref()?.find(&id));
        if command.is_some_and(|command| !command.is_alive()) {
            client.note(Change::Gone);
        }
    }

    /// Tells those who follow a command.
    pub(super) fn tell_of(&mut self, id: &JobId, change: Change) {
        self.clients.iter_mut().filter(|client| client.of.as_ref() == Some(id)).for_each(|client| client.note(change));
    }

    fn sieve(&mut self, bytes: Vec<u8>, window: bool) -> Sieved {
        match self.logs.first_mut().and_then(|log| log.scanner.as_mut()).filter(|_| window) {
            Some(scanner) => sieve(&bytes, scanner, !self.terminal.as_ref().is_some_and(Terminal::takes_keys)),
            None => Sieved { typed: !bytes.is_empty(), bytes },
        }
    }

    fn person_typed(&mut self, keys: &[u8]) {
        let Some(shell) = &mut self.shell else { return };
        if shell.person_typed(keys) {
            // A plain sh doesn't tell when it begins.
            self.begin_by_hand("");
        }
        self.tell(Change::Shell);
    }

    pub(super) fn say_goodbye(mut self) {
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

/// What a command does that runs in a shell: where the shell itself waits for keys, that is the command's doing.
fn pulse_of(command: &Command, terminal: Pulse) -> Pulse {
    let activity = match terminal.activity {
        _ if command.has_ended() => Activity::Exited,
        _ if !command.line.is_empty() => Activity::Running,
        Activity::Idle => Activity::NeedsInput,
        other => other,
    };
    Pulse { activity, ..terminal }
}
