//! Finds secrets and personal data in a text and takes them out: keys of services, tokens, private keys, passwords in
//! URLs and arguments, e-mail addresses, card numbers.
//!
//! It goes by shape and by name, in one pass, without a regular expression: a record must be cheap enough to be
//! redacted always. What it can't know (a password that is an ordinary word in an ordinary sentence) it doesn't find.

mod keys;
mod named;
mod numbers;
mod shapes;
#[cfg(test)]
mod tests;

use serde_json::Value;
use std::borrow::Cow;
use std::ops::Range;

/// A piece of a text that is nobody else's business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sensitive {
    /// Which bytes.
    pub range: Range<usize>,
    /// What it is, in words: `GitHub token`.
    pub kind: &'static str,
}

/// How a placeholder begins; such a text is never redacted again.
const PLACEHOLDER: &str = "[redacted: ";

/// The text with each secret replaced by `[redacted: what it was]`. Doing it twice changes nothing more.
#[must_use]
pub fn redact(text: &str) -> Cow<'_, str> {
    let found = sensitive(text);
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for Sensitive { range, kind } in found {
        out.push_str(&text[from..range.start]);
        out.push_str(PLACEHOLDER);
        out.push_str(kind);
        out.push(']');
        from = range.end;
    }
    out.push_str(&text[from..]);
    Cow::Owned(out)
}

/// Arguments of a command, each redacted, and the values that follow options such as `--password`.
#[must_use]
pub fn redact_argv(argv: &[String]) -> Vec<String> {
    let mut secret_next = None;
    let one = |argument: &String| match secret_next.take() {
        Some(kind) if !argument.starts_with(PLACEHOLDER) => format!("{PLACEHOLDER}{kind}]"),
        _ => {
            secret_next = named::option(argument);
            redact(argument).into_owned()
        }
    };
    argv.iter().map(one).collect()
}

/// Redacts every text of a JSON value in its place, and what stands under a name such as `password`.
pub fn redact_json(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(clean) = redact(text) {
                *text = clean;
            }
        }
        Value::Array(values) => values.iter_mut().for_each(redact_json),
        Value::Object(fields) => {
            for (name, value) in fields {
                match (named::promised(name), &value) {
                    (Some(kind), Value::String(text)) if !text.is_empty() && !text.starts_with(PLACEHOLDER) => {
                        *value = Value::String(format!("{PLACEHOLDER}{kind}]"));
                    }
                    _ => redact_json(value),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Every sensitive piece, in order, none overlapping another.
#[must_use]
pub fn sensitive(text: &str) -> Vec<Sensitive> {
    let mut found: Vec<Sensitive> = Vec::new();
    let mut at = 0;
    while at < text.len() {
        match find_at(text, at) {
            // A finding that was made from its middle (an address, by its `@`) may begin before what was found last.
            Some(new) if found.last().is_none_or(|last| last.range.end <= new.range.start) => {
                at = new.range.end.max(at + 1);
                found.push(new);
            }
            _ => at += 1,
        }
    }
    found
}

/// What is recognised at a byte: by the beginning of a word, or by the sign in its middle.
fn find_at(text: &str, at: usize) -> Option<Sensitive> {
    let bytes = text.as_bytes();
    let byte = bytes[at];
    let sign = match byte {
        b'=' | b':' => named::assignment(text, at).or_else(|| shapes::url_password(text, at)),
        b'@' => shapes::email(text, at),
        b'-' => shapes::private_key(text, at).or_else(|| named::after_option(text, at)),
        b'~' => shapes::azure_secret(text, at),
        _ => None,
    };
    if sign.is_some() {
        return sign;
    }
    if !byte.is_ascii_alphanumeric() || !begins_a_word(&bytes[..at]) {
        return None;
    }
    keys::at(text, at)
        .or_else(|| shapes::bearer(text, at))
        .or_else(|| shapes::jwt(text, at))
        .or_else(|| shapes::dotted_bot_token(text, at))
        .or_else(|| numbers::bot_token(text, at))
        .or_else(|| numbers::mailchimp(text, at))
        .or_else(|| numbers::card(text, at))
}

/// Whether a word can begin after these bytes. The letters that end a colour's sequence and those of `\\n`, as JSON
/// writes it, belong to no word.
fn begins_a_word(before: &[u8]) -> bool {
    const LONGEST_COLOUR: usize = 24;
    let Some((&last, head)) = before.split_last() else { return true };
    if !is_word(last) || (matches!(last, b'n' | b'r' | b't') && head.last() == Some(&b'\\')) {
        return true;
    }
    let parameters =
        head.iter().rev().take(LONGEST_COLOUR).take_while(|byte| matches!(byte, b'0'..=b'9' | b';')).count();
    last == b'm' && head[..head.len() - parameters].ends_with(b"\x1b[")
}

/// A letter, a digit or `_`: what continues a word.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// How many of the bytes from `at` on belong to a set, at most `most`.
fn run(bytes: &[u8], at: usize, most: usize, set: impl Fn(u8) -> bool) -> usize {
    bytes.get(at..).unwrap_or_default().iter().take(most).take_while(|&&byte| set(byte)).count()
}

/// Letters, digits, `-` and `_`: the alphabet of base64 in URLs.
fn is_url_safe(byte: u8) -> bool {
    is_word(byte) || byte == b'-'
}
