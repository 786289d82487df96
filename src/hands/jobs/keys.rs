//! Keys by name, as an xterm sends them.

/// Names and bytes of the keys that are the same in every mode.
const PLAIN: &[(&str, &[u8])] = &[
    ("enter", b"\r"),
    ("tab", b"\t"),
    ("backtab", b"\x1b[Z"),
    ("escape", b"\x1b"),
    ("space", b" "),
    ("backspace", b"\x7f"),
    ("delete", b"\x1b[3~"),
    ("insert", b"\x1b[2~"),
    ("pageup", b"\x1b[5~"),
    ("pagedown", b"\x1b[6~"),
    ("f1", b"\x1bOP"),
    ("f2", b"\x1bOQ"),
    ("f3", b"\x1bOR"),
    ("f4", b"\x1bOS"),
    ("f5", b"\x1b[15~"),
    ("f6", b"\x1b[17~"),
    ("f7", b"\x1b[18~"),
    ("f8", b"\x1b[19~"),
    ("f9", b"\x1b[20~"),
    ("f10", b"\x1b[21~"),
    ("f11", b"\x1b[23~"),
    ("f12", b"\x1b[24~"),
];

/// The keys that programs can switch (DECCKM), by their last byte.
const CURSOR: &[(&str, u8)] =
    &[("up", b'A'), ("down", b'B'), ("right", b'C'), ("left", b'D'), ("home", b'H'), ("end", b'F')];

/// A name that is no key's.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no key {name:?}; keys are Enter, Tab, Escape, Space, Backspace, Delete, Up, Down, Left, Right, Home, \
         End, PageUp, PageDown, F1 to F12, C-a to C-z, and M- before any of them or a character"
)]
pub(crate) struct NoSuchKey {
    name: String,
}

/// What a key sends. `application` is the mode in which cursor keys send something else.
pub(crate) fn bytes(name: &str, application: bool) -> Result<Vec<u8>, NoSuchKey> {
    if let Some(rest) = name.strip_prefix("M-").filter(|rest| !rest.is_empty()) {
        let mut bytes = vec![0x1b];
        bytes.extend(self::bytes(rest, application).or_else(|error| one_character(rest).ok_or(error))?);
        return Ok(bytes);
    }
    let lower = name.to_ascii_lowercase();
    if let Some((_, bytes)) = PLAIN.iter().find(|(known, _)| *known == lower) {
        return Ok(bytes.to_vec());
    }
    if let Some((_, last)) = CURSOR.iter().find(|(known, _)| *known == lower) {
        return Ok(vec![0x1b, if application { b'O' } else { b'[' }, *last]);
    }
    let control = name.strip_prefix("C-").or_else(|| name.strip_prefix('^')).map(str::as_bytes);
    match control {
        Some([key @ (b'a'..=b'z' | b'A'..=b'Z' | b'@' | b'['..=b'_')]) => Ok(vec![key & 0x1f]),
        Some(b" ") => Ok(vec![0]),
        Some(b"?") => Ok(vec![0x7f]),
        _ => Err(NoSuchKey { name: name.chars().take(40).collect() }),
    }
}

fn one_character(text: &str) -> Option<Vec<u8>> {
    (text.chars().count() == 1).then(|| text.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn keys_send_what_an_xterm_sends() {
        for (name, wanted) in [
            ("C-c", "\u{3}"),
            ("C-D", "\u{4}"),
            ("^\\", "\u{1c}"),
            ("Enter", "\r"),
            ("escape", "\u{1b}"),
            ("Up", "\u{1b}[A"),
            ("M-x", "\u{1b}x"),
            ("M-Enter", "\u{1b}\r"),
            ("F12", "\u{1b}[24~"),
        ] {
            assert_eq!(bytes(name, false).unwrap(), wanted.as_bytes(), "{name}");
        }
        assert_eq!(bytes("Home", true).unwrap(), b"\x1bOH");
        for bad in ["", "C-", "C-cc", "M-", "ctrl+c", "c", "C-é", "Entre"] {
            assert!(bytes(bad, false).is_err(), "{bad}");
        }
    }
}
