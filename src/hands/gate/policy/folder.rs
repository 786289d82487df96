//! The folder of policy files, and what a session's choice of one comes to. Files are read again when they changed.

use super::file::{PolicyFault, PolicyFile, check_name};
use super::judge::Policy;
use super::mode::Mode;
use super::rules::Rules;
use super::writes;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// What a person chose for a session: a mode or a policy, and where the session began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// A ready mode, or the name of a policy file.
    pub name: String,
    /// The directory of the session, which is its workspace.
    pub dir: Option<PathBuf>,
}

/// A policy as a list shows it.
#[derive(Debug, Clone)]
pub struct PolicyListing {
    /// Its name.
    pub name: String,
    /// Whether it is a ready mode.
    pub ready: bool,
    /// The file, if there is one, or what is wrong with it.
    pub file: Option<Result<Arc<PolicyFile>, PolicyFault>>,
}

type Read = Result<Arc<PolicyFile>, PolicyFault>;

/// A file as it was when it was read: when any of these differs, it is read again.
type Stamp = (Option<SystemTime>, u64);

/// All policies there are. Clones are the same.
#[derive(Debug, Clone)]
pub struct Policies {
    dir: PathBuf,
    policy: Arc<Policy>,
    default: String,
    read: Arc<Mutex<HashMap<String, (Stamp, Read)>>>,
}

impl Policies {
    /// Over a folder, which need not exist. `default` is for sessions whose client named nothing.
    #[must_use]
    pub fn new(policy: Policy, dir: &Path, default: &str) -> Self {
        let read = Arc::default();
        Self { dir: dir.to_owned(), policy: Arc::new(policy), default: default.to_owned(), read }
    }

    /// The choice of a session that made none.
    #[must_use]
    pub fn default_choice(&self, dir: Option<PathBuf>) -> Choice {
        Choice { name: self.default.clone(), dir }
    }

    /// The file that a name stands for, whether it is there or not.
    ///
    /// # Errors
    /// When that can't be a name; in words.
    pub fn file_of(&self, name: &str) -> Result<PathBuf, String> {
        check_name(name).map(|()| self.dir.join(name).with_extension("yaml"))
    }

    /// Whether a file may hold keys, passwords or a history.
    #[must_use]
    pub fn is_secret(&self, path: &Path) -> bool {
        self.policy.is_secret(path)
    }

    /// Whether a name stands for anything.
    #[must_use]
    pub fn exists(&self, name: &str) -> bool {
        Mode::of(name).is_some() || self.file_of(name).is_ok_and(|file| file.symlink_metadata().is_ok())
    }

    /// The rules that a choice comes to. A policy that can't be read asks about everything.
    #[must_use]
    pub fn rules(&self, choice: &Choice) -> Rules {
        let mode = Mode::of(&choice.name);
        let (file, fault) = match self.read(&choice.name) {
            Some(Ok(file)) => (Some(file), None),
            Some(Err(fault)) => (None, Some(fault)),
            None if mode.is_some() => (None, None),
            None => {
                let what = format!("there is no policy {:?}", choice.name);
                (None, Some(PolicyFault { file: self.dir.clone(), line: 0, column: 0, what }))
            }
        };
        let mode = file.as_ref().map_or(mode, |file| file.mode);
        let root = match file.as_ref().and_then(|file| file.root.as_deref()) {
            Some(root) if root != Path::new(".") => Some(root.to_owned()),
            _ => choice.dir.clone(),
        };
        let workspace = root.as_deref().and_then(|root| writes::workspace(root, &self.policy));
        let root = root.map(|root| std::fs::canonicalize(&root).unwrap_or(root));
        Rules { name: choice.name.clone(), policy: Arc::clone(&self.policy), mode, file, fault, root, workspace }
    }

    /// The file of a name, from memory unless it changed; nothing when there is none.
    fn read(&self, name: &str) -> Option<Read> {
        let path = match self.file_of(name) {
            Ok(path) => path,
            Err(what) => {
                return Some(Err(PolicyFault { file: self.dir.clone(), line: 0, column: 0, what }));
            }
        };
        let stamp: Stamp = match std::fs::metadata(&path) {
            Ok(meta) => (meta.modified().ok(), meta.len()),
            // A link to nowhere is a policy that can't be read, not one that isn't there.
            Err(_) if path.symlink_metadata().is_err_and(|e| e.kind() == std::io::ErrorKind::NotFound) => return None,
            Err(_) => (None, 0),
        };
        let mut known = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((before, read)) = known.get(name)
            && *before == stamp
            && stamp.0.is_some()
        {
            return Some(read.clone());
        }
        let read = PolicyFile::read(&path, self.policy.home()).map(Arc::new);
        known.insert(name.to_owned(), (stamp, read.clone()));
        Some(read)
    }

    /// The modes, then the files by name.
    #[must_use]
    pub fn list(&self) -> Vec<PolicyListing> {
        let of = |name: &str, ready| PolicyListing { name: name.to_owned(), ready, file: self.read(name) };
        let mut all: Vec<PolicyListing> = Mode::ALL.iter().map(|mode| of(mode.name(), true)).collect();
        let entries = std::fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| {
            let path = entry.path();
            let yaml = path.extension().is_some_and(|extension| extension == "yaml");
            yaml.then(|| path.file_stem()?.to_str().map(str::to_owned)).flatten()
        });
        let mut names: Vec<String> = names.filter(|name| Mode::of(name).is_none()).collect();
        names.sort();
        all.extend(names.iter().map(|name| of(name, false)));
        all
    }

    /// The policy that names a program of the older protocol among its clients; the first by name.
    #[must_use]
    pub fn of_client(&self, client: &str) -> Option<String> {
        let named = |listing: &PolicyListing| match &listing.file {
            Some(Ok(file)) => file.clients.iter().any(|known| known == client),
            _ => false,
        };
        self.list().into_iter().find(named).map(|listing| listing.name)
    }
}
