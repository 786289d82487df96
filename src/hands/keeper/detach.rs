//! Makes the process its own: no inherited descriptors, own session, foster parent of all its descendants, and deaf
//! to the signals of the terminal that the hands were started from.

use rustix::fs::OFlags;
use std::io;
use std::os::fd::{AsFd, AsRawFd, IntoRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicI32, Ordering};

/// The self-pipe's writing end, for the signal handler.
static WAKE: AtomicI32 = AtomicI32::new(-1);

/// Written into the self-pipe by the handler.
pub(super) const CHILD: u8 = b'c';
/// Somebody wants the job stopped.
pub(super) const TERMINATE: u8 = b't';

/// Closes everything but the three standard descriptors. The hands' own are close-on-exec; this is for those that a
/// careless parent of the hands left open and a command must not hold (a lock, a socket, a deleted file's space).
pub(super) fn close_inherited() {
    #[cfg(target_os = "linux")]
    {
        let first: libc::c_uint = 3;
        // SAFETY: this runs before the keeper has opened anything of its own.
        if unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, 0) } == 0 {
            return;
        }
    }
    let listing = if cfg!(target_os = "linux") { "/proc/self/fd" } else { "/dev/fd" };
    let open: Vec<RawFd> = std::fs::read_dir(listing)
        .map(|dir| dir.filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok()).filter(|fd| *fd > 2).collect())
        .unwrap_or_default();
    for fd in open {
        // SAFETY: as above; the listing's own descriptor is closed already, a second close of it fails harmlessly.
        unsafe { libc::close(fd) };
    }
}

/// Leaves the starter's session and adopts whatever the descendants leave behind.
pub(super) fn own_session() -> io::Result<()> {
    // Fails only for a process group leader, which a freshly spawned child is not.
    rustix::process::setsid()?;
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    // A directory would be held busy for as long as the job runs.
    rustix::process::chdir("/")?;
    Ok(())
}

extern "C" fn on_signal(signal: libc::c_int) {
    let byte = if signal == libc::SIGTERM { TERMINATE } else { CHILD };
    let saved = errno();
    // SAFETY: write is async-signal-safe; the pointer is to one byte of this frame. A full pipe (EAGAIN) is fine: it
    // wakes the loop as well.
    unsafe {
        libc::write(WAKE.load(Ordering::Relaxed), (&raw const byte).cast(), 1);
        *saved.0 = saved.1;
    }
}

fn errno() -> (*mut libc::c_int, libc::c_int) {
    #[cfg(target_os = "linux")]
    // SAFETY: returns the calling thread's errno, always valid.
    let at = unsafe { libc::__errno_location() };
    #[cfg(not(target_os = "linux"))]
    // SAFETY: as above.
    let at = unsafe { libc::__error() };
    // SAFETY: as above.
    (at, unsafe { *at })
}

/// Ignores what a terminal sends, and turns SIGCHLD and SIGTERM into bytes on the returned descriptor.
pub(super) fn take_signals() -> io::Result<OwnedFd> {
    let (reader, writer) = std::io::pipe()?;
    let (reader, writer) = (OwnedFd::from(reader), OwnedFd::from(writer));
    non_blocking(&reader)?;
    non_blocking(&writer)?;
    // Kept for the life of the process: the handler may run at any time.
    WAKE.store(writer.into_raw_fd(), Ordering::Relaxed);
    for signal in
        [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGPIPE, libc::SIGTTOU, libc::SIGTTIN, libc::SIGTSTP]
    {
        set_action(signal, libc::SIG_IGN)?;
    }
    for signal in [libc::SIGCHLD, libc::SIGTERM] {
        set_action(signal, on_signal as *const () as libc::sighandler_t)?;
    }
    unblock_all().map(|()| reader)
}

fn set_action(signal: libc::c_int, handler: libc::sighandler_t) -> io::Result<()> {
    // SAFETY: sigaction is plain data for which all zeroes is a valid value; the handler is async-signal-safe.
    let done = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler;
        action.sa_flags = libc::SA_RESTART;
        libc::sigaction(signal, &raw const action, std::ptr::null_mut())
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn unblock_all() -> io::Result<()> {
    // SAFETY: sigset_t is plain data that sigemptyset initialises; the process has one thread.
    let done = unsafe {
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut())
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Between fork and exec: a process group of its own, the terminal's foreground, and every signal as a fresh
/// process has it. Only async-signal-safe calls.
pub(super) fn prepare_child(tty: Option<RawFd>) -> io::Result<()> {
    // SAFETY: all of these are async-signal-safe and get valid arguments; the descriptor is inherited and open.
    unsafe {
        if libc::setpgid(0, 0) != 0 {
            return Err(io::Error::last_os_error());
        }
        // SIGTTOU is still ignored here, as in the keeper: a background group may not call this otherwise.
        if let Some(fd) = tty
            && libc::tcsetpgrp(fd, libc::getpid()) != 0
        {
            return Err(io::Error::last_os_error());
        }
        for signal in 1..32 {
            libc::signal(signal, libc::SIG_DFL);
        }
    }
    unblock_all()
}

/// Reads and writes on it return at once.
pub(super) fn non_blocking(fd: &impl AsFd) -> io::Result<()> {
    let flags = rustix::fs::fcntl_getfl(fd)?;
    rustix::fs::fcntl_setfl(fd, flags | OFlags::NONBLOCK)?;
    Ok(())
}

/// Points the three standard descriptors at nothing, which tells the hands that the answer is complete.
pub(super) fn silence() -> io::Result<()> {
    let null = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(&null)?;
    // A /dev/null that landed on a standard descriptor itself must stay open.
    if null.as_raw_fd() <= 2 {
        let _ = null.into_raw_fd();
    }
    Ok(())
}
