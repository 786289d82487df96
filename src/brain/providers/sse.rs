//! Server-sent events (WHATWG HTML, section 9.2.6) out of bytes, without I/O. Chunk borders mean nothing: they may
//! fall inside a character or between the two bytes of a line end.

/// Longest line accepted. A whole tool call may come in one line; without a cap a server that never ends a line
/// would fill the memory.
const MAX_LINE: usize = 8 * 1024 * 1024;

/// Most text that the `data` lines of one event may add up to.
const MAX_EVENT: usize = 16 * 1024 * 1024;

/// One event of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SseEvent {
    /// The text of its `event` field, if it had one.
    pub(crate) name: Option<String>,
    /// Its `data` lines, joined by line feeds.
    pub(crate) data: String,
}

/// A stream that is larger than anything a provider sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a line or an event of the stream is too long")]
pub(crate) struct TooLong;

/// The parser: bytes in, events out.
#[derive(Debug, Default)]
pub(crate) struct SseParser {
    line: Vec<u8>,
    name: Option<String>,
    data: Option<String>,
    /// The last byte was a carriage return: a line feed right after it belongs to the same line end.
    after_cr: bool,
    /// The first line is behind us, where a byte order mark may stand.
    started: bool,
}

impl SseParser {
    /// Takes the next bytes and appends the events that they complete.
    pub(crate) fn push(&mut self, bytes: &[u8], out: &mut Vec<SseEvent>) -> Result<(), TooLong> {
        let mut rest = bytes;
        while let Some(&first) = rest.first() {
            if std::mem::take(&mut self.after_cr) && first == b'\n' {
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            let end = rest.iter().position(|&b| b == b'\n' || b == b'\r');
            let (text, next) = rest.split_at(end.unwrap_or(rest.len()));
            if self.line.len() + text.len() > MAX_LINE {
                return Err(TooLong);
            }
            self.line.extend_from_slice(text);
            let Some((&ending, next)) = next.split_first() else { return Ok(()) };
            self.after_cr = ending == b'\r';
            self.end_line(out)?;
            rest = next;
        }
        Ok(())
    }

    /// The stream is over. An event whose closing empty line is missing still counts: some servers leave it out
    /// after the last one.
    pub(crate) fn finish(mut self) -> Result<Option<SseEvent>, TooLong> {
        let mut out = Vec::new();
        if !self.line.is_empty() {
            self.end_line(&mut out)?;
        }
        Ok(out.pop().or_else(|| self.take_event()))
    }

    fn end_line(&mut self, out: &mut Vec<SseEvent>) -> Result<(), TooLong> {
        let line = std::mem::take(&mut self.line);
        let mut bytes = line.as_slice();
        if !std::mem::replace(&mut self.started, true) {
            bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        }
        if bytes.is_empty() {
            out.extend(self.take_event());
        } else {
            self.field(&String::from_utf8_lossy(bytes))?;
        }
        self.line = line;
        self.line.clear();
        Ok(())
    }

    fn field(&mut self, line: &str) -> Result<(), TooLong> {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => match &mut self.data {
                Some(data) if data.len() + value.len() >= MAX_EVENT => return Err(TooLong),
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            "event" => self.name = Some(value.to_owned()),
            // Comments (an empty field name), `id`, `retry` and what a later standard may add.
            _ => {}
        }
        Ok(())
    }

    /// An event without data is dropped, as the standard says.
    fn take_event(&mut self) -> Option<SseEvent> {
        let name = self.name.take();
        self.data.take().map(|data| SseEvent { name, data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn whole(bytes: &[u8]) -> Vec<SseEvent> {
        in_chunks(bytes, &[bytes.len()])
    }

    fn in_chunks(bytes: &[u8], sizes: &[usize]) -> Vec<SseEvent> {
        let (mut parser, mut out, mut rest) = (SseParser::default(), Vec::new(), bytes);
        let mut sizes = sizes.iter().cycle();
        while !rest.is_empty() {
            let (chunk, next) = rest.split_at((*sizes.next().unwrap()).clamp(1, rest.len()));
            parser.push(chunk, &mut out).unwrap();
            rest = next;
        }
        out.extend(parser.finish().unwrap());
        out
    }

    fn event(name: Option<&str>, data: &str) -> SseEvent {
        SseEvent { name: name.map(str::to_owned), data: data.to_owned() }
    }

    #[test]
    fn fields_comments_and_several_data_lines() {
        let stream = ": hello\n\nevent: a\ndata: 1\ndata:2\nid: 7\nretry: 9\n\ndata\n\nevent: nothing\n\ndata:  x\n\n";
        assert_eq!(whole(stream.as_bytes()), [event(Some("a"), "1\n2"), event(None, ""), event(None, " x")]);
    }

    #[test]
    fn every_line_end_and_a_byte_order_mark() {
        for end in ["\n", "\r", "\r\n"] {
            let stream = ["\u{feff}data: ä", "", "event: b", "data: ✓", "", ""].join(end);
            assert_eq!(whole(stream.as_bytes()), [event(None, "ä"), event(Some("b"), "✓")], "{end:?}");
        }
    }

    #[test]
    fn the_last_event_may_lack_its_empty_line() {
        assert_eq!(whole(b"data: [DONE]"), [event(None, "[DONE]")]);
        assert_eq!(whole(b"data: [DONE]\n"), [event(None, "[DONE]")]);
    }

    #[test]
    fn bytes_that_are_no_utf8_are_replaced() {
        assert_eq!(whole(b"data: a\xffb\n\n"), [event(None, "a\u{fffd}b")]);
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let (mut parser, mut out) = (SseParser::default(), Vec::new());
        let chunk = vec![b'x'; 1024 * 1024];
        let refused = (0..16).find_map(|_| parser.push(&chunk, &mut out).err());
        assert_eq!(refused, Some(TooLong));
    }

    #[test]
    fn an_event_without_end_is_refused() {
        let (mut parser, mut out) = (SseParser::default(), Vec::new());
        let mut line = b"data: ".to_vec();
        line.extend(std::iter::repeat_n(b'x', 1024 * 1024));
        line.push(b'\n');
        assert!((0..32).any(|_| parser.push(&line, &mut out).is_err()));
    }

    proptest! {
        #[test]
        fn chunk_borders_mean_nothing(
            lines in prop::collection::vec("(data|event|id|:)?(: ?)?[a-zäß✓🦀 :\u{feff}]{0,12}", 0..24),
            ends in prop::collection::vec(prop::sample::select(vec!["\n", "\r\n", "\r", "\n\n", "\r\n\r\n"]), 1..6),
            sizes in prop::collection::vec(1_usize..9, 1..12),
        ) {
            let ends = ends.iter().cycle();
            let stream: String = lines.iter().zip(ends).flat_map(|(l, e)| [l.as_str(), *e]).collect();
            prop_assert_eq!(in_chunks(stream.as_bytes(), &sizes), whole(stream.as_bytes()));
        }

        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..512), sizes in prop::collection::vec(1_usize..40, 1..8)) {
            prop_assert_eq!(in_chunks(&bytes, &sizes), whole(&bytes));
        }
    }
}
