//! Where a peer sits, for the record: its terminal and its process.

use pryx_ipc::Peer;

/// In words; nothing where the kernel doesn't tell who the peer is.
pub(crate) fn of(peer: Peer) -> Option<String> {
    let pid = peer.pid?;
    Some(match terminal(pid) {
        Some(terminal) => format!("at the terminal {terminal} (process {pid})"),
        None => format!("process {pid}, without a terminal"),
    })
}

/// The terminal that a process talks to: one of its first three descriptors.
#[cfg(target_os = "linux")]
fn terminal(pid: u32) -> Option<String> {
    let open = |fd: u32| std::fs::read_link(format!("/proc/{pid}/fd/{fd}")).ok();
    let named = (0..=2).filter_map(open).map(|path| path.display().to_string());
    named.into_iter().find(|path| path.starts_with("/dev/pts/") || path.starts_with("/dev/tty"))
}

/// Not told elsewhere.
#[cfg(not(target_os = "linux"))]
fn terminal(_pid: u32) -> Option<String> {
    None
}
