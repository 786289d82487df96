//! Files in the workspace that make a harmless program start another one: a repository's settings, a toolchain file.

use super::{Arg, Planner};
use std::path::{Path, PathBuf};

/// Settings of git that name a program, in lower case. In a repository's own config they come with the directory.
const GIT_PROGRAMS: &[&str] = &[
    "fsmonitor",
    "external",
    "textconv",
    "pager",
    "command",
    "driver",
    "sshcommand",
    "editor",
    "include",
    "program",
    "helper",
    "askpass",
    "smudge",
    "clean",
    "process",
    "worktree",
    "difftool",
    "mergetool",
    "alias",
    "cmd",
    "attributesfile",
    "gpg",
    "promisor",
    "partialclone",
];
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
            dirs.extend(self.dirs.iter().map(|dir| dir.join(&pair[1].text)).collect::<Vec<_>>());
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
}

fn check_repository(dir: &Path) -> Result<(), String> {
    let real = std::fs::canonicalize(dir).unwrap_or_else(|_| dir.to_owned());
    for parent in real.ancestors() {
        let dot_git = parent.join(".git");
        if parent.join("HEAD").is_file() && parent.join("objects").is_dir() {
            return check_config(parent, parent, &[parent.join("config"), parent.join("config.worktree")]);
        }
        if dot_git.is_dir() {
            return check_config(parent, &dot_git, &[dot_git.join("config"), dot_git.join("config.worktree")]);
        }
        if dot_git.exists() {
            return check_linked(parent, &dot_git);
        }
    }
    Ok(())
}

/// A worktree or submodule: `.git` is a file that says where the repository is.
fn check_linked(parent: &Path, file: &Path) -> Result<(), String> {
    let unclear = || format!("which repository {} leads to", file.display());
    let text = read_small(file).ok_or_else(unclear)?;
    let target = text.trim().strip_prefix("gitdir: ").map(|path| parent.join(path)).ok_or_else(unclear)?;
    let common = read_small(&target.join("commondir")).map(|path| target.join(path.trim()));
    let main = common.unwrap_or_else(|| target.clone());
    check_config(parent, &main, &[main.join("config"), target.join("config.worktree")])
}

fn check_config(tree: &Path, git_dir: &Path, files: &[PathBuf]) -> Result<(), String> {
    check_hooks(&git_dir.join("hooks"))?;
    for file in files.iter().filter(|file| file.exists()) {
        let text = read_small(file).ok_or_else(|| format!("what {} makes git run", file.display()))?;
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
            // The key of a setting, or the heading of a section; urls and branch names are values.
            let key = line.split('=').next().unwrap_or_default().to_lowercase();
            let named = GIT_PROGRAMS.iter().find(|name| {
                key.split(|c: char| !c.is_ascii_alphanumeric())
                    .any(|word| word == **name || word == format!("{name}if"))
            });
            let continues = line.ends_with('\\');
            if key.trim() == "hookspath" {
                let hooks = line.split_once('=').map_or("", |(_, value)| value.trim().trim_matches('"'));
                check_hooks(&tree.join(hooks))?;
            }
            if named.is_some() || continues {
                return Err(format!("{} may name a program that git runs ({line})", file.display()));
            }
        }
    }
    Ok(())
}

/// The one hook that looking at a repository can run.
fn check_hooks(directory: &Path) -> Result<(), String> {
    let hook = directory.join("post-index-change");
    if hook.exists() { Err(format!("git would run {}", hook.display())) } else { Ok(()) }
}

fn read_small(file: &Path) -> Option<String> {
    let small = std::fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.len() <= MAX_CONFIG);
    small.then(|| std::fs::read_to_string(file).ok()).flatten()
}
