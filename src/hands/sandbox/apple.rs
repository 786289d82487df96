//! macOS: Seatbelt, through the system's own `sandbox-exec`, which puts the profile on itself and becomes the command.

use super::{Profile, Strength, seatbelt};
use std::ffi::OsStr;
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Part of the system.
const WRAPPER: &str = "/usr/bin/sandbox-exec";

/// What this system can do.
pub(crate) fn strength() -> Strength {
    if Path::new(WRAPPER).is_file() {
        let lacks = vec!["debugging of the user's other processes is left to the system".to_owned()];
        Strength::Holds { by: "Seatbelt".to_owned(), lacks }
    } else {
        Strength::Nothing { why: format!("{WRAPPER} is not there") }
    }
}

/// Nothing is to be kept here: the profile names the socket.
pub(crate) enum Door {}

impl Door {
    /// Never called.
    pub fn attend(self) {
        match self {}
    }
}

/// What is put on one command.
pub(crate) struct Cage {
    text: String,
}

impl Cage {
    /// Prepares it. `terminal` is the command's own.
    pub fn build(profile: &Profile, terminal: Option<BorrowedFd<'_>>) -> io::Result<Self> {
        let name = terminal.map(|fd| rustix::termios::ttyname(fd, Vec::new())).transpose()?;
        let name = name.map(|name| PathBuf::from(OsStr::from_bytes(name.to_bytes())));
        Ok(Self { text: seatbelt::text(profile, name.as_deref()) })
    }

    /// The command as it is to be started.
    pub fn around(&self, command: Command) -> Command {
        let mut wrapped = Command::new(WRAPPER);
        wrapped.arg("-p").arg(&self.text).arg(command.get_program()).args(command.get_args());
        wrapped
    }

    /// None.
    pub fn door(&mut self) -> Option<Door> {
        None
    }

    /// The wrapper does it.
    pub fn enter(&self) -> io::Result<()> {
        Ok(())
    }
}
