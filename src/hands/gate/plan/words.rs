//! One shell word: quotes removed, expansions found. Strict on purpose: what it does not fully understand is open.
//!
//! The parser's own word grammar accepts loosely and backtracks without limit on hostile input. This one reads each
//! character once, and never guesses where a substitution ends.

use std::path::Path;

/// Which shell will read the command. Others than these are not understood, and everything for them is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// bash.
    Bash,
    /// sh, dash, ash: no `$'…'`, no `[[`.
    Posix,
}

impl Dialect {
    /// By the file name of the shell.
    pub(super) fn of(shell: &str) -> Option<Self> {
        match shell.rsplit('/').next() {
            Some("bash") => Some(Self::Bash),
            Some("sh" | "dash" | "ash") => Some(Self::Posix),
            _ => None,
        }
    }
}

/// A word after quote removal.
#[derive(Debug, Default, Clone)]
pub(super) struct Word {
    /// Its characters; true where one is active in a glob (not quoted).
    pub(super) chars: Vec<(char, bool)>,
    /// It holds something that is known only when it runs.
    pub(super) unsure: bool,
    /// Commands whose output becomes part of it.
    pub(super) commands: Vec<String>,
    /// Why it can't be understood.
    pub(super) open: Option<String>,
}

impl Word {
    pub(super) fn text(&self) -> String {
        self.chars.iter().map(|(c, _)| c).collect()
    }

    pub(super) fn is_glob(&self) -> bool {
        self.chars.iter().any(|(c, active)| *active && matches!(c, '*' | '?' | '['))
    }

    fn literal(&mut self, text: &str) {
        self.chars.extend(text.chars().map(|c| (c, false)));
    }

    fn give_up(&mut self, why: &str) {
        self.unsure = true;
        self.open.get_or_insert_with(|| why.to_owned());
    }
}

/// Reads words.
pub(super) struct Lexer<'a> {
    pub(super) dialect: Dialect,
    pub(super) home: Option<&'a Path>,
    /// Variables of loops around the word, with what they stand for.
    pub(super) bound: Vec<(String, String)>,
}

struct Cursor {
    chars: Vec<char>,
    at: usize,
}

impl Cursor {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn peek_at(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek();
        self.at += 1;
        c
    }

    /// Everything up to `end`, which is consumed; nothing if it never comes.
    fn until(&mut self, end: char) -> Option<String> {
        let length = self.chars.get(self.at..)?.iter().position(|c| *c == end)?;
        let text = self.chars[self.at..self.at + length].iter().collect();
        self.at += length + 1;
        Some(text)
    }
}

