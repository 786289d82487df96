//! All integration tests in one program: each module drives the shipped binary, or the files around it, as a person would.

#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot go on says so by failing")]

#[cfg(unix)]
mod ask;
#[cfg(unix)]
mod audit;
#[cfg(unix)]
mod auth;
#[cfg(unix)]
mod bad_input;
#[cfg(unix)]
mod config;
#[cfg(unix)]
mod context;
#[cfg(unix)]
mod cost;
#[cfg(unix)]
mod crash;
#[cfg(unix)]
mod crash_terminal;
#[cfg(unix)]
mod docs;
#[cfg(unix)]
mod env;
#[cfg(unix)]
mod exact;
#[cfg(unix)]
mod exec;
#[cfg(unix)]
mod files;
#[cfg(unix)]
mod gate;
#[cfg(unix)]
mod grants;
#[cfg(unix)]
mod guards;
#[cfg(unix)]
mod http;
#[cfg(unix)]
mod images;
#[cfg(unix)]
mod install;
#[cfg(unix)]
mod interrupt;
#[cfg(unix)]
mod jobs;
#[cfg(target_os = "linux")]
mod keyring;
#[cfg(unix)]
mod lease;
#[cfg(unix)]
mod left_behind;
#[cfg(unix)]
mod local;
#[cfg(unix)]
mod login;
#[cfg(unix)]
mod logs;
#[cfg(unix)]
mod models;
#[cfg(unix)]
mod offline;
#[cfg(unix)]
mod older;
#[cfg(target_os = "linux")]
mod options;
#[cfg(unix)]
mod policy;
#[cfg(unix)]
mod prompts;
#[cfg(unix)]
mod protocol;
#[cfg(unix)]
mod pty;
#[cfg(unix)]
mod remote;
#[cfg(target_os = "linux")]
mod sandbox;
#[cfg(target_os = "linux")]
mod sandbox_door;
#[cfg(target_os = "linux")]
mod sandbox_life;
#[cfg(target_os = "linux")]
mod sandbox_mode;
#[cfg(target_os = "linux")]
mod sandbox_outside;
#[cfg(target_os = "linux")]
mod sandbox_shell;
#[cfg(target_os = "linux")]
mod self_approval;
#[cfg(unix)]
mod sessions;
#[cfg(unix)]
mod setup;
#[cfg(unix)]
mod shared;
#[cfg(unix)]
mod site;
#[cfg(unix)]
mod stdin;
#[cfg(unix)]
mod stub;
#[cfg(unix)]
mod survive;
#[cfg(unix)]
mod terminal;
#[cfg(unix)]
mod thinking;
mod tidy;
#[cfg(unix)]
mod trust;
#[cfg(target_os = "linux")]
mod unspoofable;
#[cfg(unix)]
mod waits;
#[cfg(unix)]
mod windows;
