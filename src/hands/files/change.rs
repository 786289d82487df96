//! Carrying a planned change out: compared with the plan once more, a copy kept, then put in place.

use super::MAX_FILE;
use super::act::{FileAct, Outcome};
use super::content::sha256;
use super::dir::{Dir, Opened};
use super::replace::{Before, remove, replace};
use super::undo::Copies;
use crate::gate::Permit;
use pryx_terms::{Access, ChangeId, FileChange, FileState, Plan, Timestamp};
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Bits of a mode that are permissions.
const PERMISSIONS: u32 = 0o7777;

/// Files and the copies of what they were. Clones are the same.
#[derive(Clone)]
pub(crate) struct Files {
    /// What can be taken back.
    pub copies: Copies,
    /// Changes are made one at a time: else two calls of one answer could both be right about the same file.
    one: Arc<Mutex<()>>,
}

/// What came of a change.
pub(crate) enum Changed {
    /// It was made.
    Made(Box<FileChange>),
    /// The file stays as it is, and why.
    Not(String),
    /// It is not what the plan said any more.
    Drift(String),
}

impl Files {
    /// With copies in a directory.
    pub fn new(copies: PathBuf) -> Self {
        Self { copies: Copies::new(copies), one: Arc::default() }
    }

    /// Does what the permit's plan says. Blocks.
    ///
    /// # Errors
    /// When the system refuses; the file is then as it was.
    pub fn change(&self, permit: &Permit, act: &FileAct) -> io::Result<Changed> {
        let _one = self.one.lock().unwrap_or_else(PoisonError::into_inner);
        let plan = permit.plan();
        let path = target(plan).ok_or(io::ErrorKind::InvalidInput)?;
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::IsADirectory.into());
        };
        let mut old = super::open(&path)?;
        let before = old.as_mut().map(|old| old.content(MAX_FILE)).transpose()?;
        let after = match (act.outcome(before.as_deref()), &plan.diff) {
            (Outcome::Becomes(after), Some(diff)) => {
                let same = diff.before == before.as_deref().map(sha256) && diff.after == after.as_deref().map(sha256);
                if !same {
                    return Ok(Changed::Drift(format!("{} was changed since it was looked at", path.display())));
                }
                after
            }
            (Outcome::Stays(why), None) => return Ok(Changed::Not(why)),
            (Outcome::Becomes(_), None) | (Outcome::Stays(_), Some(_)) => {
                return Ok(Changed::Drift(format!("{} was changed since it was looked at", path.display())));
            }
        };
        // Only now: whatever is refused above leaves no empty directories.
        let (dir, made_dirs) = Dir::open_or_make(parent)?;
        let mode = match act {
            FileAct::Restore { mode, .. } => *mode,
            _ => None,
        };
        let change = FileChange {
            id: ChangeId::generate(),
            at: Timestamp::now(),
            session: permit.session().cloned(),
            tool: plan.tool.clone(),
            path: path.clone(),
            before: before.as_deref().zip(old.as_ref()).map(|(bytes, old)| state(bytes, Some(mode_of(old)))),
            after: after.as_deref().map(|bytes| state(bytes, old.as_ref().map(mode_of).or(mode))),
            undone: None,
            undoes: match act {
                FileAct::Restore { change, .. } => Some(change.clone()),
                _ => None,
            },
        };
        self.copies.keep(&change, permit.key(), made_dirs, before.as_deref().unwrap_or_default())?;
        match put(&dir, name, after.as_deref(), old.as_ref(), mode) {
            Ok(()) => {
                if let FileAct::Restore { content: None, dirs, .. } = act {
                    remove_empty(parent, *dirs);
                }
                Ok(Changed::Made(Box::new(change)))
            }
            Err(error) => {
                self.copies.drop(&change.id);
                Err(error)
            }
        }
    }

    /// Whether a change is there: the file is what it made of it.
    pub fn is_in_place(&self, change: &FileChange) -> bool {
        let now = super::open(&change.path).and_then(|file| file.map(|mut file| file.content(MAX_FILE)).transpose());
        now.is_ok_and(|now| now.as_deref().map(sha256).as_ref() == change.after.as_ref().map(|state| &state.sha256))
    }
}

fn put(dir: &Dir, name: &OsStr, after: Option<&[u8]>, old: Option<&Opened>, mode: Option<u32>) -> io::Result<()> {
    match (after, old) {
        (Some(bytes), old) => replace(dir, name, bytes, &old.map_or(Before::Nothing, Before::File), mode),
        (None, Some(old)) => remove(dir, name, old),
        (None, None) => Ok(()),
    }
}

/// Directories that were made for a file go with it, if nothing else came into them.
fn remove_empty(dir: &Path, count: usize) {
    for dir in dir.ancestors().take(count) {
        let (Some(parent), Some(name)) = (dir.parent(), dir.file_name()) else { return };
        let Ok(parent) = Dir::open(parent) else { return };
        if rustix::fs::unlinkat(parent.fd(), name, rustix::fs::AtFlags::REMOVEDIR).is_err() {
            return;
        }
    }
}

fn mode_of(file: &Opened) -> u32 {
    file.mode & PERMISSIONS
}

fn state(bytes: &[u8], mode: Option<u32>) -> FileState {
    FileState { sha256: sha256(bytes), bytes: bytes.len() as u64, mode }
}

/// The one file that a plan of a file act names.
fn target(plan: &Plan) -> Option<PathBuf> {
    match plan.files.as_slice() {
        [Access::Read { path } | Access::Write { path }] => Some(Path::new(path).to_owned()),
        _ => None,
    }
}
