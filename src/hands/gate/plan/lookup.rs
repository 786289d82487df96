//! Where a name leads: the program's file, and whether the place can be trusted to hold the program of that name.

use super::Planner;
use std::path::{Component, Path, PathBuf};

/// Most directories that are kept in mind after several `cd`.
const MAX_DIRECTORIES: usize = 8;
/// Places that hold the system's programs, whatever the working directory is.
const SYSTEM: &[&str] =
    &["/bin", "/sbin", "/usr", "/opt/homebrew", "/opt/local", "/nix/store", "/snap/bin", "/run/current-system"];

/// Takes a `cd` into account: it may or may not succeed, so the old directories stay possible.
pub(in crate::gate) fn enter(dirs: &mut Vec<PathBuf>, target: &Path) -> bool {
    for index in 0..dirs.len() {
        let next = dirs[index].join(target);
        let next = std::fs::canonicalize(&next).unwrap_or(next);
        if !dirs.contains(&next) {
            dirs.push(next);
        }
    }
    dirs.len() <= MAX_DIRECTORIES
}

impl Planner<'_> {
    /// The file that a shell would run for a name, links followed.
    pub(super) fn locate(&mut self, name: &str) -> Option<PathBuf> {
        if name.contains('/') {
            if !name.starts_with('/') && self.dirs.len() > 1 {
                self.ask(format!("which file {name} is after a cd"));
            }
            return std::fs::canonicalize(self.cwd.join(name)).ok();
        }
        let mut found = None;
        for entry in self.around.path.split(':') {
            let directory = Path::new(entry);
            let file = self.cwd.join(directory).join(name);
            if !directory.is_absolute() {
                // An empty or relative entry leads to whatever directory the command happens to be in.
                self.ask(format!("PATH has a relative entry, which may hold another {name}"));
            }
            if is_executable(&file) {
                if !self.is_trusted(directory) {
                    self.ask(format!("{name} would be taken from {entry}, where others or a command may have put it"));
                }
                found = std::fs::canonicalize(&file).ok();
                break;
            }
        }
        found
    }

    /// Not below the working directory, and not writable by everybody.
    fn is_trusted(&self, directory: &Path) -> bool {
        let real = std::fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
        let is_system = |path: &Path| SYSTEM.iter().any(|system| path.starts_with(system));
        // In the home directory itself, `~/.cargo/bin` is no workspace.
        let is_workspace = |dir: &PathBuf| {
            let around_home = self.around.home.as_ref().is_some_and(|home| home.starts_with(dir));
            !around_home && real.starts_with(dir)
        };
        is_system(&real) || (!self.dirs.iter().any(is_workspace) && !anybody_may_write(&real))
    }

    /// A path as it would be opened, from every possible directory.
    pub(super) fn places(&self, path: &str) -> Vec<String> {
        let mut places: Vec<String> =
            self.dirs.iter().map(|dir| tidy(&dir.join(path)).to_string_lossy().into_owned()).collect();
        places.dedup();
        places
    }
}

/// Whether nothing stands at a path, not even a link to nowhere.
pub(in crate::gate) fn is_free(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
}

/// Without `.`; `..` stays, because it depends on links.
pub(super) fn tidy(path: &Path) -> PathBuf {
    path.components().filter(|part| *part != Component::CurDir).collect()
}

#[cfg(unix)]
fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(unix)]
fn anybody_may_write(directory: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(directory).is_ok_and(|meta| meta.permissions().mode() & 0o002 != 0)
}

#[cfg(not(unix))]
fn is_executable(file: &Path) -> bool {
    file.is_file()
}

#[cfg(not(unix))]
fn anybody_may_write(_directory: &Path) -> bool {
    false
}
