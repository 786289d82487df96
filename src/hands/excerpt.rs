//! The part of a log that a model sees: head and tail as text, with an exact count of what lies between.

use pryx_terms::{Excerpt, PlainFilter};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Text in an excerpt. About 4,000 tokens: an error message with its surroundings fits, a flood doesn't.
pub(crate) const CAP: usize = 16 * 1024;

/// The head's share. Errors stand at the end, so the tail gets the rest.
const HEAD: usize = CAP * 3 / 10;

/// Bytes of log looked at for each part. A progress bar that redraws its line collapses to little text; without a
/// bound, a log of nothing else would be read whole.
const WINDOW: u64 = 512 * 1024;

/// Makes the excerpt of the first `total` bytes of a log.
///
/// # Errors
/// When the log can't be read.
pub(crate) fn excerpt(path: &Path, total: u64) -> io::Result<Excerpt> {
    if total == 0 {
        return Ok(Excerpt { head: String::new(), tail: String::new(), omitted_bytes: 0, total_bytes: 0 });
    }
    let file = File::open(path)?;
    if total <= WINDOW {
        let text = clean(&read(&file, 0, total)?);
        if text.len() <= CAP {
            return Ok(Excerpt { head: text, tail: String::new(), omitted_bytes: 0, total_bytes: total });
        }
    }
    let (head, covered) = from_start(&read(&file, 0, total.min(WINDOW))?, HEAD);
    let covered = covered as u64;
    let window = (total - covered).min(WINDOW);
    let (tail, kept) = from_end(&read(&file, total - window, window)?, CAP - HEAD);
    Ok(Excerpt { head, tail, omitted_bytes: total - covered - kept as u64, total_bytes: total })
}

fn read(file: &File, at: u64, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
    file.read_exact_at(&mut bytes, at)?;
    Ok(bytes)
}

/// Terminal output as text: no control sequences, redrawn lines in their last state, `\n` at line ends.
pub(crate) fn clean(bytes: &[u8]) -> String {
    let plain = PlainFilter::strip(bytes);
    let mut text = Vec::with_capacity(plain.len());
    for line in plain.split_inclusive(|b| *b == b'\n') {
        let (body, end) = line.strip_suffix(b"\n").map_or((line, &b""[..]), |body| (body, &b"\n"[..]));
        let last = body.split(|b| *b == b'\r').rfind(|part| !part.is_empty());
        text.extend_from_slice(last.unwrap_or_default());
        text.extend_from_slice(end);
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// Whole lines from the beginning while they fit; of a line that is too long for itself, the part that does.
fn from_start(bytes: &[u8], room: usize) -> (String, usize) {
    let (mut text, mut covered) = (String::new(), 0);
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        let cleaned = clean(line);
        if text.len() + cleaned.len() > room {
            if text.is_empty() {
                let end = boundary(line, room.min(line.len()));
                return (clean(&line[..end]), end);
            }
            break;
        }
        text.push_str(&cleaned);
        covered += line.len();
    }
    (text, covered)
}

fn from_end(bytes: &[u8], room: usize) -> (String, usize) {
    let (mut parts, mut length, mut covered) = (Vec::new(), 0, 0);
    for line in bytes.split_inclusive(|b| *b == b'\n').rev() {
        let cleaned = clean(line);
        if length + cleaned.len() > room {
            if parts.is_empty() {
                let start = boundary(line, line.len().saturating_sub(room));
                return (clean(&line[start..]), line.len() - start);
            }
            break;
        }
        length += cleaned.len();
        covered += line.len();
        parts.push(cleaned);
    }
    parts.reverse();
    (parts.concat(), covered)
}

/// The next place at or after `at` where no character is cut.
fn boundary(bytes: &[u8], at: usize) -> usize {
    (at..bytes.len()).find(|i| bytes[*i] & 0xc0 != 0x80).unwrap_or(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8]) -> Excerpt {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        excerpt(file.path(), bytes.len() as u64).unwrap()
    }

    #[test]
    fn short_output_is_whole() {
        let excerpt = of(b"\x1b[32mok\x1b[0m\r\nfine\r\n");
        assert_eq!((excerpt.head.as_str(), excerpt.omitted_bytes), ("ok\nfine\n", 0));
        assert_eq!(of(b"").head, "");
    }

    #[test]
    fn a_progress_bar_collapses() {
        let bar: String = (0..=20_000).map(|n| format!("\rstep {n}\x1b[K")).collect();
        let excerpt = of(format!("start\r\n{bar}\r\nend\r\n").as_bytes());
        assert_eq!((excerpt.head.as_str(), excerpt.omitted_bytes), ("start\nstep 20000\nend\n", 0));
    }

    #[test]
    fn what_lies_between_is_counted_exactly() {
        let log: String = (0..100_000).map(|n| format!("line {n}\r\n")).collect();
        let excerpt = of(log.as_bytes());
        assert!(excerpt.head.starts_with("line 0\nline 1\n") && excerpt.tail.ends_with("line 99999\n"));
        assert!(excerpt.head.len() + excerpt.tail.len() <= CAP);
        // No colours here: each line lost only its carriage return.
        let shown = [&excerpt.head, &excerpt.tail].map(|part| part.len() + part.matches('\n').count());
        assert_eq!(excerpt.total_bytes - excerpt.omitted_bytes, (shown[0] + shown[1]) as u64);
    }

    #[test]
    fn one_endless_line_is_cut_between_characters() {
        let log = "é".repeat(400_000);
        let excerpt = of(log.as_bytes());
        assert!(!excerpt.head.contains('\u{fffd}') && !excerpt.tail.contains('\u{fffd}'));
        let shown = (excerpt.head.len() + excerpt.tail.len()) as u64;
        assert_eq!(excerpt.total_bytes - excerpt.omitted_bytes, shown);
    }

    #[test]
    fn bytes_that_are_no_text_do_no_harm() {
        let log: Vec<u8> = (0..2_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let excerpt = of(&log);
        assert!(excerpt.omitted_bytes > 0 && excerpt.omitted_bytes < excerpt.total_bytes);
        assert!(!excerpt.head.contains('\x1b'));
    }
}
