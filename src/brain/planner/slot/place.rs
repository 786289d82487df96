//! Parameters that name files: paths, places to look in, extensions.

use super::super::lexicon;
use super::super::value::Value;
use super::super::words::Token;

/// Names without a dot or a slash that are files or directories wherever they are spoken of.
const WELL_KNOWN: &[&str] = &[
    "makefile",
    "readme",
    "license",
    "dockerfile",
    "changelog",
    "gemfile",
    "procfile",
    "vagrantfile",
    "src",
    "scripts",
    "node_modules",
    "dist",
];

/// Ends of host names that look like extensions of files.
const DOMAINS: &[&str] = &["com", "org", "net", "io", "dev", "edu", "gov", "de", "uk", "fr", "eu"];

/// Directories of a home that people name without a path.
const HOME_DIRECTORIES: &[(&str, &str)] = &[
    ("download", "~/Downloads"),
    ("documents", "~/Documents"),
    ("desktop", "~/Desktop"),
    ("pictures", "~/Pictures"),
    ("music", "~/Music"),
    ("videos", "~/Videos"),
    ("movies", "~/Movies"),
];

/// Extensions by the name of what such files hold.
const KINDS: &[(&str, &str)] = &[
    ("rust", "rs"),
    ("python", "py"),
    ("javascript", "js"),
    ("typescript", "ts"),
    ("golang", "go"),
    ("ruby", "rb"),
    ("shell", "sh"),
    ("markdown", "md"),
    ("text", "txt"),
    ("yaml", "yaml"),
    ("haskell", "hs"),
    ("kotlin", "kt"),
    ("perl", "pl"),
    ("jpeg", "jpg"),
];

/// Extensions that are recognised without a dot, before the word "files".
const EXTENSIONS: &[&str] = &[
    "rs", "py", "js", "ts", "tsx", "jsx", "go", "c", "h", "cpp", "hpp", "cc", "java", "rb", "php", "sh", "md", "txt",
    "log", "csv", "tsv", "json", "jsonl", "yaml", "yml", "toml", "xml", "html", "css", "sql", "pdf", "png", "jpg",
    "gif", "svg", "webp", "mp3", "mp4", "mkv", "mov", "wav", "flac", "zip", "gz", "tgz", "tar", "xz", "iso", "deb",
    "rpm", "dmg", "exe", "dll", "so", "dylib", "lock", "conf", "cfg", "ini", "bak", "tmp", "swift", "kt", "scala",
    "lua", "vim", "db", "sqlite", "parquet", "ipynb", "docx", "xlsx", "pptx", "odt", "epub", "tex", "bin", "o",
    "class", "jar", "wasm",
];

/// Whether a word can only be a file: it has a slash, an extension, starts like a path, or is a well-known name.
fn looks_like_a_path(token: &Token) -> bool {
    let raw = token.raw.as_str();
    if token.quoted || WELL_KNOWN.contains(&token.word.as_str()) {
        return !raw.is_empty();
    }
    let starts =
        matches!(raw, "." | ".." | "~" | "/") || ["/", "~/", "./", "../", "$HOME/"].iter().any(|p| raw.starts_with(p));
    let slashed =
        raw.contains('/') && !raw.contains("://") && !matches!(token.word.as_str(), "and/or" | "i/o" | "tcp/ip");
    let hidden = raw.strip_prefix('.').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()));
    starts || slashed || hidden || has_extension(raw)
}

fn has_extension(raw: &str) -> bool {
    let Some((stem, ext)) = raw.rsplit_once('.') else { return false };
    !stem.is_empty()
        && !stem.contains(['*', '?', ':', '='])
        && (1..=8).contains(&ext.len())
        && ext.chars().all(|c| c.is_ascii_alphanumeric())
        && ext.chars().any(|c| c.is_ascii_alphabetic())
        && !DOMAINS.contains(&ext.to_ascii_lowercase().as_str())
}

/// Whether the path that the tokens start with is one of a file rather than a directory.
pub(super) fn speaks_of_a_file(tokens: &[Token]) -> bool {
    let at = usize::from(tokens.first().is_some_and(|token| token.is_any(&["the", "my", "a", "an", "this"])));
    let [first, rest @ ..] = tokens.get(at..).unwrap_or_default() else { return false };
    let last = first.raw.rsplit('/').next().unwrap_or_default();
    first.is("file") || rest.first().is_some_and(|token| token.is("file")) || has_extension(last)
}

fn value(token: &Token) -> Value {
    Value::Path(token.raw.clone())
}

/// Any word that nothing forbids to be a file.
pub(super) fn any(token: &Token) -> Option<Value> {
    let fits = token.quoted
        || looks_like_a_path(token)
        || (lexicon::may_be_a_file(&token.raw.to_lowercase())
            && !token.raw.contains("://")
            && !token.raw.contains(['*', '?', '$']));
    (fits && !token.raw.is_empty()).then(|| value(token))
}

