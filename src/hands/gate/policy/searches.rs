//! What a search reads by itself: which directories, and which files in them.

use super::judge::base;
use super::known::{Known, Reads};
use super::secrets;
use pryx_terms::Program;
use std::path::{Path, PathBuf};

/// Whether it reads everything below a directory by itself: `rg`, and `grep -r` with its like.
pub(super) fn searches_here(program: &Program, known: &Known) -> bool {
    let greps = matches!(base(program), "grep" | "egrep" | "fgrep");
    let recursive = |arg: &String| {
        let cluster = arg.starts_with('-') && !arg.starts_with("--") && arg.contains(['r', 'R', 'd']);
        // Long options may be shortened: --recursive, --dereference-recursive, --directories=recurse.
        let long = arg.starts_with("--r") || arg.starts_with("--d");
        greps && (cluster || long) || arg.contains("recurs")
    };
    known.reads == Reads::Tree || program.args.iter().any(recursive)
}

/// Most files and directories that are looked at for a search (a large repository with what it depends on has fewer);
/// looking at more would keep a person waiting for the question itself.
const MOST_ENTRIES: usize = 60_000;
/// Options with no value, of grep and of ripgrep: what follows one of these stands for itself.
const GREP_FLAGS: &str = "abcEFGPHhIilLnoqrRsUvwxyzZT";
const RG_FLAGS: &str = "abcFHhIilLnNopPqsSUuvwxz0.";
const LONG_FLAGS: &[&str] = &[
    "--line-number",
    "--ignore-case",
    "--hidden",
    "--recursive",
    "--heading",
    "--word-regexp",
    "--files-with-matches",
    "--count",
    "--follow",
    "--smart-case",
    "--fixed-strings",
    "--only-matching",
    "--with-filename",
];

/// A program that reads what is below a directory, as its options say.
#[derive(Debug, Clone, Default)]
pub(super) struct Search {
    /// It may begin where the command stands, whatever else it names.
    pub(super) here: bool,
    follows: bool,
    /// What is hidden, and what git ignores, is left out.
    ignoring: bool,
    /// Only files whose names end so, if that is all that it searches.
    only: Vec<String>,
    /// Names of files that it leaves out, and of directories.
    not: Vec<String>,
    not_in: Vec<String>,
}

impl Search {
    /// Nothing when it reads only what is named.
    pub(super) fn of(program: &Program, known: &Known) -> Option<Self> {
        let name = base(program);
        let line = Line { args: program.args.iter().map(String::as_str).collect(), rg: name == "rg" };
        match name {
            "diff" | "colordiff" => Some(Self { follows: true, ..Self::default() }),
            // Without it, only what is tracked: the repository itself holds that.
            "git" => {
                (line.args.contains(&"grep") && line.long("--u")).then_some(Self { here: true, ..Self::default() })
            }
            "rg" if line.options().contains(&"--files") => None,
            "rg" => Some(Self::rg(&line)),
            _ if searches_here(program, known) => Some(Self::grep(&line)),
            _ => None,
        }
    }

    fn rg(line: &Line) -> Self {
        // What a glob names is searched though it is hidden or ignored.
        let globs = line.short("g") || line.long("--g") || line.long("--ig");
        let all = globs || line.short("u.") || line.long("--u") || line.long("--no-ig") || line.long("--hid");
        let given = line.args.iter().zip(line.args.iter().skip(1)).filter(|(option, _)| **option == "-g");
        let given: Vec<&str> = given.map(|(_, glob)| *glob).collect();
        let may_be = |arg: &&&str| arg.starts_with("--g") || arg.starts_with("--ig") || is_short(arg, "g");
        let sure = line.options().iter().filter(|option| **option == "-g").count();
        let only = if line.args.iter().filter(may_be).count() == sure { endings(&given) } else { Vec::new() };
        Self {
            here: !line.names_a_place(),
            follows: line.short("L") || line.long("--fo"),
            ignoring: !all,
            only,
            ..Self::default()
        }
    }

    fn grep(line: &Line) -> Self {
        let given = line.values("--include=");
        let included = line.args.iter().filter(|arg| arg.starts_with("--inc")).count();
        let only = if included == given.len() { endings(&given) } else { Vec::new() };
        let plain = |values: Vec<&str>| -> Vec<String> {
            let fixed = |value: &&str| {
                let name = value.strip_prefix('*').unwrap_or(value);
                !name.is_empty() && !name.contains(['*', '?', '[', '\\', '/'])
            };
            values.into_iter().filter(fixed).map(str::to_owned).collect()
        };
        // The last one counts that matches, so beside inclusions nothing is surely left out.
        let not = if included == 0 { plain(line.values("--exclude=")) } else { Vec::new() };
        Self {
            here: !line.names_a_place(),
            follows: line.short("R") || line.long("--d"),
            ignoring: false,
            only,
            not,
            not_in: plain(line.values("--exclude-dir=")),
        }
    }

