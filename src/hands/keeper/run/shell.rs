//! The commands that run in a terminal's shell: typed when it is ready, begun and ended as its hooks tell.

use super::Keeper;
use crate::keeper::client::Change;
use crate::keeper::input::Taken;
use crate::keeper::modes::Scanner;
use crate::keeper::procs;
use crate::keeper::shell::{Command, Flavor, Kind, MAX_WAITING, Place, Report, Sender};
use crate::keeper::stop::{Stopping, Tree};
use crate::keeper::tee::Tee;
use crate::keeper::wire::Run;
use pryx_terms::{JobId, Outcome, Seen, StopReason, Timestamp};
use rustix::termios::LocalModes;
use std::time::{Duration, Instant};

/// What a program on the alternate screen is helped to leave behind when it was killed: that screen, application
/// cursor keys and keypad, a hidden cursor, colours, reports of the mouse, brackets around pastes.
const SANE: &[u8] = b"\x1b[?1049l\x1b[?1l\x1b>\x1b[?25h\x1b[0m\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?2004l";

impl Keeper {
    /// A command for the shell, or why it can't be taken.
    pub(super) fn take_command(&mut self, run: Run) -> Taken {
        let (pid, ends) = (self.pid, self.outcome.is_some() || self.stopping.is_some());
        if self.shell.is_none() {
            return Taken::Never("commands can be run in terminals with bash, zsh, fish or sh only");
        }
        if ends || self.record_has_ended() {
            return Taken::Never("the terminal ends");
        }
        let Some(shell) = self.shell.as_mut().filter(|shell| shell.waiting.len() < MAX_WAITING) else {
            return Taken::Never("too many commands wait for it already");
        };
        if shell.find(&run.job).is_none() {
            let Ok(file) = Tee::claim(&run.dir) else {
                return Taken::Never("its log can't be made");
            };
            let command = Command::new(run, file, shell.flavor, pid);
            command.write_record();
            shell.waiting.push_back(command);
        }
        self.type_next();
        self.tell(Change::Shell);
        Taken::Yes
    }

    /// What came on the shell's channel.
    pub(super) fn hear_shell(&mut self) {
        let pid = self.pid;
        if let Some(shell) = &mut self.shell {
            let reports = shell.channel.read(pid);
            shell.reports.extend(reports);
        }
        self.take_reports();
    }

    /// Each report is a border in the output: everything that was printed before it is in the log when it is taken, and
    /// the shell goes on only then. While a log can't be written it waits.
    pub(super) fn take_reports(&mut self) {
        while self.shell.as_ref().is_some_and(|shell| !shell.reports.is_empty()) {
            if !self.drain() {
                return;
            }
            let Some(report) = self.shell.as_mut().and_then(|shell| shell.reports.pop_front()) else { return };
            self.take_report(report);
            if let Some(shell) = &mut self.shell {
                shell.channel.answer();
            }
        }
    }

    fn take_report(&mut self, report: Report) {
        let Some(shell) = &mut self.shell else { return };
        // A child speaks for the shell where the shell can't: of the beginning, and of the end in a plain sh.
        let counts = report.from != Sender::Child || report.kind == Kind::Start || shell.flavor == Flavor::Sh;
        if !counts {
            return;
        }
        match (report.kind, shell.place) {
            (Kind::Start, Place::Typed) => {
                shell.place = Place::Runs;
                self.begin_log(None);
            }
            (Kind::Typed | Kind::Start, Place::Prompt { .. }) => {
                shell.place = Place::Runs;
                self.tell(Change::Shell);
            }
            (Kind::Typed | Kind::Start, _) => {}
            (Kind::End | Kind::Prompt, _) => self.take_end(report),
        }
    }

    fn take_end(&mut self, report: Report) {
        let seen = match report.from {
            Sender::Shell => Seen::Hook,
            Sender::Child | Sender::Unproven | Sender::Stranger => Seen::Nonce,
        };
        let outcome = (Outcome::Exited { code: report.code }, seen, Timestamp::now());
        let Some(shell) = &mut self.shell else { return };
        let is_prompt = report.kind == Kind::Prompt;
        if shell.current.is_some() {
            if shell.place == Place::Typed {
                // No word of its beginning: then the log begins where it was typed.
                let from = shell.typed_at;
                shell.place = Place::Runs;
                self.begin_log(Some(from));
            }
            self.end_log();
            if let Some(command) = self.shell.as_mut().and_then(|shell| shell.current.as_mut()) {
                command.outcome = Some(outcome);
            }
        }
        if is_prompt {
            self.turn_to_prompt(report);
        }
    }

    fn turn_to_prompt(&mut self, report: Report) {
        let cwd = procs::cwd(self.pid);
        if let Some(shell) = &mut self.shell {
            shell.at_prompt(report);
            if let Some(cwd) = cwd {
                shell.set_cwd(cwd);
            }
            self.record.cwd = shell.cwd().cloned();
        }
        self.end_command();
        self.tell(Change::Shell);
    }

