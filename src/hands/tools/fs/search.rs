//! `fs.search`: the lines of files that match a pattern. What git ignores is left out, and so is what may hold secrets,
//! unless that very place was asked for; files, matches and time are bounded.

use super::super::arguments;
use super::{FileAct, Fs};
use crate::excerpt::CAP;
use crate::files::{self, not_text};
use crate::gate::Gate;
use ignore::WalkBuilder;
use ignore::overrides::OverrideBuilder;
use pryx_terms::ToolSpec;
use regex::bytes::{Regex, RegexBuilder};
use serde::Deserialize;
use serde_json::json;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

pub(super) const NAME: &str = "fs.search";

/// Matching lines in one answer.
const MAX_MATCHES: usize = 200;

/// Files looked into.
const MAX_FILES: usize = 100_000;

/// Larger files are not searched, and said so: they are data, and `grep` is there.
const MAX_SIZE: u64 = 8 * 1024 * 1024;

/// How long a search may take. A model waits for it.
const MAX_TIME: Duration = Duration::from_secs(20);

/// Longest part of a line that is shown.
const MAX_LINE: usize = 240;

/// Size of a compiled pattern. A longer one takes memory and time.
const MAX_PATTERN: usize = 1024 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    pattern: String,
    path: Option<PathBuf>,
    glob: Option<String>,
    #[serde(default)]
    all: bool,
}

/// What is looked for.
pub(crate) struct Query {
    pattern: Regex,
    glob: Option<String>,
    all: bool,
}

pub(super) fn spec() -> ToolSpec {
    ToolSpec {
        name: NAME.to_owned(),
        description: "Search files by regex. Gives FILE:LINE:TEXT.".to_owned(),
        parameters: json!({
            "type": "object",
            "properties": {
                "pattern": {"type": "string"},
                "path": {"type": "string"},
                "glob": {"type": "string", "description": "*.rs"},
                "all": {"type": "boolean", "description": "with hidden and git-ignored files"},
            },
            "required": ["pattern"],
            "additionalProperties": false,
        }),
    }
}

pub(super) fn plan(value: serde_json::Value) -> Result<(FileAct, Fs), String> {
    let Arguments { pattern, path, glob, all } = arguments(NAME, value)?;
    let compiled = RegexBuilder::new(&pattern).multi_line(true).crlf(true).size_limit(MAX_PATTERN).build();
    let compiled = compiled.map_err(|error| format!("the pattern: {error}"))?;
    if let Some(glob) = &glob {
        OverrideBuilder::new("/").add(glob).map_err(|error| format!("the glob: {error}"))?;
    }
    let act = FileAct::Tree { path: path.unwrap_or_default(), why: format!("search for {pattern:?}") };
    Ok((act, Fs::Search(Box::new(Query { pattern: compiled, glob, all }))))
}

pub(super) fn run(root: &Path, query: &Query, gate: &Gate, given_up: &AtomicBool) -> io::Result<String> {
    std::fs::symlink_metadata(root)?;
    let kept_back = Arc::new(AtomicUsize::new(0));
    let mut found = Found::default();
    let deadline = Instant::now() + MAX_TIME;
    for entry in walk(root, query, gate, &kept_back)?.flatten() {
        if given_up.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        if !entry.file_type().is_some_and(|kind| kind.is_file()) {
            continue;
        }
        if found.files >= MAX_FILES || Instant::now() > deadline {
            found.stopped = true;
            break;
        }
        found.files += 1;
        found.file(entry.path(), root, &query.pattern);
        if found.is_full() {
            break;
        }
    }
    Ok(found.finish(kept_back.load(Ordering::Relaxed)))
}

fn walk(root: &Path, query: &Query, gate: &Gate, kept_back: &Arc<AtomicUsize>) -> io::Result<ignore::Walk> {
    let mut walk = WalkBuilder::new(root);
    walk.hidden(!query.all).git_global(false).require_git(false).sort_by_file_name(Ord::cmp);
    if query.all {
        walk.git_ignore(false).git_exclude(false).ignore(false).parents(false);
    }
    if let Some(glob) = &query.glob {
        let wrong = |error: ignore::Error| io::Error::other(error.to_string());
        let mut overrides = OverrideBuilder::new(root);
        walk.overrides(overrides.add(glob).map_err(wrong)?.build().map_err(wrong)?);
    }
    // Was the place itself asked for, and allowed, then all of it was.
    if !gate.is_secret(root) {
        let (gate, kept_back) = (gate.clone(), Arc::clone(kept_back));
        walk.filter_entry(move |entry| {
            let secret = gate.is_secret(entry.path());
            let counts = secret && !entry.path_is_symlink();
            kept_back.fetch_add(usize::from(counts), Ordering::Relaxed);
            !secret
        });
    }
    Ok(walk.build())
}

/// What was found so far.
#[derive(Default)]
struct Found {
    text: String,
    matches: usize,
    files: usize,
    too_large: usize,
    unread: usize,
    stopped: bool,
}

impl Found {
    fn is_full(&self) -> bool {
        self.matches >= MAX_MATCHES || self.text.len() >= CAP
    }

