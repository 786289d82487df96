//! Exact replacements in a file. Each must fit in one place, or say that all are meant; what doesn't fit is told with
//! the lines that come nearest.

use super::content::to_crlf;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// Lines named when a text stands in several places.
const MAX_PLACES: usize = 8;

/// Lines of a wanted text that are compared to find the place that comes nearest. Time grows with it and the file.
const MAX_COMPARED: usize = 40;

/// Longest line that is shown of the place that comes nearest.
const MAX_SHOWN: usize = 200;

/// One replacement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// What is there.
    pub old: String,
    /// What shall be there.
    pub new: String,
    /// In every place.
    #[serde(default)]
    pub all: bool,
}

/// Why replacements can't be made, in words; they may quote the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Miss(pub String);

/// The content with all replacements made, one after another.
pub(crate) fn apply(before: &[u8], edits: &[Edit]) -> Result<Vec<u8>, Miss> {
    let mut content = before.to_vec();
    for (index, edit) in edits.iter().enumerate() {
        let which = if edits.len() > 1 { format!("edit {}: ", index + 1) } else { String::new() };
        content = one(&content, edit).map_err(|why| Miss(format!("{which}{why}")))?;
    }
    Ok(content)
}

fn one(content: &[u8], edit: &Edit) -> Result<Vec<u8>, String> {
    let (mut old, mut new) = (edit.old.as_bytes().to_vec(), edit.new.as_bytes().to_vec());
    let mut places = find_all(content, &old);
    if places.is_empty() && content.contains(&b'\r') && old.contains(&b'\n') {
        // Models see and write plain line ends.
        old = to_crlf(&old);
        places = find_all(content, &old);
    }
    if old.ends_with(b"\r\n") || content_is_crlf_at(content, &places) {
        new = to_crlf(&new);
    }
    match places.as_slice() {
        [] => return Err(nearest(content, &edit.old)),
        [_] => {}
        _ if edit.all => {}
        several => {
            let lines: Vec<String> =
                several.iter().take(MAX_PLACES).map(|at| line_of(content, *at).to_string()).collect();
            let more = if several.len() > MAX_PLACES { ", …" } else { "" };
            return Err(format!(
                "the text stands in {} places (lines {}{more}): give more of what is around it, or all: true",
                several.len(),
                lines.join(", ")
            ));
        }
    }
    let mut out = Vec::with_capacity(content.len() + new.len());
    let mut from = 0;
    for at in places {
        out.extend_from_slice(&content[from..at]);
        out.extend_from_slice(&new);
        from = at + old.len();
    }
    out.extend_from_slice(&content[from..]);
    Ok(out)
}

/// Whether the lines around the places end with CR LF.
fn content_is_crlf_at(content: &[u8], places: &[usize]) -> bool {
    let ends = |at: &usize| {
        let end = content[*at..].iter().position(|b| *b == b'\n').map(|end| at + end);
        end.is_some_and(|end| end > 0 && content[end - 1] == b'\r')
    };
    !places.is_empty() && places.iter().all(ends)
}

/// Where the text stands, places that overlap counted once.
fn find_all(content: &[u8], text: &[u8]) -> Vec<usize> {
    memchr::memmem::find_iter(content, text).collect()
}

fn line_of(content: &[u8], at: usize) -> usize {
    content[..at].iter().filter(|b| **b == b'\n').count() + 1
}

/// Says that a text isn't there, with the lines that come nearest.
fn nearest(content: &[u8], old: &str) -> String {
    let lines: Vec<String> = content.split(|b| *b == b'\n').map(shape).collect();
    let wanted: Vec<String> = old.lines().map(|line| shape(line.as_bytes())).take(MAX_COMPARED).collect();
    let score = |at: usize| {
        let alike = |(index, want): (usize, &String)| lines.get(at + index).map_or(0, |line| likeness(line, want));
        wanted.iter().enumerate().map(alike).sum::<usize>()
    };
    let best = (0..lines.len()).map(|at| (score(at), at)).max_by_key(|(score, at)| (*score, usize::MAX - at));
    let Some((1.., at)) = best else {
        return "the text is not in the file".to_owned();
    };
    let raw: Vec<&[u8]> = content.split(|b| *b == b'\n').skip(at).take(wanted.len().max(1)).collect();
    let mut told = format!("the text is not in the file; what comes nearest begins in line {}:\n", at + 1);
    for (index, line) in raw.iter().enumerate() {
        let line = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned();
        let shown: String = line.chars().take(MAX_SHOWN).collect();
        let _ = writeln!(told, "{:>6}\t{shown}", at + 1 + index);
    }
    told.truncate(told.trim_end().len());
    told
}

