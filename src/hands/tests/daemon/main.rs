//! Drives a real daemon with real keepers over its socket. The test binary itself plays `pryx`: started with
//! `__keeper` it is a keeper, with `__daemon` the daemon, with `__client` a client from inside a job.

#![cfg_attr(not(unix), expect(unused, reason = "there are no hands elsewhere"))]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test binary with its own main, so that it can play other roles"
)]

#[cfg(unix)]
mod crash;
#[cfg(unix)]
mod ends;
#[cfg(unix)]
mod files;
#[cfg(unix)]
mod gate;
#[cfg(unix)]
mod http;
#[cfg(unix)]
mod output;
#[cfg(unix)]
mod stops;
#[cfg(unix)]
mod world;

use std::process::ExitCode;

/// A test by name.
type Test = (&'static str, fn());

#[cfg(not(unix))]
fn main() -> ExitCode {
    ExitCode::SUCCESS
}

#[cfg(unix)]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["__keeper", dir, socket] => return ExitCode::from(pryx_hands::keeper::main(dir.as_ref(), socket.as_ref())),
        ["__daemon", home, run, idle_ms] => {
            return world::daemon(home.as_ref(), run.as_ref(), idle_ms.parse().unwrap());
        }
        ["__client", socket, what, rest @ ..] => return world::client(socket.as_ref(), what, rest),
        _ => {}
    }
    let tests: Vec<Test> =
        [ends::TESTS, output::TESTS, stops::TESTS, crash::TESTS, gate::TESTS, files::TESTS, http::TESTS].concat();
    run(&tests, &arguments)
}

/// The part of libtest's command line that cargo and nextest use.
#[cfg(unix)]
fn run(tests: &[Test], arguments: &[String]) -> ExitCode {
    let has = |flag: &str| arguments.iter().any(|a| a == flag);
    let filters: Vec<&String> = arguments.iter().filter(|a| !a.starts_with('-') && *a != "terse").collect();
    let exact = has("--exact");
    let wanted = |name: &str| {
        filters.is_empty() || filters.iter().any(|f| if exact { name == f.as_str() } else { name.contains(f.as_str()) })
    };
    let chosen: Vec<&Test> = tests.iter().filter(|(name, _)| wanted(name) && !has("--ignored")).collect();
    if has("--list") {
        chosen.iter().for_each(|(name, _)| println!("{name}: test"));
        return ExitCode::SUCCESS;
    }
    let mut failed = Vec::new();
    for (name, test) in chosen {
        let passed = std::panic::catch_unwind(test).is_ok();
        println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
        if !passed {
            failed.push(*name);
        }
    }
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(101) }
}