impl Lexer<'_> {
    /// A word as the parser cut it out.
    pub(super) fn word(&self, raw: &str) -> Word {
        let mut word = Word::default();
        let mut cursor = Cursor { chars: raw.chars().collect(), at: 0 };
        if cursor.peek() == Some('~') {
            self.tilde(&mut cursor, &mut word);
        }
        while let Some(c) = cursor.next() {
            match c {
                '\\' => match cursor.next() {
                    Some('\n') => {}
                    Some(c) => word.chars.push((c, false)),
                    None => word.give_up("it ends in a backslash"),
                },
                '\'' => match cursor.until('\'') {
                    Some(text) => word.literal(&text),
                    None => word.give_up("a quote is not closed"),
                },
                '"' => self.quoted(&mut cursor, &mut word, Some('"')),
                '$' => self.dollar(&mut cursor, &mut word, false),
                '`' => backquoted(&mut cursor, &mut word),
                '(' | ')' | '<' | '>' | '|' | '&' | ';' => word.give_up("an operator stands inside a word"),
                c if c.is_whitespace() || c.is_control() => word.give_up("a blank stands inside a word"),
                c => word.chars.push((c, true)),
            }
        }
        if has_braces(&word.chars) {
            word.unsure = true;
        }
        if word.unsure {
            word.chars = raw.chars().map(|c| (c, false)).collect();
        }
        word
    }

    /// The body of a here-document that expands: as in double quotes, where `"` means nothing.
    pub(super) fn here_document(&self, body: &str) -> Word {
        let mut word = Word::default();
        let mut cursor = Cursor { chars: body.chars().collect(), at: 0 };
        self.quoted(&mut cursor, &mut word, None);
        word
    }

    fn tilde(&self, cursor: &mut Cursor, word: &mut Word) {
        let home = self.home.and_then(Path::to_str);
        match (cursor.peek_at(1), home) {
            (None | Some('/'), Some(home)) => {
                cursor.at += 1;
                word.literal(home);
            }
            _ => word.give_up("whose home directory is meant"),
        }
    }

    fn quoted(&self, cursor: &mut Cursor, word: &mut Word, end: Option<char>) {
        loop {
            match cursor.next() {
                None if end.is_some() => return word.give_up("a quote is not closed"),
                None => return,
                c if c == end => return,
                Some('\\') => match cursor.peek() {
                    Some(c) if matches!(c, '$' | '`' | '\\') || Some(c) == end => {
                        cursor.at += 1;
                        word.chars.push((c, false));
                    }
                    Some('\n') if end.is_some() => cursor.at += 1,
                    // The parser and a shell may see the end of the document in different places then.
                    Some('\n') => return word.give_up("a line of a here-document goes on"),
                    _ => word.chars.push(('\\', false)),
                },
                Some('$') => self.dollar(cursor, word, true),
                Some('`') => backquoted(cursor, word),
                Some(c) => word.chars.push((c, false)),
            }
        }
    }

    fn dollar(&self, cursor: &mut Cursor, word: &mut Word, in_quotes: bool) {
        match cursor.peek() {
            Some('(') if cursor.peek_at(1) == Some('(') => arithmetic(cursor, word),
            Some('(') => {
                cursor.at += 1;
                match substitution(cursor) {
                    Some(command) => {
                        word.unsure = true;
                        word.commands.push(command);
                    }
                    None => word.give_up("where a $(…) ends"),
                }
            }
            Some('{') => {
                cursor.at += 1;
                match cursor.until('}') {
                    Some(inner) if is_plain_parameter(&inner) => self.variable(&inner, word, in_quotes),
                    Some(inner) if is_cut(&inner) => word.unsure = true,
                    _ => word.give_up("what a ${…} does"),
                }
            }
            Some('\'') if !in_quotes && self.dialect == Dialect::Bash => {
                cursor.at += 1;
                if !ansi_c(cursor, word) {
                    word.give_up("what a $'…' stands for");
                }
            }
            Some('\'') if in_quotes => word.literal("$"),
            Some('\'' | '"' | '[') => word.give_up("an unusual use of $"),
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                let rest = &cursor.chars[cursor.at..];
                let length = rest.iter().take_while(|c| c.is_ascii_alphanumeric() || **c == '_').count();
                let name: String = rest[..length].iter().collect();
                cursor.at += length;
                self.variable(&name, word, in_quotes);
            }
            // Numbers that the shell itself sets.
            Some(c @ ('$' | '?' | '#' | '!')) => {
                cursor.at += 1;
                word.literal(&format!("${c}"));
            }
            Some(c) if c.is_ascii_digit() || matches!(c, '@' | '*' | '-') => {
                cursor.at += 1;
                word.unsure = true;
            }
            _ => word.literal("$"),
        }
    }

    fn variable(&self, name: &str, word: &mut Word, in_quotes: bool) {
        if let Some((_, value)) = self.bound.iter().rev().find(|(bound, _)| bound == name) {
            // Outside of quotes it would be split at blanks, and be a pattern.
            let whole = !value.is_empty() && !value.contains(|c: char| c.is_whitespace() || "*?[\\".contains(c));
            if in_quotes || whole {
                return word.literal(value);
            }
        }
        let home = self.home.and_then(Path::to_str);
        match (name, home) {
            // Setting HOME makes a command open, so that its value here is the one the child was given.
            ("HOME", Some(home)) if in_quotes || !home.contains([' ', '\t', '\n', '*', '?', '[']) => word.literal(home),
            ("UID" | "EUID" | "PPID", _) if self.dialect == Dialect::Bash => word.literal(&format!("${name}")),
            _ => word.unsure = true,
        }
    }
}

/// `name`, `1`, `#name`, and `name:-text` with a text that does nothing.
fn is_plain_parameter(inner: &str) -> bool {
    let is_name = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let inert = |text: &str| !text.contains(['$', '`', '\\', '"', '\'', '{', '<', '>', '(']);
    match inner.split_once(":-") {
        Some((name, default)) => is_name(name) && inert(default),
        None => is_name(inner.strip_prefix('#').unwrap_or(inner)),
    }
}

/// `name%.rs`, `name##*/`: a part of a value, by a pattern that does nothing else.
fn is_cut(inner: &str) -> bool {
    let length = inner.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').count();
    let (name, rest) = inner.split_at(length);
    let inert = !rest.contains(['$', '`', '\\', '"', '\'', '{', '<', '>', '(', '&', ';', '|']);
    !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) && rest.starts_with(['%', '#']) && inert
}

