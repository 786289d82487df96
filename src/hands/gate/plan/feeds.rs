//! What programs hand to each other as names of files: `find … | xargs …`, `find -exec`, `grep -rl … | xargs …`.
//!
//! Where it can be worked out which names could come, they are looked at like the files that a glob matches now: rather
//! too many than too few. Where it can't, it stays unknown.

use super::globs::matches;
use super::{Arg, Invocation};
use std::path::Path;

/// Most directory entries that are looked at. A larger tree takes too long; what comes out of it stays unknown.
const MOST_ENTRIES: usize = 20_000;
/// Most names that are handed on. A card with more can't be read.
const MOST_NAMES: usize = 2_000;
/// Most commands that one name each makes: each is a program of the plan.
pub(super) const MOST_EACH: usize = 200;
/// Below this many bytes xargs starts its command once; with more it would begin anew, with other names in front.
const ONE_CALL: usize = 64 * 1024;

/// Names that a program prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Feed {
    pub items: Vec<String>,
    /// Ended by NUL instead of by a line's end.
    pub nul: bool,
}

/// What a program prints, if that is names that can be told; `from` is what it reads.
pub(super) fn printed(invocation: &Invocation, dir: &Path, from: Option<&Feed>) -> Option<Feed> {
    if invocation.args.iter().any(|arg| arg.unsure) {
        return None;
    }
    let args: Vec<&str> = invocation.args.iter().map(|arg| arg.text.as_str()).collect();
    let lines = |items: Vec<String>| (!items.is_empty()).then_some(Feed { items, nul: false });
    match invocation.name.as_str() {
        "find" => {
            let nul = args.contains(&"-print0");
            let items = found(&args, dir).filter(|items| !items.is_empty())?;
            Some(Feed { items, nul })
        }
        "ls" => lines(listed(&args, dir)?),
        "grep" | "rg" if lists_files(&invocation.name, &args) => lines(searched(invocation.name == "rg", &args, dir)?),
        "grep" | "head" | "tail" | "sort" | "uniq" | "cat" => {
            from.filter(|feed| !feed.nul && only_picks(&invocation.name, &args)).cloned()
        }
        "tr" if args == ["\\n", "\\0"] => Some(Feed { nul: true, ..from?.clone() }),
        _ => None,
    }
}

/// Whether a program hands on lines unchanged, some of them at least.
fn only_picks(name: &str, args: &[&str]) -> bool {
    let digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    let letters = |arg: &str, known: &str| {
        arg.strip_prefix('-').is_some_and(|l| !l.is_empty() && l.chars().all(|c| known.contains(c)))
    };
    match name {
        "cat" => args.is_empty(),
        "uniq" => args.is_empty(),
        "sort" => args.iter().all(|arg| letters(arg, "urnfVhdbM")),
        "head" | "tail" => match args {
            [] => true,
            [one] => one.strip_prefix("-n").or_else(|| one.strip_prefix('-')).is_some_and(digits),
            ["-n", count] => digits(count.trim_start_matches('+')),
            _ => false,
        },
        "grep" => {
            let operands = args.iter().filter(|arg| !arg.starts_with('-')).count();
            operands == 1 && args.iter().all(|arg| !arg.starts_with('-') || letters(arg, "viEFwx"))
        }
        _ => false,
    }
}

/// `ls`, `ls -1`, `ls *.rs`: names, as they were given.
fn listed(args: &[&str], dir: &Path) -> Option<Vec<String>> {
    let operands: Vec<&str> = args.iter().filter(|arg| !arg.starts_with('-')).copied().collect();
    if args.iter().any(|arg| arg.starts_with('-') && *arg != "-1") {
        return None;
    }
    if operands.is_empty() {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(dir).ok()?.flatten().take(MOST_NAMES + 1) {
            let name = entry.file_name().into_string().ok()?;
            if !name.starts_with('.') {
                names.push(name);
            }
        }
        return (names.len() <= MOST_NAMES).then_some(names);
    }
    let files = operands.iter().all(|name| dir.join(name).is_file());
    files.then(|| operands.iter().map(|name| (*name).to_owned()).collect())
}

