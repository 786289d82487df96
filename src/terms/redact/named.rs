//! What is recognised by the name it is given: `password=…`, `"api_key": "…"`, `--token …`.

use super::shapes::is_variable;
use super::{Sensitive, is_url_safe, run};

/// Longest name looked at.
const LONGEST_NAME: usize = 64;

/// Longest value taken out.
const LONGEST_VALUE: usize = 8 * 1024;

/// How much a name promises.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Promise {
    /// A password: whatever follows is one.
    Password,
    /// A key or token: long, and no ordinary word.
    Key,
}

impl Promise {
    fn kind(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Key => "key",
        }
    }
}

/// The value of `name=value` or `name: value`, by the sign between.
pub(super) fn assignment(text: &str, at: usize) -> Option<Sensitive> {
    let bytes = text.as_bytes();
    let colon = bytes[at] == b':';
    if colon && matches!(bytes.get(at + 1), Some(b':' | b'/')) || bytes.get(at + 1) == Some(&b'=') {
        return None;
    }
    let name = name_before(text, at)?;
    if colon && ["cookie", "set-cookie"].iter().any(|cookie| name.eq_ignore_ascii_case(cookie)) {
        return cookies(text, at + 1);
    }
    let promise = promise_of(name)?;
    let spaces = run(bytes, at + 1, 8, |byte| matches!(byte, b' ' | b'\t'));
    let from = at + 1 + spaces;
    let (from, end, quoted) = value_from(text, from)?;
    let value = &text[from..end];
    // `if password == x`, a type in a declaration, a word of prose.
    let shown = is_variable(value) || (!quoted && (spaces > 0 || colon) && is_code(value));
    let secret = match promise {
        Promise::Password => !value.is_empty(),
        Promise::Key => value.len() >= 8 && (quoted || value.bytes().any(|byte| byte.is_ascii_digit())),
    };
    (secret && !shown && !is_plain(value)).then_some(Sensitive { range: from..end, kind: promise.kind() })
}

/// What a header of cookies holds: all of them, to the end of the line or of the quotes around it.
fn cookies(text: &str, at: usize) -> Option<Sensitive> {
    let bytes = text.as_bytes();
    let from = at + run(bytes, at, 8, |byte| matches!(byte, b' ' | b'\t'));
    let length = run(bytes, from, LONGEST_VALUE, |byte| !matches!(byte, b'"' | b'\'' | b'`' | b'\r' | b'\n' | b'\\'));
    let end = boundary(text, from + length);
    let value = text[from..end].trim_end();
    let named = value.contains('=') && !value.starts_with("[redacted") && !is_variable(value);
    named.then(|| Sensitive { range: from..from + value.len(), kind: "cookie" })
}

/// Options whose value is a password for some programs only.
const OPTIONS: &[(&str, &[&str])] = &[
    ("-p", &["sshpass", "login"]),
    ("-a", &["redis-cli"]),
    ("-w", &["ldapsearch", "ldapmodify", "ldapadd"]),
    ("-k", &["openssl"]),
    ("-P", &["unzip", "zip"]),
];

/// Programs whose password is glued to their `-p`.
const GLUED: &[&str] = &["mysql", "mysqldump", "mysqladmin", "mariadb", "mariadb-dump"];

/// The value after an option that takes a secret, within a text: `--password x`, `curl -u user:x`, `mysql -px`.
pub(super) fn after_option(text: &str, at: usize) -> Option<Sensitive> {
    let bytes = text.as_bytes();
    if at > 0 && !bytes[at - 1].is_ascii_whitespace() && !matches!(bytes[at - 1], b'"' | b'\'') {
        return None;
    }
    let length = run(bytes, at, LONGEST_NAME, is_url_safe);
    let word = &text[at..at + length];
    let between = run(bytes, at + length, 8, |byte| matches!(byte, b' ' | b'\t' | b'"' | b'\'' | b','));
    let next = at + length + between;
    let of = |programs: &[&str]| line_has(&text[..at], programs);
    if let Some(kind) = option(word).filter(|_| between > 0) {
        return value(text, next, kind).filter(|found| bytes[found.range.start] != b'-');
    }
    if matches!(word, "-u" | "--user") && of(&["curl"]) {
        let (from, end, _) = value_from(text, next)?;
        return value(text, from + text[from..end].find(':')? + 1, "password");
    }
    if let Some(glued) = word.strip_prefix("-u").filter(|glued| !glued.is_empty() && of(&["curl"])) {
        let (from, end, _) = value_from(text, at + length - glued.len())?;
        return value(text, from + text[from..end].find(':')? + 1, "password");
    }
    if OPTIONS.iter().any(|(option, programs)| *option == word && of(programs)) {
        return value(text, next, "password");
    }
    if word.len() > 2 && word.starts_with("-p") && of(GLUED) {
        return value(text, at + 2, "password");
    }
    None
}

/// The value that begins there, unless it only stands for one.
fn value(text: &str, at: usize, kind: &'static str) -> Option<Sensitive> {
    let (from, end, _) = value_from(text, at)?;
    (from < end && !is_variable(&text[from..end])).then_some(Sensitive { range: from..end, kind })
}

/// Whether one of these programs stands on the line so far.
fn line_has(before: &str, programs: &[&str]) -> bool {
    const WORDS: usize = 24;
    let line = before.rsplit('\n').next().unwrap_or_default();
    // Within `sh -c '…'`, `$(…)` and JSON a sign stands before the name.
    let signs = |c: char| !c.is_ascii_alphanumeric();
    let words = line.split_ascii_whitespace().rev().take(WORDS).map(|word| word.trim_matches(signs));
    let names = words.map(|word| word.rsplit(['/', '"', '\'', '(', ';', '|', '&', '`']).next().unwrap_or(word));
    names.into_iter().any(|name| programs.contains(&name))
}

