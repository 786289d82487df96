//! The one way out of a sandbox to the hands, who know by descent whose process it is. Rules on files don't hold for
//! sockets, and a filter of system calls can't see an address; so the kernel hands these calls to the keeper.
//!
//! A confined process never holds a socket of the file system that isn't connected: `socket` gives it one that leads
//! nowhere, and `connect` to the hands puts one in its place that its keeper has connected. Whatever else is asked of
//! `connect` therefore goes on as it would without us, and what a process swaps meanwhile is no matter.

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, SocketAddrUnix, SocketFlags, SocketType, recvmsg, sendmsg, socket_with, socketpair,
};
use std::ffi::OsStr;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What the thread that answers needs of memory: there is one for each confined job.
const STACK: usize = 64 * 1024;

/// `sockaddr_un` as a whole, and where its path begins.
const ADDRESS: usize = 110;
const PATH_AT: usize = 2;

/// The keeper's side.
pub(crate) struct Door {
    socket: PathBuf,
    from: OwnedFd,
}

/// The command's side, between fork and exec.
pub(super) struct Bell {
    to: OwnedFd,
    program: Vec<libc::sock_filter>,
}

/// Both sides of a door to this socket.
pub(super) fn pair(socket: &Path) -> io::Result<(Door, Bell)> {
    let (from, to) = socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    Ok((Door { socket: socket.to_owned(), from }, Bell { to, program: program() }))
}

/// Stream sockets of the file system, and all connecting, are the keeper's; other kinds of such sockets are refused.
/// Processors that it wasn't written for are ended by the filters before it.
fn program() -> Vec<libc::sock_filter> {
    const LOAD: u16 = 0x20;
    const AND: u16 = 0x54;
    const JUMP_IF: u16 = 0x15;
    const RETURN: u16 = 0x06;
    const NUMBER: u32 = 0;
    const FIRST: u32 = 16;
    const SECOND: u32 = 24;
    let of = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let number = |call: libc::c_long| u32::try_from(call).unwrap_or(u32::MAX);
    vec![
        of(LOAD, 0, 0, NUMBER),
        of(JUMP_IF, 6, 0, number(libc::SYS_connect)),
        of(JUMP_IF, 0, 6, number(libc::SYS_socket)),
        of(LOAD, 0, 0, FIRST),
        of(JUMP_IF, 0, 4, libc::AF_UNIX.cast_unsigned()),
        of(LOAD, 0, 0, SECOND),
        of(AND, 0, 0, 0xf),
        of(JUMP_IF, 0, 2, libc::SOCK_STREAM.cast_unsigned()),
        of(RETURN, 0, 0, libc::SECCOMP_RET_USER_NOTIF),
        of(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
        of(RETURN, 0, 0, libc::SECCOMP_RET_ERRNO | libc::EACCES.cast_unsigned()),
    ]
}

impl Bell {
    /// Puts the filter on the calling process and tells the keeper. No allocation, only async-signal-safe calls.
    pub fn hang(&self) -> io::Result<()> {
        let program = libc::sock_fprog {
            len: u16::try_from(self.program.len()).unwrap_or_default(),
            filter: self.program.as_ptr().cast_mut(),
        };
        // Without the second flag each signal would interrupt a call that the keeper is at, and have it made again.
        let flags = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
        // SAFETY: the program outlives the call, and the kernel copies it.
        let fd = unsafe {
            libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, (&raw const program).cast::<u8>())
        };
        let fd = RawFd::try_from(fd).ok().filter(|fd| *fd >= 0).ok_or_else(io::Error::last_os_error)?;
        // SAFETY: the kernel has just opened it, close-on-exec, for us.
        let listener = unsafe { OwnedFd::from_raw_fd(fd) };
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let fds = [listener.as_fd()];
        control.push(SendAncillaryMessage::ScmRights(&fds));
        sendmsg(&self.to, &[IoSlice::new(b"d")], &mut control, SendFlags::NOSIGNAL)?;
        Ok(())
    }
}

