//! Linux: /proc and pidfds.

use super::Proc;
use rustix::process::{Pid, PidfdFlags, Signal};
use std::io;
use std::os::fd::BorrowedFd;

/// Fields of `/proc/PID/stat` behind the name, counted from the state, as proc(5) numbers them minus 3.
const PARENT: usize = 1;
const SESSION: usize = 3;
const START: usize = 19;

pub(super) fn look_up(pid: i32) -> Option<Proc> {
    let text = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    parse(pid, &text)
}

fn parse(pid: i32, text: &[u8]) -> Option<Proc> {
    // The name may hold anything, spaces and brackets too; the last bracket ends it.
    let end = text.iter().rposition(|b| *b == b')')?;
    let rest = std::str::from_utf8(text.get(end + 1..)?).ok()?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().take(START + 1).collect();
    Some(Proc {
        pid,
        parent: fields.get(PARENT)?.parse().ok()?,
        session: fields.get(SESSION)?.parse().ok()?,
        start: fields.get(START)?.parse().ok()?,
        zombie: matches!(*fields.first()?, "Z" | "X" | "x"),
    })
}

pub(super) fn cwd(pid: i32) -> Option<std::path::PathBuf> {
    std::fs::read_link(format!("/proc/{pid}/cwd")).ok()
}

/// `TCP_LISTEN` in `/proc/net/tcp`.
const LISTEN: &str = "0A";

pub(super) fn listens(port: u16) -> bool {
    let wanted = format!(":{port:04X}");
    let is_it = |line: &str| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        fields.next().is_some_and(|local| local.ends_with(&wanted)) && fields.nth(1) == Some(LISTEN)
    };
    ["/proc/net/tcp", "/proc/net/tcp6"].iter().any(|table| {
        let text = std::fs::read_to_string(table).unwrap_or_default();
        text.lines().any(is_it)
    })
}

/// Further fields: user, system, and those of children, in ticks; resident pages.
const TIMES: std::ops::Range<usize> = 11..15;
const RESIDENT: usize = 21;

pub(super) fn usage(pid: i32) -> Option<super::Usage> {
    let text = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    let end = text.iter().rposition(|b| *b == b')')?;
    let fields: Vec<&str> = std::str::from_utf8(text.get(end + 1..)?).ok()?.split_ascii_whitespace().collect();
    let ticks: u64 = fields.get(TIMES)?.iter().filter_map(|field| field.parse::<u64>().ok()).sum();
    let pages: u64 = fields.get(RESIDENT)?.parse().ok()?;
    // SAFETY: sysconf reads constants; a name it doesn't know gives -1.
    let (per_second, page) = unsafe { (libc::sysconf(libc::_SC_CLK_TCK), libc::sysconf(libc::_SC_PAGESIZE)) };
    let (per_second, page) = (u64::try_from(per_second).ok()?, u64::try_from(page).ok()?);
    Some(super::Usage { cpu_ms: (ticks * 1000).checked_div(per_second)?, resident_bytes: pages * page })
}

pub(super) fn all() -> Vec<Proc> {
    let Ok(dir) = std::fs::read_dir("/proc") else { return Vec::new() };
    dir.filter_map(|entry| look_up(entry.ok()?.file_name().to_str()?.parse().ok()?)).collect()
}

/// The subreaper keeps every descendant below the keeper, so parentage says it all.
pub(super) fn belongs(proc: &Proc, root: i32) -> bool {
    proc.parent == root
}

/// Whether a variable is in the environment that a process was started with.
pub(super) fn has_mark(pid: i32, mark: &str) -> bool {
    let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment.split(|b| *b == 0).any(|entry| entry == mark.as_bytes())
}

/// The pidfd is opened first: if the check then finds the right process, it is the one that the pidfd means.
pub(super) fn signal(pid: Pid, signal: Signal, check: impl Fn() -> bool) -> bool {
    match rustix::process::pidfd_open(pid, PidfdFlags::empty()) {
        Ok(fd) => check() && rustix::process::pidfd_send_signal(fd, signal).is_ok(),
        // Before Linux 5.3, or forbidden by a seccomp filter.
        Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => {
            check() && rustix::process::kill_process(pid, signal).is_ok()
        }
        Err(_) => false,
    }
}

/// Tells when a process that is no child ended. Not needed here: every descendant becomes a child in the end.
pub(crate) struct Watch;

impl Watch {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self)
    }

    #[expect(clippy::unused_self, reason = "the other platform has a descriptor here")]
    pub(crate) fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    #[expect(clippy::unused_self, reason = "the other platform registers them here")]
    pub(crate) fn watch(&mut self, _procs: &[Proc]) {}

    #[expect(clippy::unused_self, reason = "the other platform takes its events here")]
    pub(crate) fn clear(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::{look_up, parse};

    #[test]
    fn a_name_can_not_forge_the_fields() {
        let line = b"42 (a) S 1 1 1 (x)) T 7 8 9 0 -1 0 0 0 0 0 0 0 0 0 0 0 0 0 555 0 0";
        let proc = parse(42, line).unwrap();
        assert_eq!((proc.parent, proc.session, proc.start, proc.zombie), (7, 9, 555, false));
        assert!(parse(1, b"1 (x) S 1").is_none());
        assert!(parse(1, b"").is_none());
    }

    #[test]
    fn finds_ourselves() {
        let own = look_up(i32::try_from(std::process::id()).unwrap()).unwrap();
        assert_eq!(own.parent, rustix::process::getppid().unwrap().as_raw_nonzero().get());
        assert!(!own.zombie && own.start > 0);
    }
}
