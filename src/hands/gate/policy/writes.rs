//! Writes that can't destroy: new files in the workspace, additions, and what git could bring back.
//!
//! Deleting is always asked. So is whatever other programs would obey: repositories' own files, editors' and tools'
//! settings, files with secrets.

use super::judge::{About, Finding, Policy, directories, known_name};
use super::secrets::normal;
use crate::gate::plan::{is_free, touches};
use pryx_terms::{Access, Plan, Program};
use std::path::{Component, Path, PathBuf};

#[cfg(unix)]
use super::index::can_restore;

/// Without the times that git keeps, nothing is known.
#[cfg(not(unix))]
fn can_restore(_file: &Path) -> bool {
    false
}

/// Names that are asked wherever they are in a path: programs that nobody starts on purpose read orders there.
const OBEYED: &[&str] = &[
    ".git",
    ".hg",
    ".svn",
    ".jj",
    ".bzr",
    ".gitmodules",
    ".gitattributes",
    ".gitconfig",
    ".pryx",
    ".vscode",
    ".idea",
    ".devcontainer",
    ".husky",
    ".github",
    ".direnv",
    ".mcp.json",
    ".cursor",
    ".cargo",
    ".yarnrc",
    ".yarnrc.yml",
    ".bashrc",
    ".bash_profile",
    ".bash_login",
    ".bash_logout",
    ".profile",
    ".zshrc",
    ".zshenv",
    ".zprofile",
    ".zlogin",
    ".inputrc",
    ".xinitrc",
    ".xprofile",
    ".vimrc",
    ".exrc",
    ".nvimrc",
    ".lesskey",
    ".tmux.conf",
    ".gdbinit",
    ".curlrc",
    ".wgetrc",
    "rust-toolchain",
    "rust-toolchain.toml",
    "autostart",
    "systemd",
    "launchagents",
    "cron.d",
];

/// Directories that are nobody's workspace: writing there unasked would reach everything.
const NO_WORKSPACE: &[&str] = &[
    "/",
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/home",
    "/lib",
    "/lib64",
    "/mnt",
    "/media",
    "/opt",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/srv",
    "/sys",
    "/tmp",
    "/usr",
    "/usr/local",
    "/var",
    "/var/tmp",
    "/Users",
    "/System",
    "/Library",
    "/Applications",
    "/Volumes",
    "/private",
    "/private/tmp",
    "/private/var",
    "/private/etc",
];

/// Places below which nothing is a workspace.
const SYSTEM: &[&str] =
    &["/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/sbin", "/sys", "/usr", "/System"];

/// The directory as a workspace, links followed; nothing when it is no place to write unasked.
pub(super) fn workspace(dir: &Path, policy: &Policy) -> Option<PathBuf> {
    let real = std::fs::canonicalize(dir).ok()?;
    let whole = NO_WORKSPACE.iter().any(|place| real == Path::new(place));
    let system = SYSTEM.iter().any(|place| real.starts_with(place));
    let around_home = policy.home().is_some_and(|home| {
        let hidden = |rest: &Path| rest.iter().next().is_some_and(|part| part.as_encoded_bytes().starts_with(b"."));
        home.starts_with(&real) || real.strip_prefix(home).is_ok_and(hidden)
    });
    let private = policy.private().iter().any(|private| real.starts_with(private) || private.starts_with(&real));
    (real.is_dir() && !whole && !system && !around_home && !private).then_some(real)
}

/// Why what a finding is about needs no question; nothing when it may.
pub(super) fn harmless(finding: &Finding, plan: &Plan, policy: &Policy, root: &Path) -> Option<String> {
    let why = || Some(format!("it writes in {} and can't destroy anything", root.display()));
    match finding.about {
        About::File(at) => {
            let access = plan.files.get(at).filter(|_| finding.rule == "writes-files")?;
            // A tool that writes the file itself keeps a copy of what was there, for `pryx undo`.
            let kept =
                plan.diff.is_some() && matches!(access, Access::Write { path } if inside(path, policy, root).is_some());
            (kept || is_safe(access, policy, root, false) && !meets_a_move(plan) && !is_late(access, plan)).then(why)?
        }
        About::Program(at) => {
            let program = plan.programs.get(at)?;
            let acts = matches!(finding.rule, "changes-things" | "unlisted-arguments");
            if !acts || !program.unsure.is_empty() {
                return None;
            }
            let name = known_name(program).ok()?;
            let args: Vec<&str> = program.args.iter().map(String::as_str).collect();
            let fine = directories(plan, policy.home()).iter().all(|dir| {
                let found = touches(name, &args, dir);
                let alone = !found.moves || writers(plan) == 1;
                let clear = found.moves || !meets_a_move(plan);
                let safe = |access: &Access| is_safe(access, policy, root, found.moves) && !is_late(access, plan);
                found.complete && !found.list.is_empty() && alone && clear && found.list.iter().all(safe)
            });
            fine.then(why)?
        }
        About::Open(_) | About::Plan => None,
    }
}

