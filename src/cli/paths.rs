//! Where things live: the data directory, and the runtime directory with the sockets.

use super::failure::Failure;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Longest path of a runtime directory: a keeper's socket below it must fit into the 104 bytes of macOS's
/// `sun_path` (108 on Linux), and its own name takes up to 20.
const MAX_RUN_DIR: usize = 80;

/// The directories.
#[derive(Debug, Clone)]
pub struct Paths {
    /// `~/.pryx`, or `PRYX_HOME`: everything that lasts.
    pub home: PathBuf,
    /// Sockets and locks. It follows from `home` alone: a variable such as `XDG_RUNTIME_DIR`, which a login shell has
    /// and cron has not, would lead to two daemons on one database.
    pub run: PathBuf,
}

impl Paths {
    /// Works them out of the environment, without touching the disk.
    ///
    /// # Errors
    /// When there is no home directory to put them in.
    pub fn from_env() -> Result<Self, Failure> {
        let var = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        if let Some(home) = var("PRYX_HOME") {
            if !home.is_absolute() {
                // Relative, it would mean another place, and another daemon, in each directory.
                return Err(Failure::usage(format!("PRYX_HOME is {:?}: it must be an absolute path", home.display())));
            }
            let home = followed(home);
            let run = short_enough(home.join("run"), &home);
            return Ok(Self { home, run });
        }
        let user_home = var("HOME").or_else(|| var("USERPROFILE")).filter(|h| h.is_absolute());
        let Some(user_home) = user_home else {
            return Err(Failure::new("there is no home directory to keep data in")
                .hint("set HOME, or PRYX_HOME to a directory of your own"));
        };
        let home = followed(user_home.join(".pryx"));
        let run = short_enough(home.join("run"), &home);
        Ok(Self { home, run })
    }

    /// The settings file.
    pub fn config_file(&self) -> PathBuf {
        self.home.join("config.toml")
    }

    /// The fetched catalog of models.
    pub fn catalog_file(&self) -> PathBuf {
        self.home.join("models.cache")
    }

    /// Makes both directories, private to the user.
    ///
    /// # Errors
    /// When they can't be made, or belong to somebody else.
    pub fn prepare(&self) -> Result<(), Failure> {
        for dir in [&self.home, &self.run] {
            private_dir(dir)?;
        }
        Ok(())
    }
}

/// Where a link leads: people keep `~/.pryx` on another disk, and the hands refuse links.
fn followed(home: PathBuf) -> PathBuf {
    home.canonicalize().unwrap_or(home)
}

/// A socket's path is limited by the kernel: a deep directory gets a short stand-in of its own.
fn short_enough(run: PathBuf, home: &Path) -> PathBuf {
    if run.as_os_str().len() <= MAX_RUN_DIR {
        return run;
    }
    let digest = Sha256::digest(home.as_os_str().as_encoded_bytes());
    let name: String = digest.iter().take(8).map(|b| format!("{b:02x}")).collect();
    PathBuf::from(format!("/tmp/pryx-{name}"))
}

#[cfg(unix)]
fn private_dir(dir: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};

    let cannot = |e: &std::io::Error| {
        Failure::because(format!("{} can't be used", dir.display()), e)
            .hint("make it writable, or set PRYX_HOME to a directory of your own")
    };
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|e| cannot(&e))?;
    // A stranger's directory, or a link to one, in a shared place could hold a stranger's socket.
    let meta = std::fs::symlink_metadata(dir).map_err(|e| cannot(&e))?;
    if !meta.is_dir() || meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(Failure::new(format!("{} is not a directory of yours", dir.display()))
            .hint("remove it, or set PRYX_HOME to a directory of your own"));
    }
    if meta.mode() & 0o077 != 0 {
        std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700)).map_err(|e| cannot(&e))?;
    }
    Ok(())
}

#[cfg(windows)]
fn private_dir(dir: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(dir).map_err(|e| {
        Failure::because(format!("{} can't be used", dir.display()), &e)
            .hint("make it writable, or set PRYX_HOME to a directory of your own")
    })
}
