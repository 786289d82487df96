//! Hands on another machine: the same protocol through the system's `ssh`, which runs `pryx hands --stdio` over there.

mod host;
mod ssh;

pub use host::Host;
pub use ssh::{Attempt, reach};
