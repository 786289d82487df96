//! The programs that only look, with the options that would make them act. Data, by family.
//!
//! An entry belongs here only if no argument it lets through can write, delete, start a program, signal a process,
//! change a setting, or use the network. Lists are texts with blanks between, so that they can be read.

mod acting;
mod files;
mod machine;
mod macos;
mod packages;

pub(super) use acting::{CHANGES, NETWORK, PRIVILEGED};

use super::known::{Args, Known, Reads};

const fn known(names: &'static str, reads: Reads, args: Args) -> Known {
    Known { names, reads, args }
}

/// Whether a list of names has this one.
pub(super) fn has(list: &str, name: &str) -> bool {
    list.split_ascii_whitespace().any(|listed| listed == name)
}

/// All entries.
pub(super) fn all() -> impl Iterator<Item = &'static Known> {
    [files::KNOWN, machine::KNOWN, packages::KNOWN, macos::KNOWN].into_iter().flatten()
}
