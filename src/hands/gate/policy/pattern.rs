//! Patterns as a person writes them: of commands (`cargo test *`), of tools (`fs.*`), of hosts (`*.example.com`).

use super::judge::base;
use pryx_terms::Program;
use std::path::Path;

/// Longest pattern. Nobody reads a longer one, and matching takes time with its length.
const MAX_PATTERN: usize = 1000;

/// How closely a command must fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::gate) enum Strictness {
    /// To allow: the whole command, every word of it known.
    Exactly,
    /// To ask or deny: its beginning is enough, and what is not known might fit.
    Perhaps,
}

/// A pattern of commands, word by word. `*` by itself stands for any number of words, inside a word for any characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::gate) struct CommandPattern {
    words: Vec<String>,
}

impl CommandPattern {
    /// Reads one.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_PATTERN {
            return Err(format!("a pattern has at most {MAX_PATTERN} characters"));
        }
        let words = split(text)?;
        match words.first() {
            None => Err("a pattern needs the name of a program".to_owned()),
            Some(name) if name == "*" => Err("a pattern begins with the name of a program, not with *".to_owned()),
            Some(_) => Ok(Self { words }),
        }
    }

    /// One of these very words.
    pub fn of_words(words: Vec<String>) -> Self {
        Self { words }
    }

    /// Whether a program with its arguments fits. `root` is what a pattern with a relative path is relative to.
    pub fn fits(&self, program: &Program, how: Strictness, root: Option<&Path>) -> bool {
        let Some((name, rest)) = self.words.split_first() else { return false };
        let arg = |index: usize| (!program.unsure.contains(&index)).then(|| program.args[index].as_str());
        let args: Vec<Option<&str>> = (0..program.args.len()).map(arg).collect();
        fits_name(name, program, how, root) && fits_words(rest, &args, how)
    }
}

impl std::fmt::Display for CommandPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let quoted = |word: &String| {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,*~^".contains(c);
            if !word.is_empty() && word.chars().all(plain) {
                word.clone()
            } else {
                format!("'{}'", word.replace('\'', "'\\''"))
            }
        };
        f.write_str(&self.words.iter().map(quoted).collect::<Vec<_>>().join(" "))
    }
}

