//! An allow-list of places that is everything but some places: the kernel knows only what is allowed, so the ways to what
//! is hidden are walked, and everything beside them is listed.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Most places of one profile. Each costs three system calls at the start of a command; what is beyond them is not
/// allowed.
pub(super) const MAX_PLACES: usize = 8192;

/// What is hidden, and the directories above it: each entry of a directory is looked up once, however much is hidden.
pub(super) struct Hidden {
    places: HashSet<PathBuf>,
    ways: HashSet<PathBuf>,
}

/// Something that is allowed.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub path: PathBuf,
    /// Whether it is a directory, as far as its listing told.
    pub directory: Option<bool>,
}

impl Hidden {
    pub fn new(places: impl IntoIterator<Item = PathBuf>) -> Self {
        let places: HashSet<PathBuf> = places.into_iter().collect();
        let ways = places.iter().flat_map(|path| path.ancestors().skip(1)).map(Path::to_owned).collect();
        Self { places, ways }
    }

    /// `root`, or what of it is not hidden. What turns up later beside something hidden is not in the list, and so not
    /// allowed. Links are left out: the kernel looks at where they lead.
    pub fn all_but(&self, root: &Path) -> Vec<Place> {
        let mut places = Vec::new();
        if root.ancestors().skip(1).any(|above| self.places.contains(above)) {
            return places;
        }
        let mut open = vec![Place { path: root.to_owned(), directory: None }];
        while let Some(place) = open.pop() {
            if places.len() >= MAX_PLACES {
                break;
            }
            if self.places.contains(&place.path) {
                continue;
            }
            if !self.ways.contains(&place.path) {
                places.push(place);
                continue;
            }
            for entry in std::fs::read_dir(&place.path).into_iter().flatten().flatten() {
                let Ok(kind) = entry.file_type() else { continue };
                if !kind.is_symlink() {
                    open.push(Place { path: entry.path(), directory: Some(kind.is_dir()) });
                }
            }
        }
        places
    }
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
        let paths = |root: &Path| {
            let mut found: Vec<PathBuf> =
                Hidden::new(hidden.clone()).all_but(root).into_iter().map(|place| place.path).collect();
            found.sort();
            found
        };
        let expected: Vec<PathBuf> = ["home/.config/git", "home/work", "usr"].iter().map(|p| root.join(p)).collect();
        assert_eq!(paths(root), expected);
        assert_eq!(paths(&root.join("home/work")), [root.join("home/work")]);
        assert!(paths(&root.join("home/.ssh")).is_empty());
        assert!(paths(&root.join("home/.ssh/keys")).is_empty());
    }

    #[test]
    fn what_has_no_listing_is_not_allowed() {
        assert!(Hidden::new(["/no/such/place/x".into()]).all_but(Path::new("/no/such/place")).is_empty());
    }
}
