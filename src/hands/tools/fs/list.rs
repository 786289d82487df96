//! `fs.list`: what is below a directory, as a tree. Depth and number are bounded; links are shown, not followed.

use super::super::arguments;
use super::{FileAct, Fs};
use ignore::WalkBuilder;
use pryx_terms::{ByteCount, ToolSpec, visible};
use serde::Deserialize;
use serde_json::json;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

pub(super) const NAME: &str = "fs.list";

/// Levels when the model says nothing.
const DEFAULT_DEPTH: usize = 2;

/// Most levels.
const MAX_DEPTH: usize = 10;

/// Names in one answer.
const MAX_SHOWN: usize = 400;

/// Names of one directory; those behind are counted.
const MAX_OF_ONE: usize = 100;

/// Names looked at. A tree with more takes too long to walk through.
const MAX_SEEN: usize = 100_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    path: Option<PathBuf>,
    depth: Option<usize>,
    #[serde(default)]
    all: bool,
}

/// How deep, and whether what is ignored is listed too.
pub(crate) struct Depth {
    depth: usize,
    all: bool,
}

pub(super) fn spec() -> ToolSpec {
    ToolSpec {
        name: NAME.to_owned(),
        description: "List a directory as a tree.".to_owned(),
        parameters: json!({
            "type": "object",
            "properties": {
                "path": {"type": "string"},
                "depth": {"type": "integer", "minimum": 1, "maximum": MAX_DEPTH},
                "all": {"type": "boolean", "description": "with git-ignored files"},
            },
            "additionalProperties": false,
        }),
    }
}

pub(super) fn plan(value: serde_json::Value) -> Result<(FileAct, Fs), String> {
    let Arguments { path, depth, all } = arguments(NAME, value)?;
    let depth = depth.unwrap_or(DEFAULT_DEPTH).clamp(1, MAX_DEPTH);
    let act = FileAct::Tree { path: path.unwrap_or_default(), why: "list names".to_owned() };
    Ok((act, Fs::List(Depth { depth, all })))
}

pub(super) fn run(root: &Path, wanted: &Depth, given_up: &AtomicBool) -> io::Result<String> {
    if !root.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    let mut walk = WalkBuilder::new(root);
    walk.hidden(false).git_global(false).require_git(false).max_depth(Some(wanted.depth)).sort_by_file_name(Ord::cmp);
    if wanted.all {
        walk.git_ignore(false).git_exclude(false).ignore(false).parents(false);
    }
    let mut tree = Tree { text: format!("{}/\n", visible(&root.display().to_string())), ..Tree::default() };
    for entry in walk.build().skip(1).take(MAX_SEEN) {
        if given_up.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        match entry {
            Ok(entry) => tree.add(&entry),
            Err(_) => tree.unread += 1,
        }
    }
    Ok(tree.finish())
}

#[derive(Default)]
struct Tree {
    text: String,
    shown: usize,
    left_out: usize,
    unread: usize,
    /// How many of each directory were met.
    met: HashMap<PathBuf, usize>,
}

impl Tree {
    fn add(&mut self, entry: &ignore::DirEntry) {
        let path = entry.path();
        // The inside of a repository's own directory tells nobody anything.
        if path.parent().is_some_and(|parent| parent.ends_with(".git")) || self.below_hidden(path) {
            return;
        }
        let met = self.met.entry(path.parent().unwrap_or(path).to_owned()).or_default();
        *met += 1;
        if *met > MAX_OF_ONE || self.shown >= MAX_SHOWN {
            self.left_out += 1;
            self.met.insert(path.to_owned(), usize::MAX / 2);
            return;
        }
        self.shown += 1;
        let name = entry.file_name();
        let mut line = visible(&name.to_string_lossy());
        match entry.file_type() {
            Some(kind) if kind.is_dir() => line.push('/'),
            Some(kind) if kind.is_symlink() => {
                let target = std::fs::read_link(path).unwrap_or_default();
                let _ = write!(line, " -> {}", visible(&target.display().to_string()));
            }
            Some(kind) if kind.is_file() => {
                let size = entry.metadata().map(|meta| meta.len()).unwrap_or_default();
                let _ = write!(line, "  {}", ByteCount(size));
            }
            _ => line.push_str("  (no file)"),
        }
        if name.to_str().is_none() {
            line.push_str("  (its name is not UTF-8)");
        }
        let _ = writeln!(self.text, "{}{line}", "  ".repeat(entry.depth()));
    }

    /// Whether it is in a directory that was left out itself.
    fn below_hidden(&self, path: &Path) -> bool {
        path.parent().and_then(|parent| self.met.get(parent)).is_some_and(|met| *met >= usize::MAX / 2)
    }

    fn finish(mut self) -> String {
        for (count, what) in [(self.left_out, "more are not listed: name a directory"), (self.unread, "can't be read")]
        {
            if count > 0 {
                let _ = writeln!(self.text, "[{count} {what}]");
            }
        }
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(root: &Path, depth: usize, all: bool) -> String {
        run(root, &Depth { depth, all }, &AtomicBool::new(false)).unwrap()
    }

    #[test]
    fn a_tree_without_what_git_ignores() {
        let dir = tempfile::tempdir().unwrap();
        let root = std::fs::canonicalize(dir.path()).unwrap();
        for (name, text) in
            [(".gitignore", "out/\n"), ("src/a/deep.rs", "x"), ("out/x", ""), (".git/config", ""), ("z", "12")]
        {
            std::fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
            std::fs::write(root.join(name), text).unwrap();
        }
        std::os::unix::fs::symlink("/nowhere", root.join("link")).unwrap();
        let text = list(&root, 2, false).replace(&root.display().to_string(), "R");
        assert_eq!(text, "R/\n  .git/\n  .gitignore  5 B\n  link -> /nowhere\n  src/\n    a/\n  z  2 B\n");
        assert!(list(&root, 9, true).contains("deep.rs") && list(&root, 9, true).contains("out/"));
    }

    #[test]
    fn large_directories_are_counted_not_listed() {
        let dir = tempfile::tempdir().unwrap();
        for n in 0..250 {
            std::fs::create_dir_all(dir.path().join(format!("d{n:03}/x"))).unwrap();
        }
        let text = list(dir.path(), 2, false);
        assert!(text.contains("d099/") && !text.contains("d100/") && text.contains("[150 more"), "{text}");
        assert!(run(&dir.path().join("none"), &Depth { depth: 1, all: false }, &AtomicBool::new(false)).is_err());
    }

    #[test]
    fn names_that_are_no_text_are_told() {
        use std::os::unix::ffi::OsStrExt;
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(std::ffi::OsStr::from_bytes(b"a\xffb\x1b")), "").unwrap();
        let text = list(dir.path(), 1, false);
        assert!(text.contains("its name is not UTF-8") && !text.contains('\u{1b}'), "{text}");
    }
}