/// A line without regard to its white space.
fn shape(line: &[u8]) -> String {
    String::from_utf8_lossy(line).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// How alike two lines are: 4 when equal, 1 when they begin or end alike, else 0.
fn likeness(line: &str, want: &str) -> usize {
    if want.is_empty() || line.is_empty() {
        return 0;
    }
    if line == want {
        return 4;
    }
    let half = want.chars().count() / 2 + 1;
    let begins = line.chars().zip(want.chars()).take_while(|(a, b)| a == b).count();
    let ends = line.chars().rev().zip(want.chars().rev()).take_while(|(a, b)| a == b).count();
    usize::from(begins.max(ends) >= half)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(old: &str, new: &str) -> Edit {
        Edit { old: old.into(), new: new.into(), all: false }
    }

    fn applied(before: &[u8], edits: &[Edit]) -> Result<Vec<u8>, String> {
        apply(before, edits).map_err(|Miss(why)| why)
    }

    #[test]
    fn a_text_that_stands_once_is_replaced() {
        assert_eq!(applied(b"a\nb\nc", &[edit("b", "x")]).unwrap(), b"a\nx\nc", "no final line end comes");
        assert_eq!(applied(b"a\nb\n", &[edit("a\nb", "")]).unwrap(), b"\n");
        assert_eq!(applied(b"a.b", &[edit(".", "$1")]).unwrap(), b"a$1b", "nothing is a pattern");
        assert_eq!(applied(b"1\n", &[edit("1", "2"), edit("2", "3")]).unwrap(), b"3\n", "one after another");
        assert_eq!(applied(b"\xff\xfe b", &[edit("b", "c")]).unwrap(), b"\xff\xfe c", "other bytes stay");
        assert_eq!(applied("größe".as_bytes(), &[edit("ö", "o")]).unwrap(), "große".as_bytes());
    }

    #[test]
    fn several_places_must_be_meant() {
        let why = applied(b"x\ny\nx\n", &[edit("x", "z")]).unwrap_err();
        assert!(why.contains("2 places (lines 1, 3)") && why.contains("all: true"), "{why}");
        let all = Edit { all: true, ..edit("x", "z") };
        assert_eq!(applied(b"x\ny\nx\n", &[all]).unwrap(), b"z\ny\nz\n");
    }

    #[test]
    fn windows_line_ends_stay() {
        assert_eq!(applied(b"a\r\nb\r\nc\r\n", &[edit("a\nb", "x\ny\nz")]).unwrap(), b"x\r\ny\r\nz\r\nc\r\n");
        assert_eq!(applied(b"a\r\nb\r\n", &[edit("b", "1\n2")]).unwrap(), b"a\r\n1\r\n2\r\n");
        assert_eq!(applied(b"a\nb\n", &[edit("b", "1\n2")]).unwrap(), b"a\n1\n2\n");
        assert_eq!(applied(b"a\r\nb", &[edit("a\r\n", "c\r\n")]).unwrap(), b"c\r\nb");
    }

    #[test]
    fn what_comes_nearest_is_shown_with_its_line() {
        let file = b"fn main() {\n    let total = 1;\n    print(total);\n}\n";
        let why = applied(file, &[edit("  let total = 1;\n  print(total);", "")]).unwrap_err();
        assert!(why.contains("begins in line 2:\n     2\t    let total = 1;\n     3\t"), "{why}");
        let why = applied(file, &[edit("let total = 2;", "")]).unwrap_err();
        assert!(why.contains("line 2"), "{why}");
        assert_eq!(applied(file, &[edit("nothing like it", "")]).unwrap_err(), "the text is not in the file");
        assert!(applied(b"", &[edit("x", "y")]).unwrap_err().contains("not in the file"));
    }

    proptest::proptest! {
        #[test]
        fn nothing_else_changes(before in ".{0,40}", old in ".{1,3}", new in ".{0,5}") {
            proptest::prop_assume!(!before.contains('\r'));
            if let Ok(after) = apply(before.as_bytes(), &[edit(&old, &new)]) {
                proptest::prop_assert_eq!(before.replacen(&old, &new, 1).into_bytes(), after);
            }
        }
    }
}
