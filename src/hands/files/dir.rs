//! Directories and files opened part by part, no link followed on the way: what was opened is what was named, however
//! the names are swapped meanwhile.

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path};

/// For a directory on the way: the right to pass through is enough.
#[cfg(target_os = "linux")]
const PASS: OFlags = OFlags::PATH;
#[cfg(not(target_os = "linux"))]
const PASS: OFlags = OFlags::RDONLY;

const FOLLOW_NOTHING: OFlags = OFlags::NOFOLLOW.union(OFlags::CLOEXEC);

/// An open directory.
pub(crate) struct Dir(OwnedFd);

impl Dir {
    /// Opens a directory by its real path.
    ///
    /// # Errors
    /// When a part isn't there, is no directory, or is a link.
    pub fn open(real: &Path) -> io::Result<Self> {
        Self::walk(real, false).map(|(dir, _)| dir)
    }

    /// The same; makes the directories that are missing, and counts them.
    ///
    /// # Errors
    /// As [`Self::open`], and when one can't be made.
    pub fn open_or_make(real: &Path) -> io::Result<(Self, usize)> {
        Self::walk(real, true)
    }

    fn walk(real: &Path, make: bool) -> io::Result<(Self, usize)> {
        let mut parts: Vec<&OsStr> = Vec::new();
        for part in real.components() {
            match part {
                Component::RootDir => {}
                Component::Normal(name) => parts.push(name),
                Component::CurDir | Component::ParentDir | Component::Prefix(_) => {
                    return Err(io::ErrorKind::InvalidFilename.into());
                }
            }
        }
        let open = |at: Option<&OwnedFd>, name: &OsStr, last: bool| {
            // The last one is read, for fsync.
            let flags = FOLLOW_NOTHING | OFlags::DIRECTORY | if last { OFlags::RDONLY } else { PASS };
            match at {
                Some(at) => rustix::fs::openat(at, name, flags, Mode::empty()),
                None => rustix::fs::open(name, flags, Mode::empty()),
            }
        };
        let mut dir = open(None, OsStr::new("/"), parts.is_empty())?;
        let mut made = 0;
        for (index, name) in parts.iter().enumerate() {
            let last = index + 1 == parts.len();
            let next = match open(Some(&dir), name, last) {
                Err(Errno::NOENT) if make => {
                    rustix::fs::mkdirat(&dir, *name, Mode::from_raw_mode(0o777))?;
                    made += 1;
                    open(Some(&dir), name, last)
                }
                other => other,
            };
            dir = next.map_err(|errno| refused(errno, name))?;
        }
        Ok((Self(dir), made))
    }

    /// Opens a regular file in it for reading; nothing when there is none.
    ///
    /// # Errors
    /// When it is a link, a directory, a pipe, a device, a socket, or can't be read.
    pub fn file(&self, name: &OsStr) -> io::Result<Option<Opened>> {
        // Looked at before it is opened: opening alone makes some devices act. Looked at again when it is open.
        match self.stat(name)? {
            None => return Ok(None),
            Some(stat) => regular(&stat)?,
        }
        let flags = FOLLOW_NOTHING | OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = match rustix::fs::openat(&self.0, name, flags, Mode::empty()) {
            Ok(file) => file,
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(refused(errno, name)),
        };
        let stat = rustix::fs::fstat(&file)?;
        regular(&stat)?;
        let file = File::from(file);
        let mode = file.metadata()?.mode();
        Ok(Some(Opened { file, stat, mode }))
    }

    /// What stands under a name, a link not followed; nothing when nothing does.
    ///
    /// # Errors
    /// When it can't be looked at.
    pub fn stat(&self, name: &OsStr) -> io::Result<Option<Stat>> {
        match rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Its descriptor.
    pub fn fd(&self) -> impl AsFd + '_ {
        &self.0
    }
}

