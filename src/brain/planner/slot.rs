//! Parameters in a sentence: what a port, a path, a name looks like, and how many words it takes.

use super::value::Value;
use super::words::Token;
use super::{lexicon, zones};

mod amount;
mod network;
mod place;

/// Longest name of a program, service, user or container that is believed to be one.
const MAX_NAME: usize = 64;

/// A kind of parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// A port number.
    Port,
    /// A process id.
    Pid,
    /// How many results.
    Count,
    /// A file or directory that is recognisably one.
    Path,
    /// A path that names a file, not a directory: by its extension, or by the word "file".
    File,
    /// A file or directory, any word where nothing else can stand.
    AnyPath,
    /// A file that may be deleted: not a root, a home, a parent, a wildcard.
    Doomed,
    /// The same, any word where nothing else can stand.
    AnyDoomed,
    /// Where to look: "in /var", "here", "below src".
    Place,
    /// A ZIP archive.
    Zip,
    /// A tar archive, compressed or not.
    Tar,
    /// A text to search for.
    Text,
    /// A program, service, package, user, container.
    Name,
    /// A file name or a part of it, wildcards included.
    Pattern,
    /// A file name extension: "*.rs", "rust", "ending in .rs".
    Ext,
    /// A kind of file by itself, "python".
    Language,
    /// A text in capitals, "TODO".
    Capitals,
    /// A host with a dot, an address, or localhost.
    Host,
    /// Any word as a host, where nothing else can stand.
    AnyHost,
    /// `host:port`.
    HostPort,
    /// An http or https address.
    Url,
    /// "bigger than 100 MB".
    Larger,
    /// "smaller than 1 kB".
    Smaller,
    /// "in the last 2 hours", "today".
    Since,
    /// "older than 30 days".
    Older,
    /// A city or time zone.
    City,
    /// A calendar date.
    Date,
    /// Seconds (or milliseconds) since 1970.
    Epoch,
    /// An environment variable.
    Variable,
    /// An environment variable with its `$`.
    Dollar,
    /// The name of a command.
    Command,
}

/// How many tokens a parameter took, and what they came to.
pub(super) type Taken = (usize, Vec<(&'static str, Value)>);

impl Slot {
    /// By its name in patterns, and the key its value gets.
    const NAMES: [(Self, &'static str); 31] = [
        (Self::Port, "port"),
        (Self::Pid, "pid"),
        (Self::Count, "count"),
        (Self::Path, "path"),
        (Self::File, "file"),
        (Self::AnyPath, "anypath"),
        (Self::Doomed, "doomed"),
        (Self::AnyDoomed, "anydoomed"),
        (Self::Place, "place"),
        (Self::Zip, "zip"),
        (Self::Tar, "tar"),
        (Self::Text, "text"),
        (Self::Name, "name"),
        (Self::Pattern, "pattern"),
        (Self::Ext, "ext"),
        (Self::Language, "language"),
        (Self::Capitals, "capitals"),
        (Self::Host, "host"),
        (Self::AnyHost, "anyhost"),
        (Self::HostPort, "hostport"),
        (Self::Url, "url"),
        (Self::Larger, "larger"),
        (Self::Smaller, "smaller"),
        (Self::Since, "since"),
        (Self::Older, "older"),
        (Self::City, "city"),
        (Self::Date, "date"),
        (Self::Epoch, "epoch"),
        (Self::Variable, "variable"),
        (Self::Dollar, "dollar"),
        (Self::Command, "command"),
    ];

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, known)| *known == name).map(|(slot, _)| *slot)
    }

    pub(super) fn key(self) -> &'static str {
        Self::NAMES.iter().find(|(slot, _)| *slot == self).map_or("", |(_, name)| name)
    }

    /// How much it says about what is meant: a port can be little else, any word can be a name.
    pub(super) fn worth(self) -> u32 {
        match self {
            Self::AnyPath
            | Self::AnyDoomed
            | Self::AnyHost
            | Self::Text
            | Self::Name
            | Self::Command
            | Self::Pattern => 2,
            Self::File => 14,
            Self::Zip | Self::Tar => 16,
            Self::Epoch | Self::HostPort | Self::Url => 7,
            _ => 6,
        }
    }

    /// Reads the parameter off the front of the tokens.
    pub(super) fn take(self, tokens: &[Token]) -> Option<Taken> {
        let one = |value: Option<Value>| value.map(|value| (1, vec![(self.key(), value)]));
        let some = |taken: Option<(usize, Value)>| taken.map(|(used, value)| (used, vec![(self.key(), value)]));
        let first = tokens.first()?;
        match self {
            Self::Port => one(amount::port(first)),
            Self::Pid => one(amount::pid(first)),
            Self::Count => some(amount::count(tokens)),
            Self::Path => some(place::path(tokens)),
            Self::File => some(place::path(tokens).filter(|_| place::speaks_of_a_file(tokens))),
            Self::AnyPath => some(place::path(tokens).or_else(|| Some((1, place::any(first)?)))),
            Self::Doomed => some(place::path(tokens).filter(|(_, path)| may_be_deleted(path))),
            Self::AnyDoomed => some(Some((1, place::any(first)?)).filter(|(_, path)| may_be_deleted(path))),
            Self::Place => some(place::place(tokens)),
            Self::Zip => some(place::path(tokens).filter(|(_, path)| has_ending(path, &[".zip", ".jar"]))),
            Self::Tar => some(place::path(tokens).filter(|(_, path)| is_tar(path))),
            Self::Text => one(text(first)),
            Self::Name => one(name(first)),
            Self::Pattern => one(pattern(first)),
            Self::Ext => some(place::extension(tokens)),
            Self::Language => one(place::language(first)),
            Self::Capitals => one(Some(first).filter(|token| is_shouted(token)).and_then(text)),
            Self::Host => one(network::host(first)),
            Self::AnyHost => one(network::host(first).or_else(|| name(first))),
            Self::HostPort => network::host_and_port(first).map(|values| (1, values)),
            Self::Url => one(network::url(first)),
            Self::Larger => some(amount::larger(tokens)),
            Self::Smaller => some(amount::smaller(tokens)),
            Self::Since => some(amount::since(tokens)),
            Self::Older => some(amount::older(tokens)),
            Self::City => some(city(tokens)),
            Self::Date => one(amount::date(first)),
            Self::Epoch => one(amount::epoch(first)),
            Self::Variable => one(variable(first)),
            Self::Dollar => one(Some(first).filter(|token| token.raw.starts_with('$')).and_then(variable)),
            Self::Command => one(command(first)),
        }
    }
}

