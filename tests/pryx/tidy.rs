//! The project's own rules, run as tests: what the compiler and clippy cannot see. Each rule is a function of plain text,
//! so that it can also be shown to fail on a bad sample.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Where a wait for time itself is the point, and why. Everywhere else waiting is for an event, with a deadline.
const SLEEPS: &[(&str, &str)] = &[
    ("src/brain/device.rs", "the pause that a login server wants between two questions (RFC 8628)"),
    ("src/brain/driver.rs", "the deadline of a turn, beside the events it waits for"),
    (
        "src/brain/providers/http.rs",
        "the pause before a refused request is tried again, as long as the server asked; the time until the user's own limit allows one",
    ),
    (
        "src/cli/connect.rs",
        "another process is starting the hands: its lock tells nobody when it listens; the pause between attempts to reach another machine",
    ),
    ("src/cli/replay.rs", "the pace at which a command printed"),
    ("src/hands/daemon/mod.rs", "the time after which idle hands end, beside the events that keep them"),
    ("src/hands/gate/ask.rs", "the deadline of an approval, beside its answer"),
    ("src/hands/jobs/remains.rs", "killed processes that are nobody's child here: no event tells when they are gone"),
    ("src/hands/jobs/watch.rs", "the pause after a refused connection, when no descriptor is free"),
    ("src/ipc/server.rs", "the pause after a failed accept, when no descriptor is free; the deadline for a hello"),
];

/// A file of the product longer than this is more than one thing.
const MAX_LINES: usize = 500;

/// Which crates of the workspace each one may name; the root package may name all.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("pryx-terms", &[]),
    ("pryx-ipc", &["pryx-terms"]),
    ("pryx-hands", &["pryx-terms", "pryx-ipc"]),
    ("pryx-brain", &["pryx-terms", "pryx-ipc"]),
    ("pryx", &["pryx-terms", "pryx-ipc", "pryx-hands", "pryx-brain"]),
    ("pryx-fuzz", &["pryx-hands"]),
];

/// One file of the repository: its path from the root, with `/`, and its text.
struct Source {
    path: String,
    text: String,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// Lines that are not comments, with their numbers.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .map(|(at, line)| (at + 1, line))
            .filter(|(_, l)| !l.trim_start().starts_with("//"))
    }

    /// Every line of code that holds one of the needles as whole words.
    fn holds(&self, needles: &[&str]) -> Vec<String> {
        let mut found = Vec::new();
        for (number, line) in self.code() {
            for needle in needles.iter().filter(|needle| names(line, needle)) {
                found.push(format!("{}:{number}: {needle}", self.path));
            }
        }
        found
    }
}