    /// The log of the command that was typed begins here, or at an earlier byte.
    fn begin_log(&mut self, from: Option<u64>) {
        let size = self.terminal.as_ref().map(|t| t.size()).unwrap_or_default();
        let Some(command) = self.shell.as_mut().and_then(|shell| shell.current.as_mut()) else { return };
        let (Some(log), Some(file)) = (self.logs.first_mut(), command.file.take()) else { return };
        let from = from.unwrap_or(log.bytes());
        // Without a log of its own it has run all the same; the terminal's has everything.
        if let Ok(tee) = Tee::open(file, &command.dir, &self.place.job_dir, from, size) {
            log.begin_tee(tee);
        }
    }

    fn end_log(&mut self) {
        let Some(log) = self.logs.first_mut() else { return };
        if let (Some(bytes), Some(command)) =
            (log.tee_bytes(), self.shell.as_mut().and_then(|shell| shell.current.as_mut()))
        {
            command.set_bytes(bytes);
        }
        log.end_tee();
    }

    /// Records the end of the current command, once it is known and nothing of it is being stopped any more. With the
    /// shell itself it ends only where the shell's own end is taken in: that one counts.
    pub(super) fn end_command(&mut self) {
        let (root, pid) = (self.tree.root, self.pid);
        let Some(shell) = &mut self.shell else { return };
        let gone = shell.place == Place::Gone;
        if self.reaped.is_some() && !gone {
            return;
        }
        let at_prompt = matches!(shell.place, Place::Prompt { .. });
        let Some(command) = shell.current.as_mut().filter(|command| command.outcome.is_some()) else { return };
        let stops =
            command.stopping.as_ref().is_some_and(|s| !s.is_stuck()) && !command.tree(root, pid).members().is_empty();
        if stops || !(at_prompt || gone) {
            return;
        }
        let killed = command.stopping.is_some();
        let Some(mut command) = shell.current.take() else { return };
        if let Some((outcome, seen, ended)) = command.outcome.take() {
            command.end(outcome, Some(seen), ended, root);
        }
        self.put_by(command);
        if killed && !gone {
            self.restore_screen();
        }
        self.type_next();
    }

    /// An ended command: its clients are told.
    fn put_by(&mut self, command: Command) {
        let id = command.id().clone();
        let gone = command.survivors.is_empty();
        if let Some(shell) = &mut self.shell {
            shell.keep(command);
        }
        self.tell_of(&id, Change::Ended);
        if gone {
            self.tell_of(&id, Change::Gone);
        }
        self.tell(Change::Shell);
    }

    fn restore_screen(&self) {
        let modes = self.logs.iter().find_map(|log| log.scanner.as_ref()).map(Scanner::modes).unwrap_or_default();
        if let Some(terminal) = self.terminal.as_ref().filter(|_| modes.alternate || modes.cursor_keys) {
            terminal.print(SANE);
        }
    }

    /// Types the next command, if the shell is ready for one.
    pub(super) fn type_next(&mut self) {
        let Some(shell) = &mut self.shell else { return };
        let idle = self.stopping.is_none() && self.outcome.is_none() && self.input.is_empty();
        let Some(mut command) = idle.then(|| shell.next()).flatten() else { return };
        let here = procs::cwd(self.pid).or_else(|| shell.cwd().cloned());
        if command.planned.is_some() && command.planned != here {
            let reason = "the terminal is in another directory than the command was planned for".to_owned();
            command.end(Outcome::Lost { reason }, Some(Seen::Never), Timestamp::now(), self.tree.root);
            self.put_by(command);
            return self.type_next();
        }
        command.begins(self.tree.root);
        shell.typed_at = self.logs.first().map_or(0, |log| log.bytes());
        shell.place = Place::Typed;
        let line = std::mem::take(&mut command.line);
        shell.current = Some(command);
        // The queue is empty, so it is taken whole.
        let paste = self.logs.iter().find_map(|log| log.scanner.as_ref()).is_some_and(|s| s.modes().paste);
        let _ = self.input.offer(&in_brackets(line, paste));
        self.note_typing();
        self.tell(Change::Shell);
    }

    /// The shell printed, or fell silent: it may be ready for a line now.
    pub(super) fn look_for_prompt(&mut self, silent: bool) {
        let Some(shell) = self.shell.as_mut().filter(|shell| shell.place == Place::Prompt { ready: false }) else {
            return;
        };
        let paste = self.logs.iter().find_map(|log| log.scanner.as_ref()).is_some_and(|s| s.modes().paste);
        let edits = || {
            let modes = self.terminal.as_ref().and_then(|t| rustix::termios::tcgetattr(&t.slave).ok());
            modes.is_some_and(|modes| !modes.local_modes.contains(LocalModes::ICANON))
        };
        let ready = if shell.flavor.edits() { paste || edits() } else { silent || paste };
        if ready {
            shell.place = Place::Prompt { ready: true };
            self.type_next();
        }
    }

