//! Putting a file in place, whole or not at all: a new one is written beside it and takes its name. Whoever reads
//! meanwhile sees the old one or the new one; a full disk or a crash leaves the old one.

use super::dir::{Dir, Opened};
use pryx_terms::ChangeId;
use rustix::fs::{AtFlags, Gid, Mode, OFlags, Stat, Uid, XattrFlags};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;

/// Permission bits that a file keeps. Not set-user-ID and set-group-ID: the kernel takes them away too when somebody
/// writes, because what they would run is something else now.
const KEPT_BITS: u32 = 0o1777;

/// Largest extended attribute that is carried over, and longest list of them (`XATTR_SIZE_MAX`, `XATTR_LIST_MAX`).
const MAX_XATTR: usize = 64 * 1024;

/// What stands under a name before it is replaced.
pub(crate) enum Before<'a> {
    /// Nothing.
    Nothing,
    /// This file. The new one gets its permissions, owner, group and attributes.
    File(&'a Opened),
}

/// Writes `bytes` under a name. A new file gets `mode` if one is given, else what the system gives new files.
///
/// # Errors
/// When it can't be done, or something else stands under the name by now. The name then leads to what it led to before.
pub(crate) fn replace(dir: &Dir, name: &OsStr, bytes: &[u8], before: &Before<'_>, mode: Option<u32>) -> io::Result<()> {
    let temporary = Temporary::create(dir, name, matches!(before, Before::Nothing) && mode.is_none())?;
    let mut file = &temporary.file;
    match before {
        Before::Nothing => {
            if let Some(mode) = mode {
                rustix::fs::fchmod(file, Mode::from_raw_mode((mode & KEPT_BITS) as _))?;
            }
        }
        Before::File(old) => take_after(file, old)?,
    }
    file.write_all(bytes)?;
    file.sync_all()?;
    same(dir, name, before)?;
    match before {
        // Not over something that came in this moment.
        Before::Nothing => match rustix::fs::linkat(dir.fd(), &temporary.name, dir.fd(), name, AtFlags::empty()) {
            // A file system without hard links (FAT, some network ones) leaves only the short way.
            Err(Errno::PERM | Errno::NOTSUP | Errno::NOSYS) => {
                rustix::fs::renameat(dir.fd(), &temporary.name, dir.fd(), name)?;
            }
            other => other?,
        },
        Before::File(_) => {
            rustix::fs::renameat(dir.fd(), &temporary.name, dir.fd(), name)?;
        }
    }
    drop(temporary);
    sync(dir)
}

/// Removes a file.
///
/// # Errors
/// When it can't be done, or something else stands under the name by now.
pub(crate) fn remove(dir: &Dir, name: &OsStr, before: &Opened) -> io::Result<()> {
    same(dir, name, &Before::File(before))?;
    rustix::fs::unlinkat(dir.fd(), name, AtFlags::empty())?;
    sync(dir)
}

/// A file beside the one that is meant; it goes again unless it took the name.
struct Temporary<'a> {
    dir: &'a Dir,
    name: OsString,
    file: File,
}

impl<'a> Temporary<'a> {
    fn create(dir: &'a Dir, name: &OsStr, with_default_mode: bool) -> io::Result<Self> {
        // A name may have 255 bytes; the random part keeps two writers apart.
        let shown: String = name.to_string_lossy().chars().take(40).collect();
        let temporary = OsString::from(format!(".{shown}.pryx-{}{}", ChangeId::generate(), ChangeId::generate()));
        let mode = Mode::from_raw_mode(if with_default_mode { 0o666 } else { 0o600 });
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(dir.fd(), &temporary, flags, mode)?;
        Ok(Self { dir, name: temporary, file: file.into() })
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        // Gone already when it took the name.
        let _ = rustix::fs::unlinkat(self.dir.fd(), &self.name, AtFlags::empty());
    }
}

/// Whether the same still stands under the name, unchanged since it was read.
fn same(dir: &Dir, name: &OsStr, before: &Before<'_>) -> io::Result<()> {
    let version = |stat: &Stat| {
        (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime, stat.st_mtime_nsec, stat.st_ctime, stat.st_ctime_nsec)
    };
    let unchanged = match (dir.stat(name)?, before) {
        (None, Before::Nothing) => true,
        (Some(now), Before::File(old)) => version(&now) == version(&old.stat),
        _ => false,
    };
    if unchanged { Ok(()) } else { Err(io::Error::other("something else changed it in this moment")) }
}

