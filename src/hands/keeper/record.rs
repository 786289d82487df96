//! `record.json`: what the next hands find when the keeper is gone.

use super::wire::KeeperRecord;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The record's place in a job's directory.
pub(crate) fn path(job_dir: &Path) -> PathBuf {
    job_dir.join("record.json")
}

/// Replaces the record: whoever reads it sees the old or the new one, whole.
pub(super) fn write(job_dir: &Path, record: &KeeperRecord) -> io::Result<()> {
    let fresh = job_dir.join("record.json.new");
    let mut file: File = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    file.write_all(&super::wire::line(record))?;
    // Not forced to the disk: what was written outlives any killed process, and waiting for the disk twice per job is
    // most of what a short command would cost. After a power cut the record may be the one before, or unreadable; then
    // the job is told as lost, never as a success.
    std::fs::rename(&fresh, path(job_dir))
}

/// The record, as far as there is one.
///
/// # Errors
/// When it can't be read or understood.
pub(crate) fn read(job_dir: &Path) -> io::Result<KeeperRecord> {
    let text = std::fs::read(path(job_dir))?;
    serde_json::from_slice(&text).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
}
