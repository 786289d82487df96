//! A text cut into pieces, each with the place of its shape in a table of averages. The cutting follows what tokenizers
//! have in common: words with what stands before them, runs of digits, blanks, marks. `scripts/fit-tokens` cuts in the
//! same way, and learns what pieces of each shape cost.

/// Weights of words: what is around them (3), before them (3), their capitals (3), length (16) and rarity (8).
pub(super) const WORD: usize = 0;
const ACCENTED: usize = WORD + 3 * 3 * 3 * 16 * 8;
const CYRILLIC: usize = ACCENTED + 2 * 16;
const GREEK: usize = CYRILLIC + 2 * 16;
const HANGUL: usize = GREEK + 2 * 16;
const DIGITS: usize = HANGUL + 2 * 16;
const BLANKS: usize = DIGITS + 16;
const BREAKS: usize = BLANKS + 2 * 24;
const MARK: usize = BREAKS + 4 * 2;
const PAIR: usize = MARK + 2 * 32 * 2;
const RUN: usize = PAIR + 32 * 32;
const OTHERS: usize = RUN + 2 * 2 * 22 * 2;

/// How many shapes there are.
pub(super) const SHAPES: usize = OTHERS + 16;

/// Characters over which an accented letter tells that the words are not English.
const NEAR: usize = 200;

/// The marks of ASCII, in order.
const MARKS: &[u8; 32] = b"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

/// What is known about letters and words, whatever the tokenizer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lexicon {
    /// How unusual two letters beside each other are, from 0 to 3.
    pub(super) rarity: &'static [u8],
    /// Hashes of usual words, sorted, two bytes each.
    pub(super) usual: &'static [u8],
}

/// What a character is. The order of those from `Hebrew` on is that of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Lower,
    Upper,
    Accented,
    Digit,
    Blank,
    Break,
    Mark,
    Cyrillic,
    Greek,
    Hangul,
    Other(u8),
}

const FULLWIDTH: u8 = 6;
const HIRAGANA: u8 = 4;
const KATAKANA: u8 = 5;
const HAN: u8 = 7;
const KANJI: u8 = 8;

impl Kind {
    fn of(c: char) -> Self {
        match c {
            'a'..='z' => Self::Lower,
            'A'..='Z' => Self::Upper,
            '0'..='9' => Self::Digit,
            ' ' | '\t' => Self::Blank,
            '\n' | '\r' => Self::Break,
            c if c.is_ascii_punctuation() => Self::Mark,
            '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' if c != '×' && c != '÷' => Self::Accented,
            '\u{370}'..='\u{3ff}' => Self::Greek,
            '\u{400}'..='\u{52f}' => Self::Cyrillic,
            '\u{1100}'..='\u{11ff}' | '\u{ac00}'..='\u{d7af}' => Self::Hangul,
            '\u{590}'..='\u{5ff}' => Self::Other(0),
            '\u{600}'..='\u{77f}' => Self::Other(1),
            '\u{900}'..='\u{dff}' => Self::Other(2),
            '\u{e00}'..='\u{e7f}' => Self::Other(3),
            '\u{3040}'..='\u{309f}' => Self::Other(HIRAGANA),
            '\u{30a0}'..='\u{30ff}' => Self::Other(KATAKANA),
            '\u{3000}'..='\u{303f}' | '\u{ff00}'..='\u{ffef}' => Self::Other(FULLWIDTH),
            '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' => Self::Other(HAN),
            '\u{2000}'..='\u{206f}' => Self::Other(9),
            '\u{2190}'..='\u{2bff}' => Self::Other(10),
            '\u{10000}'.. => Self::Other(11),
            '\u{80}'..='\u{24f}' => Self::Other(12),
            _ => Self::Other(13),
        }
    }

    fn is_latin(self) -> bool {
        matches!(self, Self::Lower | Self::Upper | Self::Accented)
    }

    /// Whether a blank before it goes with it.
    fn takes_blank(self) -> bool {
        self.is_latin() || matches!(self, Self::Mark | Self::Cyrillic | Self::Greek | Self::Hangul)
    }
}

