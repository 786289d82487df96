//! What output has switched on at a terminal and not off again, and what it has asked the terminal: from there comes what
//! has to be sent so that the terminal is as it was.

use crate::{Sequences, Token};

/// Private modes that make a terminal hard to use when they stay changed, and how they are in one that nobody has touched.
/// The alternate screen comes last: the others may belong to a screen.
const MODES: &[(u16, bool)] = &[
    (1, false),  // application cursor keys
    (5, false),  // everything reversed
    (6, false),  // rows counted from the margin
    (7, true),   // long lines wrap
    (9, false),  // reports of the mouse, here and below
    (25, true),  // a cursor
    (66, false), // application keypad
    (69, false), // margins at the sides
    (1000, false),
    (1001, false),
    (1002, false),
    (1003, false),
    (1004, false), // reports of the focus
    (1005, false),
    (1006, false),
    (1007, false),
    (1015, false),
    (1016, false),
    (2004, false), // brackets around pastes
    (2026, false), // updates held back
    (2031, false), // reports of colours
    (2048, false), // reports of sizes
    (9001, false), // keys in another form
    (47, false),
    (1047, false),
    (1049, false),
];

/// Modes that report the mouse.
const MOUSE: &[u16] = &[9, 1000, 1001, 1002, 1003];

/// The alternate screen.
const ALTERNATE: &[u16] = &[47, 1047, 1049];

/// Questions that are counted. Whoever asks more at once doesn't want to know.
const MAX_ASKED: u32 = 64;

const SHIFT_OUT: u8 = 0x0e;
const SHIFT_IN: u8 = 0x0f;

/// Bytes looked at for an escape at once: a flood of plain text costs one search per block.
const BLOCK: usize = 4096;

/// Follows output, in any portions.
#[derive(Debug, Default)]
pub struct Switched {
    parser: Sequences,
    now: State,
}

#[derive(Debug, Default)]
struct State {
    /// Those of [`MODES`] that are not as usual, a bit each.
    modes: u32,
    keypad: bool,
    margins: bool,
    insert: bool,
    charset: bool,
    shifted: bool,
    cursor_style: bool,
    other_keys: bool,
    kitty: bool,
    asked: u32,
}

fn bit(mode: u16) -> Option<(u32, bool)> {
    let at = MODES.iter().position(|(known, _)| *known == mode)?;
    Some((1 << at, MODES[at].1))
}

fn numbers(parameters: &[u8]) -> impl Iterator<Item = u16> {
    parameters.split(|byte| *byte == b';').filter_map(|text| std::str::from_utf8(text).ok()?.parse().ok())
}

impl Switched {
    /// Takes note of what is sent.
    pub fn feed(&mut self, bytes: &[u8]) {
        for block in bytes.chunks(BLOCK) {
            // Letters of another set are shifted to without an escape, and back.
            let shifts = block.contains(&SHIFT_OUT) || self.now.shifted;
            if self.parser.is_at_rest() && !shifts && !block.contains(&0x1b) {
                continue;
            }
            let now = &mut self.now;
            self.parser.feed(block, |token| now.take(token));
        }
    }

    fn any_of(&self, modes: &[u16]) -> bool {
        modes.iter().filter_map(|mode| bit(*mode)).any(|(bit, _)| self.now.modes & bit != 0)
    }

    /// Whether a private mode is not as usual.
    #[must_use]
    pub fn has(&self, mode: u16) -> bool {
        self.any_of(&[mode])
    }

    /// Whether the alternate screen is shown.
    #[must_use]
    pub fn alternate(&self) -> bool {
        self.any_of(ALTERNATE)
    }

    /// Whether the mouse is reported.
    #[must_use]
    pub fn mouse(&self) -> bool {
        self.any_of(MOUSE)
    }

    /// Questions to the terminal that may still be answered.
    #[must_use]
    pub fn asked(&self) -> u32 {
        self.now.asked
    }

    /// One was answered.
    pub fn answered(&mut self) {
        self.now.asked = self.now.asked.saturating_sub(1);
    }

    /// Answers to what was asked so far come too late for whoever asked.
    pub fn forget_questions(&mut self) {
        self.now.asked = 0;
    }