fn lists_files(name: &str, args: &[&str]) -> bool {
    // `rg -rl x` prints lines, with an l in the place of what matched.
    let replaces = name == "rg" && args.iter().any(|arg| is_cluster(arg) && arg.contains('r'));
    !replaces
        && args
            .iter()
            .any(|arg| *arg == "--files" || *arg == "--files-with-matches" || is_cluster(arg) && arg.contains('l'))
}

fn is_cluster(arg: &str) -> bool {
    arg.starts_with('-') && !arg.starts_with("--")
}

/// `grep -rl PATTERN [DIR]`, `rg -l PATTERN [DIR]`, `rg --files [DIR]`: at most all files below.
fn searched(skips_hidden: bool, args: &[&str], dir: &Path) -> Option<Vec<String>> {
    let known = |arg: &&&str| {
        // The letters mean other things to rg: -r gives matches another text.
        let letters = if skips_hidden { "lniFws" } else { "rlniEFwsI" };
        is_cluster(arg) && arg.chars().skip(1).all(|c| letters.contains(c))
            || **arg == "--files"
            || arg.starts_with("--include=")
    };
    let options = args.iter().filter(|arg| arg.starts_with('-')).count();
    if args.iter().filter(known).count() != options
        || !skips_hidden && !args.iter().any(|a| is_cluster(a) && a.contains('r'))
    {
        return None;
    }
    let mut operands: Vec<&str> = args.iter().filter(|arg| !arg.starts_with('-')).copied().collect();
    if !args.contains(&"--files") {
        (!operands.is_empty()).then(|| operands.remove(0))?;
    }
    let named: Vec<Vec<(char, bool)>> =
        args.iter().filter_map(|arg| arg.strip_prefix("--include=")).map(pattern).collect();
    let bare = operands.is_empty();
    let starts = if bare { vec!["."] } else { operands };
    let mut walk = Walk::new(dir);
    walk.skips_hidden = skips_hidden;
    for start in starts {
        walk.below(start, 0, usize::MAX)?;
    }
    let fits = |(path, kind): &(String, Kind)| {
        let name = path.rsplit('/').next().unwrap_or_default();
        *kind == Kind::File && (named.is_empty() || named.iter().any(|glob| fits(glob, name)))
    };
    let files = walk.seen.into_iter().filter(fits).map(|(path, _)| path);
    // Without a directory they print names without the `./`.
    Some(files.map(|path| if bare { path.trim_start_matches("./").to_owned() } else { path }).collect())
}

fn pattern(text: &str) -> Vec<(char, bool)> {
    text.chars().map(|c| (c, true)).collect()
}

/// A pattern that can't be told counts as fitting.
fn fits(glob: &[(char, bool)], name: &str) -> bool {
    matches(glob, &name.chars().collect::<Vec<_>>()).unwrap_or(true)
}

/// Tests of find that pick from what there is, and actions that print names alone.
const TESTS: &str = "name iname path ipath wholename iwholename regex iregex type maxdepth mindepth size mtime mmin atime \
    amin ctime cmin newer empty user group perm links inum not o or a and prune print print0 xdev mount depth daystart \
    readable writable executable";