    /// Deadlines of commands.
    pub(super) fn keep_shell_time(&mut self) {
        let (root, pid, now) = (self.tree.root, self.pid, Instant::now());
        let Some(shell) = &mut self.shell else { return };
        if let Some((commands, why)) = shell.given_up() {
            for mut command in commands {
                let reason = format!("it never ran: {why}");
                command.end(Outcome::Lost { reason }, Some(Seen::Never), Timestamp::now(), root);
                self.put_by(command);
            }
        }
        self.type_next();
        let Some(shell) = &mut self.shell else { return };
        if let Some(command) = shell.current.as_mut()
            && command.timeout_at.is_some_and(|at| at <= now)
        {
            command.timeout_at = None;
            let id = command.id().clone();
            self.stop_command(&id, super::OWN_GRACE, "its time limit".to_owned(), StopReason::Timeout);
        }
        let Some(shell) = &mut self.shell else { return };
        let mut kill_shell = false;
        for command in shell.current.iter_mut().chain(&mut shell.ended) {
            let tree = command.tree(root, pid);
            let Some(stopping) = command.stopping.as_mut().filter(|s| s.next_at() <= now) else { continue };
            stopping.sweep(&tree);
            // It neither listens nor ends: a loop of the shell's own that ignores SIGINT.
            kill_shell |= stopping.is_stuck() && tree.interrupt.is_some();
            if tree.only.is_some() && tree.members().is_empty() {
                command.stopping = None;
            }
        }
        if kill_shell && let Some(proc) = procs::look_up(pid) {
            procs::signal(&proc, root, rustix::process::Signal::KILL);
        }
        self.end_command();
        self.count_survivors();
    }

    pub(super) fn shell_deadline(&self) -> Option<Instant> {
        let shell = self.shell.as_ref()?;
        let commands = || shell.current.iter().chain(&shell.ended);
        let stops = commands().filter_map(|command| command.stopping.as_ref()).map(Stopping::next_at).min();
        let timeout = shell.current.as_ref().and_then(|command| command.timeout_at);
        [shell.deadline(), stops, timeout].into_iter().flatten().min()
    }

    /// Ends a command and what it started, never the shell; one that waits just goes.
    pub(super) fn stop_command(&mut self, id: &JobId, grace: Duration, by: String, reason: StopReason) {
        let (root, pid) = (self.tree.root, self.pid);
        let Some(shell) = &mut self.shell else { return };
        if let Some(at) = shell.waiting.iter().position(|command| command.id() == id)
            && let Some(mut command) = shell.waiting.remove(at)
        {
            let reason = format!("it never ran: it was stopped by {by}");
            command.end(Outcome::Lost { reason }, Some(Seen::Never), Timestamp::now(), root);
            return self.put_by(command);
        }
        let mut commands = shell.current.iter_mut().chain(&mut shell.ended);
        let Some(command) = commands.find(|command| command.id() == id && command.is_alive()) else { return };
        let tree: Tree = command.tree(root, pid);
        match &mut command.stopping {
            Some(stopping) => stopping.hurry(grace),
            None => command.stopping = Some(Stopping::begin(&tree, grace, by, reason)),
        }
    }

    /// Survivors of ended commands may have ended too.
    pub(super) fn count_survivors(&mut self) {
        let Some(shell) = &mut self.shell else { return };
        let gone: Vec<JobId> =
            shell.ended.iter_mut().filter_map(|c| c.count_survivors().then(|| c.id().clone())).collect();
        gone.iter().for_each(|id| self.tell_of(id, Change::Gone));
    }

    /// The shell itself has ended: so has what ran in it, with its code, and nothing that waits will run.
    pub(super) fn shell_died(&mut self) {
        self.take_reports();
        let Some((outcome, ended)) = self.reaped.clone() else { return };
        let Some(shell) = &mut self.shell else { return };
        let waiting: Vec<Command> = shell.waiting.drain(..).collect();
        if shell.current.is_some() {
            if shell.place == Place::Typed {
                let from = shell.typed_at;
                self.begin_log(Some(from));
            }
            self.end_log();
            let stopping = self.stopping.clone();
            if let Some(shell) = &mut self.shell
                && let Some(command) = &mut shell.current
            {
                shell.place = Place::Gone;
                command.outcome = Some((outcome, Seen::Waitpid, ended));
                // The terminal's own stop was its end too.
                command.stopping = command.stopping.take().or(stopping);
            }
            self.end_command();
        }
        for mut command in waiting {
            let reason = "it never ran: the terminal ended".to_owned();
            command.end(Outcome::Lost { reason }, Some(Seen::Never), Timestamp::now(), self.tree.root);
            self.put_by(command);
        }
    }
}

/// As a paste where the line editor takes one: nothing of the line is a key then, but the Enter behind it.
fn in_brackets(line: String, paste: bool) -> Vec<u8> {
    if !paste {
        return line.into_bytes();
    }
    let text = line.strip_suffix('\r').unwrap_or(&line);
    [b"\x1b[200~", text.as_bytes(), b"\x1b[201~\r"].concat()
}
