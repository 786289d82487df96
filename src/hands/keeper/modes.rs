//! What a program has switched on at its terminal, read from its output on the way to the log.
//!
//! Only private modes (`ESC [ ? … h`) and the full reset count; nothing here decides how or when a command ended.

/// Longest list of modes in one sequence. Real ones name a handful; what is longer is skipped.
const MAX_PARAMETERS: usize = 64;

/// Bytes looked at for an escape at once: a flood of plain text costs one search per block.
const BLOCK: usize = 4096;

const ESCAPE: u8 = 0x1b;

/// The modes that matter here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Modes {
    /// The alternate screen (47, 1047, 1049).
    pub alternate: bool,
    /// Application cursor keys (1): programs that are steered with arrows.
    pub cursor_keys: bool,
    /// Pasted text comes in brackets (2004).
    pub paste: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    Escape,
    Bracket,
    Private,
}

/// Follows the modes through any portions of output.
#[derive(Debug, Default)]
pub(crate) struct Scanner {
    modes: Modes,
    state: State,
    parameters: Vec<u8>,
}

impl Scanner {
    pub fn modes(&self) -> Modes {
        self.modes
    }

    pub fn feed(&mut self, bytes: &[u8]) {
        for block in bytes.chunks(BLOCK) {
            if self.state == State::Text && !block.contains(&ESCAPE) {
                continue;
            }
            block.iter().for_each(|byte| self.step(*byte));
        }
    }

    fn step(&mut self, byte: u8) {
        self.state = match (&self.state, byte) {
            (_, ESCAPE) => State::Escape,
            (State::Escape, b'[') => State::Bracket,
            (State::Escape, b'c') => {
                self.modes = Modes::default();
                State::Text
            }
            (State::Bracket, b'?') => {
                self.parameters.clear();
                State::Private
            }
            (State::Private, b'0'..=b'9' | b';') if self.parameters.len() < MAX_PARAMETERS => {
                self.parameters.push(byte);
                State::Private
            }
            (State::Private, b'h' | b'l') => {
                self.set(byte == b'h');
                State::Text
            }
            _ => State::Text,
        };
    }

    fn set(&mut self, on: bool) {
        for parameter in self.parameters.split(|b| *b == b';') {
            match parameter {
                b"47" | b"1047" | b"1049" => self.modes.alternate = on,
                b"1" => self.modes.cursor_keys = on,
                b"2004" => self.modes.paste = on,
                _ => {}
            }
        }
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
            assert_eq!(modes, Modes { alternate: true, cursor_keys: false, paste: true }, "{portion}");
            let modes = after(&format!("{text}\x1b[?47;2004l"), portion);
            assert_eq!(modes, Modes::default());
            assert_eq!(after(&format!("{text}\x1bc"), portion), Modes::default());
        }
    }

    #[test]
    fn what_only_looks_like_it_changes_nothing() {
        for text in ["[?1049h", "\x1b[1049h", "\x1b[?1049 h", "\x1b[?10491h", "\x1b\x1b[\x1b?1049h", "\x1b]?1049h"] {
            assert_eq!(after(text, 100), Modes::default(), "{text:?}");
        }
        let long = format!("\x1b[?{}1049h", "1;".repeat(1000));
        assert_eq!(after(&long, 100), Modes::default());
    }
}
