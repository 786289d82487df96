//! Copies of what files were before a tool changed them, so that a person can take it back. A directory of its own with
//! two files per change: what is known of it, and what was there.

use super::MAX_FILE;
use pryx_terms::{CallKey, ChangeId, FileChange, SessionId, Timestamp};
use serde::{Deserialize, Serialize};
use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Changes that are kept at most. Each list reads all of them.
const MAX_CHANGES: usize = 500;

/// Bytes of copies kept at most (512 MiB); beyond, the oldest go. Without an end they would fill the disk.
const MAX_BYTES: u64 = 512 * 1024 * 1024;

/// How long copies are kept (30 days). They may hold what somebody wanted gone.
const MAX_AGE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Longest description of a change that is read; ours have under 2 KiB and a path.
const MAX_RECORD: u64 = 64 * 1024;

/// The copies.
#[derive(Debug, Clone)]
pub(crate) struct Copies {
    dir: PathBuf,
}

/// What is written down with a copy.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Record {
    #[serde(flatten)]
    change: FileChange,
    /// The call that made it.
    call: CallKey,
    /// Directories that were made for it.
    #[serde(default)]
    made_dirs: usize,
}

impl Copies {
    /// Those in a directory; it is made with the first one.
    pub fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// Keeps a copy of what is about to change. To be called before anything changes: if it fails, nothing may.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn keep(&self, change: &FileChange, call: &CallKey, made_dirs: usize, before: &[u8]) -> io::Result<()> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.dir)?;
        if change.before.is_some() {
            write(&self.copy(&change.id), before)?;
        }
        self.save(&Record { change: change.clone(), call: call.clone(), made_dirs })?;
        self.forget_old();
        Ok(())
    }

    /// The change never came about.
    pub fn drop(&self, id: &ChangeId) {
        let _ = std::fs::remove_file(self.record(id));
        let _ = std::fs::remove_file(self.copy(id));
    }

    /// The change that a call made, if it made one.
    pub fn of_call(&self, call: &CallKey) -> Option<FileChange> {
        self.all().into_iter().find(|record| record.call == *call).map(|record| record.change)
    }

    /// Changes, newest first.
    pub fn list(&self, session: Option<&SessionId>) -> Vec<FileChange> {
        let wanted = |change: &FileChange| session.is_none() || change.session.as_ref() == session;
        self.all().into_iter().map(|record| record.change).filter(wanted).collect()
    }

    /// What was there before a change, and how many directories were made for it.
    ///
    /// # Errors
    /// When the copy is gone, or not what was kept.
    pub fn read(&self, change: &FileChange) -> io::Result<(Option<Vec<u8>>, usize)> {
        let made_dirs = self.load(&self.record(&change.id))?.made_dirs;
        let Some(state) = &change.before else { return Ok((None, made_dirs)) };
        let bytes = read(&self.copy(&change.id), MAX_FILE)?;
        if super::content::sha256(&bytes) != state.sha256 {
            return Err(io::Error::other("the copy was changed after it was kept"));
        }
        Ok((Some(bytes), made_dirs))
    }

    /// Notes that a change was taken back, or that its taking back was.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn set_undone(&self, id: &ChangeId, undone: Option<Timestamp>) -> io::Result<()> {
        let mut record = self.load(&self.record(id))?;
        record.change.undone = undone;
        self.save(&record)
    }

    fn record(&self, id: &ChangeId) -> PathBuf {
        self.dir.join(format!("{id}.json"))
    }

    fn copy(&self, id: &ChangeId) -> PathBuf {
        self.dir.join(format!("{id}.before"))
    }

    fn save(&self, record: &Record) -> io::Result<()> {
        let path = self.record(&record.change.id);
        let temporary = path.with_extension("tmp");
        write(&temporary, &serde_json::to_vec(record)?)?;
        std::fs::rename(temporary, path)
    }

    fn load(&self, path: &Path) -> io::Result<Record> {
        Ok(serde_json::from_slice(&read(path, MAX_RECORD)?)?)
    }

    /// All that can be read, newest first.
    fn all(&self) -> Vec<Record> {
        let Ok(entries) = std::fs::read_dir(&self.dir) else { return Vec::new() };
        let records =
            entries.flatten().map(|entry| entry.path()).filter(|path| path.extension() == Some("json".as_ref()));
        let mut all: Vec<Record> = records.filter_map(|path| self.load(&path).ok()).collect();
        all.sort_by_key(|record| std::cmp::Reverse((record.change.at, record.change.id.clone())));
        all
    }

    fn forget_old(&self) {
        let now = Timestamp::now();
        let mut bytes: u64 = 0;
        for (index, record) in self.all().iter().enumerate() {
            bytes = bytes.saturating_add(record.change.before.as_ref().map_or(0, |state| state.bytes));
            let age = Duration::try_from(now.duration_since(record.change.at)).unwrap_or_default();
            // The newest stays: it is the one that somebody may want back right now.
            if index > 0 && (index >= MAX_CHANGES || bytes > MAX_BYTES || age > MAX_AGE) {
                self.drop(&record.change.id);
            }
        }
    }
}

/// A file of our own, for nobody else to read, on the disk before this returns.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pryx_terms::FileState;

    fn change(seconds: i64, before: Option<&[u8]>) -> FileChange {
        let state = |bytes: &[u8]| FileState {
            sha256: super::super::content::sha256(bytes),
            bytes: bytes.len() as u64,
            mode: Some(0o644),
        };
        FileChange {
            id: ChangeId::generate(),
            at: Timestamp::from_second(Timestamp::now().as_second() + seconds).unwrap(),
            session: Some(SessionId::parse("s1").unwrap()),
            tool: "fs.write".into(),
            path: "/f".into(),
            before: before.map(state),
            after: None,
            undone: None,
            undoes: None,
        }
    }

    #[test]
    fn what_is_kept_is_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let copies = Copies::new(dir.path().join("undo"));
        assert!(copies.list(None).is_empty());
        let (call, first, second) = (CallKey::generate(), change(-1, Some(b"old")), change(0, None));
        copies.keep(&first, &call, 2, b"old").unwrap();
        copies.keep(&second, &CallKey::generate(), 0, b"").unwrap();
        assert_eq!(copies.list(None), [second.clone(), first.clone()]);
        assert!(copies.list(Some(&SessionId::parse("s2").unwrap())).is_empty());
        assert_eq!(copies.of_call(&call), Some(first.clone()));
        assert_eq!(copies.read(&first).unwrap(), (Some(b"old".to_vec()), 2));
        assert_eq!(copies.read(&second).unwrap().0, None);
        copies.set_undone(&first.id, Some(first.at)).unwrap();
        assert_eq!(copies.list(None)[1].undone, Some(first.at));
        std::fs::write(copies.copy(&first.id), "forged").unwrap();
        assert!(copies.read(&first).is_err());
        copies.drop(&first.id);
        assert_eq!(copies.list(None).len(), 1);
    }

    #[test]
    fn old_ones_go_and_the_newest_stays() {
        let dir = tempfile::tempdir().unwrap();
        let copies = Copies::new(dir.path().join("undo"));
        let month = 31 * 24 * 3600;
        copies.keep(&change(-month, Some(b"x")), &CallKey::generate(), 0, b"x").unwrap();
        assert_eq!(copies.list(None).len(), 1);
        copies.keep(&change(0, Some(b"y")), &CallKey::generate(), 0, b"y").unwrap();
        assert_eq!(copies.list(None).len(), 1);
        assert_eq!(std::fs::read_dir(dir.path().join("undo")).unwrap().count(), 2, "with its copy");
    }
}
