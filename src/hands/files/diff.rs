//! The difference between two contents, as a person reads it on a card.

use super::content::{not_text, sha256};
use pryx_terms::FileDiff;
use similar::{Algorithm, ChangeTag, TextDiff};
use std::time::Duration;

/// Longest difference kept with a plan (48 KiB). A card must stay readable, and a plan is stored and sent whole.
const MAX_TEXT: usize = 48 * 1024;

/// How long the search for a short difference may take; then a longer one is shown. It runs before a question is asked.
const PATIENCE: Duration = Duration::from_millis(200);

/// Lines shown around a change.
const CONTEXT: usize = 3;

/// What would change. `after` is nothing for a file that would go.
pub(crate) fn diff(before: Option<&[u8]>, after: Option<&[u8]>) -> FileDiff {
    let (old, new) = (before.unwrap_or_default(), after.unwrap_or_default());
    let mut diff =
        FileDiff { before: before.map(sha256), after: after.map(sha256), added: 0, removed: 0, text: String::new() };
    if let Some(what) = not_text(old).or_else(|| not_text(new)) {
        diff.text = format!("{what}: {} bytes become {}\n", old.len(), new.len());
        return diff;
    }
    let (old, new) = (String::from_utf8_lossy(old), String::from_utf8_lossy(new));
    let lines = TextDiff::configure().algorithm(Algorithm::Myers).timeout(PATIENCE).diff_lines(&*old, &*new);
    for change in lines.iter_all_changes() {
        match change.tag() {
            ChangeTag::Insert => diff.added += 1,
            ChangeTag::Delete => diff.removed += 1,
            ChangeTag::Equal => {}
        }
    }
    let whole = lines.unified_diff().context_radius(CONTEXT).to_string();
    diff.text = cut(&whole);
    diff
}

/// At most so much of it, at the end of a line, and how much was left out.
fn cut(text: &str) -> String {
    if text.len() <= MAX_TEXT {
        return text.to_owned();
    }
    let kept = &text[..text.floor_char_boundary(MAX_TEXT)];
    let kept = kept.rfind('\n').map_or(kept, |end| &kept[..=end]);
    let left = text[kept.len()..].lines().count();
    format!("{kept}[{left} more lines of this difference are not shown]\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_reads_what_comes_and_goes() {
        let diff = diff(Some(b"a\nb\nc\n"), Some(b"a\nx\nc\nd"));
        assert_eq!((diff.added, diff.removed), (2, 1));
        assert_eq!(diff.text, "@@ -1,3 +1,4 @@\n a\n-b\n+x\n c\n+d\n\\ No newline at end of file\n");
        assert_ne!(diff.before, diff.after);
    }

    #[test]
    fn new_and_removed_files() {
        let new = diff(None, Some(b"a\n"));
        assert_eq!((new.before, new.added, new.text.as_str()), (None, 1, "@@ -0,0 +1 @@\n+a\n"));
        let gone = diff(Some(b"a\n"), None);
        assert_eq!((gone.after, gone.removed), (None, 1));
    }

    #[test]
    fn a_long_one_is_cut_and_says_so() {
        let long: String = (0..20_000).map(|n| format!("line {n}\n")).collect();
        let diff = diff(None, Some(long.as_bytes()));
        assert_eq!(diff.added, 20_000);
        assert!(diff.text.len() < MAX_TEXT + 100 && diff.text.contains("more lines of this difference"));
    }

    #[test]
    fn what_is_no_text_is_not_printed() {
        assert_eq!(diff(Some(b"a\0b"), Some(b"x")).text, "binary: 3 bytes become 1\n");
    }
}
