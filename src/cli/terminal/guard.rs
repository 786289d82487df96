//! What of a job's output may reach the terminal of somebody who only looks at it: whatever draws. What does something to
//! the terminal beyond that (clipboard, title, keys, files, printer, window) is left out, and what was switched on is known.

use pryx_terms::{Sequences, Switched, Token, is_question};

/// Modes without a question mark that pass: inserting. Others lock the keyboard or change what Enter sends.
const PLAIN_MODES: &[u16] = &[4];

/// Private modes that don't pass: the width of the window, and what switches that on.
const NO_MODES: &[u16] = &[3, 40];

/// How the links begin that pass.
const LINKS: &[&[u8]] = &[b"http://", b"https://"];

/// A filter for a stream of output, in any portions.
#[derive(Default)]
pub struct Guard {
    parser: Sequences,
    /// Whether questions to the terminal pass, because its answers get to who asked.
    answers: bool,
    /// What has passed.
    switched: Switched,
    characters: Characters,
}

impl Guard {
    /// One through which no question passes: nobody would take the answer, but for the person's own shell.
    pub fn silent() -> Self {
        Self::default()
    }

    /// From now on questions pass, or don't.
    pub fn let_ask(&mut self, answers: bool) {
        self.answers = answers;
    }

    /// What may be shown of the next bytes.
    pub fn pass(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        let (characters, answers) = (&mut self.characters, self.answers);
        self.parser.feed(bytes, |token| {
            if !matches!(token, Token::Text(_)) {
                characters.end(&mut out);
            }
            if answers || !is_question(token) {
                show(token, answers, characters, &mut out);
            }
        });
        self.switched.feed(&out);
        out
    }

    /// What gives the terminal back as it was.
    pub fn undo(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        self.characters.end(&mut out);
        out.extend(self.switched.undo());
        out
    }

    /// Whether it may still say something to a question that has passed.
    pub fn has_asked(&self) -> bool {
        self.switched.asked() > 0
    }
}

fn show(token: Token<'_>, answers: bool, characters: &mut Characters, out: &mut Vec<u8>) {
    match token {
        Token::Text(text) => text.iter().for_each(|byte| characters.push(*byte, out)),
        // BEL, BS, HT, LF, VT, FF, CR, SO, SI.
        Token::Control(byte @ 0x07..=0x0f) => out.push(byte),
        Token::Control(_) => {}
        Token::Escape(between, last) if escape_passes(between, last) => {
            out.push(0x1b);
            out.extend_from_slice(between);
            out.push(last);
        }
        Token::Escape(..) => {}
        Token::Csi(parameters, last @ (b'h' | b'l')) => modes(parameters, last, out),
        Token::Csi(parameters, last) if csi_passes(parameters, last, answers) => {
            out.extend_from_slice(b"\x1b[");
            out.extend_from_slice(parameters);
            out.push(last);
        }
        Token::Csi(..) => {}
        Token::String(b']', text, true) if osc_passes(text, answers) => {
            out.extend_from_slice(b"\x1b]");
            out.extend_from_slice(text);
            out.extend_from_slice(b"\x1b\\");
        }
        Token::String(..) => {}
    }
}

/// Moves, the saved cursor, resets, keypads, character sets, lines of double size. Not: tab stops, which nothing gives
/// back, and the coding of characters and controls.
fn escape_passes(between: &[u8], last: u8) -> bool {
    match between {
        b"" => matches!(last, b'6'..=b'9' | b'=' | b'>' | b'D' | b'E' | b'M' | b'N' | b'O' | b'Z' | b'c'),
        b"(" | b")" | b"*" | b"+" => last.is_ascii_graphic(),
        b"#" => matches!(last, b'3'..=b'6' | b'8'),
        _ => false,
    }
}

