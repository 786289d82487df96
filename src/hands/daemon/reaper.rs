//! Takes the exit status of ended keepers, and of orphans that a killed keeper left: no zombies stay.

use rustix::process::WaitOptions;
use std::io;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

/// Begins. The daemon has no other children than keepers, so every child may be taken.
pub(super) fn begin() -> io::Result<JoinHandle<()>> {
    // What a killed keeper leaves comes to us instead of to process 1, where its origin would be forgotten.
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    let mut ended = signal(SignalKind::child())?;
    Ok(tokio::spawn(async move {
        while ended.recv().await.is_some() {
            while let Ok(Some(_)) = rustix::process::wait(WaitOptions::NOHANG) {}
        }
    }))
}