impl Door {
    /// Answers until the last confined process is gone. To be called when the command has been started.
    pub fn attend(self) {
        // If there is no thread the listener is closed, and what it was asked for fails.
        let _ = std::thread::Builder::new().stack_size(STACK).spawn(move || self.serve());
    }

    fn serve(&self) {
        let Some(listener) = self.listener() else { return };
        while wait(&listener) {
            match receive(&listener) {
                Ok(call) => self.answer(&listener, &call),
                // It was killed before we looked.
                Err(Errno::NOENT | Errno::INTR) => {}
                Err(_) => return,
            }
        }
    }

    /// Nothing if the command has none to give.
    fn listener(&self) -> Option<OwnedFd> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut byte = [0_u8; 1];
        let mut parts = [IoSliceMut::new(&mut byte)];
        rustix::io::retry_on_intr(|| recvmsg(&self.from, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC)).ok()?;
        control.drain().find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
            _ => None,
        })
    }

    fn answer(&self, listener: &OwnedFd, call: &libc::seccomp_notif) {
        let done = if libc::c_long::from(call.data.nr) == libc::SYS_socket {
            // The answer goes with the descriptor.
            match nowhere(listener, call) {
                Ok(()) => return,
                Err(error) => Err(error),
            }
        } else {
            self.connect(listener, call)
        };
        let mut reply = libc::seccomp_notif_resp { id: call.id, val: 0, error: 0, flags: 0 };
        match done {
            Ok(Way::Led) => {}
            Ok(Way::Own) => reply.flags = u32::try_from(libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE).unwrap_or_default(),
            Err(error) => reply.error = -error.raw_os_error(),
        }
        // It may be gone meanwhile.
        let _ = ask(listener, libc::SECCOMP_IOCTL_NOTIF_SEND, &mut reply);
    }

    fn connect(&self, listener: &OwnedFd, call: &libc::seccomp_notif) -> Result<Way, Errno> {
        let [fd, at, length, ..] = call.data.args;
        let Some(address) = memory(call.pid, at, length) else { return Ok(Way::Own) };
        let family = address.first_chunk().map(|bytes| u16::from_ne_bytes(*bytes));
        if family.map(i32::from) != Some(libc::AF_UNIX) {
            return Ok(Way::Own);
        }
        let path = address[PATH_AT..].split(|byte| *byte == 0).next().unwrap_or_default();
        if !self.is_meant(call.pid, path) {
            return Err(Errno::ACCESS);
        }
        let newfd = u32::try_from(fd).map_err(|_| Errno::BADF)?;
        let flags = flags(call.pid, newfd).ok_or(Errno::BADF)?;
        let stream = self.connected(flags & libc::O_NONBLOCK != 0)?;
        put(listener, call, &stream, Some(newfd), flags & libc::O_CLOEXEC != 0)?;
        Ok(Way::Led)
    }

    /// Whether a process means the hands by this path.
    fn is_meant(&self, pid: u32, path: &[u8]) -> bool {
        let place = |path: &Path| std::fs::metadata(path).ok().map(|meta| (meta.dev(), meta.ino()));
        let named = Path::new("/proc").join(pid.to_string()).join("cwd").join(OsStr::from_bytes(path));
        !path.is_empty() && place(&named).is_some_and(|named| Some(named) == place(&self.socket))
    }

    fn connected(&self, stays_so: bool) -> Result<OwnedFd, Errno> {
        // Never waits: hands that are too busy to accept must not keep us from answering others.
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let stream = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        rustix::net::connect(&stream, &SocketAddrUnix::new(&self.socket)?)?;
        if !stays_so {
            rustix::io::ioctl_fionbio(&stream, false)?;
        }
        Ok(stream)
    }
}

/// What becomes of a call to `connect`.
enum Way {
    /// It leads to the hands now.
    Led,
    /// As the process asked, by its own rights.
    Own,
}

