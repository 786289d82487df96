//! A folder's own settings, `.pryx/config.toml`: found, and taken only when the person trusts them as they are.
//!
//! Whoever writes a repository writes this file too. So it can say little, and nothing of it counts before a yes, which is
//! remembered with the file's digest: another word in it, and it must be trusted anew.

use super::failure::Failure;
use super::paths::Paths;
use super::settings::Settings;
use pryx_terms::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// The file, below a workspace's root.
const FILE: &str = ".pryx/config.toml";

/// Largest file read. A real one has a few lines.
const MAX_FILE: u64 = 64 * 1024;

/// Most folders remembered; the oldest trust is forgotten beyond it, which costs one more question.
const MAX_FOLDERS: usize = 1_000;

/// The version of `trust.json` that this program reads.
const SCHEMA: u32 = 1;

/// What a folder may say.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FolderSettings {
    #[serde(default)]
    schema: Option<u32>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    fallback: Option<Vec<String>>,
}

/// A folder with settings of its own.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// The folder.
    pub folder: PathBuf,
    /// The file's text.
    pub text: String,
    digest: String,
}

impl Workspace {
    /// The nearest folder from a directory upwards that has settings of its own; pryx's own home is none.
    ///
    /// # Errors
    /// When the file is there and can't be read.
    pub fn find(cwd: &Path, paths: &Paths) -> Result<Option<Self>, Failure> {
        let found = cwd.ancestors().find(|folder| {
            let home = folder.join(".pryx");
            let own = home == paths.home || home.canonicalize().is_ok_and(|home| home == paths.home);
            !own && folder.join(FILE).symlink_metadata().is_ok()
        });
        let Some(folder) = found else { return Ok(None) };
        let file = folder.join(FILE);
        let cannot = |e: &std::io::Error| Failure::because(format!("{} can't be read", file.display()), e);
        let no_file = || Failure::usage(format!("{} is no plain file below 64 KiB", file.display()));
        let meta = std::fs::metadata(&file).map_err(|e| cannot(&e))?;
        if !meta.is_file() {
            return Err(no_file());
        }
        let mut text = String::new();
        let read = std::fs::File::open(&file).and_then(|open| open.take(MAX_FILE + 1).read_to_string(&mut text));
        let read = read.map_err(|e| cannot(&e).hint("mend or remove that file"))?;
        if read as u64 > MAX_FILE {
            return Err(no_file());
        }
        let digest = Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Some(Self { folder: folder.to_owned(), text, digest }))
    }

    /// The file itself.
    pub fn file(&self) -> PathBuf {
        self.folder.join(FILE)
    }

    /// Whether the person trusts it as it is.
    ///
    /// # Errors
    /// When it can't be told.
    pub fn is_trusted(&self, paths: &Paths) -> Result<bool, Failure> {
        let trusted = Trusted::load(paths)?;
        Ok(trusted.folders.iter().any(|one| one.folder == self.folder && one.digest == self.digest))
    }

    /// Whether an earlier form of it was trusted.
    ///
    /// # Errors
    /// When it can't be told.
    pub fn was_trusted(&self, paths: &Paths) -> Result<bool, Failure> {
        Ok(Trusted::load(paths)?.folders.iter().any(|one| one.folder == self.folder))
    }

    fn settings(&self) -> Result<FolderSettings, Failure> {
        let settings: FolderSettings = toml::from_str(&self.text).map_err(|e| {
            let (line, column) = e.span().map_or((1, 1), |span| super::settings::position(&self.text, span.start));
            Failure::usage(format!("{}:{line}:{column}: {}", self.file().display(), e.message().trim()))
                .hint("a folder may say model and fallback; the rest belongs to your own config.toml")
        })?;
        match settings.schema {
            Some(schema) if schema != 1 => {
                Err(Failure::usage(format!("{}: schema {schema} is of another pryx", self.file().display()))
                    .hint("use the pryx that wrote it"))
            }
            _ => Ok(settings),
        }
    }

    /// Whether it can be understood.
    ///
    /// # Errors
    /// With line and column, when it can't.
    pub fn check(&self) -> Result<(), Failure> {
        self.settings().map(|_| ())
    }
}

/// Lets a trusted folder's settings beat those of the person's file. Gives the file back that doesn't count because it
/// is not trusted.
///
/// # Errors
/// When a trusted file can't be understood, or it can't be told whether it is trusted.
pub fn apply(settings: &mut Settings, cwd: &Path, paths: &Paths) -> Result<Option<PathBuf>, Failure> {
    let Some(workspace) = Workspace::find(cwd, paths)? else { return Ok(None) };
    if !workspace.is_trusted(paths)? {
        return Ok(Some(workspace.file()));
    }
    let folder = workspace.settings()?;
    // A variable beats the file.
    if super::settings::text_var("PRYX_MODEL")?.is_none() && folder.model.is_some() {
        settings.model = folder.model;
    }
    if let Some(fallback) = folder.fallback {
        settings.fallback = fallback;
    }
    Ok(None)
}

