//! Templates of commands and answers: `{key}` stands for a parameter, some keys for options made of parameters.
//!
//! Every parameter enters a command through `quote.rs`, here and nowhere else.

use super::value::{Args, Span, Value};
use super::{quote, zones};

/// Fills a command's template. Nothing when a parameter can't be used.
pub(super) fn command(template: &str, args: &Args) -> Option<String> {
    expand(template, |key| derived(key, args).or_else(|| args.get(key).map(shell)))
}

/// Fills a sentence for a person.
pub(super) fn prose(template: &str, args: &Args) -> Option<String> {
    expand(template, |key| args.get(key).map(plain))
}

/// Replaces each `{key}`, where a key is lower-case letters and underscores; all other braces, and those after `%` and
/// `$`, are the command's own.
fn expand(template: &str, value: impl Fn(&str) -> Option<String>) -> Option<String> {
    let mut out = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        let (before, after) = rest.split_at(open);
        out.push_str(before);
        match key_of(after) {
            Some(key) if !before.ends_with(['%', '$']) => {
                out.push_str(&value(key)?);
                rest = &after[key.len() + 2..];
            }
            _ => {
                out.push('{');
                rest = &after[1..];
            }
        }
    }
    out.push_str(rest);
    Some(out)
}

/// The key of a placeholder that the text starts with.
pub(super) fn key_of(text: &str) -> Option<&str> {
    let (key, _) = text.strip_prefix('{')?.split_once('}')?;
    let fits = !key.is_empty() && key.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    fits.then_some(key)
}

fn shell(value: &Value) -> String {
    match value {
        Value::Number(n) | Value::KiB(n) => n.to_string(),
        Value::Path(path) => quote::path(path),
        Value::Text(text) => quote::word(text),
        Value::Span(span) => span.last(),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Number(n) => n.to_string(),
        Value::KiB(n) => format!("{n} KiB"),
        Value::Path(path) if path == "." => "the current directory".to_owned(),
        Value::Path(text) | Value::Text(text) => text.clone(),
        Value::Span(span) => span.prose(),
    }
}

fn text<'a>(args: &'a Args, key: &str) -> Option<&'a str> {
    match args.get(key)? {
        Value::Text(text) | Value::Path(text) => Some(text),
        _ => None,
    }
}

fn span(args: &Args, key: &str) -> Option<Span> {
    match args.get(key)? {
        Value::Span(span) => Some(*span),
        _ => None,
    }
}

/// Options that are made of parameters; empty where the sentence didn't give them.
fn derived(key: &str, args: &Args) -> Option<String> {
    match key {
        // Room for the header line of ps, df and the like.
        "count_and_header" => match args.get("count")? {
            Value::Number(n) => Some(n.saturating_add(1).to_string()),
            _ => None,
        },
        "filters" => Some(find_filters(args)),
        "glob" => text(args, "pattern").filter(|name| !name.contains('/')).map(|name| quote::word(&name_glob(name))),
        "include" => Some(text(args, "ext").map(include).unwrap_or_default()),
        // Lower case finds any case, as in many pagers and editors.
        "any_case" => Some(if text(args, "text")?.chars().any(char::is_uppercase) { "" } else { "i" }.to_owned()),
        "since_git" => Some(span(args, "since").map(Span::since_git).unwrap_or_default()),
        "since_journal" => Some(span(args, "since").map(Span::since_journal).unwrap_or_default()),
        "last" => Some(span(args, "since").map_or_else(|| "1h".to_owned(), Span::last)),
        "substitution" => Some(quote::word(&substitution(text(args, "old")?, text(args, "new")?)?)),
        "sender" => Some(quote::word(&predicate(text(args, "name")?)?)),
        "version" => version(text(args, "name")?),
        "backup" => Some(quote::path(&format!("{}.bak", target(args, "path")?))),
        "pack" => packed(args, ".tar.gz").map(|(new, old)| format!("tar -cavf {new} {old}")),
        "zip_up" => packed(args, ".zip").map(|(new, old)| format!("zip -r {new} {old}")),
        "zone" => Some(quote::word(zones::zone(text(args, "city")?)?.as_ref())),
        _ => None,
    }
}