    /// What to send so that the terminal is as it was; nothing when it is.
    #[must_use]
    pub fn undo(&self) -> Vec<u8> {
        let (now, mut text) = (&self.now, String::new());
        for (mode, usual) in MODES.iter().filter(|(mode, _)| self.has(*mode)) {
            text.push_str(&format!("\x1b[?{mode}{}", if *usual { 'h' } else { 'l' }));
        }
        // Taking the margins away moves the cursor, so it is put back.
        for (is, undone) in [
            (now.keypad, "\x1b>"),
            (now.margins, "\x1b7\x1b[r\x1b8"),
            (now.insert, "\x1b[4l"),
            (now.charset, "\x1b(B\x1b)B"),
            (now.charset || now.shifted, "\x0f"),
            (now.cursor_style, "\x1b[0 q"),
            (now.other_keys, "\x1b[>4m"),
            (now.kitty, "\x1b[<99u\x1b[=0u"),
        ] {
            text.push_str(if is { undone } else { "" });
        }
        let ends = if self.parser.is_at_rest() { "" } else { "\x1b\\" };
        if !text.is_empty() {
            // Whoever left a mode on has hardly taken its colours away.
            text.push_str("\x1b[0m");
        }
        format!("{ends}{text}").into_bytes()
    }
}

impl State {
    fn take(&mut self, token: Token<'_>) {
        if is_question(token) {
            self.asked = (self.asked + 1).min(MAX_ASKED);
            return;
        }
        match token {
            Token::Control(SHIFT_OUT) => self.shifted = true,
            Token::Control(SHIFT_IN) => self.shifted = false,
            Token::Escape(b"", b'c') => *self = Self { asked: self.asked, ..Self::default() },
            Token::Escape(b"", b'=') => self.keypad = true,
            Token::Escape(b"", b'>') => self.keypad = false,
            Token::Escape(b"(" | b")" | b"*" | b"+", set) => self.charset = set != b'B',
            Token::Csi(parameters, last @ (b'h' | b'l')) => self.switch(parameters, last == b'h'),
            Token::Csi(b"!", b'p') => {
                (self.insert, self.margins, self.charset, self.keypad) = (false, false, false, false);
                self.shifted = false;
                for mode in [1, 6, 25] {
                    self.modes &= bit(mode).map_or(u32::MAX, |(bit, _)| !bit);
                }
            }
            Token::Csi(parameters, b'r') if is_plain(parameters) => self.margins = !parameters.is_empty(),
            Token::Csi(parameters, b'q') if parameters.ends_with(b" ") => {
                self.cursor_style = !matches!(parameters, b" " | b"0 ");
            }
            Token::Csi([b'>', rest @ ..], b'm') => {
                let mut rest = numbers(rest);
                self.other_keys = rest.next() == Some(4) && rest.next().unwrap_or(0) > 0;
            }
            Token::Csi(parameters @ [b'>' | b'=', ..], b'u') => self.kitty = parameters != b"=0",
            _ => {}
        }
    }

    fn switch(&mut self, parameters: &[u8], on: bool) {
        match parameters.strip_prefix(b"?") {
            Some(private) if is_plain(private) => {
                for (bit, usual) in numbers(private).filter_map(bit) {
                    if usual == on { self.modes &= !bit } else { self.modes |= bit }
                }
            }
            None if is_plain(parameters) && numbers(parameters).any(|mode| mode == 4) => self.insert = on,
            _ => {}
        }
    }
}

fn is_plain(parameters: &[u8]) -> bool {
    parameters.iter().all(|byte| matches!(byte, b'0'..=b'9' | b';'))
}