/// A regular file that is open for reading.
pub(crate) struct Opened {
    /// The file.
    pub file: File,
    /// What it is.
    pub stat: Stat,
    /// Its type and permission bits.
    pub mode: u32,
}

impl Opened {
    /// Its size in bytes.
    pub fn bytes(&self) -> u64 {
        u64::try_from(self.stat.st_size).unwrap_or(0)
    }

    /// All of it, if it is not larger than `most`.
    ///
    /// # Errors
    /// When it is, or can't be read.
    pub fn content(&mut self, most: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        // It may grow while it is read.
        (&mut self.file).take(most + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > most {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(bytes)
    }
}

/// Whether something is a regular file.
fn regular(stat: &Stat) -> io::Result<()> {
    let what = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => return Ok(()),
        FileType::Directory => return Err(io::ErrorKind::IsADirectory.into()),
        FileType::Symlink => "it has become a symbolic link, which is not followed",
        FileType::Fifo => "it is a pipe, no file",
        FileType::Socket => "it is a socket, no file",
        _ => "it is a device, no file",
    };
    Err(io::Error::other(what))
}

/// `O_NOFOLLOW` answers a link with ELOOP, and with ENOTDIR where a directory is wanted.
fn refused(errno: Errno, name: &OsStr) -> io::Error {
    match errno {
        Errno::LOOP | Errno::NOTDIR => {
            io::Error::other(format!("{} is a symbolic link or no directory, and is not followed", name.display()))
        }
        errno => errno.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn place() -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let root = std::fs::canonicalize(dir.path()).unwrap();
        (dir, root)
    }

    #[test]
    fn no_link_is_followed_wherever_it_stands() {
        let (_dir, root) = place();
        std::fs::create_dir_all(root.join("a/b")).unwrap();
        std::fs::write(root.join("a/b/f"), "x").unwrap();
        symlink("a", root.join("link")).unwrap();
        symlink("f", root.join("a/b/l")).unwrap();
        let dir = Dir::open(&root.join("a/b")).unwrap();
        assert_eq!(dir.file(OsStr::new("f")).unwrap().unwrap().content(9).unwrap(), b"x");
        assert!(dir.file(OsStr::new("none")).unwrap().is_none());
        assert!(dir.file(OsStr::new("l")).is_err());
        assert!(Dir::open(&root.join("link/b")).is_err());
        assert!(Dir::open(&root.join("link")).is_err());
        assert!(Dir::open(&root.join("a/../a")).is_err());
        assert!(Dir::open_or_make(&root.join("link/new")).is_err());
        assert!(!root.join("a/new").exists());
    }

    #[test]
    fn what_is_no_file_is_not_opened() {
        let (_dir, root) = place();
        rustix::fs::mknodat(rustix::fs::CWD, root.join("pipe"), FileType::Fifo, Mode::RUSR, 0).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
        std::fs::create_dir(root.join("dir")).unwrap();
        let dir = Dir::open(&root).unwrap();
        for name in ["pipe", "socket", "dir"] {
            assert!(dir.file(OsStr::new(name)).is_err(), "{name}");
        }
        let null = Dir::open(Path::new("/dev")).unwrap().file(OsStr::new("null"));
        assert!(null.is_err_and(|error| error.to_string().contains("device")));
    }

    #[test]
    fn missing_directories_are_made_and_counted() {
        let (_dir, root) = place();
        assert_eq!(Dir::open_or_make(&root.join("x/y/z")).unwrap().1, 3);
        assert_eq!(Dir::open_or_make(&root.join("x/y")).unwrap().1, 0);
        assert!(root.join("x/y/z").is_dir());
    }

    #[test]
    fn more_than_was_wanted_is_an_error() {
        let (_dir, root) = place();
        std::fs::write(root.join("f"), "12345").unwrap();
        let open = || Dir::open(&root).unwrap().file(OsStr::new("f")).unwrap().unwrap();
        assert!(open().content(4).is_err());
        assert_eq!(open().content(5).unwrap(), b"12345");
    }
}
