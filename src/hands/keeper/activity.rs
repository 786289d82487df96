//! What the job does, read off its terminal and the kernel, never off its text; and when to look.
//!
//! Nothing tells when a process begins to wait for keys, so it is looked at: shortly after output or input, then at
//! growing intervals. A shell at its prompt is not looked at again before something is printed or typed.

use super::modes::Modes;
use super::procs::{self, Reading};
use super::wire::Pulse;
use pryx_terms::{Activity, Timestamp};
use rustix::process::Pid;
use rustix::termios::LocalModes;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

/// Silence after which it is looked at. Shorter, and a program is seen between two lines of its output.
const QUIET: Duration = Duration::from_millis(30);

/// The latest look after the first output or input since the last one: what draws all the time (a spinner next to a
/// question) never falls silent.
const LATEST: Duration = Duration::from_millis(200);

/// Between two looks at a job that works in silence: at first, as a share of the silence so far, and at most. A
/// silent program that turns to the keyboard is found out within a quarter of the time it was silent.
const FIRST: Duration = Duration::from_millis(40);
const SHARE: u32 = 4;
const LONGEST: Duration = Duration::from_secs(5);

/// Between two looks at a job that waits for keys. It can give up by itself (`read -t 5`), silently.
const WAITING: Duration = Duration::from_secs(30);

/// After a process of the foreground ended: what its parent does next shows by then.
const AFTER_END: Duration = Duration::from_millis(5);

/// Processes of the foreground whose end is waited for. A pipeline has a few; `make -j64` needs no such precision.
const MAX_ENDS: usize = 8;

/// An interactive shell that is the job itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shell {
    pub pid: i32,
    /// It edits its command line, so at its prompt the terminal is not in canonical mode.
    pub editor: bool,
}

/// The shell that a command line is, if it is one.
pub(super) fn shell(argv: &[String], pid: i32, interactive: bool) -> Option<Shell> {
    let name = argv.first()?.rsplit('/').next()?.trim_start_matches('-');
    interactive.then_some(Shell { pid, editor: matches!(name, "bash" | "zsh" | "fish") })
}

/// Watches one job.
pub(super) struct Observer {
    shell: Option<Shell>,
    pulse: Pulse,
    stirred: Instant,
    look_at: Option<Instant>,
    latest: Option<Instant>,
    ends: Vec<OwnedFd>,
}

impl Observer {
    pub fn new(shell: Option<Shell>) -> Self {
        let pulse = Pulse { activity: Activity::Running, since: Timestamp::now(), paste: false, cursor_keys: false };
        let now = Instant::now();
        Self { shell, pulse, stirred: now, look_at: Some(now + QUIET), latest: None, ends: Vec::new() }
    }

    pub fn pulse(&self) -> Pulse {
        self.pulse
    }

    /// When to call [`Observer::look`].
    pub fn look_at(&self) -> Option<Instant> {
        self.look_at
    }

    /// Descriptors that become readable when a process of the foreground ends.
    pub fn ends(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.ends.iter().map(AsFd::as_fd)
    }

    /// One of them did.
    pub fn one_ended(&mut self) {
        self.ends.clear();
        let soon = Instant::now() + AFTER_END;
        self.look_at = Some(self.look_at.map_or(soon, |at| at.min(soon)));
    }

    /// It printed.
    pub fn printed(&mut self) {
        // What survives the command writes too.
        if self.pulse.activity == Activity::Exited {
            return;
        }
        let now = Instant::now();
        self.stirred = now;
        let latest = *self.latest.get_or_insert(now + LATEST);
        self.look_at = Some(latest.min(now + QUIET));
    }

    /// Somebody typed. What it waited for it has, until the next look. True when that changed anything.
    pub fn typed(&mut self) -> bool {
        self.printed();
        self.set(Activity::Running)
    }

    /// The command ended: it does nothing any more.
    pub fn ended(&mut self) -> bool {
        self.look_at = None;
        self.ends.clear();
        self.set(Activity::Exited)
    }

    fn set(&mut self, activity: Activity) -> bool {
        if self.pulse.activity == activity {
            return false;
        }
        self.pulse = Pulse { activity, since: Timestamp::now(), ..self.pulse };
        true
    }

    /// Looks. True when something changed.
    pub fn look(&mut self, terminal: &OwnedFd, modes: Modes) -> bool {
        self.latest = None;
        self.ends.clear();
        let (activity, pids) = facts(terminal, modes, self.shell).map_or((Activity::Running, Vec::new()), |facts| {
            let activity = judge(&facts);
            (activity, facts.pids)
        });
        let pidfds = pids.into_iter().filter_map(Pid::from_raw).take(MAX_ENDS);
        self.ends.extend(pidfds.filter_map(end_of));
        let silent = self.stirred.elapsed();
        let pause = match activity {
            Activity::Idle | Activity::Exited => None,
            Activity::Running => Some((silent / SHARE).clamp(FIRST, LONGEST)),
            Activity::NeedsInput | Activity::NeedsSecret | Activity::FullScreen => Some(WAITING),
        };
        self.look_at = pause.map(|pause| Instant::now() + pause);
        let before = self.pulse;
        (self.pulse.paste, self.pulse.cursor_keys) = (modes.paste, modes.cursor_keys);
        self.set(activity);
        self.pulse != before
    }
}