/// A piece of a text: the place of its shape, and how often that counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Piece {
    pub(super) shape: usize,
    pub(super) units: f64,
}

/// Cuts a text, piece by piece.
pub(super) struct Pieces<'a> {
    rest: &'a str,
    lexicon: Lexicon,
    /// The kind of the character before the rest.
    last: Option<Kind>,
    /// Characters that words still count as not English.
    foreign: usize,
}

impl<'a> Pieces<'a> {
    pub(super) fn new(text: &'a str, lexicon: Lexicon) -> Self {
        Self { rest: text, lexicon, last: None, foreign: 0 }
    }

    /// The beginning of the rest whose characters are all of such kinds: its bytes and its characters.
    fn run(text: &str, of: impl Fn(Kind) -> bool) -> (usize, usize) {
        let mut count = 0;
        let end = text.char_indices().find(|(_, c)| {
            !of(Kind::of(*c)) || {
                count += 1;
                false
            }
        });
        (end.map_or(text.len(), |(at, _)| at), count)
    }

    fn word(&self, text: &str, before: usize) -> (usize, Piece) {
        let (mut end, mut length, mut accents, mut capitals, mut rare) = (0, 0_usize, 0_usize, 0_usize, 0_usize);
        let mut previous: Option<(Kind, char)> = None;
        for c in text.chars() {
            let kind = Kind::of(c);
            if !kind.is_latin() {
                break;
            }
            match previous {
                Some((last, _)) if kind == Kind::Upper && last != Kind::Upper => break,
                Some((last, letter)) if kind != Kind::Accented && last != Kind::Accented => {
                    rare += usize::from(self.rarity(letter, c));
                }
                _ => {}
            }
            accents += usize::from(kind == Kind::Accented);
            capitals += usize::from(kind == Kind::Upper);
            length += 1;
            end += c.len_utf8();
            previous = Some((kind, c));
        }
        let size = length.min(16) - 1;
        let shape = if accents > 0 {
            ACCENTED + before.min(1) * 16 + size
        } else {
            let case = match capitals {
                0 => 0,
                1 if text.starts_with(|c: char| c.is_ascii_uppercase()) => 1,
                _ => 2,
            };
            let next = text[end..].chars().next().map(Kind::of);
            let touches = self.last == Some(Kind::Digit) || next == Some(Kind::Digit);
            let around = if touches {
                1
            } else if self.foreign > 0 {
                2
            } else {
                0
            };
            let rare = if length > 1 && self.is_usual(&text[..end]) { 7 } else { rare.min(6) };
            WORD + (((around * 9 + before * 3 + case) * 16 + size) * 8) + rare
        };
        (end, Piece { shape, units: 1.0 })
    }

    fn rarity(&self, a: char, b: char) -> u8 {
        let place = |c: char| (c.to_ascii_lowercase() as usize).wrapping_sub(usize::from(b'a'));
        self.lexicon.rarity.get(place(a) * 26 + place(b)).copied().unwrap_or(3)
    }

    fn is_usual(&self, word: &str) -> bool {
        let wanted = hashed(word);
        let words = self.lexicon.usual.as_chunks::<2>().0;
        words.binary_search_by(|word| u16::from_le_bytes(*word).cmp(&wanted)).is_ok()
    }

    fn blanks(text: &str) -> (usize, Piece) {
        let (all, _) = Self::run(text, |kind| matches!(kind, Kind::Blank | Kind::Break));
        let (head, tail) = text.split_at(all);
        // Blanks and breaks are a byte each.
        if let Some(last) = head.rfind(['\n', '\r']) {
            let head = &head[..=last];
            let breaks = head.bytes().filter(|b| matches!(b, b'\n' | b'\r')).count();
            let shape = BREAKS + (breaks.min(4) - 1) * 2 + usize::from(head.len() > breaks);
            return (head.len(), Piece { shape, units: 1.0 });
        }
        let goes_on = tail.chars().next().is_some_and(|c| Kind::of(c).takes_blank());
        let end = if goes_on && all > 1 && head.ends_with(' ') { all - 1 } else { all };
        let shape = BLANKS + usize::from(head[..end].contains('\t')) * 24 + end.min(24) - 1;
        (end, Piece { shape, units: at_least_one(end, 24) })
    }