/// Words with quotes removed. What a shell would do more with has no place in a pattern.
fn split(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' => words.extend(word.take()),
            '\'' | '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        None => return Err("a quote is not closed".to_owned()),
                        Some(end) if end == c => break,
                        Some('\\') if c == '"' => word.push(chars.next().ok_or("it ends in a backslash")?),
                        Some(inner) => word.push(inner),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(chars.next().ok_or("it ends in a backslash")?),
            '|' | '&' | ';' | '<' | '>' | '$' | '`' | '(' | ')' => {
                return Err(format!("{c} has no place in a pattern: each program of a command is looked at by itself"));
            }
            c if c.is_control() => return Err("it holds a control character".to_owned()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

fn fits_name(pattern: &str, program: &Program, how: Strictness, root: Option<&Path>) -> bool {
    if how == Strictness::Perhaps && glob(pattern, base(program)) {
        return true;
    }
    if pattern.contains('/') {
        let place = |path: &Path| program.path.as_deref() == std::fs::canonicalize(path).ok().as_deref();
        let meant = root.map_or_else(|| Path::new(pattern).to_owned(), |root| root.join(pattern));
        return program.path.is_some() && meant.is_absolute() && !pattern.contains('*') && place(&meant);
    }
    // A name by itself is the program of that name in the system's directories or along PATH, never a file elsewhere.
    super::judge::known_name(program).is_ok_and(|name| glob(pattern, name))
}

fn fits_words(pattern: &[String], args: &[Option<&str>], how: Strictness) -> bool {
    match (pattern.split_first(), args.split_first()) {
        (None, None) => true,
        (None, Some(_)) => how == Strictness::Perhaps,
        (Some((word, rest)), _) if word == "*" => {
            rest.is_empty() || (0..=args.len()).any(|skipped| fits_words(rest, &args[skipped..], how))
        }
        (Some(_), None) => false,
        // It may become any number of words.
        (Some(_), Some((None, _))) if how == Strictness::Perhaps => true,
        (Some((word, rest)), Some((arg, others))) => {
            let fits = match arg {
                None => false,
                // A star for a part of a path must not lead out of it.
                Some(arg) if word.contains('*') && how == Strictness::Exactly && goes_up(arg) => false,
                Some(arg) => glob(word, arg),
            };
            fits && fits_words(rest, others, how)
        }
    }
}

fn goes_up(arg: &str) -> bool {
    arg.split(['/', '=', ':']).any(|part| part == "..")
}

/// `*` stands for any characters. Linear but for one star at a time.
fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

/// Whether a tool is meant by `fs.read`, `fs.*` or `*`. A command that is typed into a terminal has its name behind it.
pub(in crate::gate) fn tool_fits(pattern: &str, tool: &str) -> bool {
    glob(pattern, tool.split('@').next().unwrap_or_default())
}

/// Whether a host is meant: `example.com` is that name alone, `*.example.com` all names below it.
pub(in crate::gate) fn host_fits(pattern: &str, host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    match pattern.strip_prefix("*.") {
        Some(domain) => host.strip_suffix(domain).is_some_and(|before| before.len() > 1 && before.ends_with('.')),
        None => pattern == host,
    }
}

/// Why a text can't be a pattern of hosts.
pub(super) fn check_host(pattern: &str) -> Result<(), String> {
    let name = pattern.strip_prefix("*.").unwrap_or(pattern);
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | ':' | '_');
    if name.is_empty() || !name.chars().all(plain) || name.starts_with('.') {
        return Err(
            "a host is a name in lower case or an address, without scheme, port and path; *. may stand before it"
                .to_owned(),
        );
    }
    // `*.com` would be half the world.
    if name.len() < pattern.len() && !name.contains('.') {
        return Err("*. needs a domain with a dot behind it".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(line: &str) -> Program {
        let mut words = line.split(' ').map(str::to_owned);
        let name = words.next().unwrap();
        let args: Vec<String> = words.collect();
        let unsure = args.iter().enumerate().filter(|(_, arg)| arg.starts_with('$')).map(|(at, _)| at).collect();
        Program { path: None, name, args, unsure }
    }

    #[test]
    fn to_allow_every_word_must_fit() {
        for (pattern, line, fits) in [
            ("cargo test *", "cargo test", true),
            ("cargo test *", "cargo test --all -- x", true),
            ("cargo test *", "cargo run", false),
            ("cargo test *", "/usr/bin/cargo test", true),
            ("cargo test *", "./cargo test", false),
            ("cargo test *", "/tmp/cargo test", false),
            ("make", "make", true),
            ("make", "make install", false),
            ("git push * --force *", "git push origin --force", true),
            ("git push * --force *", "git push", false),
            ("ls /tmp/*", "ls /tmp/a/b", true),
            ("ls /tmp/*", "ls /tmp/../etc", false),
            ("ls /tmp/*", "ls $x", false),
            ("ls *", "ls $x", true),
            ("echo 'a b'", "echo a b", false),
            ("npm run test:*", "npm run test:unit", true),
        ] {
            let parsed = CommandPattern::parse(pattern).unwrap();
            assert_eq!(parsed.fits(&program(line), Strictness::Exactly, None), fits, "{pattern}: {line}");
        }
    }

    #[test]
    fn to_ask_or_deny_the_beginning_is_enough_and_doubt_counts() {
        for (pattern, line) in [
            ("rm", "rm -rf x"),
            ("rm", "/opt/x/rm -rf x"),
            ("git push", "git push --force"),
            ("git push", "git $verb"),
            ("rm -rf", "rm $flags x"),
        ] {
            let parsed = CommandPattern::parse(pattern).unwrap();
            assert!(parsed.fits(&program(line), Strictness::Perhaps, None), "{pattern}: {line}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_said() {
        for bad in ["", " ", "*", "a | b", "a; b", "echo $(x)", "'a", "a\\", "a\u{7}"] {
            assert!(CommandPattern::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(CommandPattern::parse("echo  'a b'").unwrap().to_string(), "echo 'a b'");
    }

    #[test]
    fn hosts_and_tools() {
        for (pattern, host, fits) in [
            ("example.com", "example.com", true),
            ("example.com", "EXAMPLE.com.", true),
            ("example.com", "www.example.com", false),
            ("example.com", "badexample.com", false),
            ("*.example.com", "a.b.example.com", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", "badexample.com", false),
            ("*.example.com", ".example.com", false),
        ] {
            assert_eq!(host_fits(pattern, host), fits, "{pattern} {host}");
        }
        assert!(
            tool_fits("fs.*", "fs.read")
                && tool_fits("*", "x.y")
                && tool_fits("shell.exec", "shell.exec@dev")
                && !tool_fits("fs.read", "fs.reader")
        );
        for bad in ["", "*.", "*.com", "https://x.y", "x.y/z", "X.y", "*", "a b"] {
            assert!(check_host(bad).is_err(), "{bad}");
        }
    }
}