fn csi_passes(parameters: &[u8], last: u8, answers: bool) -> bool {
    let between = parameters.iter().position(|byte| (0x20..=0x2f).contains(byte)).map(|at| &parameters[at..]);
    match (between.unwrap_or_default(), last) {
        // Sizes only; the rest moves the window, reports its title, or puts titles away.
        (b"", b't') => answers && matches!(parameters, b"14" | b"16" | b"18" | b"19"),
        // The printer; tab stops; tests of the terminal.
        (b"", b'i' | b'g' | b'y') => false,
        (b"", _) | (b" ", b'q' | b'@' | b'A') | (b"!" | b"$", b'p') | (b"\"", b'q') => true,
        (b"$", last) => matches!(last, b'r' | b't' | b'v' | b'x' | b'z' | b'{'),
        (b"'", last) => matches!(last, b'}' | b'~'),
        _ => false,
    }
}

/// The modes that may be switched, in a sequence of their own.
fn modes(parameters: &[u8], last: u8, out: &mut Vec<u8>) {
    let (private, list) = match parameters.strip_prefix(b"?") {
        Some(list) => (true, list),
        None => (false, parameters),
    };
    let passes = |text: &&[u8]| {
        let number = std::str::from_utf8(text).ok().and_then(|text| text.parse::<u16>().ok());
        number.is_some_and(|mode| if private { !NO_MODES.contains(&mode) } else { PLAIN_MODES.contains(&mode) })
    };
    let passing: Vec<&[u8]> = list.split(|byte| *byte == b';').filter(passes).collect();
    if !passing.is_empty() {
        out.extend_from_slice(if private { b"\x1b[?" } else { b"\x1b[" });
        out.extend_from_slice(&passing.join(&b';'));
        out.push(last);
    }
}

/// Links to the web, and questions for the colours of text and ground. Titles belong to the window; clipboard,
/// notifications, palettes, marks of other shells' and files stay out.
fn osc_passes(text: &[u8], answers: bool) -> bool {
    if let Some(link) = text.strip_prefix(b"8;") {
        let Some(at) = link.iter().position(|byte| *byte == b';') else { return false };
        let target = &link[at + 1..];
        let is_plain = link.iter().all(|byte| (0x20..=0x7e).contains(byte));
        return is_plain && (target.is_empty() || LINKS.iter().any(|begin| target.starts_with(begin)));
    }
    answers && matches!(text, b"10;?" | b"11;?")
}

/// Text without the control characters U+0080 to U+009F, which begin sequences like `ESC` does, in their coding by two bytes
/// or as single ones.
#[derive(Default)]
struct Characters {
    /// A first byte that is held back: what follows decides.
    lead: bool,
    /// Bytes that a character still needs.
    more: u8,
}

/// U+FFFD.
const UNKNOWN: &[u8] = "\u{fffd}".as_bytes();

