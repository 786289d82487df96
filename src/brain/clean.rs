//! Text from outside, made fit to be read: by a model, in an error message, in a log.

use pryx_terms::{PlainFilter, is_deceptive};

/// Removes everything that moves a cursor, changes a direction or can't be seen: escape sequences, control
/// characters other than line feed and tab, bidirectional and zero-width marks. A CR LF becomes a line feed.
pub(crate) fn clean(text: &str) -> String {
    let plain = PlainFilter::strip(text.as_bytes());
    let fit = |c: &char| matches!(c, '\n' | '\t') || !(c.is_control() || is_deceptive(*c));
    String::from_utf8_lossy(&plain).chars().filter(fit).collect()
}

/// One line of at most `limit` characters, for the middle of a sentence.
pub(crate) fn line(text: &str, limit: usize) -> String {
    let cleaned = clean(text);
    let mut words = cleaned.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((at, _)) = words.char_indices().nth(limit) {
        words.truncate(at);
        words.push('…');
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_and_invisible_marks_go_words_stay() {
        let dirty = "\u{1b}[1;31mred\u{1b}[0m \u{1b}]0;title\u{7}a\u{1b}]8;;http://x\u{1b}\\link\r\nb\u{202e}c\u{200b}\td\u{1b}(Be\u{8}";
        assert_eq!(clean(dirty), "red alink\nbc\tde");
    }

    #[test]
    fn an_unfinished_sequence_ends_with_its_line() {
        assert_eq!(clean("\u{1b}]0;never ended\nnext"), "\nnext");
        assert_eq!(clean("\u{1b}"), "");
    }

    #[test]
    fn a_line_is_bounded() {
        assert_eq!(line(" a\n b\t\u{1b}[Kc ", 80), "a b c");
        assert_eq!(line("ääää", 3), "äää…");
    }
}