/// Whether `line` holds `needle`, and not only as a part of a longer name.
fn names(line: &str, needle: &str) -> bool {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(needle).any(|(at, _)| {
        let goes_before = needle.starts_with(part_of_name) && line[..at].ends_with(part_of_name);
        let goes_after = needle.ends_with(part_of_name) && line[at + needle.len()..].starts_with(part_of_name);
        !goes_before && !goes_after
    })
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All files below `folder` (of the root) that `wanted` takes, without what was built or belongs to git.
fn files(folder: &str, wanted: impl Fn(&Path) -> bool) -> Vec<Source> {
    let (mut found, mut folders) = (Vec::new(), vec![root().join(folder)]);
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).expect("a folder of the repository") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            if path.is_symlink() || ["target", "dist", ".git"].contains(&name.as_str()) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if wanted(&path) {
                let inside = path.strip_prefix(root()).expect("below the root").to_string_lossy().replace('\\', "/");
                let text = String::from_utf8_lossy(&fs::read(&path).expect("a readable file")).into_owned();
                found.push(Source { path: inside, text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn rust_files(folder: &str) -> Vec<Source> {
    let found = files(folder, |path| path.extension().is_some_and(|e| e == "rs"));
    assert!(!found.is_empty(), "no Rust file below {folder}: the rule would hold for nothing");
    found
}

/// The Rust files that become the program: without the rooms' own tests.
fn product_files() -> Vec<Source> {
    let mut found = rust_files("src");
    found.retain(|s| !is_test(&s.path));
    found
}

fn is_test(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("/tests.rs") || path.ends_with("_tests.rs")
}

fn all_rust_files() -> Vec<Source> {
    let mut found = rust_files("src");
    found.extend(rust_files("tests"));
    if root().join("benches").is_dir() {
        found.extend(files("benches", |path| path.extension().is_some_and(|e| e == "rs")));
    }
    found
}

fn assert_none(rule: &str, broken: Vec<String>) {
    assert!(broken.is_empty(), "{rule}\n  {}", broken.join("\n  "));
}

fn without_header(sources: &[Source]) -> Vec<String> {
    sources.iter().filter(|s| !s.text.starts_with("//!")).map(|s| s.path.clone()).collect()
}

#[test]
fn every_file_says_what_it_is_for() {
    assert_none("begin these files with //!, two or three lines:", without_header(&all_rust_files()));
}

#[test]
fn a_file_without_header_is_found() {
    let good = Source::new("a.rs", "//! A.\n");
    let bad = Source::new("b.rs", "use std::fs;\n//! B.\n");
    assert_eq!(without_header(&[good, bad]), ["b.rs"]);
}

fn exits(sources: &[Source]) -> Vec<String> {
    let elsewhere = sources.iter().filter(|s| s.path != "src/main.rs");
    elsewhere.flat_map(|s| s.holds(&[concat!("process::", "exit"), concat!("process::", "abort")])).collect()
}

#[test]
fn only_main_ends_the_process() {
    assert_none("return an error instead; only src/main.rs ends the process:", exits(&product_files()));
}

#[test]
fn an_exit_elsewhere_is_found() {
    let line = concat!("fn f() { std::process::", "exit(1) }");
    assert_eq!(exits(&[Source::new("src/main.rs", line)]), [""; 0]);
    assert_eq!(exits(&[Source::new("src/cli/x.rs", line)]).len(), 1);
    assert_eq!(exits(&[Source::new("src/cli/x.rs", &format!("// {line}"))]), [""; 0]);
}

fn unfinished(sources: &[Source]) -> Vec<String> {
    let needles =
        [concat!("todo", "!("), concat!("unimplemented", "!("), concat!("dbg", "!("), concat!("#[", "allow(")];
    let inner = concat!("#![", "allow(");
    sources.iter().flat_map(|s| s.holds(&[&needles[..], &[inner]].concat())).collect()
}

#[test]
fn nothing_is_left_unfinished() {
    assert_none("finish these, or use #[expect(…, reason = …)]:", unfinished(&all_rust_files()));
}

#[test]
fn unfinished_work_is_found() {
    for line in [concat!("  to", "do!()"), concat!("let x = db", "g!(y);"), concat!("#[al", "low(dead_code)]")] {
        assert_eq!(unfinished(&[Source::new("src/x.rs", line)]).len(), 1, "{line}");
    }
    assert_eq!(unfinished(&[Source::new("src/x.rs", "#[expect(dead_code, reason = \"x\")] my_todo!(1)")]), [""; 0]);
}

/// The files that no module tree of `entries` reaches, of those in `sources`.
fn unreached(entries: &[&str], sources: &[Source]) -> Vec<String> {
    let mut open: Vec<_> = entries.iter().map(|entry| (*entry).to_owned()).collect();
    let mut reached: BTreeSet<_> = open.iter().cloned().collect();
    while let Some(path) = open.pop() {
        let Some(source) = sources.iter().find(|s| s.path == path) else { continue };
        let (folder, file) = path.rsplit_once('/').unwrap_or(("", &path));
        let stem = file.trim_end_matches(".rs");
        let owns_folder = entries.contains(&path.as_str()) || stem == "mod";
        let children = if owns_folder { folder.to_owned() } else { format!("{folder}/{stem}") };
        for (_, line) in source.code() {
            let Some(name) = module_of(line) else { continue };
            for child in [format!("{children}/{name}.rs"), format!("{children}/{name}/mod.rs")] {
                if reached.insert(child.clone()) {
                    open.push(child);
                }
            }
        }
    }
    sources.iter().filter(|s| !reached.contains(&s.path)).map(|s| s.path.clone()).collect()
}

/// `name` of a line `mod name;`, whatever its visibility.
fn module_of(line: &str) -> Option<&str> {
    let line = line.trim().strip_suffix(';')?;
    let (before, name) = line.rsplit_once(' ')?;
    (before == "mod" || before.ends_with(" mod")).then_some(name)
}

#[test]
fn every_test_file_is_run() {
    assert_none(
        "name these in tests/pryx/main.rs with `mod`:",
        unreached(&["tests/pryx/main.rs"], &rust_files("tests/pryx")),
    );
}

#[test]
fn every_source_file_is_compiled() {
    let sources = rust_files("src");
    let entries: Vec<_> = sources.iter().map(|s| s.path.as_str()).filter(|path| is_entry(path)).collect();
    assert!(entries.len() > MAY_NAME.len(), "too few entries: {entries:?}");
    assert_none("no `mod` line leads to these files:", unreached(&entries, &sources));
}

/// Whether cargo begins to compile at this file: the program, a room, or a program beside a room.
fn is_entry(path: &str) -> bool {
    match path.split('/').collect::<Vec<_>>()[..] {
        ["src", "main.rs"] => true,
        ["src", room, "lib.rs"] | ["src", room, "tests" | "examples", _] => is_room(room),
        ["src", room, "tests", _, file] => is_room(room) && file == "main.rs",
        _ => false,
    }
}

fn is_room(folder: &str) -> bool {
    root().join("src").join(folder).join("Cargo.toml").is_file()
}

#[test]
fn a_forgotten_file_is_found() {
    let sources = [
        Source::new("t/main.rs", "//! T.\nmod a;\npub(crate) mod b;\n// mod c;\n"),
        Source::new("t/a.rs", "mod deep;\n"),
        Source::new("t/a/deep.rs", ""),
        Source::new("t/b/mod.rs", "mod inner;\n"),
        Source::new("t/b/inner.rs", ""),
        Source::new("t/c.rs", ""),
    ];
    assert_eq!(unreached(&["t/main.rs"], &sources), ["t/c.rs"]);
}

/// What a manifest says about the crates of this workspace that it must not.
fn wrong_directions(manifest: &str) -> Vec<String> {
    let table: toml::Table = manifest.parse().expect("a manifest");
    let Some(name) = table.get("package").and_then(|p| p.get("name")).and_then(toml::Value::as_str) else {
        return Vec::new();
    };
    let Some((_, allowed)) = MAY_NAME.iter().find(|(crate_name, _)| *crate_name == name) else {
        return vec![format!("{name} has no place in the order of the crates: add it to MAY_NAME")];
    };
    let mut tables = vec![&table];
    if let Some(targets) = table.get("target").and_then(toml::Value::as_table) {
        tables.extend(targets.values().filter_map(toml::Value::as_table));
    }
    let kinds = ["dependencies", "dev-dependencies", "build-dependencies"];
    let named = tables.iter().flat_map(|t| kinds.iter().filter_map(|k| t.get(*k).and_then(toml::Value::as_table)));
    named
        .flat_map(toml::Table::keys)
        .filter(|key| key.starts_with("pryx") && !allowed.contains(&key.as_str()))
        .map(|key| format!("{name} must not name {key}"))
        .collect()
}

#[test]
fn crates_name_each_other_in_one_direction() {
    let manifests = files("", |path| path.file_name().is_some_and(|n| n == "Cargo.toml"));
    assert!(manifests.len() >= MAY_NAME.len(), "fewer manifests than crates");
    assert_none("the walls between the rooms:", manifests.iter().flat_map(|m| wrong_directions(&m.text)).collect());
}

#[test]
fn a_wrong_direction_is_found() {
    let manifest = |name: &str, table: &str, dependency: &str| {
        format!("[package]\nname = \"{name}\"\n[{table}]\n{dependency}.workspace = true\n")
    };
    for (name, table, dependency) in [
        ("pryx-terms", "dependencies", "pryx-ipc"),
        ("pryx-hands", "dev-dependencies", "pryx-brain"),
        ("pryx-brain", "target.'cfg(unix)'.dependencies", "pryx-hands"),
        ("pryx-newcomer", "dependencies", "serde"),
    ] {
        assert_eq!(wrong_directions(&manifest(name, table, dependency)).len(), 1, "{name} {table} {dependency}");
    }
    assert_eq!(wrong_directions(&manifest("pryx", "dependencies", "pryx-hands")), [""; 0]);
}

fn too_long(sources: &[Source]) -> Vec<String> {
    let long = sources.iter().map(|s| (s, s.text.lines().count())).filter(|(_, lines)| *lines > MAX_LINES);
    long.map(|(s, lines)| format!("{} has {lines} lines", s.path)).collect()
}

#[test]
fn no_file_is_more_than_one_thing() {
    assert_none("split these by what they are about:", too_long(&product_files()));
}

#[test]
fn tests_of_a_room_are_told_from_its_code() {
    for test in ["src/ipc/tests/server.rs", "src/brain/agent/tests.rs", "src/brain/providers/wire_tests.rs"] {
        assert!(is_test(test), "{test}");
    }
    for product in ["src/ipc/server.rs", "src/brain/latests.rs", "src/hands/tools/mod.rs"] {
        assert!(!is_test(product), "{product}");
    }
}

#[test]
fn a_file_that_is_too_long_is_found() {
    assert_eq!(too_long(&[Source::new("a.rs", &"x\n".repeat(MAX_LINES))]), [""; 0]);
    assert_eq!(too_long(&[Source::new("a.rs", &"x\n".repeat(MAX_LINES + 1))]).len(), 1);
}

/// Sleeps that no entry of `allowed` covers, and entries that cover nothing.
fn sleeps(sources: &[Source], allowed: &[(&str, &str)]) -> Vec<String> {
    let needles = ["sleep(", "sleep_until(", "sleep_ms("];
    let covered = |path: &str| allowed.iter().any(|(file, reason)| *file == path && !reason.is_empty());
    let mut broken = Vec::new();
    for source in sources.iter().filter(|s| !covered(&s.path)) {
        broken.extend(source.holds(&needles));
    }
    for (file, _) in allowed {
        if !sources.iter().any(|s| s.path == *file && !s.holds(&needles).is_empty()) {
            broken.push(format!("{file} is listed and sleeps no more"));
        }
    }
    broken
}

#[test]
fn nothing_sleeps_to_see_whether_something_happened() {
    let rule =
        "wait for the event with a deadline; where time itself is the point, list the file in SLEEPS with the reason:";
    assert_none(rule, sleeps(&product_files(), SLEEPS));
}

#[test]
fn a_sleep_is_found() {
    let source = || [Source::new("src/x.rs", concat!("tokio::time::", "sleep(PAUSE).await;"))];
    assert_eq!(sleeps(&source(), &[]).len(), 1);
    assert_eq!(sleeps(&source(), &[("src/x.rs", "")]).len(), 1, "an entry needs a reason");
    assert_eq!(sleeps(&source(), &[("src/x.rs", "the pause between tries")]), [""; 0]);
    assert_eq!(sleeps(&source(), &[("src/x.rs", "why"), ("src/y.rs", "why")]).len(), 1, "a stale entry");
    assert_eq!(sleeps(&[Source::new("src/x.rs", "let asleep = asleep(1);")], &[]), [""; 0]);
}

fn is_shell(text: &str) -> bool {
    let first = text.lines().next().unwrap_or("");
    first.starts_with("#!") && first.split(['/', ' ']).any(|word| ["sh", "bash", "dash"].contains(&word))
}

fn careless_scripts(sources: &[Source]) -> Vec<String> {
    let careless = sources.iter().filter(|s| is_shell(&s.text));
    careless.filter(|s| !s.text.lines().any(|line| line.starts_with("set -eu"))).map(|s| s.path.clone()).collect()
}

#[test]
fn shell_scripts_stop_at_the_first_error() {
    let scripts = files("", |path| {
        let in_source = path.extension().is_some_and(|e| e == "rs" || e == "md" || e == "toml" || e == "json");
        !in_source && fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"#!"))
    });
    assert!(scripts.iter().any(|s| s.path == "install.sh"), "install.sh was not looked at");
    assert_none("give these a line `set -eu`:", careless_scripts(&scripts));
}

#[test]
fn a_careless_script_is_found() {
    let careless = Source::new("a", "#!/usr/bin/env bash\necho set -eu\n");
    let careful = Source::new("b", "#!/bin/sh\nset -eu\n");
    let python = Source::new("c", "#!/usr/bin/env python3\n");
    assert_eq!(careless_scripts(&[careless, careful, python]), ["a"]);
}

/// Links of a document to files of the repository that are not there.
fn dead_links(document: &Source, exists: impl Fn(&Path) -> bool) -> Vec<String> {
    let folder = Path::new(&document.path).parent().unwrap_or(Path::new(""));
    let targets = document.text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets
        .filter_map(|target| target.split('#').next())
        .filter(|target| !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:"))
        .filter(|target| !exists(&folder.join(target)))
        .map(|target| format!("{}: {target}", document.path))
        .collect()
}

#[test]
fn links_lead_somewhere() {
    let documents = files("", |path| path.extension().is_some_and(|e| e == "md"));
    assert!(documents.iter().any(|d| d.path == "CONTRIBUTING.md"), "CONTRIBUTING.md was not looked at");
    let broken = documents.iter().flat_map(|d| dead_links(d, |path| root().join(path).exists())).collect();
    assert_none("these documents name files that are not there:", broken);
}

#[test]
fn a_dead_link_is_found() {
    let text = "[a](there.md#part) [b](https://example.org/x) [c](#here) ![d](gone.svg)";
    let found = dead_links(&Source::new("docs/x.md", text), |path| path == Path::new("docs/there.md"));
    assert_eq!(found, ["docs/x.md: gone.svg"]);
}