/// Whether the folder's own settings name a model, and count.
///
/// # Errors
/// As [`apply`].
pub fn says_model(cwd: &Path, paths: &Paths) -> Result<bool, Failure> {
    let Some(workspace) = Workspace::find(cwd, paths)? else { return Ok(false) };
    Ok(workspace.is_trusted(paths)? && workspace.settings()?.model.is_some())
}

/// Has a folder's own settings name a model, and trusts them as they are then. Gives the file.
///
/// # Errors
/// When there are some that aren't trusted: what else they say would count with it.
pub fn choose_model(cwd: &Path, paths: &Paths, model: &str) -> Result<PathBuf, Failure> {
    let found = Workspace::find(cwd, paths)?;
    let (file, text) = match &found {
        Some(own) if !own.is_trusted(paths)? => {
            return Err(Failure::usage(format!("{} is not trusted, and would be with this", own.file().display()))
                .hint("`pryx trust` shows what it says"));
        }
        Some(own) => (own.file(), own.text.as_str()),
        None => (cwd.join(FILE), super::config_file::NEW),
    };
    let cannot = |e: &std::io::Error| Failure::because(format!("{} can't be written", file.display()), e);
    if let Some(dir) = file.parent() {
        if dir == paths.home || dir.canonicalize().is_ok_and(|dir| dir == paths.home) {
            return Err(Failure::usage("this is the folder of pryx's own settings").hint("leave out --here"));
        }
        // Whoever made the folder would say where else the file is to be made.
        if dir.is_symlink() {
            return Err(Failure::usage(format!("{} is a link", dir.display())).hint("make it a directory"));
        }
        std::fs::create_dir_all(dir).map_err(|e| cannot(&e))?;
    }
    let mut document: toml_edit::DocumentMut =
        text.parse().map_err(|e| Failure::because(format!("{} can't be changed", file.display()), &e))?;
    super::config_file::set(&mut document, "model", model);
    super::config_file::write(&file, &document.to_string()).map_err(|e| cannot(&e))?;
    let gone = || Failure::new(format!("{} is gone again", file.display())).hint("try again");
    let written = Workspace::find(cwd, paths)?.ok_or_else(gone)?;
    written.check()?;
    paths.prepare()?;
    let mut trusted = Trusted::load(paths)?;
    trusted.add(&written);
    trusted.save(paths)?;
    Ok(file)
}

/// `trust.json`: what the person trusts.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trusted {
    schema: u32,
    /// The folders, the oldest trust first.
    pub folders: Vec<TrustedFolder>,
}

/// One of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustedFolder {
    /// Which.
    pub folder: PathBuf,
    /// SHA-256 of its settings then.
    pub digest: String,
    /// When.
    pub at: Timestamp,
}

impl Trusted {
    /// Reads the file, if there is one.
    ///
    /// # Errors
    /// When it can't be read or understood; then nothing is trusted.
    pub fn load(paths: &Paths) -> Result<Self, Failure> {
        let file = path(paths);
        match std::fs::read(&file) {
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                Ok(Self { schema: SCHEMA, folders: Vec::new() })
            }
            Err(e) => Err(Failure::because(format!("{} can't be read", file.display()), &e)),
            Ok(bytes) => match serde_json::from_slice::<Self>(&bytes) {
                Ok(trusted) if trusted.schema == SCHEMA => Ok(trusted),
                _ => Err(Failure::new(format!("{} can't be understood, so no folder is trusted", file.display()))
                    .hint("move it away and trust your folders again with `pryx trust`")),
            },
        }
    }

    /// Adds a folder as it is now.
    pub fn add(&mut self, workspace: &Workspace) {
        self.remove(&workspace.folder);
        self.folders.push(TrustedFolder {
            folder: workspace.folder.clone(),
            digest: workspace.digest.clone(),
            at: Timestamp::now(),
        });
        let beyond = self.folders.len().saturating_sub(MAX_FOLDERS);
        self.folders.drain(..beyond);
    }

    /// Takes one out. True when it was there.
    pub fn remove(&mut self, folder: &Path) -> bool {
        let before = self.folders.len();
        self.folders.retain(|one| one.folder != folder);
        self.folders.len() < before
    }

    /// Writes the file: the old or the new one is there, whole.
    ///
    /// # Errors
    /// When it can't be written; the old one stays.
    pub fn save(&self, paths: &Paths) -> Result<(), Failure> {
        let file = path(paths);
        let fresh = file.with_extension(format!("json.{}", std::process::id()));
        let cannot = |e: &std::io::Error| Failure::because(format!("{} can't be written", file.display()), e);
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.open(&fresh).and_then(|mut open| {
            open.write_all(&serde_json::to_vec_pretty(self)?)?;
            open.sync_data()?;
            std::fs::rename(&fresh, &file)
        });
        written.map_err(|e| {
            let _ = std::fs::remove_file(&fresh);
            cannot(&e)
        })
    }
}

fn path(paths: &Paths) -> PathBuf {
    paths.home.join("trust.json")
}