    fn marks(text: &str, before: usize) -> (usize, Piece) {
        let (end, count) = Self::run(text, |kind| kind == Kind::Mark);
        let (breaks, _) = Self::run(&text[end..], |kind| kind == Kind::Break);
        let broken = usize::from(breaks > 0);
        let run = &text.as_bytes()[..end];
        let place = |b: u8| MARKS.iter().position(|mark| *mark == b).unwrap_or(0);
        let shape = match *run {
            [one] => MARK + (before * 32 + place(one)) * 2 + broken,
            [one, two] => PAIR + place(one) * 32 + place(two),
            _ => {
                let same = usize::from(run.iter().all(|b| Some(b) == run.first()));
                RUN + ((before * 2 + same) * 22 + count.min(24) - 3) * 2 + broken
            }
        };
        (end + breaks, Piece { shape, units: at_least_one(count, 24) })
    }

    fn other(&self, text: &str, kind: Kind, at: u8) -> (usize, Piece) {
        let (end, count) = Self::run(text, |other| other == kind);
        let kana = |kind: Option<Kind>| matches!(kind, Some(Kind::Other(HIRAGANA | KATAKANA)));
        let near = || kana(self.last) || kana(text[end..].chars().next().map(Kind::of));
        let at = if at == HAN && near() { KANJI } else { at };
        (end, Piece { shape: OTHERS + usize::from(at), units: to_f64(count) })
    }
}

impl Iterator for Pieces<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        let text = self.rest;
        let mut chars = text.chars();
        let first = chars.next()?;
        let (kind, next) = (Kind::of(first), chars.next().map(Kind::of));
        let (before, kind, body) = match (kind, next) {
            (Kind::Blank, Some(next)) if first == ' ' && next.takes_blank() => (1, next, &text[1..]),
            (Kind::Mark, Some(next)) if next.is_latin() => (2, next, &text[1..]),
            _ => (0, kind, text),
        };
        let letters = |start: usize| {
            let (end, count) = Self::run(body, |other| other == kind);
            (end, Piece { shape: start + before.min(1) * 16 + count.min(16) - 1, units: 1.0 })
        };
        let (taken, piece) = match kind {
            Kind::Lower | Kind::Upper | Kind::Accented => self.word(body, before),
            Kind::Cyrillic => letters(CYRILLIC),
            Kind::Greek => letters(GREEK),
            Kind::Hangul => letters(HANGUL),
            Kind::Digit => {
                let (end, count) = Self::run(body, |other| other == kind);
                (end, Piece { shape: DIGITS + count.min(16) - 1, units: at_least_one(count, 16) })
            }
            Kind::Blank | Kind::Break => Self::blanks(body),
            Kind::Mark => Self::marks(body, before),
            Kind::Other(at) => self.other(body, kind, at),
        };
        let end = taken + (text.len() - body.len());
        let (piece_text, rest) = text.split_at(end);
        let accented = (ACCENTED..CYRILLIC).contains(&piece.shape);
        let length = if piece_text.is_ascii() { end } else { piece_text.chars().count() };
        self.foreign = if accented { NEAR } else { self.foreign.saturating_sub(length) };
        self.last = piece_text.chars().next_back().map(Kind::of);
        self.rest = rest;
        Some(piece)
    }
}

/// FNV-1a over the small letters, folded to two bytes.
fn hashed(word: &str) -> u16 {
    let step = |value: u32, b: u8| (value ^ u32::from(b.to_ascii_lowercase())).wrapping_mul(0x0100_0193);
    let value = word.bytes().fold(0x811C_9DC5, step);
    let [a, b, c, d] = value.to_be_bytes();
    u16::from_be_bytes([a, b]) ^ u16::from_be_bytes([c, d])
}

/// Runs longer than the table goes count in proportion.
fn at_least_one(count: usize, most: usize) -> f64 {
    (to_f64(count) / to_f64(most)).max(1.0)
}

fn to_f64(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::from(u32::MAX), f64::from)
}