/// Whether a terminal answers to it: with what it is, where its cursor stands, how large it is, which colours it has.
#[must_use]
pub fn is_question(token: Token<'_>) -> bool {
    match token {
        Token::Escape(b"", b'Z') => true,
        Token::Csi(parameters, last) => match last {
            b'c' | b'n' => parameters.last().is_none_or(|byte| !(0x20..=0x2f).contains(byte)),
            b't' => numbers(parameters).next().is_some_and(|first| (11..=21).contains(&first)),
            b'x' => is_plain(parameters),
            b'p' => parameters.ends_with(b"$"),
            b'q' => parameters.starts_with(b">"),
            b'u' | b'm' => parameters.starts_with(b"?"),
            b'S' if parameters.starts_with(b"?") => true,
            b'y' => parameters.ends_with(b"*"),
            b'|' | b'S' | b'R' if parameters.ends_with(b"#") => true,
            _ => false,
        },
        Token::String(b']', text, _) => text.ends_with(b"?"),
        Token::String(b'P', text, _) => text.starts_with(b"$q") || text.starts_with(b"+q"),
        Token::String(b'_', text, _) => text.starts_with(b"G"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::Switched;

    fn follow(text: &str, portion: usize) -> Switched {
        let mut switched = Switched::default();
        text.as_bytes().chunks(portion).for_each(|part| switched.feed(part));
        switched
    }

    fn undo(text: &str, portion: usize) -> String {
        String::from_utf8(follow(text, portion).undo()).unwrap_or_default()
    }

    #[test]
    fn what_is_left_on_is_switched_off_and_nothing_else() {
        let editor = "\x1b[?1049h\x1b[?1h\x1b=\x1b[?2004h\x1b[?25lx\x1b[31m\x1b[?25h";
        for portion in [1, 2, 3, 100] {
            assert_eq!(undo(editor, portion), "\x1b[?1l\x1b[?2004l\x1b[?1049l\x1b>\x1b[0m");
            let whole = format!("{editor}\x1b[?1l\x1b>\x1b[?2004;1049l");
            assert_eq!(undo(&whole, portion), "", "it left by itself");
            assert_eq!(undo(&format!("{editor}\x1bc"), portion), "", "a full reset");
        }
        assert_eq!(undo("\x1b[?25;7l", 100), "\x1b[?7h\x1b[?25h\x1b[0m");
        assert_eq!(
            undo("\x1b[2;5r\x1b[4h\x1b(0\x1b[5 q", 100),
            "\x1b7\x1b[r\x1b8\x1b[4l\x1b(B\x1b)B\x0f\x1b[0 q\x1b[0m"
        );
        assert_eq!(undo("\x1b[2;5r\x1b[4h\x1b(0\x1b[5 q\x1b[r\x1b[4l\x1b(B\x1b[ q", 100), "");
        assert_eq!(undo("\x1b[>1u\x1b[>4;2m", 100), "\x1b[>4m\x1b[<99u\x1b[=0u\x1b[0m");
        let all = "\x1b[?1;5;6;7;9;25;66;69;1000;1003;1004;1006;2004;2026;2031;2048;9001;47;1047;1049h\x1b[?7;25l\x1b=\x1b[2;3r\
                   \x1b[4h\x1b(0\x0e\x1b[5 q\x1b[>4;2m\x1b[>1u\x1bPnever";
        assert_eq!(undo(&format!("{all}{}", undo(all, 100)), 100), "", "undone, it is as it was");
        for portion in [1, 100] {
            assert_eq!(undo("a\x0eqqq", portion), "\x0f\x1b[0m");
            assert_eq!(undo("a\x0eqqq\x0fb", portion), "");
        }
        assert_eq!(undo("\x1b]0;never ended", 100), "\x1b\\");
        for text in ["plain \x1b[31mred", "\x1b[1049h", "\x1b[?1049 h", "\x1b[?12h", "\x1b[?1\x1b[49h"] {
            assert_eq!(undo(text, 100), "", "{text:?}");
        }
    }

    #[test]
    fn questions_are_counted() {
        let questions = "\x1b[c\x1b[>0c\x1b[6n\x1b[?6n\x1b[18t\x1b[?25$p\x1b[>q\x1b[?u\x1b]11;?\x07\x1bP$qm\x1b\\\x1bZ";
        assert_eq!(follow(questions, 3).asked(), 11);
        let mut none = follow("\x1b[2J\x1b]11;red\x07\x1b[22;0t\x1b[1;5r\x1b[0m\x1b[5 q\x1b[1u", 100);
        assert_eq!(none.asked(), 0);
        none.feed(&b"\x1b[6n".repeat(1000));
        assert_eq!(none.asked(), 64);
        none.answered();
        assert_eq!(none.asked(), 63);
        none.forget_questions();
        assert_eq!(none.asked(), 0);
    }
}
