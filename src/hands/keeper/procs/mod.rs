//! Processes as the kernel lists them: who descends from whom, and signals that can't hit a stranger.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as platform;
#[cfg(target_os = "linux")]
mod tty_linux;
#[cfg(target_os = "linux")]
use tty_linux as tty;

#[cfg(not(target_os = "linux"))]
mod apple;
#[cfg(not(target_os = "linux"))]
use apple as platform;
#[cfg(not(target_os = "linux"))]
mod tty_apple;
#[cfg(not(target_os = "linux"))]
use tty_apple as tty;

pub(crate) use platform::Watch;

use rustix::process::{Pid, Signal};
use std::collections::HashMap;
use std::os::fd::OwnedFd;

/// Longest line of ancestors that is followed. A loop can't happen in a consistent table, but the table is read
/// while it changes.
const MAX_ANCESTORS: usize = 4096;

/// One process, at the moment it was looked at. Pid and start time together never mean two processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Proc {
    pub pid: i32,
    pub parent: i32,
    pub session: i32,
    /// In the kernel's own unit.
    pub start: u64,
    /// It has ended and waits to be reaped.
    pub zombie: bool,
}

/// One process; nothing when there is none of that number.
pub(crate) fn look_up(pid: i32) -> Option<Proc> {
    platform::look_up(pid)
}

/// Whether the foreground of a terminal waits for keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "only Linux tells what a process waits for"))]
pub(crate) enum Reading {
    /// Nobody does.
    No,
    /// Somebody does, and for nothing else.
    Yes,
    /// Somebody does, and for the network too.
    AmongOthers,
    /// It can't be told: the process is another user's, or the system doesn't say.
    Unknown,
}

/// A terminal's foreground group.
#[derive(Debug)]
pub(crate) struct Foreground {
    pub reading: Reading,
    pub pids: Vec<i32>,
}

/// Looks at the foreground group of a terminal of our own, by any descriptor of it.
pub(crate) fn foreground(group: i32, terminal: &OwnedFd) -> Foreground {
    tty::foreground(group, terminal)
}

/// Everything that descends from a process, in no order, without itself.
pub(crate) fn descendants(root: i32) -> Vec<Proc> {
    below(root, &platform::all())
}

/// The same, quickly, of a keeper that is asked at every command. What ends or is orphaned in that very moment may be missed.
pub(crate) fn family(root: i32) -> Vec<Proc> {
    tty::family_of(root)
}

fn below(root: i32, all: &[Proc]) -> Vec<Proc> {
    let mut children: HashMap<i32, Vec<Proc>> = HashMap::new();
    for proc in all.iter().copied() {
        if platform::belongs(&proc, root) {
            children.entry(root).or_default().push(proc);
        } else {
            children.entry(proc.parent).or_default().push(proc);
        }
    }
    let mut found = Vec::new();
    let mut next = vec![root];
    while let Some(pid) = next.pop() {
        for proc in children.remove(&pid).unwrap_or_default() {
            next.push(proc.pid);
            found.push(proc);
        }
    }
    found
}

/// The directory that a process of our own is in, where the system tells.
pub(crate) fn cwd(pid: i32) -> Option<std::path::PathBuf> {
    platform::cwd(pid)
}

/// Whether somebody on this machine listens at a TCP port.
pub(crate) fn listens(port: u16) -> bool {
    platform::listens(port)
}

/// What processes use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Processor time, that of ended children included which were waited for.
    pub cpu_ms: u64,
    pub resident_bytes: u64,
}

/// What everything below each of some processes uses, from one reading of the process table. Where the system doesn't
/// tell, there is no entry.
pub(crate) fn usage(roots: &[i32]) -> HashMap<i32, Usage> {
    if roots.is_empty() {
        return HashMap::new();
    }
    let all = platform::all();
    let sum = |root: &i32| {
        let mut sum = platform::usage(*root).map(|_| Usage::default())?;
        for used in below(*root, &all).iter().filter_map(|proc| platform::usage(proc.pid)) {
            sum.cpu_ms += used.cpu_ms;
            sum.resident_bytes += used.resident_bytes;
        }
        Some((*root, sum))
    };
    roots.iter().filter_map(sum).collect()
}

/// The ancestors of a process, nearest first, up to the first process of the machine. Nothing when the chain
/// changed while it was read: then it can be read again.
pub(crate) fn ancestors(pid: i32) -> Option<Vec<Proc>> {
    let mut chain = vec![look_up(pid)?];
    while let Some(last) = chain.last().filter(|p| p.parent > 0).copied() {
        if chain.len() > MAX_ANCESTORS {
            return None;
        }
        // Unreadable: of another user, so no keeper of ours; or gone, which the check below finds out.
        let Some(parent) = look_up(last.parent) else { break };
        // A parent is older than its child; a younger one has taken over the number of a dead one.
        if parent.start > last.start {
            return None;
        }
        chain.push(parent);
    }
    // The first links may have been reparented while the last were read.
    let unchanged =
        chain.iter().all(|p| look_up(p.pid).is_some_and(|now| now.start == p.start && now.parent == p.parent));
    unchanged.then(|| chain.split_off(1))
}

/// Sends a signal to a descendant of `root`, checked again just before. False when it is gone or no descendant.
pub(crate) fn signal(target: &Proc, root: i32, signal: Signal) -> bool {
    let Some(pid) = Pid::from_raw(target.pid) else { return false };
    platform::signal(pid, signal, || still_below(target, root))
}

fn still_below(target: &Proc, root: i32) -> bool {
    let Some(mut now) = look_up(target.pid).filter(|now| now.start == target.start) else { return false };
    for _ in 0..MAX_ANCESTORS {
        if now.parent == root || platform::belongs(&now, root) {
            return true;
        }
        match look_up(now.parent) {
            Some(parent) if parent.start <= now.start => now = parent,
            _ => return false,
        }
    }
    false
}

/// What is left of a job whose keeper was killed: whatever carries the job's mark in its environment, and the session
/// that the keeper led. The session counts only for a keeper that was seen alive by these hands: its number is not
/// given out again while one of its processes lives, but after a restart of the machine it may be anybody's.
#[derive(Debug, Clone)]
pub(crate) struct Remains {
    pub mark: String,
    pub session: Option<i32>,
}

impl Remains {
    /// All of them. Never the asking process itself: hands that were started from inside a job carry its mark.
    pub(crate) fn list(&self) -> Vec<Proc> {
        let own = std::process::id();
        let mut all = platform::all();
        all.retain(|proc| !proc.zombie && u32::try_from(proc.pid) != Ok(own) && self.has(proc));
        all
    }

    /// Sends a signal to one of them, checked again just before.
    pub(crate) fn signal(&self, target: &Proc, signal: Signal) -> bool {
        let Some(pid) = Pid::from_raw(target.pid) else { return false };
        platform::signal(pid, signal, || {
            look_up(target.pid).is_some_and(|now| now.start == target.start && self.has(&now))
        })
    }

    fn has(&self, proc: &Proc) -> bool {
        self.session == Some(proc.session) || platform::has_mark(proc.pid, &self.mark)
    }
}
