//! `hands.log`: starts, ends and errors of the daemon, for `pryx doctor`. Never a payload, an environment, a command.

use pryx_terms::Timestamp;
use std::fmt::Display;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// At this size the log becomes `hands.log.1`, and the one before is gone. Enough for months of starts and ends.
const MAX_SIZE: u64 = 1024 * 1024;

/// The daemon's log. What can't be written is dropped: a full disk must not stop the hands from saying so elsewhere.
pub(crate) struct Journal {
    path: PathBuf,
    open: Mutex<Option<(File, u64)>>,
}

impl Journal {
    pub fn open(path: &Path) -> Self {
        Self { path: path.to_owned(), open: Mutex::new(open(path)) }
    }

    /// One line, with the time. Control characters are replaced: a name in it may come from outside.
    pub fn note(&self, what: impl Display) {
        let text: String = what.to_string().chars().map(|c| if c.is_control() { '·' } else { c }).collect();
        let line = format!("{} {text}\n", Timestamp::now());
        let mut open_file = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open_file.as_ref().is_some_and(|(_, size)| size + line.len() as u64 > MAX_SIZE) {
            let _ = std::fs::rename(&self.path, self.path.with_extension("log.1"));
            *open_file = open(&self.path);
        }
        if let Some((file, size)) = open_file.as_mut()
            && file.write_all(line.as_bytes()).is_ok()
        {
            *size += line.len() as u64;
        }
    }
}

fn open(path: &Path) -> Option<(File, u64)> {
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path).ok()?;
    let size = file.metadata().ok()?.len();
    Some((file, size))
}

#[cfg(test)]
mod tests {
    use super::{Journal, MAX_SIZE};

    #[test]
    fn it_is_bounded_and_keeps_one_old_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hands.log");
        let journal = Journal::open(&path);
        let line = "x".repeat(8000);
        (0..400).for_each(|_| journal.note(&line));
        journal.note("a\nforged line");
        let size = |name: &str| std::fs::metadata(dir.path().join(name)).unwrap().len();
        assert!(size("hands.log") <= MAX_SIZE && size("hands.log.1") <= MAX_SIZE);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
        assert!(std::fs::read_to_string(&path).unwrap().ends_with("a·forged line\n"));
    }
}