/// Gives the new file the rights, owner and attributes of the old one.
fn take_after(file: &File, old: &Opened) -> io::Result<()> {
    let now = rustix::fs::fstat(file)?;
    let (uid, gid) = (old.stat.st_uid, old.stat.st_gid);
    if (now.st_uid, now.st_gid) != (uid, gid) {
        let owner = (now.st_uid != uid).then(|| Uid::from_raw(uid));
        rustix::fs::fchown(file, owner, Some(Gid::from_raw(gid))).map_err(|errno| {
            io::Error::new(
                io::Error::from(errno).kind(),
                "it belongs to another user or group, and writing it anew would change that",
            )
        })?;
    }
    attributes(file, old);
    rustix::fs::fchmod(file, Mode::from_raw_mode((old.mode & KEPT_BITS) as _))?;
    Ok(())
}

/// Carries extended attributes over (access lists, labels), as far as the system lets.
fn attributes(file: &File, old: &Opened) {
    let mut names = vec![0_u8; MAX_XATTR];
    let Ok(length) = rustix::fs::flistxattr(&old.file, &mut names) else { return };
    for name in names[..length].split(|b| *b == 0).filter(|name| !name.is_empty()) {
        let mut value = vec![0_u8; MAX_XATTR];
        if let Ok(length) = rustix::fs::fgetxattr(&old.file, name, &mut value) {
            // Some are the system's own to set.
            let _ = rustix::fs::fsetxattr(file, name, &value[..length], XattrFlags::empty());
        }
    }
}

/// Makes the new name last through a power cut.
fn sync(dir: &Dir) -> io::Result<()> {
    match rustix::fs::fsync(dir.fd().as_fd()) {
        // Some file systems can't for directories.
        Ok(()) | Err(Errno::INVAL | Errno::NOTSUP) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
    use std::path::PathBuf;

    struct Place {
        _dir: tempfile::TempDir,
        root: PathBuf,
    }

    impl Place {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let root = std::fs::canonicalize(dir.path()).unwrap();
            Self { _dir: dir, root }
        }

        fn dir(&self) -> Dir {
            Dir::open(&self.root).unwrap()
        }

        fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
            let (dir, name) = (self.dir(), OsStr::new(name));
            let old = dir.file(name)?;
            let before = old.as_ref().map_or(Before::Nothing, Before::File);
            replace(&dir, name, bytes, &before, None)
        }

        fn names(&self) -> Vec<String> {
            let entries = std::fs::read_dir(&self.root).unwrap().flatten();
            let mut names: Vec<String> =
                entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
            names.sort();
            names
        }
    }

    #[test]
    fn a_file_keeps_its_rights_and_nothing_is_left_over() {
        let place = Place::new();
        let path = place.root.join("f");
        std::fs::write(&path, "old").unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o6751)).unwrap();
        // Not every file system has attributes.
        let tagged = rustix::fs::setxattr(&path, "user.tag", b"kept", XattrFlags::empty()).is_ok();
        place.write("f", b"new").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        let meta = std::fs::metadata(&path).unwrap();
        assert_eq!(meta.mode() & 0o7777, 0o751, "set-ID bits go");
        if tagged {
            let mut value = [0; 16];
            let length = rustix::fs::getxattr(&path, "user.tag", &mut value).unwrap();
            assert_eq!(&value[..length], b"kept");
        }
        place.write("fresh", b"x").unwrap();
        assert_eq!(place.names(), ["f", "fresh"]);
    }

    #[test]
    fn other_names_of_the_same_file_keep_what_they_had() {
        let place = Place::new();
        std::fs::write(place.root.join("f"), "old").unwrap();
        std::fs::hard_link(place.root.join("f"), place.root.join("other")).unwrap();
        place.write("f", b"new").unwrap();
        assert_eq!(std::fs::read(place.root.join("other")).unwrap(), b"old");
    }

    #[test]
    fn what_came_in_between_is_not_overwritten() {
        let place = Place::new();
        let (dir, name) = (place.dir(), OsStr::new("f"));
        std::fs::write(place.root.join("f"), "theirs").unwrap();
        assert!(replace(&dir, name, b"mine", &Before::Nothing, None).is_err());
        let old = dir.file(name).unwrap().unwrap();
        std::fs::write(place.root.join("f"), "theirs again").unwrap();
        assert!(replace(&dir, name, b"mine", &Before::File(&old), None).is_err());
        assert!(remove(&dir, name, &old).is_err());
        std::fs::remove_file(place.root.join("f")).unwrap();
        symlink("elsewhere", place.root.join("f")).unwrap();
        assert!(replace(&dir, name, b"mine", &Before::File(&old), None).is_err());
        assert!(replace(&dir, name, b"mine", &Before::Nothing, None).is_err());
        assert_eq!(place.names(), ["f"]);
    }

    #[test]
    fn a_removed_file_is_gone() {
        let place = Place::new();
        place.write("f", b"x").unwrap();
        let old = place.dir().file(OsStr::new("f")).unwrap().unwrap();
        remove(&place.dir(), OsStr::new("f"), &old).unwrap();
        assert!(place.names().is_empty());
    }
}
