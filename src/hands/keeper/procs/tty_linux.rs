//! Linux: whether a process waits for its terminal, from the system call that it is blocked in.
//!
//! `/proc/PID/syscall`, `/proc/PID/mem` and `/proc/PID/fd` may be read by an ancestor of the same user. Of another
//! user's process (sudo's) only the state is known.

use super::{Foreground, Reading};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt};

/// Processes looked at. What has more in the foreground is a build, and its leader is among the first.
const MAX_PROCESSES: usize = 256;

/// Threads of one process looked at.
const MAX_THREADS: usize = 64;

/// Descriptors of one wait looked at.
const MAX_WAITED: usize = 1024;

/// `/dev/tty`: whichever terminal the process belongs to.
const OWN_TERMINAL: u64 = libc::makedev(5, 0);

/// `POLLIN`, `POLLRDNORM`.
const POLL_READ: i16 = 0x41;

pub(super) fn foreground(group: i32, terminal: &OwnedFd) -> Foreground {
    let mut found = Foreground { reading: Reading::No, pids: Vec::new() };
    let Ok(terminal) = rustix::fs::fstat(terminal).map(|stat| stat.st_rdev) else { return found };
    for pid in family() {
        let Some(stat) = Stat::of(pid).filter(|stat| stat.group == group) else { continue };
        found.pids.push(pid);
        if !stat.sleeps || stat.terminal != encoded(terminal) {
            continue;
        }
        let reading = reading(pid, terminal);
        found.reading = match (found.reading, reading) {
            (Reading::Yes, _) | (_, Reading::Yes) => Reading::Yes,
            (Reading::AmongOthers, _) | (_, Reading::AmongOthers) => Reading::AmongOthers,
            (Reading::Unknown, _) | (_, Reading::Unknown) => Reading::Unknown,
            (Reading::No, Reading::No) => Reading::No,
        };
    }
    found
}

struct Stat {
    group: i32,
    terminal: u64,
    sleeps: bool,
}

impl Stat {
    fn of(pid: i32) -> Option<Self> {
        let text = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
        let end = text.iter().rposition(|b| *b == b')')?;
        let rest = std::str::from_utf8(text.get(end + 1..)?).ok()?;
        let mut fields = rest.split_ascii_whitespace();
        let sleeps = fields.next()? == "S";
        let group = fields.nth(1)?.parse().ok()?;
        let terminal: i64 = fields.nth(1)?.parse().ok()?;
        Some(Self { group, terminal: u64::try_from(terminal).ok()?, sleeps })
    }
}

/// A device number as `/proc/PID/stat` writes it.
fn encoded(device: u64) -> u64 {
    let (major, minor) = (u64::from(libc::major(device)), u64::from(libc::minor(device)));
    (minor & 0xff) | (major << 8) | ((minor & !0xff) << 12)
}

/// All descendants of a process, by the kernel's own lists.
pub(super) fn family_of(root: i32) -> Vec<super::Proc> {
    let (mut found, mut next) = (Vec::new(), vec![root]);
    while let Some(pid) = next.pop() {
        for child in children(pid) {
            found.extend(super::look_up(child));
            next.push(child);
        }
    }
    found
}

/// All descendants of this process.
fn family() -> Vec<i32> {
    let own = i32::try_from(std::process::id()).unwrap_or_default();
    let (mut found, mut next) = (Vec::new(), vec![own]);
    while let Some(pid) = next.pop() {
        let children = children(pid);
        found.extend(&children);
        if found.len() > MAX_PROCESSES {
            break;
        }
        next.extend(children);
    }
    found
}

fn children(pid: i32) -> Vec<i32> {
    let mut found = Vec::new();
    for thread in threads(pid) {
        // A kernel without this file is one without checkpoint support; then the whole table is read.
        let Ok(text) = std::fs::read_to_string(format!("/proc/{pid}/task/{thread}/children")) else {
            return super::platform::all().iter().filter(|p| p.parent == pid).map(|p| p.pid).collect();
        };
        found.extend(text.split_ascii_whitespace().filter_map(|pid| pid.parse::<i32>().ok()));
    }
    found
}

fn threads(pid: i32) -> Vec<i32> {
    let Ok(dir) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    dir.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).take(MAX_THREADS).collect()
}

