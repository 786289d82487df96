//! All integration tests in one program: each module drives the shipped binary, or the files around it, as a person would.

#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot go on says so by failing")]

#[cfg(unix)]
mod env;
#[cfg(unix)]
mod exec;
#[cfg(unix)]
mod install;
#[cfg(unix)]
mod jobs;
#[cfg(unix)]
mod pty;
#[cfg(unix)]
mod sessions;
#[cfg(unix)]
mod stub;
mod tidy;