const TAR_ENDINGS: &[&str] = &[".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2", ".tar.zst"];

/// A name with a colon would be another machine's file to GNU tar.
fn is_tar(path: &Value) -> bool {
    has_ending(path, TAR_ENDINGS) && !matches!(path, Value::Path(path) if path.contains(':'))
}

fn has_ending(path: &Value, endings: &[&str]) -> bool {
    match path {
        Value::Path(path) => endings.iter().any(|ending| path.to_ascii_lowercase().ends_with(ending)),
        _ => false,
    }
}

/// Deleting by a sentence stays with single, plainly named things.
fn may_be_deleted(path: &Value) -> bool {
    let Value::Path(path) = path else { return false };
    let home = path.strip_prefix('~').or_else(|| path.strip_prefix("$HOME"));
    let named = home.unwrap_or(path).trim_start_matches("./").trim_matches('/');
    let deep_enough = home.is_some() || !path.starts_with('/') || named.contains('/');
    !named.is_empty()
        && deep_enough
        && !path.contains(['*', '?', '['])
        && named.split('/').all(|part| part != "." && part != "..")
}

/// Capitals are no part of how people write "error" when they mean errors in general.
fn is_shouted(token: &Token) -> bool {
    token.raw.len() > 2 && token.raw.chars().all(|c| c.is_ascii_uppercase() || c == '_')
}

fn text(token: &Token) -> Option<Value> {
    let fits = token.quoted || is_shouted(token) || lexicon::may_be_looked_for(&token.word);
    (fits && !token.raw.is_empty()).then(|| Value::Text(token.raw.clone()))
}

/// Names keep to characters that no tool takes for a pattern, option or path.
fn name(token: &Token) -> Option<Value> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '-' | '@');
    let fits = token.raw.len() <= MAX_NAME
        && token.raw.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && token.raw.chars().all(plain)
        && token.raw.contains(|c: char| c.is_ascii_alphabetic())
        && (token.quoted || lexicon::may_be_a_name(&token.word));
    fits.then(|| Value::Text(token.raw.clone()))
}

/// A name as find(1) matches it: without directories.
fn pattern(token: &Token) -> Option<Value> {
    let fits = token.raw.len() <= MAX_NAME && !token.raw.contains('/') && !token.raw.starts_with(['-', '$', '~']);
    let sure = token.quoted || lexicon::may_be_called(&token.word);
    (fits && sure && !token.raw.is_empty()).then(|| Value::Text(token.raw.clone()))
}

/// A name as commands have it: in lower case. "Where is Paris?" asks for something else.
fn command(token: &Token) -> Option<Value> {
    name(token).filter(|_| !token.raw.contains(|c: char| c.is_ascii_uppercase()))
}

fn variable(token: &Token) -> Option<Value> {
    let bare = token.raw.strip_prefix('$');
    let name = bare.unwrap_or(&token.raw);
    let fits = name.len() <= MAX_NAME
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let sure = bare.is_some() || name.chars().all(|c| !c.is_ascii_lowercase());
    (fits && sure && name.len() > 1).then(|| Value::Text(name.to_owned()))
}

/// The longest run of words that is a city, or a zone's own name.
fn city(tokens: &[Token]) -> Option<(usize, Value)> {
    (1..=tokens.len().min(3)).rev().find_map(|used| {
        let said = tokens[..used].iter().map(|token| token.raw.as_str()).collect::<Vec<_>>().join(" ");
        zones::zone(&said).map(|_| (used, Value::Text(said)))
    })
}
