//! Linux: the kernel says who wrote a message (`SCM_CREDENTIALS`). A process can't claim another's number without rights
//! over it that would let it do anything to the shell anyway.

use super::Sender;
use crate::keeper::procs;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::unix::net::UnixStream;

/// To be called before anybody writes.
pub(super) fn ask_for_senders(stream: &UnixStream) -> io::Result<()> {
    Ok(rustix::net::sockopt::set_socket_passcred(stream, true)?)
}

/// Bytes of one sender: the kernel never joins those of two.
pub(super) fn receive(stream: &UnixStream, bytes: &mut [u8]) -> rustix::io::Result<(usize, i32)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmCredentials(1), ScmRights(4))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let got = recvmsg(stream, &mut [IoSliceMut::new(bytes)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let mut sender = 0;
    // Descriptors that somebody sends along are closed as they are dropped.
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmCredentials(of) = message {
            sender = of.pid.as_raw_nonzero().get();
        }
    }
    Ok((got.bytes, sender))
}

/// Whether it runs the same program: what the shell forks for its prompt does, what it starts mostly doesn't.
fn is_a_copy(sender: i32, shell: i32) -> bool {
    let program = |pid: i32| std::fs::read_link(format!("/proc/{pid}/exe"));
    program(sender).is_ok_and(|program_of| program(shell).is_ok_and(|own| own == program_of))
}

/// Who that is to the shell.
pub(super) fn judge(sender: i32, shell: i32) -> Sender {
    if sender == shell {
        Sender::Shell
    } else if procs::look_up(sender).is_some_and(|proc| proc.parent == shell) && is_a_copy(sender, shell) {
        Sender::Child
    } else {
        Sender::Stranger
    }
}
