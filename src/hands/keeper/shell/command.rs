//! One command that runs, waits to run, or ran in a terminal's shell: a job with a record and a log of its own.

use super::line::{Setting, line, quote};
use super::start::Flavor;
use crate::keeper::command::LONGEST_LINE;
use crate::keeper::procs::{self, Proc};
use crate::keeper::record;
use crate::keeper::stop::{Stopping, Tree};
use crate::keeper::wire::{KeeperRecord, Run, VERSION};
use pryx_terms::{JobId, JobState, Outcome, Seen, Stream, StreamBytes, Timestamp};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A command.
pub(in crate::keeper) struct Command {
    pub record: KeeperRecord,
    pub dir: PathBuf,
    /// Its log, before the first byte.
    pub file: Option<File>,
    /// What is typed for it, Enter included.
    pub line: String,
    /// The directory that it was planned for.
    pub planned: Option<PathBuf>,
    /// A person typed it; nothing is typed for it.
    pub by_hand: bool,
    timeout: Option<Duration>,
    pub timeout_at: Option<Instant>,
    pub stopping: Option<Stopping>,
    /// How it ended, not yet recorded.
    pub outcome: Option<(Outcome, Seen, Timestamp)>,
    /// The process that told its end: a child that makes a plain sh's prompt is nothing that the command left.
    pub teller: i32,
    /// What lived in the terminal before it, the shell included.
    before: Vec<(i32, u64)>,
    /// What it left.
    pub survivors: Vec<(i32, u64)>,
}

fn named(procs: &[Proc]) -> Vec<(i32, u64)> {
    procs.iter().map(|proc| (proc.pid, proc.start)).collect()
}

/// What is typed for it. A plain sh takes its lines from the kernel, which cuts long ones: then it reads them from a file.
fn typed(flavor: Flavor, text: &str, setting: &Setting<'_>, dir: &Path) -> String {
    let whole = line(flavor, text, setting);
    if flavor.edits() || whole.split('\n').all(|line| line.len() < LONGEST_LINE) {
        return whole;
    }
    let file = dir.join("text");
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file);
    match written.and_then(|mut file| file.write_all(text.as_bytes())) {
        Ok(()) => line(flavor, &format!("eval \"$(cat {})\"", quote(flavor, &file.to_string_lossy())), setting),
        // Cut, it is an error of the shell's.
        Err(_) => whole,
    }
}

impl Command {
    pub fn new(run: Run, file: File, flavor: Flavor, shell: i32) -> Self {
        let setting = Setting { enter: run.enter.as_deref(), export: &run.export };
        let line = typed(flavor, &run.text, &setting, &run.dir) + "\r";
        Self {
            line,
            planned: run.planned,
            by_hand: false,
            timeout: run.timeout_ms.map(Duration::from_millis),
            ..Self::by_hand(run.job, run.dir, file, shell)
        }
    }

    /// What a person has typed, and runs already.
    pub fn by_hand(job: JobId, dir: PathBuf, file: File, shell: i32) -> Self {
        let pid = u32::try_from(shell).unwrap_or_default();
        Self {
            record: KeeperRecord {
                v: VERSION,
                job,
                keeper: std::process::id(),
                command: pid,
                started: Timestamp::now(),
                state: JobState::Running { pid },
                output: vec![StreamBytes { stream: Stream::Tty, bytes: 0 }],
                paused: None,
                cwd: None,
                waited_ms: None,
            },
            dir,
            file: Some(file),
            line: String::new(),
            planned: None,
            by_hand: true,
            timeout: None,
            timeout_at: None,
            stopping: None,
            outcome: None,
            teller: 0,
            before: Vec::new(),
            survivors: Vec::new(),
        }
    }

    pub fn id(&self) -> &JobId {
        &self.record.job
    }

    /// How long it has waited until now.
    pub fn waited(&self) -> Duration {
        let since = Timestamp::now().as_millisecond() - self.record.started.as_millisecond();
        Duration::from_millis(u64::try_from(since).unwrap_or_default())
    }

    /// How long it waits, at most so long.
    pub fn patience(&self, longest: Duration) -> Duration {
        self.timeout.map_or(longest, |timeout| timeout.min(longest))
    }

    /// It had to wait, since a person had the terminal.
    pub fn waited_for_a_person(&mut self, time: Duration) {
        self.record.waited_ms = u64::try_from(time.as_millis()).ok();
    }

    /// It is typed now.
    pub fn begins(&mut self, root: i32) {
        self.before = named(&procs::family(root));
        self.record.started = Timestamp::now();
        self.timeout_at = self.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        self.write_record();
    }

    pub fn has_ended(&self) -> bool {
        matches!(self.record.state, JobState::Ended { .. })
    }

    /// Whom a stop of it concerns.
    pub fn tree(&self, root: i32, shell: i32) -> Tree {
        if self.has_ended() {
            return Tree { root, only: Some(self.survivors.clone()), ..Tree::default() };
        }
        // Between two commands of a list there is only the shell to be told.
        let interrupt = self.outcome.is_none().then_some(shell);
        let shell = i32::try_from(self.record.command).unwrap_or_default();
        Tree { root, interrupt, spare: self.before.clone(), shell, ..Tree::default() }
    }

    /// Whether it, or what it left, has something to end.
    pub fn is_alive(&self) -> bool {
        !self.has_ended() || !self.survivors.is_empty()
    }

    /// Writes down how it ended.
    pub fn end(&mut self, outcome: Outcome, seen: Option<Seen>, ended: Timestamp, root: i32) {
        let left = if self.before.is_empty() { Vec::new() } else { self.tree(root, 0).members() };
        self.survivors = left
            .iter()
            .filter(|proc| !proc.zombie && proc.pid != self.teller)
            .map(|proc| (proc.pid, proc.start))
            .collect();
        let survivors = self.survivors.iter().filter_map(|(pid, _)| u32::try_from(*pid).ok()).collect();
        let stopped = self.stopping.take().map(|stopping| stopping.cause());
        self.timeout_at = None;
        self.record.state = JobState::Ended { outcome, ended, survivors, stopped, seen };
        self.write_record();
    }

    /// Forgets survivors that have ended. True when the last one has.
    pub fn count_survivors(&mut self) -> bool {
        let lives = |(pid, start): &(i32, u64)| procs::look_up(*pid).is_some_and(|p| p.start == *start && !p.zombie);
        let some = !self.survivors.is_empty();
        self.survivors.retain(lives);
        some && self.survivors.is_empty()
    }

    pub fn set_bytes(&mut self, bytes: u64) {
        self.record.output = vec![StreamBytes { stream: Stream::Tty, bytes }];
    }

    pub fn write_record(&self) {
        // As with the terminal's own: a full disk is told by its log, and clients are told anyway.
        let _ = record::write(&self.dir, &self.record);
    }
}