    /// Why it would meet a secret below a directory.
    pub(super) fn meets(&self, dir: &Path, private: &[PathBuf]) -> Option<String> {
        let mut walk = ignore::WalkBuilder::new(dir);
        walk.standard_filters(self.ignoring).follow_links(self.follows);
        let not_in = self.not_in.clone();
        walk.filter_entry(move |entry| {
            let is_dir = entry.file_type().is_some_and(|kind| kind.is_dir());
            !is_dir || entry.depth() == 0 || !fits(&not_in, &entry.file_name().to_string_lossy())
        });
        for (seen, entry) in walk.build().filter_map(Result::ok).enumerate() {
            if seen >= MOST_ENTRIES {
                return Some(format!("{} holds too much to see whether secrets are in it", dir.display()));
            }
            let is_file = entry.file_type().is_some_and(|kind| !kind.is_dir());
            // The place itself has been looked at.
            if entry.depth() == 0 || is_file && !self.reads(&entry.file_name().to_string_lossy()) {
                continue;
            }
            let path = entry.path();
            let link = entry.path_is_symlink();
            let leads = || link && self.follows && secrets::secret(path, private).is_some();
            // A link that isn't followed isn't read.
            let named = || (self.follows || !link) && secrets::is_named(&path.to_string_lossy().to_lowercase());
            if named() || leads() || private.iter().any(|private| private == path) {
                return Some(format!("it would read {}, which may hold keys or passwords", path.display()));
            }
        }
        None
    }

    fn reads(&self, name: &str) -> bool {
        let lower = name.to_lowercase();
        let fitting = self.only.is_empty() || self.only.iter().any(|end| lower.ends_with(end.as_str()));
        fitting && !fits(&self.not, name)
    }
}

/// Whether a name is one of these; `*.x` is every name that ends so.
fn fits(names: &[String], name: &str) -> bool {
    names.iter().any(|listed| listed.strip_prefix('*').map_or(name == listed, |end| name.ends_with(end)))
}

/// What `*.rs` and the like leave, when every one is such a glob: a file's name must end so.
fn endings(globs: &[&str]) -> Vec<String> {
    let ending = |glob: &&str| {
        let end = glob.strip_prefix('*')?;
        let plain = end.strip_prefix('.')?.chars().all(|c| c.is_ascii_alphanumeric());
        plain.then(|| end.to_lowercase())
    };
    globs.iter().map(ending).collect::<Option<Vec<_>>>().unwrap_or_default()
}

fn is_short(arg: &str, letters: &str) -> bool {
    arg.starts_with('-') && !arg.starts_with("--") && arg.contains(|c| letters.contains(c))
}

/// The arguments of grep or ripgrep.
struct Line<'a> {
    args: Vec<&'a str>,
    rg: bool,
}

impl<'a> Line<'a> {
    fn long(&self, begins: &str) -> bool {
        self.args.iter().any(|arg| arg.starts_with(begins))
    }

    fn short(&self, letters: &str) -> bool {
        self.args.iter().any(|arg| is_short(arg, letters))
    }

    /// Whether the argument there is no other option's value.
    fn stands_alone(&self, at: usize) -> bool {
        let flags = if self.rg { RG_FLAGS } else { GREP_FLAGS };
        match at.checked_sub(1).and_then(|before| self.args.get(before)) {
            Some(&"--") => true,
            Some(before) if before.starts_with("--") => {
                let colour = !self.rg && matches!(*before, "--color" | "--colour");
                before.contains('=') || before.starts_with("--no-") || colour || LONG_FLAGS.contains(before)
            }
            Some(before) if before.starts_with('-') => before.chars().skip(1).all(|c| flags.contains(c)),
            _ => true,
        }
    }

    /// The arguments that are options beyond doubt.
    fn options(&self) -> Vec<&'a str> {
        let until = self.args.iter().position(|arg| *arg == "--").unwrap_or(self.args.len());
        let found = (0..until).filter(|at| self.args[*at].starts_with('-') && self.stands_alone(*at));
        found.map(|at| self.args[at]).collect()
    }

    fn values(&self, option: &str) -> Vec<&'a str> {
        self.options().into_iter().filter_map(|arg| arg.strip_prefix(option)).collect()
    }

    /// Whether a place surely follows the pattern; a lone word is the pattern, though a directory may be called so.
    fn names_a_place(&self) -> bool {
        let operands = (0..self.args.len()).filter(|at| !self.args[*at].starts_with('-') && self.stands_alone(*at));
        let pattern_by_option =
            self.short("ef") || self.long("--reg") || self.long("--fi") || self.options().contains(&"--files");
        operands.count() >= if pattern_by_option { 1 } else { 2 }
    }
}
