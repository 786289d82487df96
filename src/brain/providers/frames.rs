//! Bytes of an answer cut into events: server-sent events, or JSON a line at a time as Ollama sends it. Chunk borders
//! mean nothing in either.

use super::sse::{SseEvent, SseParser, TooLong};

/// Longest line of JSON accepted. A whole tool call may come in one; without a cap a server that never ends a line
/// would fill the memory.
const MAX_LINE: usize = 8 * 1024 * 1024;

/// How a format frames its events.
#[derive(Debug)]
pub(super) enum Frames {
    /// Server-sent events.
    Sse(SseParser),
    /// One JSON value a line.
    Lines(Vec<u8>),
}

impl Frames {
    /// Takes the next bytes and appends the events that they complete.
    pub(super) fn push(&mut self, bytes: &[u8], out: &mut Vec<SseEvent>) -> Result<(), TooLong> {
        match self {
            Self::Sse(parser) => parser.push(bytes, out),
            Self::Lines(line) => {
                let mut pieces = bytes.split(|b| *b == b'\n').peekable();
                while let Some(piece) = pieces.next() {
                    if line.len() + piece.len() > MAX_LINE {
                        return Err(TooLong);
                    }
                    line.extend_from_slice(piece);
                    // What follows the last line end is the beginning of a line.
                    if pieces.peek().is_some() {
                        out.extend(take_line(line));
                    }
                }
                Ok(())
            }
        }
    }

    /// The stream is over. A last event without its end still counts.
    pub(super) fn finish(self) -> Result<Option<SseEvent>, TooLong> {
        match self {
            Self::Sse(parser) => parser.finish(),
            Self::Lines(mut line) => Ok(take_line(&mut line)),
        }
    }
}

fn take_line(line: &mut Vec<u8>) -> Option<SseEvent> {
    let data = String::from_utf8_lossy(line).trim().to_owned();
    line.clear();
    (!data.is_empty()).then_some(SseEvent { name: None, data })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(chunks: &[&[u8]]) -> Vec<String> {
        let (mut frames, mut out) = (Frames::Lines(Vec::new()), Vec::new());
        for chunk in chunks {
            frames.push(chunk, &mut out).unwrap();
        }
        out.extend(frames.finish().unwrap());
        out.into_iter().map(|event| event.data).collect()
    }

    #[test]
    fn lines_of_every_kind() {
        assert_eq!(
            lines(&[b"{\"a\":1}\n\r\n{\"b\":\"\xc3", b"\xa4\"}\r\n{\"c\"", b":2}"]),
            ["{\"a\":1}", "{\"b\":\"ä\"}", "{\"c\":2}"]
        );
        assert_eq!(lines(&[b""]), [""; 0]);
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let (mut frames, mut out) = (Frames::Lines(Vec::new()), Vec::new());
        let chunk = vec![b'x'; 1024 * 1024];
        assert!((0..16).any(|_| frames.push(&chunk, &mut out).is_err()));
    }

    proptest! {
        #[test]
        fn chunk_borders_mean_nothing(text in "[a-zäß🦀 \\r\\n]{0,64}", size in 1_usize..9) {
            let chunks: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
            prop_assert_eq!(lines(&chunks), lines(&[text.as_bytes()]));
        }
    }
}
