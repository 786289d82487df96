//! What a file holds: text with its way of ending lines, or something that is none.

use sha2::{Digest, Sha256};

/// How much of a file is looked at to tell what it is.
pub(crate) const LOOK: usize = 8 * 1024;

/// Beginnings by which kinds of files are known, for a word to the model.
const KINDS: &[(&[u8], &str)] = &[
    (b"\x7fELF", "an ELF program"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "gzip data"),
    (b"\x28\xb5\x2f\xfd", "zstd data"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
];

/// Why its beginning shows that a file is no text; nothing when it may be one.
pub(crate) fn not_text(head: &[u8]) -> Option<&'static str> {
    let head = head.get(..LOOK).unwrap_or(head);
    let known = KINDS.iter().find(|(mark, _)| head.starts_with(mark)).map(|(_, name)| *name);
    known.or_else(|| head.contains(&0).then_some("binary"))
}

/// SHA-256 in hex.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// Whether every line of it ends with CR LF.
fn is_crlf(bytes: &[u8]) -> bool {
    let mut lines = bytes.split_inclusive(|b| *b == b'\n').filter(|line| line.ends_with(b"\n")).peekable();
    lines.peek().is_some() && lines.all(|line| line.ends_with(b"\r\n"))
}

/// The same text with CR LF at the end of each line.
pub(crate) fn to_crlf(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 16);
    let mut last = 0;
    for &byte in text {
        if byte == b'\n' && last != b'\r' {
            out.push(b'\r');
        }
        out.push(byte);
        last = byte;
    }
    out
}

/// New content for a file as a model gave it, with the line ends that the file has.
pub(crate) fn as_before(before: Option<&[u8]>, content: &[u8]) -> Vec<u8> {
    match before {
        Some(before) if is_crlf(before) && !content.contains(&b'\r') => to_crlf(content),
        _ => content.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_stay_as_they_were() {
        assert_eq!(as_before(Some(b"a\r\nb\r\n"), b"x\ny"), b"x\r\ny");
        assert_eq!(as_before(Some(b"a\r\nb\n"), b"x\ny\n"), b"x\ny\n", "mixed: as it was given");
        assert_eq!(as_before(Some(b"a\r\n"), b"x\r\ny\n"), b"x\r\ny\n", "given with its own");
        assert_eq!(as_before(Some(b"one line"), b"x\n"), b"x\n");
        assert_eq!(as_before(None, b"x\n"), b"x\n");
    }

    #[test]
    fn what_is_no_text_is_known() {
        assert_eq!(not_text(b"\x7fELF\x02\x01"), Some("an ELF program"));
        assert_eq!(not_text(b"a\0b"), Some("binary"));
        assert_eq!(not_text(b"gr\xfcn"), None);
        assert_eq!(not_text(b""), None);
    }
}
