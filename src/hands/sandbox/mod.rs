//! The sandbox: what the gate lets a command reach, enforced by the kernel on the command and all it starts. Never on the
//! daemon or a keeper.
//!
//! A [`Profile`] is plain data: the daemon makes it, the keeper puts it on the command between fork and exec. Nothing
//! that a model, a client or the environment says becomes a part of it.

mod choice;
mod needs;
mod profile;

#[cfg(target_os = "linux")]
mod calls;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
mod paths;
#[cfg(target_os = "linux")]
use linux as system;

#[cfg(not(target_os = "linux"))]
mod apple;
#[cfg(any(not(target_os = "linux"), test))]
mod seatbelt;
#[cfg(not(target_os = "linux"))]
use apple as system;

pub(crate) use choice::{Held, Sandbox};
pub(crate) use profile::{Network, Places, Profile};
pub(crate) use system::{Cage, strength};

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
