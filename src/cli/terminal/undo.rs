//! What a program has switched on at the person's terminal and not off again, since it was ended in its midst, or its
//! window was left. The line discipline is given back by [`super::Raw`]; this is about the terminal's own modes.

use std::collections::BTreeSet;

/// Longest list of modes in one sequence. Real ones name a handful; what is longer is skipped.
const MAX_PARAMETERS: usize = 64;

/// The modes that make a terminal hard to use when they stay changed, and how they are in one that nobody has touched:
/// application cursor keys, lines that wrap, a cursor, reports of the mouse and of the focus, brackets around pastes,
/// updates held back. The alternate screen comes last: the others may belong to a screen.
const MODES: &[(u16, bool)] = &[
    (1, false),
    (7, true),
    (9, false),
    (25, true),
    (1000, false),
    (1001, false),
    (1002, false),
    (1003, false),
    (1004, false),
    (1005, false),
    (1006, false),
    (1015, false),
    (1016, false),
    (2004, false),
    (2026, false),
    (47, false),
    (1047, false),
    (1049, false),
];

/// Follows what is sent to the terminal, in any portions.
#[derive(Default)]
pub struct LeftBehind {
    state: State,
    parameters: Vec<u8>,
    /// Those that are not as they were.
    changed: BTreeSet<u16>,
    keypad: bool,
}

#[derive(Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    Escape,
    Bracket,
    Private,
}

impl LeftBehind {
    /// Takes note of what is sent.
    pub fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.state = match (&self.state, byte) {
                (_, 0x1b) => State::Escape,
                (State::Escape, b'[') => State::Bracket,
                (State::Escape, b'=' | b'>') => {
                    self.keypad = *byte == b'=';
                    State::Text
                }
                (State::Escape, b'c') => {
                    (self.keypad, self.changed) = (false, BTreeSet::new());
                    State::Text
                }
                (State::Bracket, b'?') => {
                    self.parameters.clear();
                    State::Private
                }
                (State::Private, b'0'..=b'9' | b';') if self.parameters.len() < MAX_PARAMETERS => {
                    self.parameters.push(*byte);
                    State::Private
                }
                (State::Private, b'h' | b'l') => {
                    self.set(*byte == b'h');
                    State::Text
                }
                _ => State::Text,
            };
        }
    }

    fn set(&mut self, on: bool) {
        let parameters = std::mem::take(&mut self.parameters);
        let numbers = parameters.split(|byte| *byte == b';').filter_map(|text| std::str::from_utf8(text).ok());
        for number in numbers.filter_map(|text| text.parse::<u16>().ok()) {
            match MODES.iter().find(|(mode, _)| *mode == number) {
                Some((mode, usual)) if *usual != on => drop(self.changed.insert(*mode)),
                Some((mode, _)) => drop(self.changed.remove(mode)),
                None => {}
            }
        }
    }

    /// What to send so that the terminal is as it was; nothing when it is.
    pub fn undo(&self) -> Vec<u8> {
        let mut text = String::new();
        for (mode, usual) in MODES.iter().filter(|(mode, _)| self.changed.contains(mode)) {
            text.push_str(&format!("\x1b[?{mode}{}", if *usual { 'h' } else { 'l' }));
        }
        if self.keypad {
            text.push_str("\x1b>");
        }
        if !text.is_empty() {
            // Whoever left a mode on has hardly taken its colours away.
            text.push_str("\x1b[0m");
        }
        text.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::LeftBehind;

    fn undo(text: &str, portion: usize) -> String {
        let mut left = LeftBehind::default();
        text.as_bytes().chunks(portion).for_each(|part| left.feed(part));
        String::from_utf8(left.undo()).unwrap_or_default()
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
        for text in ["plain \x1b[31mred", "\x1b[1049h", "\x1b[?1049 h", "\x1b[?12h", "\x1b]?1049h"] {
            assert_eq!(undo(text, 100), "", "{text:?}");
        }
    }
}