/// A file to put something beside: without the slash at its end, and not a directory that only stands for another.
fn target<'a>(args: &'a Args, key: &str) -> Option<&'a str> {
    let path = text(args, key)?.trim_end_matches('/');
    let last = path.rsplit('/').next().unwrap_or(path);
    (!matches!(last, "" | "." | ".." | "~" | "$HOME")).then_some(path)
}

/// The archive and what goes into it, as words.
fn packed(args: &Args, ending: &str) -> Option<(String, String)> {
    let old = target(args, "old")?;
    let new = text(args, "new").map_or_else(|| format!("{old}{ending}"), str::to_owned);
    Some((quote::path(&new), quote::path(old)))
}

/// Tests of find(1) that mean the same to GNU and BSD.
fn find_filters(args: &Args) -> String {
    let mut tests = String::new();
    if let Some(ext) = text(args, "ext") {
        tests.push_str(&format!(" -iname {}", quote::word(&format!("*.{ext}"))));
    }
    for (key, sign) in [("larger", '+'), ("smaller", '-')] {
        if let Some(Value::KiB(size)) = args.get(key) {
            tests.push_str(&format!(" -size {sign}{}", find_size(*size)));
        }
    }
    if let Some(since) = span(args, "since") {
        tests.push_str(&since.find_newer());
    }
    if let Some(older) = span(args, "older") {
        tests.push_str(&older.find_older());
    }
    tests
}

/// find(1) rounds sizes up to the unit it is given, so `-1M` would mean "empty": KiB unless the size is in GiB or MiB
/// and well above one.
fn find_size(kib: u64) -> String {
    const GIB: u64 = 1024 * 1024;
    match kib {
        k if k >= 2 * GIB && k % GIB == 0 => format!("{}G", k / GIB),
        k if k >= 2 * 1024 && k % 1024 == 0 => format!("{}M", k / 1024),
        k => format!("{k}k"),
    }
}

/// A name with a dot or a wildcard is meant exactly, any other as a part of the name.
fn name_glob(name: &str) -> String {
    if name.contains(['.', '*', '?']) { name.to_owned() } else { format!("*{name}*") }
}

fn include(ext: &str) -> String {
    format!(" --include={}", quote::word(&format!("*.{ext}")))
}

/// sed(1)'s command that replaces one plain text by another.
fn substitution(old: &str, new: &str) -> Option<String> {
    if old.is_empty() {
        return None;
    }
    let escape = |text: &str, special: &str| {
        text.chars().fold(String::new(), |mut out, c| {
            if special.contains(c) {
                out.push('\\');
            }
            out.push(c);
            out
        })
    };
    Some(format!("s/{}/{}/g", escape(old, r"\/.*[]^$"), escape(new, r"\/&")))
}

/// What `log show` on macOS selects a process by.
fn predicate(name: &str) -> Option<String> {
    (!name.contains(['"', '\\'])).then(|| format!("process == \"{name}\""))
}

/// The command that prints a program's version. Some don't answer to `--version`, and some words are the shell's own.
fn version(name: &str) -> Option<String> {
    const RESERVED: &str = "if then else elif fi do done case esac while until for in time exec eval source select \
                            function coproc command builtin";
    if RESERVED.split_whitespace().any(|word| word == name) {
        return None;
    }
    let known = match name.to_ascii_lowercase().as_str() {
        "go" | "golang" => "go version",
        "java" => "java -version",
        "kubectl" => "kubectl version --client",
        "python" => "python3 --version",
        "rust" => "rustc --version",
        "ssh" | "openssh" => "ssh -V",
        "openssl" => "openssl version",
        "tmux" => "tmux -V",
        "nodejs" => "node --version",
        _ => return Some(format!("{} --version", quote::word(name))),
    };
    Some(known.to_owned())
}