/// What an option's value is, if it is a secret.
pub(super) fn option(word: &str) -> Option<&'static str> {
    promised(word.strip_prefix("--")?)
}

/// What the value of that name is, if it is a secret.
pub(super) fn promised(name: &str) -> Option<&'static str> {
    promise_of(name).map(Promise::kind)
}

/// The name that ends before a sign: a word, in quotes perhaps, with spaces after it perhaps.
fn name_before(text: &str, at: usize) -> Option<&str> {
    let head = text[..at].trim_end_matches([' ', '\t']);
    let head = if at - head.len() > 8 { return None } else { head };
    let head = head.strip_suffix("\\\"").or_else(|| head.strip_suffix(['"', '\'', ']'])).unwrap_or(head);
    let in_name = |byte: &&u8| is_url_safe(**byte) || **byte == b'.';
    let length = head.as_bytes().iter().rev().take(LONGEST_NAME).take_while(in_name).count();
    (length > 0).then(|| &head[head.len() - length..])
}

/// Where a value begins and ends, and whether it stands in quotes.
fn value_from(text: &str, at: usize) -> Option<(usize, usize, bool)> {
    let bytes = text.as_bytes();
    let escaped = bytes.get(at..at + 2) == Some(b"\\\"");
    let first = if escaped { b'"' } else { *bytes.get(at)? };
    if matches!(first, b'"' | b'\'' | b'`') {
        let from = at + if escaped { 2 } else { 1 };
        let mut length = run(bytes, from, LONGEST_VALUE, |byte| byte != first && byte != b'\n');
        if escaped && bytes.get(from + length - usize::from(length > 0)) == Some(&b'\\') {
            length = length.saturating_sub(1);
        }
        return Some((from, boundary(text, from + length), true));
    }
    let ends = |byte: u8| {
        byte.is_ascii_whitespace()
            || matches!(byte, b'&' | b';' | b'"' | b'\'' | b'`' | b',' | b'|' | b'<' | b'>' | b')' | b'}' | b']')
    };
    let from = at;
    // A placeholder holds spaces and brackets; it is no value.
    if text[from..].starts_with("[redacted") {
        return None;
    }
    let length = run(bytes, from, LONGEST_VALUE, |byte| !ends(byte));
    (length > 0).then(|| (from, boundary(text, from + length), false))
}

fn boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Before `key`, these make it a secret one.
#[rustfmt::skip]
const OF_KEYS: &[&str] = &[
    "api", "access", "secret", "private", "account", "signing", "encryption", "master", "auth", "shared", "service", "storage", "license",
];

/// What a name promises: by its last words, as `DB_PASSWORD`, `x-api-key`, `clientSecret` and `secrets.token` have them.
fn promise_of(name: &str) -> Option<Promise> {
    let words = words(name);
    let last = words.last()?.as_str();
    let before = words.len().checked_sub(2).map_or("", |i| words[i].as_str());
    let ends = |ends: &[&str]| ends.iter().any(|end| last.ends_with(end));
    if last == "pwd" {
        // Alone, and after `old`, it is a directory.
        return (!matches!(before, "" | "old")).then_some(Promise::Password);
    }
    if last == "pass" || ends(&["password", "passwd", "passphrase", "passcode"]) {
        return Some(Promise::Password);
    }
    let key = ends(&["secret", "token", "apikey", "secretkey", "accesskey", "authkey", "credential", "credentials"])
        || (last == "key" && OF_KEYS.contains(&before))
        // A signed URL's, and npm's `_auth`.
        || (words.len() == 1 && (matches!(last, "sig" | "signature") || name == "_auth"));
    key.then_some(Promise::Key)
}

/// The words of a name, in lower case: divided by signs, and where a capital follows a small letter.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut small = false;
    for c in name.chars() {
        if !c.is_ascii_alphanumeric() {
            words.push(String::new());
            small = false;
            continue;
        }
        if c.is_ascii_uppercase() && small {
            words.push(String::new());
        }
        small = c.is_ascii_lowercase() || c.is_ascii_digit();
        if let Some(word) = words.last_mut() {
            word.push(c.to_ascii_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Words that stand where a value could, and are none.
fn is_plain(value: &str) -> bool {
    const PLAIN: &[&str] = &[
        "true",
        "false",
        "null",
        "none",
        "nil",
        "yes",
        "no",
        "undefined",
        "required",
        "optional",
        "string",
        "str",
        "text",
        "int",
        "bool",
        "bytes",
        "stdin",
        "prompt",
        "env",
        "file",
        "redacted",
        "hidden",
        "removed",
    ];
    PLAIN.contains(&value.to_ascii_lowercase().as_str())
}

/// A type or an expression of a programming language: `&str`, `Option<String>`, `self.password`, `getpass()`.
fn is_code(value: &str) -> bool {
    let value = value.trim_end_matches([',', ';', '.']);
    let call = value.contains('(') || value.contains("::");
    let field = value.split('.').count() > 1
        && value.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_'));
    let reference = value.starts_with('&') || value.starts_with('*');
    let type_name = value.chars().next().is_some_and(|c| c.is_ascii_uppercase())
        && value.bytes().all(|byte| byte.is_ascii_alphabetic())
        && value.bytes().any(|byte| byte.is_ascii_lowercase());
    call || field || reference || type_name
}
