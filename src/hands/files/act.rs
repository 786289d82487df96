//! From what a tool is asked for to a plan: the real path, and what the file would become.

use super::content::as_before;
use super::diff::diff;
use super::dir::{Dir, Opened};
use super::edit::{self, Edit};
use super::{MAX_FILE, real};
use crate::gate::Obstacle;
use pryx_terms::{Access, ChangeId, Plan};
use serde::Serialize;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where the kernel shows itself as files: reading may act, and sizes are made up. A command may look there.
const NO_FILES: &[&str] = &["/proc", "/sys", "/dev"];

/// Below one of those, and yet made of files.
const FILES_AFTER_ALL: &str = "/dev/shm";

/// What is done with a file. Paths are as they were given: relative ones, `~`, links.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum FileAct {
    /// Its content is read.
    Read {
        /// Which.
        path: PathBuf,
    },
    /// Everything below a directory is listed or searched.
    Tree {
        /// Which.
        path: PathBuf,
        /// What for, in words.
        why: String,
    },
    /// It gets this content, and is made if it isn't there.
    Write {
        /// Which.
        path: PathBuf,
        /// All of it.
        content: String,
    },
    /// Texts in it are replaced.
    Edit {
        /// Which.
        path: PathBuf,
        /// One after another.
        edits: Vec<Edit>,
    },
    /// It becomes what it was before a change.
    Restore {
        /// The change.
        change: ChangeId,
        /// The file, links resolved.
        path: PathBuf,
        /// What it was; nothing where there was none.
        #[serde(skip)]
        content: Option<Arc<[u8]>>,
        /// With which permission bits.
        mode: Option<u32>,
        /// Directories above it that were made for it.
        #[serde(skip)]
        dirs: usize,
    },
}

/// What an act makes of a file's content.
pub(super) enum Outcome {
    /// This; nothing when the file goes.
    Becomes(Option<Vec<u8>>),
    /// It stays as it is, and why.
    Stays(String),
}

impl FileAct {
    fn path(&self) -> &Path {
        match self {
            Self::Read { path }
            | Self::Tree { path, .. }
            | Self::Write { path, .. }
            | Self::Edit { path, .. }
            | Self::Restore { path, .. } => path,
        }
    }

    fn words(&self, real: &str) -> String {
        match self {
            Self::Read { .. } => format!("read {real}"),
            Self::Tree { why, .. } => format!("{why} in {real}"),
            Self::Write { .. } => format!("write {real}"),
            Self::Edit { .. } => format!("edit {real}"),
            Self::Restore { change, .. } => format!("undo {change}: {real} as it was"),
        }
    }

    /// Works out what would happen, without changing anything.
    ///
    /// # Errors
    /// When it makes no sense: nothing is ruled on then, and nobody is asked.
    pub fn plan(&self, tool: &str, cwd: &Path, home: Option<&Path>) -> Result<Plan, Obstacle> {
        let (path, shown) = place(self.path(), cwd, home)?;
        let mut plan = Plan {
            tool: tool.to_owned(),
            command: self.words(&shown),
            argv: Vec::new(),
            cwd: std::fs::canonicalize(cwd).unwrap_or_else(|_| cwd.to_owned()),
            programs: Vec::new(),
            files: vec![Access::Read { path: shown.clone() }],
            touches: Vec::new(),
            sets: Vec::new(),
            open: Vec::new(),
            diff: None,
        };
        match self {
            Self::Read { .. } | Self::Tree { .. } => {}
            Self::Write { .. } | Self::Edit { .. } | Self::Restore { .. } => {
                let before = before(&path, &shown)?;
                if before.is_none() && matches!(self, Self::Edit { .. }) {
                    return Err(Obstacle(format!("there is no file {shown}: fs.write makes one")));
                }
                // What a text is compared with may be told to the model: then it is a reading, and ruled on as one.
                if let Outcome::Becomes(after) = self.outcome(before.as_deref()) {
                    plan.files = vec![Access::Write { path: shown }];
                    plan.diff = Some(diff(before.as_deref(), after.as_deref()));
                }
            }
        }
        Ok(plan)
    }

    /// What becomes of a file that holds this.
    pub(super) fn outcome(&self, before: Option<&[u8]>) -> Outcome {
        let after = match self {
            Self::Read { .. } | Self::Tree { .. } => return Outcome::Stays("it is only read".to_owned()),
            Self::Write { content, .. } => Some(as_before(before, content.as_bytes())),
            Self::Edit { edits, .. } => match edit::apply(before.unwrap_or_default(), edits) {
                Ok(after) => Some(after),
                Err(edit::Miss(why)) => return Outcome::Stays(why),
            },
            Self::Restore { content, .. } => content.as_deref().map(<[u8]>::to_vec),
        };
        if after.as_deref() == before {
            return Outcome::Stays("the file holds exactly that already".to_owned());
        }
        Outcome::Becomes(after)
    }
}

/// The real path, and its text: plans, rules and records are text.
fn place(path: &Path, cwd: &Path, home: Option<&Path>) -> Result<(PathBuf, String), Obstacle> {
    let given = match (path.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => cwd.join(path),
    };
    let shown = given.display();
    if !given.is_absolute() {
        return Err(Obstacle(format!("{shown}: the path must be absolute, or the session's directory known")));
    }
    let real = real::real(&given).map_err(|error| Obstacle(format!("{shown}: {error}")))?;
    if NO_FILES.iter().any(|root| real.starts_with(root)) && !real.starts_with(FILES_AFTER_ALL) {
        return Err(Obstacle(format!("{} belongs to the kernel, not to a disk: use a command", real.display())));
    }
    match real.to_str() {
        Some(text) => Ok((real.clone(), text.to_owned())),
        None => Err(Obstacle(format!("{} has a name that is not UTF-8: use a command", real.display()))),
    }
}

/// Opens a regular file by its real path, no link followed; nothing when there is none.
///
/// # Errors
/// When it is something else, or can't be read.
pub(crate) fn open(real: &Path) -> io::Result<Option<Opened>> {
    let (Some(parent), Some(name)) = (real.parent(), real.file_name()) else {
        return Err(io::ErrorKind::IsADirectory.into());
    };
    match Dir::open(parent) {
        Ok(dir) => dir.file(name),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn before(real: &Path, shown: &str) -> Result<Option<Vec<u8>>, Obstacle> {
    let read = || match open(real)? {
        Some(mut file) => file.content(MAX_FILE).map(Some),
        None => Ok(None),
    };
    read().map_err(|error| match error.kind() {
        io::ErrorKind::FileTooLarge => {
            Obstacle(format!("{shown} is larger than {MAX_FILE} bytes, too large to be changed here: use a command"))
        }
        io::ErrorKind::IsADirectory => Obstacle(format!("{shown} is a directory")),
        _ => Obstacle(format!("{shown}: {error}")),
    })
}
