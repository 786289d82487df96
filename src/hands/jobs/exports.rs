//! What a terminal's bash exports, as `export -p` writes it: the environment of a command that runs beside it.

use std::collections::BTreeMap;

/// Takes it apart. What is no plain variable (an array, a value that is no UTF-8) is left out.
pub(super) fn variables(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut rest = text;
    while let Some((name, after)) = declaration(rest) {
        let (value, after) = value(after);
        if let Some(value) = value.and_then(|value| String::from_utf8(value).ok()).filter(|v| !v.contains('\0')) {
            found.insert(name.to_owned(), value);
        }
        rest = after.split_once('\n').map_or("", |(_, next)| next);
    }
    found
}

/// The name of the next one, and what stands behind it: `declare -x NAME`, in POSIX mode `export NAME`.
fn declaration(text: &str) -> Option<(&str, &str)> {
    let (word, mut rest) = text.split_once(' ')?;
    if !matches!(word, "declare" | "export") {
        return None;
    }
    while rest.starts_with('-') {
        rest = rest.split_once(' ')?.1;
    }
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
    (end > 0).then(|| rest.split_at(end))
}

/// The value behind a name, if it has one, and the rest.
fn value(text: &str) -> (Option<Vec<u8>>, &str) {
    let Some(text) = text.strip_prefix('=') else { return (None, text) };
    if let Some(quoted) = text.strip_prefix('"') {
        return until(quoted, '"', |rest| {
            let c = rest.chars().next().unwrap_or('\\');
            let mut bytes = [0; 4];
            // Before other characters a backslash means itself.
            let own = if matches!(c, '\\' | '"' | '$' | '`') { "" } else { "\\" };
            ([own.as_bytes(), c.encode_utf8(&mut bytes).as_bytes()].concat(), &rest[c.len_utf8().min(rest.len())..])
        });
    }
    match text.strip_prefix("$'") {
        Some(quoted) => until(quoted, '\'', escape),
        None => {
            let end = text.find('\n').unwrap_or(text.len());
            let (plain, rest) = text.split_at(end);
            ((!plain.starts_with('(')).then(|| plain.as_bytes().to_vec()), rest)
        }
    }
}

/// Characters up to the closing quote; `escaped` takes what stands behind a backslash.
fn until<'a>(
    mut text: &'a str,
    quote: char,
    escaped: impl Fn(&'a str) -> (Vec<u8>, &'a str),
) -> (Option<Vec<u8>>, &'a str) {
    let mut value = Vec::new();
    loop {
        let Some(at) = text.find([quote, '\\']) else { return (None, "") };
        value.extend_from_slice(&text.as_bytes()[..at]);
        let rest = &text[at + 1..];
        if text[at..].starts_with(quote) {
            return (Some(value), rest);
        }
        let (bytes, rest) = escaped(rest);
        value.extend(bytes);
        text = rest;
    }
}

/// What bash writes between `$'` and `'`.
fn escape(text: &str) -> (Vec<u8>, &str) {
    let Some(c) = text.chars().next() else { return (Vec::new(), text) };
    let digits = text.chars().take(3).take_while(|c| c.is_digit(8)).count();
    if digits > 0 {
        let byte = u32::from_str_radix(&text[..digits], 8).unwrap_or_default() & 0xff;
        return (vec![u8::try_from(byte).unwrap_or_default()], &text[digits..]);
    }
    let meant = match c {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'a' => '\x07',
        'b' => '\x08',
        'f' => '\x0c',
        'v' => '\x0b',
        'e' | 'E' => '\x1b',
        other => other,
    };
    (meant.to_string().into_bytes(), &text[c.len_utf8()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_bash_writes_is_what_it_has() {
        let values = [
            "",
            "plain",
            "two words",
            "a\"b",
            "a'b",
            "$HOME `x` \\ \\n",
            "line\nline",
            "é ü",
            "\u{1b}[1m\t\x01x",
            "=",
            "#",
        ];
        let mut bash = std::process::Command::new("bash");
        bash.env_clear().args(["-c", "declare -ax L=(1 2); declare -x U; declare -rx R=1; export -p"]);
        for (n, value) in values.iter().enumerate() {
            bash.env(format!("V{n}"), value);
        }
        let said = String::from_utf8(bash.output().unwrap().stdout).unwrap();
        let found = variables(&said);
        for (n, value) in values.iter().enumerate() {
            assert_eq!(found.get(&format!("V{n}")).map(String::as_str), Some(*value), "{said}");
        }
        assert_eq!(found.get("R").map(String::as_str), Some("1"));
        assert!(!found.contains_key("U") && !found.contains_key("L"), "{found:?}");
    }

    proptest::proptest! {
        #[test]
        fn any_text_does_no_harm(text in "(declare -x A=|export |[\"'$\\\\=(\n 7a-zé])*") {
            variables(&text);
        }
    }
}
