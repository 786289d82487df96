//! Files in the workspace that make a harmless program start another one: a repository's settings, a toolchain file.

use super::{Arg, Planner};
use std::path::{Path, PathBuf};

/// Sections of a repository's own config, each with the settings that start nothing and read nothing else. They come
/// with the directory, so whatever is not listed is asked about.
const GIT_SETTINGS: &[(&str, &[&str])] = &[
    (
        "core",
        &[
            "repositoryformatversion",
            "filemode",
            "bare",
            "logallrefupdates",
            "ignorecase",
            "precomposeunicode",
            "symlinks",
            "autocrlf",
            "eol",
            "quotepath",
            "safecrlf",
            "untrackedcache",
            "splitindex",
        ],
    ),
    ("remote", &["url", "fetch", "pushurl", "push", "prune", "tagopt"]),
    ("branch", &["remote", "merge", "rebase", "description", "pushremote"]),
    ("user", &["name", "email"]),
    ("pull", &["rebase", "ff"]),
    ("push", &["default", "autosetupremote", "followtags"]),
    ("init", &["defaultbranch"]),
    ("color", &["ui"]),
    ("gc", &["auto"]),
    ("extensions", &["objectformat", "worktreeconfig"]),
];
/// How long the names of git's objects are, by the repository's format.
const SHA1: usize = 20;
const SHA256: usize = 32;
/// Longest config that is read; a real one has a few hundred bytes.
const MAX_CONFIG: u64 = 64 * 1024;

impl Planner<'_> {
    /// git runs programs that the repository's config names, even for `git status`.
    pub(super) fn repository(&mut self, args: &[Arg]) {
        let mut dirs = self.dirs.clone();
        for pair in args.windows(2).filter(|pair| pair[0].text == "-C") {
            if pair[1].unsure {
                return self.ask("which repository git works on");
            }
            // Each -C is relative to the one before.
            dirs.iter_mut().for_each(|dir| *dir = dir.join(&pair[1].text));
        }
        for dir in dirs {
            if let Err(why) = check_repository(&dir) {
                self.ask(why);
            }
        }
    }

    /// rustup's proxies run whatever toolchain a file in the directory names, even for `cargo --version`.
    pub(super) fn toolchain(&mut self, name: &str) {
        let has_file =
            |dir: &Path| ["rust-toolchain", "rust-toolchain.toml"].iter().any(|file| dir.join(file).exists());
        if self.dirs.iter().any(|dir| dir.ancestors().any(has_file)) {
            self.ask(format!("a rust-toolchain file decides which {name} runs"));
        }
    }

    /// npm and its like take servers to talk to, values of the environment to send them, and programs to run instead
    /// of themselves from files of the project. What is in the home directory is the person's own.
    pub(super) fn package_settings(&mut self, name: &str) {
        const SETTINGS: &[&str] = &[".npmrc", ".yarnrc", ".yarnrc.yml", ".yarnrc.yaml", ".pnpmfile.cjs"];
        let home = self.around.home.as_deref().map(|home| std::fs::canonicalize(home).unwrap_or_else(|_| home.into()));
        let obeyed = |dir: &Path| {
            let settings = SETTINGS.iter().map(|file| dir.join(file)).find(|file| file.symlink_metadata().is_ok());
            settings.or_else(|| Some(dir.join("package.json")).filter(|file| names_its_manager(file)))
        };
        let real = |dir: &PathBuf| std::fs::canonicalize(dir).unwrap_or_else(|_| dir.clone());
        let file = self
            .dirs
            .iter()
            .map(real)
            .find_map(|dir| dir.ancestors().filter(|dir| home.as_deref() != Some(*dir)).find_map(obeyed));
        if let Some(file) = file {
            self.ask(format!("{} decides what {name} runs and which servers it talks to", file.display()));
        }
    }
}

/// Follows git on its way up, and asks about everything that is not the plain case: a `.git` directory of its own,
/// with nothing that looks like another repository on the way, no submodules, and a harmless config.
fn check_repository(dir: &Path) -> Result<(), String> {
    let real = std::fs::canonicalize(dir).unwrap_or_else(|_| dir.to_owned());
    for parent in real.ancestors() {
        let dot_git = parent.join(".git");
        if dot_git.symlink_metadata().is_ok() {
            return check_git_dir(parent, &dot_git);
        }
        if parent.join("HEAD").exists() || parent.join("objects").exists() {
            return Err(format!("whether {} is a repository of its own", parent.display()));
        }
    }
    Ok(())
}

fn check_git_dir(tree: &Path, dot_git: &Path) -> Result<(), String> {
    let whole = dot_git.symlink_metadata().is_ok_and(|meta| meta.is_dir())
        && dot_git.join("HEAD").is_file()
        && ["objects", "refs"].iter().all(|part| dot_git.join(part).is_dir());
    if !whole || dot_git.join("commondir").exists() {
        return Err(format!("which repository {} leads to", dot_git.display()));
    }
    if dot_git.join("modules").exists() || tree.join(".gitmodules").exists() {
        return Err(format!("what the submodules of {} make git run", tree.display()));
    }
    let hook = dot_git.join("hooks/post-index-change");
    if hook.symlink_metadata().is_ok() {
        return Err(format!("git would run {}", hook.display()));
    }
    // What a worktree's own config says about the format doesn't count.
    let hash = check_config(&dot_git.join("config"))?;
    check_config(&dot_git.join("config.worktree"))?;
    super::gitlinks::check(&dot_git.join("index"), hash)
}

/// How long the names of objects are, when nothing in it starts a program.
fn check_config(file: &Path) -> Result<usize, String> {
    let mut hash = SHA1;
    if file.symlink_metadata().is_err() {
        return Ok(hash);
    }
    let text = read_small(file).ok_or_else(|| format!("what {} makes git run", file.display()))?;
    let mut known: &[&str] = &[];
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', ';'])) {
        let asked = || format!("{} may name a program that git runs, or a file that it reads ({line})", file.display());
        if let Some(heading) = line.strip_prefix('[') {
            // A setting may stand behind the heading, which nobody writes.
            let name = heading.strip_suffix(']').ok_or_else(asked)?;
            let section = name.split([' ', '.']).next().unwrap_or_default().to_lowercase();
            let listed = GIT_SETTINGS.iter().find(|(known, _)| *known == section);
            known = listed.filter(|_| !name.contains(']')).ok_or_else(asked)?.1;
            continue;
        }
        let key = line.split('=').next().unwrap_or_default().trim().to_lowercase();
        if !known.contains(&key.as_str()) || line.ends_with('\\') {
            return Err(asked());
        }
        if key == "objectformat" {
            let format = line.split_once('=').map(|(_, format)| format.trim().to_lowercase());
            hash = if format.as_deref() == Some("sha256") { SHA256 } else { SHA1 };
        }
    }
    Ok(hash)
}

/// Whether another version of the package manager than the one that is installed may be fetched and run. A file that is
/// too large to be read may say so.
fn names_its_manager(manifest: &Path) -> bool {
    manifest.symlink_metadata().is_ok()
        && read_small(manifest).is_none_or(|text| text.contains("ackageManager") || text.contains("\\u"))
}

fn read_small(file: &Path) -> Option<String> {
    let small = std::fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.len() <= MAX_CONFIG);
    small.then(|| std::fs::read_to_string(file).ok()).flatten()
}
