//! Where a path leads, links followed: what a plan names and the gate rules on. Names at its end need not exist yet.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf};

/// Links followed before a path counts as a circle: the kernel's own limit (`MAXSYMLINKS`).
const MAX_LINKS: usize = 40;

/// Longest path looked at (`PATH_MAX`). Each of its parts costs a look at the disk.
const MAX_PATH: usize = 4096;

/// The path without links, `.` and `..`. It holds for the moment: whoever opens it follows no link, so that a name that
/// has become one since is not followed but refused.
///
/// # Errors
/// When a part before the last is no directory, can't be searched, or the links go round in a circle.
pub(crate) fn real(path: &Path) -> io::Result<PathBuf> {
    if path.as_os_str().len() > MAX_PATH {
        return Err(io::ErrorKind::InvalidFilename.into());
    }
    let mut left: VecDeque<OsString> = parts(path).collect();
    let mut real = PathBuf::from("/");
    let (mut links, mut missing) = (0, false);
    while let Some(part) = left.pop_front() {
        if part == ".." {
            if missing {
                // What `..` means behind a name that isn't there, nobody can say.
                return Err(io::ErrorKind::NotFound.into());
            }
            real.pop();
            continue;
        }
        real.push(&part);
        match std::fs::symlink_metadata(&real) {
            Ok(meta) if meta.is_symlink() => {
                links += 1;
                if links > MAX_LINKS {
                    return Err(io::Error::other("too many symbolic links"));
                }
                let target = std::fs::read_link(&real)?;
                real.pop();
                if target.is_absolute() {
                    real = PathBuf::from("/");
                }
                parts(&target).rev().for_each(|part| left.push_front(part));
            }
            Ok(meta) if !meta.is_dir() && !left.is_empty() => return Err(io::ErrorKind::NotADirectory.into()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => missing = true,
            Err(error) => return Err(error),
        }
    }
    Ok(real)
}

/// Names and `..`, in order.
fn parts(path: &Path) -> impl DoubleEndedIterator<Item = OsString> + '_ {
    path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_are_followed_to_the_end_and_beyond() {
        let dir = tempfile::tempdir().unwrap();
        let root = std::fs::canonicalize(dir.path()).unwrap();
        std::fs::create_dir(root.join("d")).unwrap();
        std::fs::write(root.join("d/f"), "").unwrap();
        symlink("d", root.join("rel")).unwrap();
        symlink(root.join("rel/f"), root.join("abs")).unwrap();
        symlink("d/../new/x", root.join("dangling")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        for (path, leads) in [
            ("d/f", Ok("d/f")),
            ("rel/f", Ok("d/f")),
            ("abs", Ok("d/f")),
            ("rel/../abs", Ok("d/f")),
            ("dangling", Ok("new/x")),
            ("d/new/deep", Ok("d/new/deep")),
            ("./d//f", Ok("d/f")),
            ("d/f/x", Err(())),
            ("loop", Err(())),
            ("new/../d/f", Err(())),
        ] {
            let found = real(&root.join(path)).map_err(drop);
            assert_eq!(found, leads.map(|leads| root.join(leads)), "{path}");
        }
        assert_eq!(real(Path::new("/../..")).unwrap(), Path::new("/"));
    }
}
