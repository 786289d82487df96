//! A command's bytes as text: characters that fall apart at a border are put together again, and what was shown
//! before a connection broke isn't shown twice.

use pryx_terms::Stream;

/// A piece of output that can be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) stream: Stream,
    pub(super) offset: u64,
    pub(super) bytes: u64,
    pub(super) text: String,
}

/// What is known of one stream.
#[derive(Debug)]
struct Reading {
    stream: Stream,
    /// Offset of the first byte that was not shown yet.
    next: u64,
    /// The beginning of a character whose rest has not come.
    held: Vec<u8>,
}

/// The streams of one job.
#[derive(Debug, Default)]
pub(super) struct Output {
    streams: Vec<Reading>,
}

impl Output {
    /// Takes bytes as they come; gives what can be shown of them.
    pub(super) fn push(&mut self, stream: Stream, offset: u64, data: &[u8]) -> Option<Piece> {
        let at = match self.streams.iter().position(|reading| reading.stream == stream) {
            Some(at) => at,
            None => {
                self.streams.push(Reading { stream, next: offset, held: Vec::new() });
                self.streams.len() - 1
            }
        };
        let reading = self.streams.get_mut(at)?;
        let expected = reading.next + reading.held.len() as u64;
        let known = usize::try_from(expected.saturating_sub(offset)).unwrap_or(usize::MAX);
        let fresh = data.get(known..).unwrap_or_default();
        if offset > expected {
            // A gap: what was held belongs to bytes that will not come.
            reading.held.clear();
            reading.next = offset;
        }
        reading.held.extend_from_slice(fresh);
        let whole = whole_characters(&reading.held);
        reading.take(whole)
    }

    /// The job ended: what is held can't be completed any more.
    pub(super) fn finish(&mut self) -> Vec<Piece> {
        self.streams.iter_mut().filter_map(|reading| reading.take(reading.held.len())).collect()
    }
}

impl Reading {
    fn take(&mut self, count: usize) -> Option<Piece> {
        let rest = self.held.split_off(count.min(self.held.len()));
        let bytes = std::mem::replace(&mut self.held, rest);
        if bytes.is_empty() {
            return None;
        }
        let piece = Piece {
            stream: self.stream,
            offset: self.next,
            bytes: bytes.len() as u64,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        };
        self.next += piece.bytes;
        Some(piece)
    }
}

/// How many bytes there are before a character that is not complete. One has four bytes at most, so an unfinished
/// one is in the last three.
fn whole_characters(bytes: &[u8]) -> usize {
    let tail = bytes.len().saturating_sub(3);
    let lead = bytes.iter().enumerate().skip(tail).rev().find(|(_, b)| **b & 0xC0 != 0x80);
    match lead {
        Some((at, lead)) => {
            let length = match lead {
                0xC2..=0xDF => 2,
                0xE0..=0xEF => 3,
                0xF0..=0xF4 => 4,
                _ => 1,
            };
            if bytes.len() - at < length { at } else { bytes.len() }
        }
        None => bytes.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn piece(offset: u64, text: &str) -> Piece {
        Piece { stream: Stream::Tty, offset, bytes: text.len() as u64, text: text.into() }
    }

    #[test]
    fn a_character_in_two_pieces_is_shown_once_it_is_whole() {
        let mut output = Output::default();
        let bytes = "aä🦀".as_bytes();
        assert_eq!(output.push(Stream::Tty, 0, &bytes[..2]), Some(piece(0, "a")));
        assert_eq!(output.push(Stream::Tty, 2, &bytes[2..5]), Some(piece(1, "ä")));
        assert_eq!(output.push(Stream::Tty, 5, &bytes[5..]), Some(piece(3, "🦀")));
        assert_eq!(output.finish(), []);
    }

    #[test]
    fn what_was_shown_is_not_shown_again() {
        let mut output = Output::default();
        output.push(Stream::Tty, 0, b"hello");
        assert_eq!(output.push(Stream::Tty, 0, b"hel"), None);
        assert_eq!(output.push(Stream::Tty, 3, b"lo world"), Some(piece(5, " world")));
        let other = output.push(Stream::Stderr, 0, b"x");
        assert_eq!(other, Some(Piece { stream: Stream::Stderr, ..piece(0, "x") }));
    }

    #[test]
    fn half_a_character_at_the_end_is_not_lost() {
        let mut output = Output::default();
        assert_eq!(output.push(Stream::Tty, 0, b"a\xe2\x9c"), Some(piece(0, "a")));
        let rest = output.finish();
        assert_eq!((rest[0].offset, rest[0].bytes), (1, 2));
    }

    proptest! {
        #[test]
        fn every_byte_is_accounted_for(bytes in prop::collection::vec(any::<u8>(), 0..200), size in 1_usize..7) {
            let mut output = Output::default();
            let mut next = 0;
            let mut pieces = Vec::new();
            for (n, chunk) in bytes.chunks(size).enumerate() {
                pieces.extend(output.push(Stream::Tty, (n * size) as u64, chunk));
            }
            pieces.extend(output.finish());
            for piece in pieces {
                prop_assert_eq!(piece.offset, next);
                next += piece.bytes;
            }
            prop_assert_eq!(next, bytes.len() as u64);
        }

        #[test]
        fn valid_text_arrives_unchanged(text in "\\PC{0,60}", size in 1_usize..5) {
            let mut output = Output::default();
            let mut shown = String::new();
            for (n, chunk) in text.as_bytes().chunks(size).enumerate() {
                shown.extend(output.push(Stream::Tty, (n * size) as u64, chunk).map(|piece| piece.text));
            }
            prop_assert_eq!(shown, text);
        }
    }
}
