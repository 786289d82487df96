//! All integration tests in one program: each module drives the shipped binary, or the files around it, as a person would.

#[cfg(unix)]
mod install;
mod tidy;
