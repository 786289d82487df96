//! What persons typed at a terminal's prompt: a line for each, beside the terminal's log, for hands that were not there.

use pryx_terms::JobId;
use serde::{Deserialize, Serialize};
use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The list's name in the terminal's directory.
const LIST: &str = "typed";

/// Longest text kept. What is longer was pasted, and stands in the terminal's log.
pub(super) const MAX_TEXT: usize = 4096;

/// A command of a person's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Its job, made by the keeper.
    pub job: JobId,
    /// What was typed, as far as the shell tells.
    pub text: String,
    /// The directory it was typed in.
    pub cwd: PathBuf,
}

/// Makes a job of it, below the directory of all jobs.
pub(super) fn make(terminal: &Path, text: String, cwd: PathBuf) -> io::Result<(Entry, PathBuf)> {
    let jobs = terminal.parent().ok_or(io::ErrorKind::NotFound)?;
    let (job, dir) = loop {
        let job = JobId::generate();
        let dir = jobs.join(job.as_str());
        match DirBuilder::new().mode(0o700).create(&dir) {
            Ok(()) => break (job, dir),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    };
    Ok((Entry { job, text, cwd }, dir))
}

/// Adds it to the list. Its record is there by then.
pub(super) fn add(terminal: &Path, entry: &Entry) -> io::Result<()> {
    let mut list = OpenOptions::new().append(true).create(true).mode(0o600).open(terminal.join(LIST))?;
    list.write_all(&super::wire::line(entry))
}

/// The list from an entry on. A line that was cut by a full disk is none.
pub(crate) fn read(terminal: &Path, skip: u64) -> Vec<Entry> {
    let Ok(file) = std::fs::File::open(terminal.join(LIST)) else { return Vec::new() };
    let lines = BufReader::new(file).lines().map_while(Result::ok);
    let skip = usize::try_from(skip).unwrap_or(usize::MAX);
    lines.skip(skip).filter_map(|line| serde_json::from_str(&line).ok()).collect()
}