fn reading(pid: i32, terminal: u64) -> Reading {
    let mut found = Reading::No;
    for thread in threads(pid) {
        match blocked(pid, thread, terminal) {
            Ok(Reading::Yes) => return Reading::Yes,
            Ok(Reading::AmongOthers) => found = Reading::AmongOthers,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Reading::Unknown,
            // It has just ended.
            Err(_) => {}
        }
    }
    found
}

/// The call that a thread is blocked in, with its arguments; nothing while it runs.
fn system_call(pid: i32, thread: i32) -> io::Result<Option<(i64, [u64; 6])>> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/task/{thread}/syscall"))?;
    let mut words = text.split_ascii_whitespace();
    let Some(Ok(number)) = words.next().map(str::parse) else { return Ok(None) };
    let mut arguments = [0; 6];
    for (argument, word) in arguments.iter_mut().zip(words) {
        *argument = u64::from_str_radix(word.trim_start_matches("0x"), 16).unwrap_or_default();
    }
    Ok(Some((number, arguments)))
}

fn blocked(pid: i32, thread: i32, terminal: u64) -> io::Result<Reading> {
    let Some((number, [a, b, ..])) = system_call(pid, thread)? else { return Ok(Reading::No) };
    let fds = match number {
        libc::SYS_read | libc::SYS_readv => vec![i32::try_from(a).unwrap_or(-1)],
        libc::SYS_ppoll => polled(pid, a, b)?,
        libc::SYS_pselect6 => selected(pid, a, b)?,
        libc::SYS_epoll_pwait | libc::SYS_epoll_pwait2 => watched(pid, a)?,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_poll => polled(pid, a, b)?,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_select => selected(pid, a, b)?,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_epoll_wait => watched(pid, a)?,
        _ => return Ok(Reading::No),
    };
    let (mut on_terminal, mut on_socket) = (false, false);
    for fd in fds {
        let Ok(file) = std::fs::metadata(format!("/proc/{pid}/fd/{fd}")) else { continue };
        // The process belongs to the terminal, so its own one is the one that is meant.
        on_terminal |= file.file_type().is_char_device() && (file.rdev() == terminal || file.rdev() == OWN_TERMINAL);
        on_socket |= file.file_type().is_socket();
    }
    Ok(match (on_terminal, on_socket) {
        (true, false) => Reading::Yes,
        (true, true) => Reading::AmongOthers,
        (false, _) => Reading::No,
    })
}

fn memory(pid: i32, at: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    File::open(format!("/proc/{pid}/mem"))?.read_exact_at(&mut bytes, at)?;
    Ok(bytes)
}

/// Of an array of `struct pollfd`, those that wait to be read.
fn polled(pid: i32, at: u64, count: u64) -> io::Result<Vec<i32>> {
    let count = usize::try_from(count).unwrap_or(MAX_WAITED).min(MAX_WAITED);
    let bytes = memory(pid, at, count * 8)?;
    let one = |entry: &[u8]| {
        let (fd, events) = (entry.first_chunk::<4>()?, entry[4..].first_chunk::<2>()?);
        (i16::from_ne_bytes(*events) & POLL_READ != 0).then_some(i32::from_ne_bytes(*fd))
    };
    Ok(bytes.chunks_exact(8).filter_map(one).collect())
}

/// Of a `fd_set` for reading, those that are in it.
fn selected(pid: i32, count: u64, at: u64) -> io::Result<Vec<i32>> {
    if at == 0 {
        return Ok(Vec::new());
    }
    let count = usize::try_from(count).unwrap_or(MAX_WAITED).min(MAX_WAITED);
    // The kernel writes long words; on a big-endian machine their bytes stand the other way round.
    let bytes = memory(pid, at, count.div_ceil(64) * 8)?;
    let words: Vec<u64> =
        bytes.chunks_exact(8).filter_map(|word| word.first_chunk().map(|w| u64::from_ne_bytes(*w))).collect();
    let is_in = |fd: &usize| words.get(fd / 64).is_some_and(|word| word >> (fd % 64) & 1 == 1);
    Ok((0..count).filter(is_in).filter_map(|fd| i32::try_from(fd).ok()).collect())
}

/// What an epoll descriptor watches.
fn watched(pid: i32, epoll: u64) -> io::Result<Vec<i32>> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/fdinfo/{epoll}"))?;
    let one = |line: &str| line.strip_prefix("tfd:")?.split_ascii_whitespace().next()?.parse().ok();
    Ok(text.lines().filter_map(one).take(MAX_WAITED).collect())
}
