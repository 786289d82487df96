//! macOS: libproc, and a kqueue for the end of processes that are no children.
//!
//! There is no subreaper here: an orphan's parent becomes process 1. What can be found is what descends from the
//! keeper, or is in the session that it leads; a process that calls setsid and loses its parent escapes.

use super::Proc;
use rustix::event::kqueue::{Event, EventFilter, EventFlags, ProcessEvents, kevent, kqueue};
use rustix::process::{Pid, Signal};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// `SZOMB` of `sys/proc.h`.
const ZOMBIE: u32 = 5;

/// Room for processes that start between counting and listing.
const SLACK: usize = 64;

pub(super) fn look_up(pid: i32) -> Option<Proc> {
    // SAFETY: proc_bsdinfo is plain data for which all zeroes is a valid value.
    let mut info: libc::proc_bsdinfo = unsafe { std::mem::zeroed() };
    let size = libc::c_int::try_from(size_of::<libc::proc_bsdinfo>()).ok()?;
    // SAFETY: the buffer is of the size told.
    let got = unsafe { libc::proc_pidinfo(pid, libc::PROC_PIDTBSDINFO, 0, (&raw mut info).cast(), size) };
    if got != size {
        return None;
    }
    // SAFETY: no pointers; a pid that is gone gives -1.
    let session = unsafe { libc::getsid(pid) };
    Some(Proc {
        pid,
        parent: i32::try_from(info.pbi_ppid).ok()?,
        session,
        start: info.pbi_start_tvsec * 1_000_000 + info.pbi_start_tvusec,
        zombie: info.pbi_status == ZOMBIE,
    })
}

pub(super) fn all() -> Vec<Proc> {
    // SAFETY: a null buffer asks for the number of processes.
    let count = unsafe { libc::proc_listallpids(std::ptr::null_mut(), 0) };
    let mut pids = vec![0_i32; usize::try_from(count).unwrap_or(0) + SLACK];
    let bytes = libc::c_int::try_from(pids.len() * size_of::<i32>()).unwrap_or(0);
    // SAFETY: the buffer is of the size told.
    let got = unsafe { libc::proc_listallpids(pids.as_mut_ptr().cast(), bytes) };
    pids.truncate(usize::try_from(got).unwrap_or(0));
    pids.into_iter().filter_map(look_up).collect()
}

pub(super) fn belongs(proc: &Proc, root: i32) -> bool {
    proc.parent == root || (proc.session == root && proc.pid != root)
}

/// The shell's own word does here.
pub(super) fn cwd(_pid: i32) -> Option<std::path::PathBuf> {
    None
}

/// The table of sockets takes rights; a connection that is closed at once tells too.
pub(super) fn listens(port: u16) -> bool {
    let patience = std::time::Duration::from_millis(200);
    let addresses = [std::net::SocketAddr::from(([127, 0, 0, 1], port)), (std::net::Ipv6Addr::LOCALHOST, port).into()];
    addresses.iter().any(|address| std::net::TcpStream::connect_timeout(address, patience).is_ok())
}

/// Not asked for here.
pub(super) fn usage(_pid: i32) -> Option<super::Usage> {
    None
}

/// Other processes' environments are not read here.
pub(super) fn has_mark(_pid: i32, _mark: &str) -> bool {
    false
}

pub(super) fn signal(pid: Pid, signal: Signal, check: impl Fn() -> bool) -> bool {
    check() && rustix::process::kill_process(pid, signal).is_ok()
}

/// Tells when a process that is no child ended.
pub(crate) struct Watch {
    queue: OwnedFd,
}

impl Watch {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { queue: kqueue()? })
    }

    pub(crate) fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.queue.as_fd())
    }

    pub(crate) fn watch(&mut self, procs: &[Proc]) {
        for pid in procs.iter().filter_map(|p| Pid::from_raw(p.pid)) {
            let filter = EventFilter::Proc { pid, flags: ProcessEvents::EXIT };
            let event = Event::new(filter, EventFlags::ADD | EventFlags::ONESHOT, std::ptr::null_mut());
            let mut none: [Event; 0] = [];
            // SAFETY: the event names a process, no descriptor. One that is gone already gives an error; the next
            // sweep misses it.
            let _ = unsafe { kevent(&self.queue, &[event], &mut none[..], Some(std::time::Duration::ZERO)) };
        }
    }

    pub(crate) fn clear(&mut self) {
        let mut events = Vec::with_capacity(SLACK);
        // SAFETY: no changes are made; the events carry no pointers.
        let _ = unsafe {
            kevent(&self.queue, &[], rustix::buffer::spare_capacity(&mut events), Some(std::time::Duration::ZERO))
        };
    }
}
