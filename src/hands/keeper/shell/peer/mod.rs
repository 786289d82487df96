//! Who wrote a message on the channel, as far as the system tells.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as platform;
#[cfg(not(target_os = "linux"))]
mod other;
#[cfg(not(target_os = "linux"))]
use other as platform;

use std::io;
use std::os::unix::net::UnixStream;

/// The writer of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::keeper) enum Sender {
    /// The shell itself; the kernel vouches for it.
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "only Linux tells who wrote"))]
    Shell,
    /// A direct child of it: a substitution in its prompt.
    Child,
    /// It knew the key; nothing else is known.
    #[cfg_attr(target_os = "linux", expect(dead_code, reason = "here the kernel always tells"))]
    Unproven,
    /// Somebody else.
    Stranger,
}

pub(super) fn ask_for_senders(stream: &UnixStream) -> io::Result<()> {
    platform::ask_for_senders(stream)
}

pub(super) fn receive(stream: &UnixStream, bytes: &mut [u8]) -> rustix::io::Result<(usize, i32)> {
    platform::receive(stream, bytes)
}

pub(super) fn judge(sender: i32, shell: i32) -> Sender {
    platform::judge(sender, shell)
}
