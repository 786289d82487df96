//! Terminal output without its control sequences, in any portions.

/// Longest run of parameters that can be a colour. Real ones have under 20 bytes; more is hidden text.
const MAX_COLOUR: usize = 64;

/// Longest number of lines to climb. No screen has more than 99,999.
const MAX_CLIMB: usize = 5;

/// What may stay besides text, tabs and line ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Nothing.
    Text,
    /// Movements of the cursor to lines above, each as `ESC [ n A`: they tell which lines were redrawn.
    Climbs,
    /// Colours and other renditions (SGR): they change how text looks, and nothing else.
    Colours,
}

/// Removes escape sequences (ECMA-48 and the strings of xterm) and control characters from a stream of bytes. What is
/// left can't move a cursor, set a title, query a terminal, or reach its clipboard. Carriage returns stay: they
/// tell which lines were redrawn, and a terminal takes no harm from them.
#[derive(Debug)]
pub struct PlainFilter {
    keep: Keep,
    state: State,
    held: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Text,
    /// After a byte that begins the two-byte form of the C1 controls, U+0080 to U+009F.
    C1,
    Escape,
    /// After `ESC` and an intermediate byte.
    Intermediate,
    Csi,
    /// In an OSC, DCS, SOS, PM or APC string.
    String,
    /// In such a string, after `ESC`.
    StringEscape,
    /// In such a string, after the first byte of a two-byte C1 control.
    StringC1,
}

impl PlainFilter {
    /// A filter at the beginning of a stream.
    #[must_use]
    pub fn new(keep: Keep) -> Self {
        Self { keep, state: State::Text, held: Vec::new() }
    }

    /// Adds what is left of the next bytes to `out`.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        out.reserve(bytes.len());
        for &byte in bytes {
            self.state = self.step(byte, out);
        }
    }

    /// The whole of a text at once.
    #[must_use]
    pub fn strip(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        Self::new(Keep::Text).push(bytes, &mut out);
        out
    }

    fn step(&mut self, byte: u8, out: &mut Vec<u8>) -> State {
        match (self.state, byte) {
            // A line end ends every sequence: a lone escape must not swallow the output that follows it.
            (_, b'\n') => {
                out.push(byte);
                State::Text
            }
            (State::String | State::StringEscape, 0x07) => State::Text,
            (State::String, 0x1b) => State::StringEscape,
            (State::StringEscape, b'\\') => State::Text,
            (State::String, 0xc2) => State::StringC1,
            (State::StringC1, 0x9c) => State::Text,
            (State::String | State::StringC1, _) => State::String,
            // Elsewhere an escape begins anew, whatever was under way. In a string too: terminals end it there.
            (State::StringEscape, _) => self.escape(byte),
            (_, 0x1b) => State::Escape,
            (State::Escape, _) => self.escape(byte),
            (State::Intermediate, 0x20..=0x2f) => State::Intermediate,
            (State::Intermediate, _) => State::Text,
            (State::Csi, _) => self.csi(byte, out),
            (State::C1, _) => self.c1(byte, out),
            (State::Text, 0xc2) => State::C1,
            (State::Text, b'\t' | b'\r' | 0x20..=0x7e | 0x80..) => {
                out.push(byte);
                State::Text
            }
            (State::Text, _) => State::Text,
        }
    }

    fn escape(&mut self, byte: u8) -> State {
        match byte {
            b'[' => {
                self.held.clear();
                State::Csi
            }
            b']' | b'P' | b'X' | b'^' | b'_' => State::String,
            0x20..=0x2f => State::Intermediate,
            0x1b => State::Escape,
            _ => State::Text,
        }
    }

    fn csi(&mut self, byte: u8, out: &mut Vec<u8>) -> State {
        match byte {
            0x20..=0x3f => {
                if self.held.len() <= MAX_COLOUR {
                    self.held.push(byte);
                }
                State::Csi
            }
            b'm' if self.keep == Keep::Colours
                && self.held.len() <= MAX_COLOUR
                && self.held.iter().all(|b| matches!(b, b'0'..=b'9' | b';' | b':')) =>
            {
                out.extend_from_slice(b"\x1b[");
                out.extend_from_slice(&self.held);
                out.push(b'm');
                State::Text
            }
            b'A' | b'F'
                if self.keep == Keep::Climbs
                    && self.held.len() <= MAX_CLIMB
                    && self.held.iter().all(u8::is_ascii_digit) =>
            {
                out.extend_from_slice(b"\x1b[");
                out.extend_from_slice(&self.held);
                out.push(b'A');
                State::Text
            }
            _ => State::Text,
        }
    }

    fn c1(&mut self, byte: u8, out: &mut Vec<u8>) -> State {
        match byte {
            0x9b => {
                self.held.clear();
                State::Csi
            }
            0x90 | 0x98 | 0x9d..=0x9f => State::String,
            0x80..=0x9f => State::Text,
            0xa0..=0xbf => {
                out.extend([0xc2, byte]);
                State::Text
            }
            // Not UTF-8: the lone lead byte is dropped, what follows stands for itself.
            _ => {
                self.state = State::Text;
                self.step(byte, out)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coloured(text: &str) -> String {
        let mut out = Vec::new();
        PlainFilter::new(Keep::Colours).push(text.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    fn plain(text: &str) -> String {
        String::from_utf8(PlainFilter::strip(text.as_bytes())).unwrap()
    }

    #[test]
    fn text_stays() {
        for text in ["", "plain\n", "tab\tü 漢字 🦀\r\n", "\u{a0}é"] {
            assert_eq!(plain(text), text);
        }
    }

    #[test]
    fn sequences_go() {
        for (text, left) in [
            ("\x1b[1;31mred\x1b[0m", "red"),
            ("\x1b]0;title\x07x", "x"),
            ("\x1b]52;c;aGk=\x1b\\x", "x"),
            ("\x1bP1$qm\x1b\\x", "x"),
            ("\x1b(Bx\x1b7y", "xy"),
            ("a\x08\x07\x00b", "ab"),
            ("\u{9b}2Jx\u{9d}0;t\u{9c}y", "xy"),
            ("\x1b[\x1b[2Jx", "x"),
            ("\x1b]never ended\nnext", "\nnext"),
        ] {
            assert_eq!(plain(text), left, "{text:?}");
        }
    }

    #[test]
    fn only_colours_are_kept() {
        assert_eq!(coloured("\x1b[1;38:5:9mx\x1b[0m\x1b[2J\x1b[?25l\x1b[>4m"), "\x1b[1;38:5:9mx\x1b[0m");
    }

    #[test]
    fn climbs_are_kept_in_one_form() {
        let mut out = Vec::new();
        PlainFilter::new(Keep::Climbs).push(b"\x1b[2A\x1b[Fa\x1b[?1Ab\x1b[123456Ac\x1b[1Bd\x1b[31m", &mut out);
        assert_eq!(out, b"\x1b[2A\x1b[Aabcd");
    }

    #[test]
    fn portions_do_not_matter() {
        let text = "a\x1b[31mb\x1b]0;t\x07c\u{9b}Kd\u{e9}\x1b\\e\n".as_bytes();
        let whole = PlainFilter::strip(text);
        for size in 1..text.len() {
            let (mut filter, mut out) = (PlainFilter::new(Keep::Text), Vec::new());
            text.chunks(size).for_each(|part| filter.push(part, &mut out));
            assert_eq!(out, whole, "portions of {size}");
        }
    }
}