/// What `find` would find: at least that.
pub(super) fn found(args: &[&str], dir: &Path) -> Option<Vec<String>> {
    let first = args.iter().position(|arg| arg.starts_with(['-', '(', '!']));
    let (starts, tests) = args.split_at(first.unwrap_or(args.len()));
    let number = |arg: &str| arg.starts_with(|c: char| c.is_ascii_digit());
    let known = |arg: &&str| match arg.strip_prefix('-') {
        Some(rest) => number(rest) || TESTS.split_ascii_whitespace().any(|test| test == rest),
        None => true,
    };
    if !tests.iter().all(known) {
        return None;
    }
    // With alternatives a test by itself says nothing.
    let all = !tests.iter().any(|arg| matches!(*arg, "-o" | "-or" | "," | "(" | ")" | "!" | "-not" | "-prune"));
    let value = |name: &str| tests.windows(2).find(|pair| pair[0] == name).map(|pair| pair[1]);
    let depth = |name: &str| value(name).map(str::parse::<usize>).transpose().ok();
    let most = depth("-maxdepth")?.unwrap_or(usize::MAX);
    let mut walk = Walk::new(dir);
    for start in if starts.is_empty() { &["."][..] } else { starts } {
        walk.below(start, 0, most)?;
    }
    let name = value("-name").filter(|_| all).map(pattern);
    let folded = value("-iname").filter(|_| all).map(|text| pattern(&text.to_lowercase()));
    let kind = value("-type").filter(|_| all);
    let wanted = |(path, found): &(String, Kind)| {
        let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let of_kind = match kind {
            Some("f") => *found == Kind::File,
            Some("d") => *found == Kind::Directory,
            _ => true,
        };
        of_kind
            && name.as_ref().is_none_or(|glob| fits(glob, last))
            && folded.as_ref().is_none_or(|glob| fits(glob, &last.to_lowercase()))
    };
    let items: Vec<String> = walk.seen.into_iter().filter(wanted).map(|(path, _)| path).collect();
    (items.len() <= MOST_NAMES).then_some(items)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Directory,
    Other,
}

/// A walk through a tree that follows no links.
struct Walk<'a> {
    dir: &'a Path,
    seen: Vec<(String, Kind)>,
    budget: usize,
    skips_hidden: bool,
}

impl<'a> Walk<'a> {
    fn new(dir: &'a Path) -> Self {
        Self { dir, seen: Vec::new(), budget: MOST_ENTRIES, skips_hidden: false }
    }

    fn below(&mut self, path: &str, depth: usize, most: usize) -> Option<()> {
        // A slash at its end would look through a link.
        let bare = path.trim_end_matches('/');
        let place = self.dir.join(if bare.is_empty() { path } else { bare });
        let kind = match std::fs::symlink_metadata(&place).ok()?.file_type() {
            kind if kind.is_dir() => Kind::Directory,
            kind if kind.is_file() => Kind::File,
            _ => Kind::Other,
        };
        if depth == 0 && kind == Kind::Other {
            // A link that is named may be followed.
            return None;
        }
        self.seen.push((path.to_owned(), kind));
        if kind != Kind::Directory || depth >= most {
            return Some(());
        }
        // What can't be entered, find can't enter either.
        let Ok(entries) = std::fs::read_dir(&place) else { return Some(()) };
        for entry in entries.flatten() {
            self.budget = self.budget.checked_sub(1)?;
            // A name that is no UTF-8 can't be written into a plan.
            let name = entry.file_name().into_string().ok()?;
            if self.skips_hidden && name.starts_with('.') {
                continue;
            }
            let inner = if path.ends_with('/') { format!("{path}{name}") } else { format!("{path}/{name}") };
            self.below(&inner, depth + 1, most)?;
        }
        Some(())
    }
}

/// What xargs makes of names.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Handed {
    /// One command with all of them.
    Together(Vec<String>),
    /// One command for each, the name in the place of a mark if there is one.
    Each(Vec<String>, Option<String>),
}

