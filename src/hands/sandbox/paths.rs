//! An allow-list of places that is everything but some places: the kernel knows only what is allowed, so the ways to what
//! is hidden are walked, and everything beside them is listed.

use std::path::{Path, PathBuf};

/// Most places of one profile. Each costs two system calls at the start of a command; what is beyond them is not
/// allowed.
pub(super) const MAX_PLACES: usize = 8192;

/// `root`, or what of it is not hidden. What turns up later beside something hidden is not in the list, and so not
/// allowed. Links are left out: the kernel looks at where they lead.
pub(super) fn all_but(root: &Path, hidden: &[PathBuf]) -> Vec<PathBuf> {
    let mut places = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(path) = open.pop() {
        if places.len() >= MAX_PLACES {
            break;
        }
        if hidden.iter().any(|hidden| path.starts_with(hidden)) {
            continue;
        }
        if !hidden.iter().any(|hidden| hidden.starts_with(&path)) {
            places.push(path);
            continue;
        }
        let entries = std::fs::read_dir(&path).into_iter().flatten().flatten();
        open.extend(entries.filter(|e| e.file_type().is_ok_and(|kind| !kind.is_symlink())).map(|e| e.path()));
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_places_are_walked_around() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        for folder in ["home/.ssh", "home/work/deep", "home/.config/gh", "home/.config/git", "usr"] {
            std::fs::create_dir_all(root.join(folder)).unwrap();
        }
        std::os::unix::fs::symlink("../home/.ssh", root.join("usr/link")).unwrap();
        std::os::unix::fs::symlink("home/.ssh", root.join("link")).unwrap();
        let hidden: Vec<PathBuf> =
            ["home/.ssh", "home/.aws", "home/.config/gh"].iter().map(|path| root.join(path)).collect();
        let mut found = all_but(root, &hidden);
        found.sort();
        let expected: Vec<PathBuf> = ["home/.config/git", "home/work", "usr"].iter().map(|p| root.join(p)).collect();
        assert_eq!(found, expected);
        assert_eq!(all_but(&root.join("home/work"), &hidden), [root.join("home/work")]);
        assert!(all_but(&root.join("home/.ssh/keys"), &hidden).is_empty());
    }

    #[test]
    fn what_has_no_listing_is_not_allowed() {
        assert!(all_but(Path::new("/no/such/place"), &["/no/such/place/x".into()]).is_empty());
    }
}