    fn file(&mut self, path: &Path, root: &Path, pattern: &Regex) {
        let content = match files::open(path) {
            Ok(Some(file)) if file.bytes() > MAX_SIZE => {
                self.too_large += 1;
                return;
            }
            Ok(Some(mut file)) => file.content(MAX_SIZE),
            Ok(None) => return,
            Err(error) => Err(error),
        };
        let Ok(content) = content else {
            self.unread += 1;
            return;
        };
        if not_text(&content).is_some() {
            return;
        }
        let shown = path.strip_prefix(root).ok().filter(|rest| !rest.as_os_str().is_empty()).unwrap_or(path).display();
        let (mut line, mut counted, mut next) = (1, 0, 0);
        for hit in pattern.find_iter(&content) {
            // The next match of the same line is the same line.
            if hit.start() < next || self.is_full() {
                continue;
            }
            line += memchr::memchr_iter(b'\n', &content[counted..hit.start()]).count();
            counted = hit.start();
            let start = memchr::memrchr(b'\n', &content[..hit.start()]).map_or(0, |at| at + 1);
            next = memchr::memchr(b'\n', &content[hit.start()..]).map_or(content.len() + 1, |at| hit.start() + at + 1);
            let whole = &content[start..next - 1];
            self.matches += 1;
            let _ = writeln!(self.text, "{shown}:{line}:{}", shorten(whole, hit.start() - start));
        }
    }

    fn finish(self, kept_back: usize) -> String {
        let mut heading = format!("[{} matching lines in {} files", self.matches, self.files);
        for (is, note) in [
            (self.is_full(), "; there are more: narrow it".to_owned()),
            (self.stopped, "; stopped before the end: narrow it".to_owned()),
            (kept_back > 0, format!("; {kept_back} that may hold secrets were left out")),
            (self.too_large > 0, format!("; {} large files were left out", self.too_large)),
            (self.unread > 0, format!("; {} can't be read", self.unread)),
        ] {
            heading.push_str(if is { &note } else { "" });
        }
        format!("{heading}]\n{}", self.text)
    }
}

/// A line, or of a long one what is around the match.
fn shorten(line: &[u8], at: usize) -> String {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.len() <= MAX_LINE {
        return String::from_utf8_lossy(line).into_owned();
    }
    let from = at.min(line.len()).saturating_sub(MAX_LINE / 4);
    let to = (from + MAX_LINE).min(line.len());
    let before = if from > 0 { "…" } else { "" };
    let after = if to < line.len() { "…" } else { "" };
    format!("{before}{}{after}", String::from_utf8_lossy(&line[from..to]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{GateConfig, Policies, Policy};
    use crate::store::Store;

    struct Place {
        _dir: tempfile::TempDir,
        root: PathBuf,
        gate: Gate,
    }

    impl Place {
        fn new(files: &[(&str, &[u8])]) -> Self {
            let dir = tempfile::tempdir().unwrap();
            let root = std::fs::canonicalize(dir.path()).unwrap().join("w");
            for (name, bytes) in files {
                std::fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
                std::fs::write(root.join(name), bytes).unwrap();
            }
            let store = Store::open(&dir.path().join("hands.db")).unwrap();
            let policies = Policies::new(Policy::builtin(None, &[]), &root.join("policies"), "workspace");
            Self {
                gate: Gate::new(store, policies, GateConfig::default(), crate::sandbox::Sandbox::able()),
                root,
                _dir: dir,
            }
        }

        fn search(&self, at: &str, query: serde_json::Value) -> String {
            let (_, Fs::Search(query)) = plan(query).unwrap() else { panic!() };
            run(&self.root.join(at), &query, &self.gate, &AtomicBool::new(false)).unwrap()
        }
    }

    #[test]
    fn lines_with_their_files_and_numbers() {
        let place = Place::new(&[
            ("a.rs", b"fn one() {}\n// two two\nfn three() {}"),
            ("sub/b.txt", b"x\r\ntwo\r\n"),
            ("bin", b"two\0two"),
            ("ignored/c", b"two"),
            (".gitignore", b"ignored\n"),
            (".hidden", b"two"),
            (".env", b"two=secret"),
            ("server.pem", b"two=secret"),
        ]);
        let text = place.search("", json!({"pattern": "two$"}));
        assert_eq!(
            text,
            "[2 matching lines in 3 files; 1 that may hold secrets were left out]\na.rs:2:// two two\nsub/b.txt:2:two\n"
        );
        assert_eq!(place.search("", json!({"pattern": "fn", "glob": "*.txt"})).lines().count(), 1);
        let all = place.search("", json!({"pattern": "two", "all": true}));
        assert!(all.contains("ignored/c:1:two") && all.contains(".hidden:1:two") && !all.contains("secret\n"), "{all}");
        assert!(place.search(".env", json!({"pattern": "two"})).contains("two=secret"), "asked for by name");
    }

    #[test]
    fn answers_are_bounded() {
        let many = b"match\n".repeat(10_000);
        let long = [b"y".repeat(100_000), b"match".to_vec(), b"z".repeat(100_000)].concat();
        let place = Place::new(&[("many", &many)]);
        let text = place.search("", json!({"pattern": "match"}));
        assert!(text.starts_with("[200 matching lines") && text.contains("there are more"), "{}", &text[..80]);
        let place = Place::new(&[("long", &long)]);
        let text = place.search("", json!({"pattern": "match"}));
        assert!(text.len() < 500 && text.contains("match"), "{}", text.len());
        assert!(plan(json!({"pattern": "("})).is_err());
        assert!(plan(json!({"pattern": "x{1000}{1000}"})).is_err());
        assert!(plan(json!({"pattern": "x", "glob": "[" })).is_err());
    }

    #[test]
    fn a_link_is_not_followed_out_of_the_tree() {
        let place = Place::new(&[("w/in", b"needle"), ("out", b"needle")]);
        std::os::unix::fs::symlink("../out", place.root.join("w/link")).unwrap();
        assert!(place.search("w", json!({"pattern": "needle"})).starts_with("[1 matching lines in 1 files]"));
    }
}
