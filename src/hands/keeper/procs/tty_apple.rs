//! macOS: who is in front. What a process is blocked in the system doesn't tell, so whether it reads stays unknown, and
//! the terminal's modes alone decide: a password and a program on the alternate screen are found out, a plain question
//! is not told from silent work, and a shell's prompt neither.

use super::{Foreground, Reading};
use std::os::fd::OwnedFd;

pub(super) fn foreground(group: i32, _terminal: &OwnedFd) -> Foreground {
    let in_front =
        |pid: i32| rustix::process::Pid::from_raw(pid).and_then(|pid| rustix::process::getpgid(Some(pid)).ok());
    let root = i32::try_from(std::process::id()).unwrap_or_default();
    let pids = super::descendants(root).into_iter().map(|proc| proc.pid);
    let pids = pids.filter(|pid| in_front(*pid).is_some_and(|found| found.as_raw_nonzero().get() == group)).collect();
    Foreground { reading: Reading::Unknown, pids }
}

/// The table is read as for anything else.
pub(super) fn family_of(root: i32) -> Vec<super::Proc> {
    super::descendants(root)
}