/// A socket that is connected already, to nothing: no call can lead it elsewhere.
fn nowhere(listener: &OwnedFd, call: &libc::seccomp_notif) -> Result<(), Errno> {
    let kind = i32::try_from(call.data.args[1]).map_err(|_| Errno::INVAL)?;
    let mut flags = SocketFlags::CLOEXEC;
    flags.set(SocketFlags::NONBLOCK, kind & libc::SOCK_NONBLOCK != 0);
    let (one, _other) = socketpair(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    put(listener, call, &one, None, kind & libc::SOCK_CLOEXEC != 0)
}

/// Gives a process a descriptor: in the place of one of its own, or as the answer to its call.
fn put(
    listener: &OwnedFd,
    call: &libc::seccomp_notif,
    what: &OwnedFd,
    place: Option<u32>,
    cloexec: bool,
) -> Result<(), Errno> {
    let flags = if place.is_some() { libc::SECCOMP_ADDFD_FLAG_SETFD } else { libc::SECCOMP_ADDFD_FLAG_SEND };
    let mut given = libc::seccomp_notif_addfd {
        id: call.id,
        flags: u32::try_from(flags).unwrap_or_default(),
        srcfd: what.as_raw_fd().cast_unsigned(),
        newfd: place.unwrap_or_default(),
        newfd_flags: if cloexec { libc::O_CLOEXEC.cast_unsigned() } else { 0 },
    };
    ask(listener, libc::SECCOMP_IOCTL_NOTIF_ADDFD, &mut given)
}

/// False when nobody is left who could call.
fn wait(listener: &OwnedFd) -> bool {
    let mut fds = [PollFd::new(listener, PollFlags::IN)];
    match rustix::io::retry_on_intr(|| poll(&mut fds, None)) {
        Ok(_) => fds[0].revents().contains(PollFlags::IN),
        Err(_) => false,
    }
}

fn receive(listener: &OwnedFd) -> Result<libc::seccomp_notif, Errno> {
    // SAFETY: plain numbers, for which zeroes are valid; the kernel wants them so.
    let mut call: libc::seccomp_notif = unsafe { std::mem::zeroed() };
    ask(listener, libc::SECCOMP_IOCTL_NOTIF_RECV, &mut call).map(|()| call)
}

/// One of the listener's requests, with the structure that belongs to it.
fn ask<T>(listener: &OwnedFd, request: libc::Ioctl, with: &mut T) -> Result<(), Errno> {
    // SAFETY: each request is named with its structure, which outlives the call.
    let done = unsafe { libc::ioctl(listener.as_raw_fd(), request, std::ptr::from_mut(with)) };
    if done >= 0 { Ok(()) } else { Err(Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::IO)) }
}

/// What a process holds at an address, if it can be read.
fn memory(pid: u32, at: u64, length: u64) -> Option<Vec<u8>> {
    let mut bytes = vec![0_u8; usize::try_from(length).ok()?.min(ADDRESS)];
    let here = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
    let there = libc::iovec { iov_base: usize::try_from(at).ok()? as *mut libc::c_void, iov_len: bytes.len() };
    // SAFETY: the first range is ours to write, the kernel checks the other.
    let read = unsafe { libc::process_vm_readv(i32::try_from(pid).ok()?, &raw const here, 1, &raw const there, 1, 0) };
    (usize::try_from(read) == Ok(bytes.len()) && bytes.len() >= PATH_AT).then_some(bytes)
}

/// The flags of a process's descriptor, as the kernel lists them.
fn flags(pid: u32, fd: u32) -> Option<i32> {
    let info = std::fs::read_to_string(format!("/proc/{pid}/fdinfo/{fd}")).ok()?;
    let octal = info.lines().find_map(|line| line.strip_prefix("flags:"))?;
    i32::from_str_radix(octal.trim(), 8).ok()
}
