//! Who works on what: locks that the kernel takes back when their holder is killed.

use super::StoreError;
use pryx_terms::SessionId;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// Tries to lock a file that its last holder removes at the same moment. Each failure means that somebody else got
/// through, so a few are plenty.
const TRIES: u32 = 100;

/// A session in the hands of this process. Nobody else goes on with it or deletes it meanwhile.
#[derive(Debug)]
pub(crate) struct SessionLock {
    path: PathBuf,
    /// Locked until it's closed.
    _file: File,
}

impl SessionLock {
    /// Takes a session.
    pub(crate) fn take(database: &Path, session: &SessionId) -> Result<Self, StoreError> {
        let dir = folder(database);
        let path = dir.join(format!("{session}.lock"));
        let unusable = |error: io::Error| StoreError::Unusable { path: path.clone(), why: error.to_string() };
        for _ in 0..TRIES {
            let file = open(&dir, &path).map_err(unusable)?;
            match file.try_lock() {
                // The last holder may have removed it between the two steps: then it's a lock on nothing.
                Ok(()) if is_at(&file, &path) => return Ok(Self { path, _file: file }),
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(StoreError::InUse { session: session.clone() }),
                Err(TryLockError::Error(error)) => return Err(unusable(error)),
            }
        }
        Err(StoreError::InUse { session: session.clone() })
    }
}

impl Drop for SessionLock {
    fn drop(&mut self) {
        // Removed while it's held, so that no two processes can hold one each. What a killed one leaves behind is
        // taken over or stays: it's empty.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Waits until nobody else prepares the database.
pub(super) fn exclusive(database: &Path) -> io::Result<File> {
    let dir = folder(database);
    let file = open(&dir, &dir.join("prepare.lock"))?;
    file.lock()?;
    Ok(file)
}

/// Beside the database, not in it: closing any descriptor of the database would take SQLite's own locks away.
fn folder(database: &Path) -> PathBuf {
    database.with_extension("locks")
}

fn open(dir: &Path, path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => match create(dir) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => options.open(path),
        },
        opened => opened,
    }
}

#[cfg(unix)]
fn create(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().mode(0o700).create(dir)
}

#[cfg(not(unix))]
fn create(dir: &Path) -> io::Result<()> {
    std::fs::create_dir(dir)
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let same = |a: &std::fs::Metadata, b: &std::fs::Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
    matches!((file.metadata(), std::fs::metadata(path)), (Ok(a), Ok(b)) if same(&a, &b))
}

/// A file that is open can't be removed there.
#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}
