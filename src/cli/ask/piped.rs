//! Text piped into a request: context for the model, bounded, and never a reason to hang.

use crate::cli::input::stdin_chunks;
use std::io::IsTerminal;
use std::time::Duration;

/// How long to wait for the first byte. Scripts and editors often leave an open, silent stdin behind; something that
/// really pipes text has begun by then, or says `-`.
const FIRST_BYTE: Duration = Duration::from_millis(200);

/// How long a pipe that has begun may be silent before we go on without its end.
const SILENCE: Duration = Duration::from_secs(5);

/// Bytes kept of the beginning and of the end each. Together they fit a small model's window; what lies between is
/// counted.
const KEEP: usize = 48 * 1024;

/// What was piped in.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Piped {
    /// The text, or its two ends.
    pub text: String,
    /// Bytes left out between.
    pub omitted: u64,
    /// Whether the pipe was still open when we went on.
    pub cut_short: bool,
}

/// Reads stdin if something is piped in; with `all`, waits for its end however long it takes.
pub async fn read(all: bool) -> Option<Piped> {
    if !all && std::io::stdin().is_terminal() {
        return None;
    }
    let mut chunks = stdin_chunks();
    let mut ends = Ends::default();
    let mut patience = FIRST_BYTE;
    let mut cut_short = false;
    loop {
        let next =
            async { if all { Ok(chunks.recv().await) } else { tokio::time::timeout(patience, chunks.recv()).await } };
        match next.await {
            Ok(Some(chunk)) => ends.push(&chunk),
            Ok(None) => break,
            Err(_) => {
                cut_short = ends.total > 0;
                break;
            }
        }
        patience = SILENCE;
    }
    (ends.total > 0).then(|| ends.finish(cut_short))
}

/// The beginning and the end of a stream of any length.
#[derive(Default)]
struct Ends {
    head: Vec<u8>,
    tail: Vec<u8>,
    total: u64,
}

impl Ends {
    fn push(&mut self, mut bytes: &[u8]) {
        self.total += bytes.len() as u64;
        let room = KEEP - self.head.len();
        let (first, rest) = bytes.split_at(room.min(bytes.len()));
        self.head.extend_from_slice(first);
        bytes = rest;
        self.tail.extend_from_slice(bytes);
        // Let it grow to twice its size before cutting, so that each byte is moved at most once on average.
        if self.tail.len() > 2 * KEEP {
            self.tail.drain(..self.tail.len() - KEEP);
        }
    }

    fn finish(mut self, cut_short: bool) -> Piped {
        if self.tail.len() > KEEP {
            self.tail.drain(..self.tail.len() - KEEP);
        }
        let omitted = self.total - self.head.len() as u64 - self.tail.len() as u64;
        if omitted == 0 {
            self.head.append(&mut self.tail);
        }
        let mut text = String::from_utf8_lossy(&self.head).into_owned();
        if omitted > 0 {
            text.push_str(&format!("\n[… {omitted} bytes left out …]\n"));
            text.push_str(&String::from_utf8_lossy(&self.tail));
        }
        Piped { text, omitted, cut_short }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(text: &[u8], portion: usize) -> Piped {
        let mut ends = Ends::default();
        text.chunks(portion).for_each(|part| ends.push(part));
        ends.finish(false)
    }

    #[test]
    fn what_fits_is_whole() {
        let text: Vec<u8> = (0..2 * KEEP).map(|n| b'a' + (n % 26) as u8).collect();
        for portion in [1000, 7 * 1024, 4 * KEEP] {
            let piped = ends(&text, portion);
            assert_eq!((piped.text.as_bytes(), piped.omitted), (text.as_slice(), 0));
        }
    }

    #[test]
    fn what_does_not_fit_is_counted_exactly() {
        let text = vec![b'x'; 5 * KEEP + 7];
        for portion in [999, 3 * KEEP] {
            let piped = ends(&text, portion);
            assert_eq!(piped.omitted, 3 * KEEP as u64 + 7);
            assert!(piped.text.contains(&format!("[… {} bytes left out …]", piped.omitted)));
        }
    }
}