/// How xargs with these options would hand on what it reads; nothing where that can't be told.
pub(super) fn handed(options: &[Arg], feed: &Feed) -> Option<Handed> {
    let (mut nul, mut lines, mut each, mut mark) = (false, false, false, None);
    let mut args = options.iter().map(|arg| arg.text.as_str());
    while let Some(arg) = args.next() {
        match arg {
            "-0" | "--null" => nul = true,
            "-r" | "-t" | "--no-run-if-empty" | "--verbose" | "-0r" | "-r0" => nul |= arg.contains('0'),
            "-n1" | "-L1" | "--max-args=1" => each = true,
            "-n" | "-L" => each = args.next().filter(|count| *count == "1").map(|_| true)?,
            "-P" => drop(args.next()?),
            "-d" => lines = args.next().filter(|mark| matches!(*mark, "\\n" | "\n")).map(|_| true)?,
            "-d\\n" => lines = true,
            "-I" => mark = Some(args.next()?.to_owned()),
            _ if arg.starts_with("-P") && arg[2..].chars().all(|c| c.is_ascii_digit()) => {}
            _ if arg.starts_with("-I") => mark = Some(arg[2..].to_owned()),
            _ => return None,
        }
    }
    // Blanks part names, and quotes and backslashes hide them, unless only one character ends a name.
    let hard = |name: &String| name.contains(|c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '\\'));
    let unclear =
        if nul || lines { feed.items.iter().any(|name| name.contains('\n')) } else { feed.items.iter().any(hard) };
    if nul != feed.nul || unclear || feed.items.is_empty() {
        return None;
    }
    let items = feed.items.clone();
    if each || mark.is_some() {
        return (items.len() <= MOST_EACH).then_some(Handed::Each(items, mark));
    }
    let bytes: usize = items.iter().map(|name| name.len() + 1).sum();
    (bytes < ONE_CALL).then_some(Handed::Together(items))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for file in ["a.rs", "b b.rs", "src/c.rs", "src/.hid/d.rs", "x.md"] {
            let path = dir.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        dir
    }

    fn sorted(mut items: Vec<String>) -> Vec<String> {
        items.sort();
        items
    }

    #[test]
    fn find_is_followed_rather_too_far_than_too_short() {
        let dir = place();
        let found = |args: &[&str]| found(args, dir.path()).map(sorted);
        let rust = ["./a.rs", "./b b.rs", "./src/.hid/d.rs", "./src/c.rs"].map(str::to_owned);
        assert_eq!(found(&[".", "-name", "*.rs"]).unwrap(), rust);
        assert_eq!(found(&["-type", "f", "-iname", "*.RS"]).unwrap(), rust);
        assert_eq!(found(&["src", "-maxdepth", "1", "-type", "f"]).unwrap(), ["src/c.rs"]);
        assert_eq!(found(&[".", "-name", "*.md", "-o", "-name", "*.rs"]).unwrap().len(), 8, "all of them");
        assert_eq!(found(&[".", "-not", "-name", "*.md"]).unwrap().len(), 8);
        assert_eq!(found(&["-L", "."]), None);
        assert_eq!(found(&[".", "-ls"]), None, "that prints more than names");
        assert_eq!(found(&[".", "-printf", "x"]), None);
        std::os::unix::fs::symlink("/etc", dir.path().join("link")).unwrap();
        assert_eq!(found(&["link/"]), None);
        assert_eq!(found(&["nowhere"]), None);
    }

    #[test]
    fn xargs_hands_on_only_what_it_would_not_part() {
        let feed = |items: &[&str], nul| Feed { items: items.iter().map(|item| (*item).to_owned()).collect(), nul };
        let args = |text: &str| -> Vec<Arg> { text.split_whitespace().map(Arg::known).collect() };
        let names = ["./a".to_owned(), "./b".to_owned()];
        assert_eq!(handed(&[], &feed(&["./a", "./b"], false)), Some(Handed::Together(names.to_vec())));
        assert_eq!(handed(&args("-n 1"), &feed(&["./a", "./b"], false)), Some(Handed::Each(names.to_vec(), None)));
        let marked = Handed::Each(names.to_vec(), Some("{}".to_owned()));
        assert_eq!(handed(&args("-I{} -P4"), &feed(&["./a", "./b"], false)), Some(marked));
        assert_eq!(handed(&[], &feed(&["./a -o", "./b"], false)), None, "it would be two");
        assert!(handed(&args("-0"), &feed(&["./a -o"], true)).is_some());
        assert_eq!(handed(&args("-0"), &feed(&["./a"], false)), None);
        assert_eq!(handed(&args("-n 2"), &feed(&["./a"], false)), None);
        assert_eq!(handed(&args("-a file"), &feed(&["./a"], false)), None);
    }
}
