//! The daemon's place in the file system: private directories, the lock that makes it the only one, its metadata.

use crate::{DaemonError, HandsConfig, lock_path, metadata_path, socket_path};
use pryx_terms::Timestamp;
use rustix::fs::FlockOperation;
use serde::Serialize;
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Longest path of a socket on the system with the shortest (`sun_path` of macOS: 104 with its end mark).
const MAX_SOCKET_PATH: usize = 103;

/// The longest name of a keeper's socket below the runtime directory: `k/`, an id, `.sock`.
const KEEPER_NAME: usize = "k/0000000.sock".len();

/// Makes the directories, or makes sure of them.
pub(super) fn prepare(config: &HandsConfig) -> Result<(), DaemonError> {
    let longest = config.run_dir.as_os_str().len() + 1 + KEEPER_NAME;
    if longest > MAX_SOCKET_PATH {
        return Err(DaemonError::Unsafe {
            path: config.run_dir.clone(),
            problem: format!(
                "is too long for a socket: {longest} bytes with the socket's name, {MAX_SOCKET_PATH} are possible; \
                 set PRYX_HOME to a shorter path"
            ),
        });
    }
    for dir in [&config.home, &config.run_dir, &config.jobs_dir(), &config.keepers_dir()] {
        private_dir(dir)?;
    }
    Ok(())
}

fn private_dir(dir: &Path) -> Result<(), DaemonError> {
    let failed = |error: io::Error| DaemonError::place(format!("can't use {}", dir.display()), error);
    let refuse = |problem: &str| DaemonError::Unsafe { path: dir.to_owned(), problem: problem.to_owned() };
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed)?;
    let found = std::fs::symlink_metadata(dir).map_err(failed)?;
    if found.is_symlink() {
        return Err(refuse(
            "is a symbolic link; whoever can change it could read what the hands write: make it a directory",
        ));
    }
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(refuse("belongs to another user; remove it, or choose another place with PRYX_HOME"));
    }
    if found.mode() & 0o077 != 0 {
        std::fs::set_permissions(dir, Permissions::from_mode(0o700)).map_err(failed)?;
    }
    Ok(())
}

/// The lock, held as long as this value lives.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock, or tells who has it.
    pub fn take(config: &HandsConfig) -> Result<Self, DaemonError> {
        let path = lock_path(&config.run_dir);
        let failed = |error: io::Error| DaemonError::place(format!("can't lock {}", path.display()), error);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.custom_flags(libc::O_NOFOLLOW).open(&path).map_err(failed)?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(DaemonError::AlreadyRunning { pid: holder(&mut file) }),
            Err(errno) => return Err(failed(errno.into())),
        }
        let note = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{}", std::process::id())
        };
        note(&mut file).map_err(failed)?;
        Ok(Self { _file: file })
    }
}

fn holder(file: &mut File) -> u32 {
    let mut text = String::new();
    let _ = file.read_to_string(&mut text);
    text.trim().parse().unwrap_or(0)
}

/// Makes room for our socket. A live one is never removed: somebody may serve it without our lock (another version,
/// another host on a shared disk).
pub(super) fn clear_socket(config: &HandsConfig) -> Result<PathBuf, DaemonError> {
    let path = socket_path(&config.run_dir);
    match std::os::unix::net::UnixStream::connect(&path) {
        Ok(_) => Err(DaemonError::AlreadyRunning { pid: 0 }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(path),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            std::fs::remove_file(&path)
                .map_err(|e| DaemonError::place(format!("can't remove the dead socket {}", path.display()), e))?;
            Ok(path)
        }
        Err(error) => Err(DaemonError::place(format!("can't use the socket {}", path.display()), error)),
    }
}

#[derive(Serialize)]
struct Metadata<'a> {
    pid: u32,
    version: &'a str,
    protocol: u32,
    socket: &'a Path,
    started: Timestamp,
}

/// Tells scripts and `pryx doctor` who serves; removed again when dropped.
pub(super) struct Announcement {
    path: PathBuf,
}

impl Announcement {
    pub fn write(config: &HandsConfig, started: Timestamp) -> Result<Self, DaemonError> {
        let path = metadata_path(&config.run_dir);
        let metadata = Metadata {
            pid: std::process::id(),
            version: &config.version,
            protocol: pryx_ipc::PROTOCOL_VERSION,
            socket: &socket_path(&config.run_dir),
            started,
        };
        replace(&path, &metadata)
            .map_err(|error| DaemonError::place(format!("can't write {}", path.display()), error))?;
        Ok(Self { path })
    }
}

impl Drop for Announcement {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

fn replace(path: &Path, metadata: &Metadata<'_>) -> io::Result<()> {
    let fresh = path.with_extension("json.new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    let mut text = serde_json::to_vec(metadata)?;
    text.push(b'\n');
    file.write_all(&text)?;
    std::fs::rename(&fresh, path)
}