/// Whether something is moved. What is written behind that may meet it in its new place.
fn meets_a_move(plan: &Plan) -> bool {
    plan.programs.iter().any(|program| super::judge::base(program) == "mv")
}

/// Whether a file that is new now is written anew only after a wait: something may have been moved there by then.
fn is_late(access: &Access, plan: &Plan) -> bool {
    const WAITS: &[&str] = &["sleep", "usleep", "wait", "inotifywait", "fswatch", "tail", "watch", "read", "flock"];
    let waits = |program: &Program| WAITS.contains(&super::judge::base(program));
    // What is there and goes on as it was can be brought back; what is added destroys nothing.
    matches!(access, Access::Write { .. }) && plan.programs.iter().any(waits)
}

/// How many parts of a plan write, as far as is known.
fn writers(plan: &Plan) -> usize {
    let files = plan.files.iter().filter(|access| !matches!(access, Access::Read { .. })).count();
    let acts = |name: &str| matches!(name, "mv" | "cp" | "touch" | "mkdir" | "tee" | "ln" | "rm" | "install" | "cd");
    files + plan.programs.iter().filter(|program| acts(super::judge::base(program))).count()
}

fn is_safe(access: &Access, policy: &Policy, root: &Path, moves: bool) -> bool {
    match access {
        Access::Read { path } => policy.secret(Path::new(path)).is_none() && is_one_file_or_inside(path, root),
        Access::Add { path } => inside(path, policy, root).is_some(),
        Access::Write { path } => {
            inside(path, policy, root).is_some_and(|real| is_free(&real) || (!moves && can_restore(&real)))
        }
        Access::Delete { path } => moves && inside(path, policy, root).is_some(),
        Access::Contact { .. } => false,
    }
}

/// A directory from elsewhere may hold secrets that its own name doesn't tell.
fn is_one_file_or_inside(path: &str, root: &Path) -> bool {
    let real = std::fs::canonicalize(path);
    real.is_ok_and(|real| real.is_file() || real.starts_with(root))
}

/// The real path, if it is in the workspace and nothing that others obey or hide.
fn inside(path: &str, policy: &Policy, root: &Path) -> Option<PathBuf> {
    // A number that the shell fills in (`$$`) makes it another file.
    if path.contains('$') {
        return None;
    }
    let real = real(&normal(Path::new(path)))?;
    let rest = real.strip_prefix(root).ok()?;
    let obeyed = rest.iter().any(|part| OBEYED.contains(&part.to_string_lossy().to_lowercase().as_str()));
    let plain = rest.components().all(|part| matches!(part, Component::Normal(_)));
    let special = std::fs::metadata(&real).is_ok_and(|meta| !meta.is_file() && !meta.is_dir());
    let named = rest.components().next().is_some();
    (named && plain && !obeyed && !special && policy.secret(&real).is_none()).then_some(real)
}

/// Links followed as far as the path exists; a link that leads nowhere is none that could be followed.
fn real(path: &Path) -> Option<PathBuf> {
    let mut missing = Vec::new();
    let mut existing = path;
    loop {
        match std::fs::symlink_metadata(existing) {
            Ok(_) => break,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                missing.push(existing.file_name()?);
                existing = existing.parent()?;
            }
            Err(_) => return None,
        }
    }
    let mut real = std::fs::canonicalize(existing).ok()?;
    if !missing.is_empty() && !real.is_dir() {
        return None;
    }
    real.extend(missing.iter().rev());
    Some(real)
}