/// "src/main.rs", "the file README", "folder old", "the src directory".
pub(super) fn path(tokens: &[Token]) -> Option<(usize, Value)> {
    if let Some(here) = this_directory(tokens).filter(|(used, _)| tokens[used - 1].is("directory")) {
        return Some(here);
    }
    let at = usize::from(tokens.first()?.is_any(&["the", "my", "a", "an", "this"]));
    let [first, rest @ ..] = tokens.get(at..)? else { return None };
    if first.is_any(&["file", "directory"]) {
        let named = usize::from(rest.first().is_some_and(|token| token.is_any(&["named", "name"])));
        return Some((at + 2 + named, any(rest.get(named)?)?));
    }
    let followed = rest.first().is_some_and(|token| token.is_any(&["file", "directory"]));
    if looks_like_a_path(first) {
        return Some((at + 1 + usize::from(followed), value(first)));
    }
    let directory = rest.first().is_some_and(|token| matches!(token.raw.as_str(), "directory" | "folder" | "dir"));
    match home_directory(first) {
        Some(home) if directory => Some((at + 2, home)),
        _ if directory && first.is("home") => Some((at + 2, Value::Path("~".to_owned()))),
        _ => None,
    }
}

fn home_directory(token: &Token) -> Option<Value> {
    let (_, path) = HOME_DIRECTORIES.iter().find(|(name, _)| token.is(name))?;
    Some(Value::Path((*path).to_owned()))
}

/// "in /var", "below src", "here", "in this folder", "in my downloads", "on this computer".
pub(super) fn place(tokens: &[Token]) -> Option<(usize, Value)> {
    let first = tokens.first()?;
    let led = first.is_any(&["in", "below", "under", "inside", "within", "beneath", "from", "at", "of", "on"]);
    if first.is("here") || first.is("everywhere") {
        return Some((1, Value::Path(if first.is("here") { "." } else { "/" }.to_owned())));
    }
    let after = if led { &tokens[1..] } else { tokens };
    let lead = usize::from(led);
    if let Some((used, value)) = this_directory(after).or_else(|| path(after)) {
        return Some((lead + used, value));
    }
    let article = usize::from(after.first()?.is_any(&["the", "my", "this", "a"]));
    let noun = after.get(article)?;
    if !led {
        return None;
    }
    let used = lead + article + 1;
    if let Some(home) = home_directory(noun) {
        return Some((used, home));
    }
    if noun.is("home") {
        return Some((used, Value::Path("~".to_owned())));
    }
    if first.is("on") && noun.is_any(&["computer", "machine", "disk", "system", "laptop", "mac", "pc", "server"]) {
        return Some((used, Value::Path("/".to_owned())));
    }
    let inside = first.is_any(&["in", "below", "under", "inside", "within", "beneath"]);
    let plain = noun.raw.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && lexicon::canonical(&noun.word) == noun.word;
    if inside && article == 0 && plain && !noun.quoted && lexicon::may_be_a_name(&noun.word) {
        Some((used, any(noun)?))
    } else {
        None
    }
}

fn this_directory(tokens: &[Token]) -> Option<(usize, Value)> {
    const SAID: &[&[&str]] = &[
        &["the", "current", "working", "directory"],
        &["my", "current", "directory"],
        &["the", "current", "directory"],
        &["the", "working", "directory"],
        &["current", "working", "directory"],
        &["current", "directory"],
        &["working", "directory"],
        &["this", "directory"],
        &["this", "repo"],
        &["this", "project"],
        &["the", "repo"],
        &["the", "project"],
        &["my", "project"],
        &["here"],
        &["this", "place"],
    ];
    SAID.iter()
        .find(|said| tokens.len() >= said.len() && tokens.iter().zip(said.iter()).all(|(token, word)| token.is(word)))
        .map(|said| (said.len(), Value::Path(".".to_owned())))
}

/// "*.rs", ".rs", "rust", "ending in .rs", "with extension rs".
pub(super) fn extension(tokens: &[Token]) -> Option<(usize, Value)> {
    const LEADS: &[&[&str]] = &[
        &["that", "end", "in"],
        &["that", "end", "with"],
        &["end", "in"],
        &["end", "with"],
        &["ending", "in"],
        &["ending", "with"],
        &["with", "the", "extension"],
        &["with", "an", "extension", "of"],
        &["with", "extension"],
        &["of", "type"],
        &["with", "ending"],
        &["extension"],
    ];
    let lead = LEADS
        .iter()
        .find(|lead| tokens.len() > lead.len() && tokens.iter().zip(lead.iter()).all(|(token, word)| token.is(word)));
    let at = lead.map_or(0, |lead| lead.len());
    let token = tokens.get(at)?;
    let dotted = ["*.", "."].iter().find_map(|dot| token.raw.strip_prefix(dot));
    let ext = match (dotted, lead) {
        (Some(ext), _) => ext,
        (None, Some(_)) => token.raw.as_str(),
        // Without a dot it takes the word "files" (or "code") to tell.
        (None, None) if tokens.get(1)?.is_any(&["file", "code", "source"]) && !token.quoted => {
            known_extension(&token.word)?
        }
        (None, None) => return None,
    };
    let ext = KINDS.iter().find(|(kind, _)| *kind == ext).map_or(ext, |(_, ext)| ext);
    let fits = !ext.is_empty() && ext.len() <= 12 && ext.chars().all(|c| c.is_ascii_alphanumeric() || c == '.');
    fits.then(|| (at + 1, Value::Text(ext.to_owned())))
}

/// A kind of file by itself: "lines of python".
pub(super) fn language(token: &Token) -> Option<Value> {
    KINDS.iter().find(|(kind, _)| token.is(kind)).map(|(_, ext)| Value::Text((*ext).to_owned()))
}

fn known_extension(word: &str) -> Option<&'static str> {
    let kind = KINDS.iter().find(|(kind, _)| *kind == word).map(|(_, ext)| *ext);
    kind.or_else(|| EXTENSIONS.iter().find(|ext| **ext == word).copied())
}
