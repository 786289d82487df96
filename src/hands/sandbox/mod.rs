//! The sandbox: what the gate lets a command reach, enforced by the kernel on the command and all it starts. Never on the
//! daemon or a keeper.
//!
//! A [`Profile`] is plain data: the daemon makes it, the keeper puts it on the command between fork and exec. Nothing
//! that a model, a client or the environment says becomes a part of it.

mod beside;
mod choice;
mod needs;
mod profile;
mod widen;

#[cfg(target_os = "linux")]
mod calls;
#[cfg(target_os = "linux")]
mod door;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
mod paths;
#[cfg(target_os = "linux")]
use linux as system;

#[cfg(all(unix, not(target_os = "linux")))]
mod apple;
#[cfg(any(all(unix, not(target_os = "linux")), all(unix, test)))]
mod seatbelt;
#[cfg(all(unix, not(target_os = "linux")))]
use apple as system;

#[cfg(not(unix))]
mod elsewhere;
#[cfg(not(unix))]
use elsewhere as system;

#[cfg(unix)]
pub(crate) use beside::{ShellOf, Spot};
pub(crate) use choice::Held;
pub(crate) use choice::Sandbox;
#[cfg(unix)]
pub(crate) use profile::Network;
pub(crate) use profile::{Places, Profile};
pub(crate) use system::strength;
#[cfg(unix)]
pub(crate) use system::{Cage, Door};

/// What this system can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Strength {
    /// Files, network and system calls are held; what is not is named.
    Holds {
        /// The mechanism ("Landlock 7, seccomp").
        by: String,
        /// What it can't hold, in words; empty when it is all.
        lacks: Vec<String>,
    },
    /// Nothing can be promised.
    Nothing {
        /// Why.
        why: String,
    },
}
