//! Text made safe to show: nothing in it can move the cursor, hide itself, or reorder what a person reads.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Characters that take no room or change the direction of others: a command could look like a different one.
#[must_use]
pub fn is_deceptive(c: char) -> bool {
    matches!(c,
        '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Spaces other than the plain one: a shell does not split words at them, though it looks as if it would.
fn is_odd_space(c: char) -> bool {
    c != ' ' && c.is_whitespace()
}

/// The text with control, zero-width, bidirectional and look-alike space characters written as `\xNN` or `\u{NNNN}`.
/// Line ends and tabs become `\n`, `\r`, `\t`; everything else stays, so the result is one line.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            c if c.is_control() && u32::from(c) < 0x80 => {
                let _ = write!(shown, "\\x{:02x}", u32::from(c));
            }
            c if c.is_control() || is_deceptive(c) || is_odd_space(c) => {
                let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
            }
            c => shown.push(c),
        }
    }
    shown
}

/// The text with what changes the direction of others written as `\u{NNNN}`: what a person reads is in the order in
/// which it stands. Joined and coloured signs of a language stay.
#[must_use]
pub fn upright(text: &str) -> Cow<'_, str> {
    let turns =
        |c: char| matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if !text.contains(turns) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if turns(c) {
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::{upright, visible};

    #[test]
    fn what_turns_the_direction_is_written_out_and_the_rest_stays() {
        assert_eq!(upright("a\u{202e}b\u{2066}\n\tc"), "a\\u{202e}b\\u{2066}\n\tc");
        let family = "שלום 👨\u{200d}👩\u{200d}👧 ❤\u{fe0f}";
        assert_eq!(upright(family), family);
    }

    #[test]
    fn plain_text_stays_as_it_is() {
        for text in ["", "ls -la | grep 'ü' && echo \"日本\" \\n", "emoji 🦀"] {
            assert_eq!(visible(text), text);
        }
    }

    #[test]
    fn what_a_terminal_would_obey_is_written_out() {
        let cases = [
            ("a\u{1b}[2Kb", "a\\x1b[2Kb"),
            ("rm x\rls  ", "rm x\\rls  "),
            ("a\nb\tc\0", "a\\nb\\tc\\x00"),
            ("\u{9b}31m\u{7f}", "\\u{9b}31m\\x7f"),
            ("ls \u{202e}fr- mr\u{2066}", "ls \\u{202e}fr- mr\\u{2066}"),
            ("r\u{200b}m\u{feff} \u{ad}\u{2060}", "r\\u{200b}m\\u{feff} \\u{ad}\\u{2060}"),
            ("rm\u{a0}x\u{3000}y\u{2028}z", "rm\\u{a0}x\\u{3000}y\\u{2028}z"),
            ("tag\u{e0041}", "tag\\u{e0041}"),
        ];
        for (text, shown) in cases {
            assert_eq!(visible(text), shown);
        }
    }

    #[test]
    fn nothing_unsafe_survives_in_any_plane() {
        for c in ('\0'..=char::MAX).filter(|c| c.is_control() || super::is_deceptive(*c)) {
            assert!(visible(&c.to_string()).is_ascii(), "{:x}", u32::from(c));
        }
    }
}
