//! Elsewhere: nobody says who wrote a message on a pair of sockets, so the key alone tells the shell from its children.

use super::Sender;
use std::io;
use std::os::unix::net::UnixStream;

#[expect(clippy::unnecessary_wraps, reason = "the other platform can fail")]
pub(super) fn ask_for_senders(_stream: &UnixStream) -> io::Result<()> {
    Ok(())
}

pub(super) fn receive(stream: &UnixStream, bytes: &mut [u8]) -> rustix::io::Result<(usize, i32)> {
    Ok((rustix::io::read(stream, bytes)?, 0))
}

pub(super) fn judge(_sender: i32, _shell: i32) -> Sender {
    Sender::Unproven
}