/// Only digits and operators: a name would be evaluated, and its value may hold a command.
fn arithmetic(cursor: &mut Cursor, word: &mut Word) {
    cursor.at += 2;
    let mut depth = 2_usize;
    while let Some(c) = cursor.next() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            c if c.is_ascii_digit() || " +-*/%<>=!&|^~?:,\t".contains(c) => {}
            _ => return word.give_up("what an arithmetic expression does"),
        }
        if depth == 0 {
            word.unsure = true;
            return;
        }
    }
    word.give_up("where an arithmetic expression ends");
}

/// The text of a `$(…)` whose `$(` was read. Nothing where its end depends on more than quotes and parentheses.
fn substitution(cursor: &mut Cursor) -> Option<String> {
    let start = cursor.at;
    let mut depth = 1_usize;
    while let Some(c) = cursor.next() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            '\\' => drop(cursor.next()?),
            '\'' => drop(cursor.until('\'')?),
            '"' => skip_quoted(cursor)?,
            // A comment, a here-document, a backquote and a `$'…'` hide parentheses in ways of their own.
            '`' => return None,
            '#' if !cursor.chars.get(cursor.at.wrapping_sub(2)).is_some_and(|c| c.is_alphanumeric() || *c == '$') => {
                return None;
            }
            '<' if cursor.peek() == Some('<') => return None,
            '$' if cursor.peek() == Some('\'') => return None,
            '$' if cursor.peek() == Some('{') => {
                drop(cursor.until('}').filter(|inner| is_plain_parameter(&inner[1..]))?)
            }
            _ => {}
        }
        if depth == 0 {
            let inner: String = cursor.chars[start..cursor.at - 1].iter().collect();
            // The patterns of a case have closing parentheses without opening ones.
            let has_case = inner.split(|c: char| !c.is_alphanumeric()).any(|word| matches!(word, "case" | "esac"));
            return (!has_case).then_some(inner);
        }
    }
    None
}

/// To the end of a double-quoted text inside a `$(…)`.
fn skip_quoted(cursor: &mut Cursor) -> Option<()> {
    while let Some(c) = cursor.next() {
        match c {
            '"' => return Some(()),
            '\\' => drop(cursor.next()?),
            '`' => return None,
            '$' if cursor.peek() == Some('(') => {
                cursor.at += 1;
                drop(substitution(cursor)?);
            }
            '$' if cursor.peek() == Some('{') => {
                drop(cursor.until('}').filter(|inner| is_plain_parameter(&inner[1..]))?)
            }
            _ => {}
        }
    }
    None
}

fn backquoted(cursor: &mut Cursor, word: &mut Word) {
    match cursor.until('`') {
        Some(command) if !command.contains('\\') => {
            word.unsure = true;
            word.commands.push(command);
        }
        _ => word.give_up("where a `…` ends"),
    }
}

/// `$'…'` whose `$'` was read. False for escapes that are rare enough to ask about.
fn ansi_c(cursor: &mut Cursor, word: &mut Word) -> bool {
    while let Some(c) = cursor.next() {
        let decoded = match c {
            '\'' => return true,
            '\\' => match cursor.next() {
                Some(c @ ('\\' | '\'' | '"' | '?')) => c,
                Some('n') => '\n',
                Some('t') => '\t',
                Some('r') => '\r',
                Some('e' | 'E') => '\u{1b}',
                Some('x') => match number(cursor, 16, 2) {
                    Some(c) => c,
                    None => return false,
                },
                Some('0'..='7') => {
                    cursor.at -= 1;
                    match number(cursor, 8, 3) {
                        Some(c) => c,
                        None => return false,
                    }
                }
                _ => return false,
            },
            c => c,
        };
        word.chars.push((decoded, false));
    }
    false
}

/// An ASCII character by number. Bytes above are parts of characters, and NUL ends the text: both are refused.
fn number(cursor: &mut Cursor, radix: u32, most: usize) -> Option<char> {
    let mut value = 0_u32;
    let mut digits = 0;
    while let Some(digit) = cursor.peek().and_then(|c| c.to_digit(radix)).filter(|_| digits < most) {
        value = value * radix + digit;
        digits += 1;
        cursor.at += 1;
    }
    char::from_u32(value).filter(|c| digits > 0 && c.is_ascii() && *c != '\0')
}

/// `{a,b}` or `{1..9}`: becomes several words.
fn has_braces(chars: &[(char, bool)]) -> bool {
    let Some(start) = chars.iter().position(|(c, active)| *active && *c == '{') else { return false };
    let inner = &chars[start..];
    let comma = inner.iter().any(|(c, active)| *active && *c == ',');
    let dots = inner.windows(2).any(|pair| pair[0].0 == '.' && pair[1].0 == '.');
    inner.iter().any(|(c, active)| *active && *c == '}') && (comma || dots)
}
