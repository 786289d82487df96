//! What a program has switched on at its terminal, and what it has asked it, read from its output on the way to the log.
//!
//! Nothing here decides how or when a command ended.

use pryx_terms::Switched;

/// The modes that matter here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Modes {
    /// The alternate screen (47, 1047, 1049).
    pub alternate: bool,
    /// Application cursor keys (1): programs that are steered with arrows.
    pub cursor_keys: bool,
    /// Pasted text comes in brackets (2004).
    pub paste: bool,
    /// The mouse is reported.
    pub mouse: bool,
    /// So is whether the window is looked at (1004).
    pub focus: bool,
}

/// Follows the modes through any portions of output.
#[derive(Debug, Default)]
pub(crate) struct Scanner {
    switched: Switched,
    /// Something was passed on that a window's terminal says by itself.
    told: bool,
}

impl Scanner {
    pub fn modes(&self) -> Modes {
        Modes {
            alternate: self.switched.alternate(),
            cursor_keys: self.switched.has(1),
            paste: self.switched.has(2004),
            mouse: self.switched.mouse(),
            focus: self.switched.has(1004),
        }
    }

    pub fn feed(&mut self, bytes: &[u8]) {
        self.switched.feed(bytes);
    }

    /// Whether somebody waits for an answer of the terminal; it is his then, and nobody else's.
    pub fn takes_answer(&mut self) -> bool {
        let waits = self.switched.asked() > 0;
        self.switched.answered();
        waits
    }

    /// Something that a window's terminal says by itself goes to whoever has the terminal.
    pub fn note_told(&mut self) {
        self.told = true;
    }

    /// Somebody else has the terminal now: what was asked before is not answered any more. True when the one before was told
    /// something, which may not have been read.
    pub fn changes_hands(&mut self) -> bool {
        self.switched.forget_questions();
        std::mem::take(&mut self.told)
    }

    /// What makes the terminal as it was, if it is not.
    pub fn undo(&self) -> Vec<u8> {
        self.switched.undo()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(text: &str, portion: usize) -> Modes {
        let mut scanner = Scanner::default();
        text.as_bytes().chunks(portion).for_each(|part| scanner.feed(part));
        scanner.modes()
    }

    #[test]
    fn modes_are_followed_in_any_portions() {
        let text = "a\x1b[?1049h\x1b[?1;2004hb\x1b[31m\x1b[?25l\x1b[?1l";
        for portion in [1, 2, 3, 7, 100] {
            let modes = after(text, portion);
            assert_eq!(modes, Modes { alternate: true, paste: true, ..Modes::default() }, "{portion}");
            let modes = after(&format!("{text}\x1b[?1049;2004l"), portion);
            assert_eq!(modes, Modes::default());
            assert_eq!(after(&format!("{text}\x1bc"), portion), Modes::default());
        }
    }

    #[test]
    fn what_only_looks_like_it_changes_nothing() {
        for text in ["[?1049h", "\x1b[1049h", "\x1b[?1049 h", "\x1b[?10491h", "\x1b\x1b[\x1b?1049h", "\x1b]?1049h"] {
            assert_eq!(after(text, 100), Modes::default(), "{text:?}");
        }
        let long = format!("\x1b[?{}1049h", "1;".repeat(2000));
        assert_eq!(after(&long, 100), Modes::default());
    }
}