impl Characters {
    fn push(&mut self, byte: u8, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.lead) {
            match byte {
                0x80..=0x9f => return,
                0xa0..=0xbf => return out.extend([0xc2, byte]),
                _ => out.extend_from_slice(UNKNOWN),
            }
        }
        match byte {
            0x7f => {}
            0xc2 => (self.lead, self.more) = (true, 0),
            0x80..=0xbf if self.more > 0 => {
                self.more -= 1;
                out.push(byte);
            }
            0x80..=0xbf => out.extend_from_slice(UNKNOWN),
            _ => {
                self.more = match byte {
                    0xc3..=0xdf => 1,
                    0xe0..=0xef => 2,
                    0xf0..=0xf4 => 3,
                    _ => 0,
                };
                out.push(byte);
            }
        }
    }

    /// Something else than text follows.
    fn end(&mut self, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.lead) {
            out.extend_from_slice(UNKNOWN);
        }
        self.more = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::Guard;

    fn pass(text: &[u8], answers: bool, portion: usize) -> String {
        let mut guard = Guard::silent();
        guard.let_ask(answers);
        let parts: Vec<u8> = text.chunks(portion).flat_map(|part| guard.pass(part)).collect();
        String::from_utf8_lossy(&parts).into_owned()
    }

    #[test]
    fn what_draws_passes_as_it_is() {
        for text in [
            "plain \t\r\n\x07ünï 漢字 🦀 \u{a0}",
            "\x1b[1;38:5:9mred\x1b[0m\x1b[2J\x1b[3J\x1b[10;5H\x1b[K\x1b[2;5r\x1b[5 q",
            "\x1b[?1049h\x1b[?1;25;2004l\x1b=\x1b>\x1b7\x1b8\x1bM\x1b(0qqq\x1b(B\x0e\x0f\x1bc\x1b#8",
            "\x1b]8;;https://example.org/x\x1b\\link\x1b]8;;\x1b\\",
            "\x1b[4h\x1b[>4;2m\x1b[>1u\x1b[<u",
        ] {
            for portion in [1, 2, 3, 1000] {
                assert_eq!(pass(text.as_bytes(), false, portion), text, "portions of {portion}");
            }
        }
    }

    #[test]
    fn what_does_more_is_left_out() {
        for text in [
            &b"\x1b]52;c;aGk=\x07"[..],
            b"\x1b]0;title\x07",
            b"\x1b]2;title\x1b\\",
            b"\x1bktitle\x1b\\",
            b"\x1b]1337;SetMark\x07",
            b"\x1b]133;D;0\x07\x1b]633;E;rm -rf;x\x07",
            b"\x1b]8;;file:///etc/passwd\x1b\\",
            b"\x1b]4;1;red\x07\x1b]12;red\x07\x1b]9;hello\x07\x1b]7;file://x/\x07",
            b"\x1bPtmux;\x1b\x1b]52;c;aGk=\x07\x1b\\",
            b"\x1bP1;1|17/41\x1b\\\x1b_Gf=100,t=f;L2V0Yw==\x1b\\\x1b^pm\x1b\\\x1bXsos\x1b\\",
            b"\x1b[5i\x1b[3g\x1bH\x1b[8;10;10t\x1b[1t\x1b[22;0t\x1b[2h\x1b[20h\x1b[?3h\x1b[61\"p",
            b"\x1b%@\x1b F\x1b n\x05\x00\x7f\x11\x13\x1b[1;1;1;1;1;1*y",
            b"\xc2\x9d52;c;aGk=\xc2\x9c\xc2\x9b6n",
        ] {
            for portion in [1, 2, 1000] {
                let shown = pass(text, true, portion);
                assert!(!shown.contains('\x1b') && !shown.chars().any(char::is_control), "{text:?}: {shown:?}");
            }
        }
        assert_eq!(pass(b"\x1b[?3;25h", false, 100), "\x1b[?25h");
        assert_eq!(pass(b"a\x9b6nb\xc2", true, 1), "a\u{fffd}6nb");
    }

    #[test]
    fn questions_pass_where_the_answer_gets_to_who_asked() {
        for text in
            ["\x1b[6n", "\x1b[c", "\x1b[>c", "\x1b]11;?\x1b\\", "\x1b[18t", "\x1b[?2026$p", "\x1b[?u", "\x1b[>q"]
        {
            assert_eq!(pass(text.as_bytes(), true, 1), text);
            assert_eq!(pass(text.as_bytes(), false, 1), "", "{text:?}");
        }
        for text in ["\x1b[21t", "\x1b[20t", "\x1bP$qm\x1b\\", "\x1bP+q544e\x1b\\", "\x1b]52;c;?\x07", "\x1b]4;1;?\x07"]
        {
            assert_eq!(pass(text.as_bytes(), true, 1), "", "{text:?}");
        }
    }

    #[test]
    fn whatever_comes_the_terminal_is_given_back() {
        let mut guard = Guard::silent();
        let mut seed = 7_u64;
        let bytes: Vec<u8> = (0..200_000)
            .map(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let byte = seed.to_be_bytes()[0];
                if byte > 0xe0 { 0x1b } else { byte }
            })
            .collect();
        let shown = guard.pass(&bytes);
        for bad in [&b"\x1b]5"[..], b"\x1b]0", b"\x1bP", b"\x1b_", b"\x1b^", b"\x1bX", b"\x1b[5i", b"\x1b[6n"] {
            assert!(!shown.windows(bad.len()).any(|part| part == bad), "{bad:?}");
        }
        let undo = guard.undo();
        let mut vt = pryx_terms::Switched::default();
        vt.feed(&shown);
        vt.feed(&undo);
        assert!(vt.undo().is_empty() && !undo.is_empty());
    }
}
