//! A terminal's output taken apart, in any portions: text, control characters, and whole escape sequences.

/// Bytes kept of a sequence. Real ones have a few dozen; of a longer one the beginning is told, and that it was longer.
pub const MAX_SEQUENCE: usize = 2048;

const ESCAPE: u8 = 0x1b;
const BELL: u8 = 0x07;
const CANCEL: u8 = 0x18;
const SUBSTITUTE: u8 = 0x1a;

/// A part of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token<'a> {
    /// Bytes from 0x20 on.
    Text(&'a [u8]),
    /// A control character other than `ESC`.
    Control(u8),
    /// `ESC`, intermediate bytes, and the last one.
    Escape(&'a [u8], u8),
    /// `ESC [`, parameters and intermediate bytes, and the last one.
    Csi(&'a [u8], u8),
    /// `ESC ]`, `ESC P` and their like, by that letter; what stood in it, and whether that is all of it.
    String(u8, &'a [u8], bool),
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    Escape,
    Csi,
    String(u8),
}

/// The parser. A sequence ends where terminals end it: an escape begins anew, CAN and SUB give up, and a string without
/// its end goes on until one of these or BEL.
#[derive(Debug, Default)]
pub struct Sequences {
    state: State,
    held: Vec<u8>,
    /// More came than is held.
    over: bool,
}

impl Sequences {
    /// Whether no sequence is under way.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        self.state == State::Text
    }

    /// Takes the next bytes apart.
    pub fn feed(&mut self, bytes: &[u8], mut on: impl FnMut(Token<'_>)) {
        let mut rest = bytes;
        while let Some((&byte, after)) = rest.split_first() {
            if self.state == State::Text && byte >= 0x20 {
                let end = rest.iter().position(|b| *b < 0x20).unwrap_or(rest.len());
                on(Token::Text(&rest[..end]));
                rest = &rest[end..];
                continue;
            }
            self.step(byte, &mut on);
            rest = after;
        }
    }

    fn step(&mut self, byte: u8, on: &mut impl FnMut(Token<'_>)) {
        let next = match (self.state, byte) {
            (State::String(kind), ESCAPE | BELL | CANCEL | SUBSTITUTE) => {
                if matches!(byte, ESCAPE | BELL) {
                    on(Token::String(kind, &self.held, !self.over));
                }
                if byte == ESCAPE { State::Escape } else { State::Text }
            }
            (State::String(_), _) => return self.hold(byte),
            (_, ESCAPE) => State::Escape,
            (State::Text, _) => return on(Token::Control(byte)),
            (_, CANCEL | SUBSTITUTE) => State::Text,
            // Inside a sequence they act as outside of it.
            (_, 0..0x20) => return on(Token::Control(byte)),
            (State::Escape | State::Csi, 0x20..=0x2f) => return self.hold(byte),
            (State::Escape, b'[') if self.held.is_empty() => State::Csi,
            (State::Escape, b']' | b'P' | b'X' | b'^' | b'_') if self.held.is_empty() => State::String(byte),
            (State::Escape, _) => {
                on(Token::Escape(&self.held, byte));
                State::Text
            }
            (State::Csi, 0x30..=0x3f) => return self.hold(byte),
            (State::Csi, 0x40..=0x7e) => {
                if !self.over {
                    on(Token::Csi(&self.held, byte));
                }
                State::Text
            }
            // DEL, or no ASCII: terminals pass over it.
            (State::Csi, _) => return,
        };
        self.state = next;
        self.held.clear();
        self.over = false;
    }

    fn hold(&mut self, byte: u8) {
        if self.held.len() < MAX_SEQUENCE {
            self.held.push(byte);
        } else {
            self.over = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &[u8], portion: usize) -> Vec<String> {
        let (mut parser, mut found) = (Sequences::default(), Vec::<String>::new());
        for part in text.chunks(portion) {
            parser.feed(part, |token| match token {
                Token::Text(text) => {
                    let text = String::from_utf8_lossy(text).into_owned();
                    match found.last_mut() {
                        Some(last) if last.starts_with('"') => last.push_str(&text),
                        _ => found.push(format!("\"{text}")),
                    }
                }
                other => found.push(format!("{other:?}")),
            });
        }
        found
    }

    #[test]
    fn portions_do_not_matter() {
        let text =
            b"a\x1b[1;31mb\x1b]0;t\x07c\x1b(B\x1b[?2\n5hd\x1bP1$q\x1b\\\x1b]never\x1b[m\x1b]x\x18e\x1b[\x1b[2J\r";
        let whole = tokens(text, text.len());
        assert_eq!(whole.len(), 16, "{whole:#?}");
        for portion in 1..text.len() {
            assert_eq!(tokens(text, portion), whole, "{portion}");
        }
    }

    #[test]
    fn nothing_grows_without_bound() {
        let long = [&b"\x1b]"[..], &vec![b'x'; 100_000], b"\x07", b"\x1b[", &vec![b'1'; 100_000], b"mz"].concat();
        let mut parser = Sequences::default();
        let mut found = Vec::new();
        parser.feed(&long, |token| {
            found.push(matches!(token, Token::String(b']', text, false) if text.len() == MAX_SEQUENCE))
        });
        assert_eq!(found, [true, false], "the string by its beginning, the sequence not at all, the text");
        assert!(parser.is_at_rest());
    }
}
