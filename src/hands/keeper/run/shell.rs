//! The commands that run in a terminal's shell: typed when it is ready, begun and ended as its hooks tell.

use super::Keeper;
use crate::keeper::client::Change;
use crate::keeper::command::Terminal;
use crate::keeper::input::Taken;
use crate::keeper::modes::Scanner;
use crate::keeper::procs;
use crate::keeper::shell::{CLEAR_LINE, Command, Flavor, Kind, MAX_WAITING, Place, Report, Sender};
use crate::keeper::stop::{Stopping, Tree};
use crate::keeper::tee::Tee;
use crate::keeper::typed;
use crate::keeper::wire::Run;
use pryx_terms::{JobId, Outcome, Seen, StopReason, Timestamp};
use rustix::termios::QueueSelector;
use std::time::{Duration, Instant};

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
            // An answer to somebody else would let the shell go on before its own report is taken.
            if self.take_report(report)
                && let Some(shell) = &mut self.shell
            {
                shell.channel.answer();
            }
        }
    }

    /// False for one that counts nothing.
    fn take_report(&mut self, report: Report) -> bool {
        let Some(shell) = &mut self.shell else { return false };
        // A child speaks for the shell where the shell can't: of the beginning in bash, and of the end in a plain sh.
        let speaks = match shell.flavor {
            Flavor::Bash => report.kind == Kind::Start,
            Flavor::Sh => true,
            Flavor::Zsh | Flavor::Fish => false,
        };
        if report.from == Sender::Child && !speaks {
            return false;
        }
        match (report.kind, shell.place) {
            (Kind::Start, Place::Typed) => {
                shell.place = Place::Runs;
                self.changes_hands();
                self.begin_log(None);
            }
            (Kind::Typed | Kind::Start, Place::Prompt { .. }) => {
                shell.place = Place::Runs;
                self.changes_hands();
                self.begin_by_hand(&report.text);
                self.tell(Change::Shell);
            }
            (Kind::Typed | Kind::Start, _) => {}
            (Kind::End | Kind::Prompt, _) => self.take_end(report),
        }
        true
    }

    fn take_end(&mut self, report: Report) {
        let seen = match report.from {
            Sender::Shell => Seen::Hook,
            Sender::Child | Sender::Unproven | Sender::Stranger => Seen::Nonce,
        };
        let outcome = (Outcome::Exited { code: report.code }, seen, Timestamp::now());
        let is_prompt = report.kind == Kind::Prompt;
        let Some(shell) = &mut self.shell else { return };
        let ran = matches!(shell.place, Place::Runs | Place::Typed);
        if shell.current.is_some() {
            if shell.place == Place::Typed {
                // No word of its beginning: then the log begins where it was typed.
                let from = shell.typed_at;
                shell.place = Place::Runs;
                self.begin_log(Some(from));
            }
            self.end_log();
            if let Some(command) = self.shell.as_mut().and_then(|shell| shell.current.as_mut()) {
                (command.outcome, command.teller) = (Some(outcome), report.pid);
            }
        }
        if ran && self.shell.as_ref().is_some_and(|shell| is_prompt == (shell.flavor == Flavor::Sh)) {
            self.changes_hands();
            self.restore_screen();
        }
        if is_prompt {
            self.turn_to_prompt(report);
        }
    }

    /// Answers of a window's terminal are for who asked: a command, or the shell at its prompt. What a command has not read
    /// of them the next one doesn't get; what was typed ahead goes with it.
    fn changes_hands(&mut self) {
        let unread = self.logs.iter_mut().filter_map(|log| log.scanner.as_mut()).any(Scanner::changes_hands);
        if let Some(terminal) = self.terminal.as_ref().filter(|_| unread) {
            self.input.forget();
            let _ = rustix::termios::tcflush(&terminal.slave, QueueSelector::IFlush);
        }
    }

    /// A person's command begins: a job like others, made here. If it can't be made, it runs all the same, and the terminal's
    /// log has what it printed.
    pub(super) fn begin_by_hand(&mut self, typed: &str) {
        let (root, pid, home) = (self.tree.root, self.pid, self.place.job_dir.clone());
        let Some(shell) = self.shell.as_mut().filter(|shell| shell.current.is_none()) else { return };
        let cwd = procs::cwd(pid).or_else(|| shell.cwd().cloned()).unwrap_or_default();
        let made = typed::make(&home, shell.flavor.words(typed), cwd);
        let Ok((entry, dir)) = made else { return };
        let Ok(file) = Tee::claim(&dir) else { return };
        let mut command = Command::by_hand(entry.job.clone(), dir, file, pid);
        command.begins(root);
        if typed::add(&home, &entry).is_ok() {
            shell.typed += 1;
        }
        shell.current = Some(command);
        self.begin_log(None);
    }

    fn turn_to_prompt(&mut self, report: Report) {
        let cwd = procs::cwd(self.pid);
        let lines = self.terminal.as_ref().is_some_and(Terminal::has_unread);
        if let Some(shell) = &mut self.shell {
            shell.at_prompt(report, lines);
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
        let Some(mut command) = shell.current.take() else { return };
        if let Some((outcome, seen, ended)) = command.outcome.take() {
            command.end(outcome, Some(seen), ended, root);
        }
        self.put_by(command);
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

    /// Whatever a command has left switched on is switched off, before the prompt and behind the command's own output: for
    /// every window, and for the command that comes next.
    fn restore_screen(&self) {
        let undo = self.logs.iter().find_map(|log| log.scanner.as_ref()).map(Scanner::undo).unwrap_or_default();
        if let Some(terminal) = self.terminal.as_ref().filter(|_| !undo.is_empty()) {
            terminal.print(&undo);
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
        // A plain sh knows no brackets, whatever was printed. The queue is empty, so it is taken whole.
        let paste = shell.flavor.edits()
            && self.logs.iter().find_map(|log| log.scanner.as_ref()).is_some_and(|s| s.modes().paste);
        let _ = self.input.offer(&in_brackets(&line, paste));
        self.note_typing();
        self.tell(Change::Shell);
    }

    /// The shell printed, or fell silent: it may be ready for a line now.
    pub(super) fn look_for_prompt(&mut self, silent: bool) {
        let Some(shell) = self.shell.as_mut().filter(|shell| shell.place == Place::Prompt { ready: false }) else {
            return;
        };
        let paste = self.logs.iter().find_map(|log| log.scanner.as_ref()).is_some_and(|s| s.modes().paste);
        let edits = || self.terminal.as_ref().is_some_and(Terminal::takes_keys);
        let ready = if shell.flavor.edits() { paste || edits() } else { silent };
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
                let reason = format!("it never ran, after {} s: {why}", command.waited().as_secs());
                command.end(Outcome::Lost { reason }, Some(Seen::Never), Timestamp::now(), root);
                self.put_by(command);
            }
        }
        self.type_next();
        let lives = self.reaped.is_none() && self.stopping.is_none();
        if self.shell.as_mut().is_some_and(|shell| shell.is_deaf(lives)) {
            self.stop(super::OWN_GRACE, "a command closed its shell's channel".to_owned(), StopReason::Asked);
        }
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

/// As a paste where the line editor takes one: nothing of the line is a key then, but the Enter behind it, and the key
/// that clears the line before it.
fn in_brackets(line: &str, paste: bool) -> Vec<u8> {
    if !paste {
        return line.as_bytes().to_vec();
    }
    let (clear, text) = line.strip_prefix(CLEAR_LINE).map_or(("", line), |text| (CLEAR_LINE, text));
    let text = text.strip_suffix('\r').unwrap_or(text);
    [clear.as_bytes(), b"\x1b[200~", text.as_bytes(), b"\x1b[201~\r"].concat()
}
