//! Ends the command and everything it started: TERM, a while, then freeze and KILL until nothing is left.

use super::procs::{self, Proc};
use pryx_terms::{StopCause, StopReason};
use rustix::process::Signal;
use std::collections::HashSet;
use std::time::{Duration, Instant};

/// Rounds of freezing before the kill. Each finds what was forked while the round before was read; a tree that
/// outgrows sixteen rounds is killed as far as it is known, and swept again.
const FREEZE_ROUNDS: usize = 16;

/// Pause between two sweeps of a tree that was killed. A killed process takes a moment to go.
const SWEEP: Duration = Duration::from_millis(20);

/// Sweeps at that pace, 2 s in all. What lives on then is stuck in the kernel (a dead disk, a dead network mount).
const FAST_SWEEPS: u32 = 100;

/// Pause between two sweeps after that.
const SLOW_SWEEP: Duration = Duration::from_secs(1);

/// Longest grace. Beyond it a stop is no stop.
const MAX_GRACE: Duration = Duration::from_secs(60 * 60);

/// A stop under way.
#[derive(Clone)]
pub(super) struct Stopping {
    reason: StopReason,
    by: String,
    signal: &'static str,
    next_at: Instant,
    sweeps: u32,
}

/// Whom a stop concerns.
#[derive(Clone, Default)]
pub(super) struct Tree {
    /// The keeper.
    pub root: i32,
    /// The command, when it is an interactive shell.
    pub hangup: Option<i32>,
    /// The shell that the command runs in: it is interrupted, and goes on.
    pub interrupt: Option<i32>,
    /// Processes that are none of it, by number and start.
    pub spare: Vec<(i32, u64)>,
    /// The terminal's shell: it is spared, what it starts isn't. What others that are spared start, is spared too.
    pub shell: i32,
    /// Only these and what descends from them, when the command itself has ended.
    pub only: Option<Vec<(i32, u64)>>,
}

impl Tree {
    /// Everything that is to end.
    pub fn members(&self) -> Vec<Proc> {
        let mut found = match &self.only {
            None => procs::descendants(self.root),
            Some(roots) => {
                let alive = |(pid, start): &(i32, u64)| procs::look_up(*pid).filter(|now| now.start == *start);
                let roots: Vec<Proc> = roots.iter().filter_map(alive).collect();
                let below = roots.iter().flat_map(|proc| procs::descendants(proc.pid));
                below.chain(roots.iter().copied()).collect()
            }
        };
        if !self.spare.is_empty() {
            let spared = self.spared(&found);
            found.retain(|proc| !spared.contains(&proc.pid));
        }
        found
    }

    /// Those that are spared, with what descends from them but not from the shell. Parents come before their children in
    /// as many rounds as a line of them is long.
    fn spared(&self, found: &[Proc]) -> HashSet<i32> {
        let named = found.iter().filter(|proc| self.spare.contains(&(proc.pid, proc.start)));
        let mut spared: HashSet<i32> = named.map(|proc| proc.pid).collect();
        loop {
            let of =
                |proc: &&Proc| proc.parent != self.shell && proc.parent != self.root && spared.contains(&proc.parent);
            let more: Vec<i32> =
                found.iter().filter(of).map(|proc| proc.pid).filter(|pid| !spared.contains(pid)).collect();
            if more.is_empty() {
                return spared;
            }
            spared.extend(more);
        }
    }

    fn interrupt(&self) {
        if let Some(shell) = self.interrupt.and_then(procs::look_up) {
            procs::signal(&shell, self.root, Signal::INT);
        }
    }
}

impl Stopping {
    /// Asks everything to end.
    pub fn begin(tree: &Tree, grace: Duration, by: String, reason: StopReason) -> Self {
        let next_at = Instant::now() + grace.min(MAX_GRACE);
        let mut stopping = Self { reason, by, signal: "KILL", next_at, sweeps: 0 };
        if !grace.is_zero() {
            stopping.signal = "TERM";
            tree.interrupt();
            for proc in tree.members() {
                procs::signal(&proc, tree.root, Signal::TERM);
                if tree.hangup == Some(proc.pid) {
                    procs::signal(&proc, tree.root, Signal::HUP);
                }
                // One that is stopped gets TERM only when it goes on.
                procs::signal(&proc, tree.root, Signal::CONT);
            }
        }
        stopping
    }

    /// Somebody asks again, less patiently.
    pub fn hurry(&mut self, grace: Duration) {
        self.next_at = self.next_at.min(Instant::now() + grace.min(MAX_GRACE));
    }

    /// When [`Stopping::sweep`] is due.
    pub fn next_at(&self) -> Instant {
        self.next_at
    }

    /// Whether it has been given up on: the record is written though something lives.
    pub fn is_stuck(&self) -> bool {
        self.sweeps > FAST_SWEEPS
    }

    /// Kills what is left.
    pub fn sweep(&mut self, tree: &Tree) {
        tree.interrupt();
        let frozen = freeze(tree);
        for proc in &frozen {
            procs::signal(proc, tree.root, Signal::KILL);
        }
        if !frozen.is_empty() {
            self.signal = "KILL";
        }
        self.sweeps = self.sweeps.saturating_add(1);
        self.next_at = Instant::now() + if self.is_stuck() { SLOW_SWEEP } else { SWEEP };
    }

    /// For the record.
    pub fn cause(&self) -> StopCause {
        StopCause { reason: self.reason, by: self.by.clone(), signal: self.signal.to_owned() }
    }
}

/// Stops every descendant, and again, until no new one turns up: what is frozen forks no more.
fn freeze(tree: &Tree) -> Vec<Proc> {
    let mut seen: HashSet<(i32, u64)> = HashSet::new();
    let mut found = Vec::new();
    for _ in 0..FREEZE_ROUNDS {
        found = tree.members();
        let fresh: Vec<&Proc> = found.iter().filter(|p| seen.insert((p.pid, p.start))).collect();
        if fresh.is_empty() {
            break;
        }
        // A shell would take a child that stops for one that was suspended, and turn to its prompt.
        for proc in fresh.into_iter().filter(|_| tree.interrupt.is_none()) {
            procs::signal(proc, tree.root, Signal::STOP);
        }
    }
    found.retain(|p| !p.zombie);
    found
}

/// No shell is here that could bring it back: Ctrl-Z would leave the command, and its window, stuck.
pub(super) fn go_on_if_suspended(pid: rustix::process::Pid, status: rustix::process::WaitStatus) {
    if status.stopping_signal() == Some(Signal::TSTP.as_raw()) {
        let _ = rustix::process::kill_process_group(pid, Signal::CONT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_earlier_command_left_is_spared_with_all_it_starts() {
        let proc = |pid, parent| Proc { pid, parent, session: 1, start: 100, zombie: false };
        // The keeper 1, its shell 2, an earlier command's 3 with 4 and 5, an orphan 6; the command's own 7 and 8.
        let found = [proc(2, 1), proc(5, 4), proc(4, 3), proc(3, 2), proc(6, 1), proc(7, 2), proc(8, 7)];
        let tree = Tree { root: 1, shell: 2, spare: vec![(2, 100), (3, 100), (8, 99)], ..Tree::default() };
        assert_eq!(tree.spared(&found), HashSet::from([2, 3, 4, 5]));
    }
}
