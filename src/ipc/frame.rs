//! Bytes to lines and back: the framing, without any I/O.

/// Longest line accepted, its newline not counted. A frame is held in memory whole, so this bounds what one peer
/// can make the other hold; it leaves room for a 64 KiB output chunk in base64 and for a model's longest command.
pub const MAX_FRAME: usize = 1024 * 1024;

/// A peer broke the framing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A line went on past [`MAX_FRAME`].
    #[error("a frame is longer than {MAX_FRAME} bytes")]
    TooLarge,
}

/// Collects bytes in any portions and gives them back line by line.
#[derive(Debug, Default)]
pub struct Frames {
    buffer: Vec<u8>,
    /// Where the first unread line starts.
    start: usize,
    /// Up to where the buffer has been searched for a newline, so that no byte is looked at twice.
    searched: usize,
}

impl Frames {
    /// Takes in what arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.searched -= self.start;
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole line, without its newline (and without a carriage return before it).
    ///
    /// # Errors
    /// When the line at hand is longer than [`MAX_FRAME`]; the connection can't be used any further.
    pub fn next_line(&mut self) -> Result<Option<&[u8]>, FrameError> {
        let found = self.buffer[self.searched..].iter().position(|&b| b == b'\n').map(|at| self.searched + at);
        let Some(end) = found else {
            self.searched = self.buffer.len();
            return if self.buffer.len() - self.start > MAX_FRAME { Err(FrameError::TooLarge) } else { Ok(None) };
        };
        let line = &self.buffer[self.start..end];
        self.start = end + 1;
        self.searched = end + 1;
        if line.len() > MAX_FRAME {
            return Err(FrameError::TooLarge);
        }
        Ok(Some(line.strip_suffix(b"\r").unwrap_or(line)))
    }

    /// Whether an unfinished line is at hand: the peer hung up in the middle of a frame.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.start < self.buffer.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(chunks: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut frames = Frames::default();
        let mut out = Vec::new();
        for chunk in chunks {
            frames.push(chunk);
            while let Some(line) = frames.next_line().unwrap() {
                out.push(line.to_vec());
            }
        }
        out
    }

    #[test]
    fn any_chunking_gives_the_same_lines() {
        let text = b"{\"a\":1}\n\n{\"b\":\"\xc3\xbc\"}\r\nrest";
        let whole = lines(&[text]);
        assert_eq!(whole, [b"{\"a\":1}".to_vec(), vec![], "{\"b\":\"ü\"}".as_bytes().to_vec()]);
        for size in 1..text.len() {
            let chunks: Vec<&[u8]> = text.chunks(size).collect();
            assert_eq!(lines(&chunks), whole, "chunks of {size}");
        }
    }

    #[test]
    fn an_endless_line_is_cut_off() {
        let mut frames = Frames::default();
        frames.push(&vec![b'x'; MAX_FRAME + 1]);
        assert_eq!(frames.next_line(), Err(FrameError::TooLarge));
    }

    #[test]
    fn a_line_of_the_limit_passes() {
        let mut frames = Frames::default();
        frames.push(&vec![b'x'; MAX_FRAME]);
        assert_eq!(frames.next_line(), Ok(None));
        frames.push(b"\n");
        assert_eq!(frames.next_line().unwrap().map(<[u8]>::len), Some(MAX_FRAME));
    }
}
