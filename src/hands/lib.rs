//! The hands: the only part of pryx that touches the machine. Every act passes the gate, runs as a job in a keeper of
//! its own, and is found again by the next hands.
//!
//! [`daemon::run`] is the process behind the socket, [`keeper::main`] the process behind one job. Both get what they
//! need as values: nothing here reads the environment or a settings file.

mod config;
mod failure;
pub mod gate;
pub mod store;

#[cfg(unix)]
pub mod daemon;
#[cfg_attr(
    not(unix),
    expect(dead_code, reason = "a plan asks what an agent's environment holds; no command gets one here")
)]
mod env;
#[cfg(unix)]
mod excerpt;
#[cfg(unix)]
mod files;
#[cfg(all(unix, any(test, fuzzing)))]
pub mod fuzz;
#[cfg(unix)]
mod http;
#[cfg(unix)]
mod jobs;
#[cfg(unix)]
pub mod keeper;
#[cfg(unix)]
mod logs;
#[cfg(unix)]
mod retention;
#[cfg_attr(not(unix), expect(dead_code, reason = "a gate asks whether commands can be held; none runs here"))]
mod sandbox;
#[cfg(unix)]
mod screen;
mod secrets;
#[cfg(unix)]
mod tools;

#[cfg(not(unix))]
mod elsewhere;
#[cfg(not(unix))]
pub use elsewhere::{daemon, keeper};

pub use config::{FRUGAL, HandsConfig, LogLimits, SandboxConfig, lock_path, metadata_path, policies_dir, socket_path};
pub use failure::DaemonError;
#[cfg(unix)]
pub use http::Proxies;