#[cfg(target_os = "linux")]
fn end_of(pid: Pid) -> Option<OwnedFd> {
    rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).ok()
}

/// A kqueue could tell; the looks at growing intervals do here.
#[cfg(not(target_os = "linux"))]
fn end_of(_pid: Pid) -> Option<OwnedFd> {
    None
}

/// What is known about a terminal and its foreground.
#[derive(Debug)]
struct Facts {
    canonical: bool,
    echo: bool,
    signals: bool,
    modes: Modes,
    /// The shell is in front itself; whether it edits lines.
    shell: Option<bool>,
    reading: Reading,
    pids: Vec<i32>,
}

fn facts(terminal: &OwnedFd, modes: Modes, shell: Option<Shell>) -> Option<Facts> {
    let group = rustix::termios::tcgetpgrp(terminal).ok()?.as_raw_nonzero().get();
    let local = rustix::termios::tcgetattr(terminal).ok()?.local_modes;
    let foreground = procs::foreground(group, terminal);
    Some(Facts {
        canonical: local.contains(LocalModes::ICANON),
        echo: local.contains(LocalModes::ECHO),
        signals: local.contains(LocalModes::ISIG),
        modes,
        shell: shell.filter(|shell| shell.pid == group).map(|shell| shell.editor),
        reading: foreground.reading,
        pids: foreground.pids,
    })
}

/// The verdict. What is uncertain is called running: a false alarm interrupts somebody, a missed one is noticed.
fn judge(facts: &Facts) -> Activity {
    let hidden = facts.canonical && !facts.echo;
    let fills = facts.modes.alternate || facts.modes.cursor_keys;
    match (facts.reading, facts.shell) {
        (Reading::No, _) => Activity::Running,
        // Another user's process, as sudo's: the terminal alone tells. Nobody but those who ask for a password turns
        // the echo off and leaves the rest.
        (Reading::Unknown, _) if hidden => Activity::NeedsSecret,
        (Reading::Unknown, _) if facts.modes.alternate => Activity::FullScreen,
        (Reading::Unknown, _) if !facts.echo && facts.signals && !fills => Activity::NeedsSecret,
        (Reading::Unknown, _) => Activity::Running,
        (Reading::Yes | Reading::AmongOthers, _) if hidden => Activity::NeedsSecret,
        (Reading::Yes | Reading::AmongOthers, Some(editor)) if !facts.canonical || !editor => Activity::Idle,
        (Reading::Yes | Reading::AmongOthers, _) if fills => Activity::FullScreen,
        (Reading::Yes | Reading::AmongOthers, _) if !facts.canonical && !facts.signals => Activity::FullScreen,
        // `ssh host make` could take a line at any time, and waits for the network.
        (Reading::AmongOthers, _) if facts.canonical => Activity::Running,
        (Reading::Yes | Reading::AmongOthers, _) => Activity::NeedsInput,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(canonical: bool, echo: bool, signals: bool, reading: Reading) -> Facts {
        Facts { canonical, echo, signals, modes: Modes::default(), shell: None, reading, pids: Vec::new() }
    }

    #[test]
    fn the_terminal_and_the_kernel_decide() {
        use Activity::*;
        let alternate = Modes { alternate: true, ..Modes::default() };
        for (facts, wanted) in [
            (facts(true, true, true, Reading::No), Running),
            (facts(true, false, true, Reading::No), Running),
            (facts(true, true, true, Reading::Yes), NeedsInput),
            (facts(true, true, true, Reading::AmongOthers), Running),
            (facts(true, false, true, Reading::Yes), NeedsSecret),
            (facts(true, false, true, Reading::Unknown), NeedsSecret),
            (facts(false, false, true, Reading::Unknown), NeedsSecret),
            (facts(true, true, true, Reading::Unknown), Running),
            (facts(false, false, false, Reading::Unknown), Running),
            (facts(false, false, true, Reading::Yes), NeedsInput),
            (facts(false, false, false, Reading::Yes), FullScreen),
            (Facts { modes: alternate, ..facts(false, false, true, Reading::AmongOthers) }, FullScreen),
            (Facts { modes: alternate, ..facts(false, false, true, Reading::No) }, Running),
            (Facts { shell: Some(true), ..facts(false, false, true, Reading::Yes) }, Idle),
            (Facts { shell: Some(true), ..facts(true, true, true, Reading::Yes) }, NeedsInput),
            (Facts { shell: Some(true), ..facts(true, false, true, Reading::Yes) }, NeedsSecret),
            (Facts { shell: Some(false), ..facts(true, true, true, Reading::Yes) }, Idle),
        ] {
            assert_eq!(judge(&facts), wanted, "{facts:?}");
        }
    }

    #[test]
    fn a_silent_job_is_looked_at_less_and_less_and_an_idle_one_not_at_all() {
        let mut observer = Observer::new(None);
        observer.printed();
        let at = observer.look_at().unwrap();
        assert!(at <= Instant::now() + LATEST);
        assert!(!observer.typed(), "it was running already");
        assert!(observer.ended() && observer.look_at().is_none());
        assert_eq!(observer.pulse().activity, Activity::Exited);
    }
}
