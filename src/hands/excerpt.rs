//! The part of a log that a model sees: head and tail as text, with an exact count of what lies between.

use crate::logs::LogFile;
use crate::logs::collapse::{Collapse, clean, units};
use pryx_terms::{Excerpt, StreamBytes};
use std::io;
use std::ops::Range;
use std::path::Path;

/// Text in an excerpt. About 4,000 tokens: an error message with its surroundings fits, a flood doesn't.
pub(crate) const CAP: usize = 16 * 1024;

/// The head's share. Errors stand at the end, so the tail gets the rest.
const HEAD: usize = CAP * 3 / 10;

/// A log up to this size is told whole if what stays of it fits: a progress bar that redraws its line collapses to
/// little text. Without a bound, a log of nothing else would be read for as long as it is large.
const WHOLE: u64 = 64 * 1024 * 1024;

/// Bytes of log looked at for head and tail each.
const WINDOW: u64 = 512 * 1024;

/// Makes the excerpt of one stream of the job in that directory.
///
/// # Errors
/// When the log can't be read.
pub(crate) fn excerpt(dir: &Path, stream: StreamBytes) -> io::Result<Excerpt> {
    let total = stream.bytes;
    if total == 0 {
        return Ok(Excerpt { head: String::new(), tail: String::new(), omitted_bytes: 0, total_bytes: 0 });
    }
    let mut log = LogFile::open(dir, stream.stream)?;
    if total <= WHOLE
        && let Some(text) = whole(&mut log, total)?
    {
        return Ok(Excerpt { head: text, tail: String::new(), omitted_bytes: 0, total_bytes: total });
    }
    let (head, covered) = from_start(&log.range(0, total.min(WINDOW))?, HEAD);
    let covered = covered as u64;
    let window = (total - covered).min(WINDOW);
    let (tail, kept) = from_end(&log.range(total - window, window)?, CAP - HEAD);
    Ok(Excerpt { head, tail, omitted_bytes: total - covered - kept as u64, total_bytes: total })
}

/// All of it, if that fits. A flood of text is given up as soon as it is clear that it doesn't.
fn whole(log: &mut LogFile, total: u64) -> io::Result<Option<String>> {
    let (mut collapse, mut at) = (Collapse::default(), 0);
    while at < total {
        let chunk = log.range(at, (WINDOW / 8).min(total - at))?;
        at += chunk.len() as u64;
        collapse.push(&chunk);
        if collapse.length() > CAP {
            return Ok(None);
        }
    }
    Ok(Some(collapse.text()).filter(|text| text.len() <= CAP))
}

/// Whole lines from the beginning while they fit; of a line that is too long for itself, the part that does.
fn from_start(bytes: &[u8], room: usize) -> (String, usize) {
    let (mut text, mut covered) = (String::new(), 0);
    for unit in units(bytes) {
        let cleaned = clean(&bytes[unit.clone()]);
        if text.len() + cleaned.len() > room {
            if text.is_empty() {
                return cut(bytes, &unit, room, |size| unit.start..boundary(bytes, (unit.start + size).min(unit.end)));
            }
            break;
        }
        text.push_str(&cleaned);
        covered = unit.end;
    }
    (text, covered)
}

fn from_end(bytes: &[u8], room: usize) -> (String, usize) {
    let (mut parts, mut length, mut covered) = (Vec::new(), 0, 0);
    for unit in units(bytes).into_iter().rev() {
        let cleaned = clean(&bytes[unit.clone()]);
        if length + cleaned.len() > room {
            if parts.is_empty() {
                let end = unit.end;
                return cut(bytes, &unit, room, |size| {
                    // Rounded up, so that no character is cut and none is shown twice.
                    let start = end.saturating_sub(size).max(unit.start);
                    (start..end).find(|at| is_boundary(bytes, *at)).unwrap_or(end)..end
                });
            }
            break;
        }
        length += cleaned.len();
        covered += unit.len();
        parts.push(cleaned);
    }
    parts.reverse();
    (parts.concat(), covered)
}

/// A part of a line that is too long. What stands before it is needed to know whether it begins inside a control
/// sequence. Bytes that are no text take three each as text: of those there is room for a third.
fn cut(bytes: &[u8], unit: &Range<usize>, room: usize, part: impl Fn(usize) -> Range<usize>) -> (String, usize) {
    let text = |range: &Range<usize>| {
        let mut collapse = Collapse::after(&bytes[unit.start..range.start]);
        collapse.push(&bytes[range.clone()]);
        collapse.text()
    };
    let range = part(room);
    let shown = text(&range);
    if shown.len() <= room {
        return (shown, range.len());
    }
    let range = part(room / 3);
    (text(&range), range.len())
}

fn is_boundary(bytes: &[u8], at: usize) -> bool {
    bytes.get(at).is_none_or(|byte| byte & 0xc0 != 0x80)
}

/// The last place at or before `at` where no character is cut; `at` itself where nothing near is text.
fn boundary(bytes: &[u8], at: usize) -> usize {
    (at.saturating_sub(3)..=at).rev().find(|at| is_boundary(bytes, *at)).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pryx_terms::Stream;

    fn of(bytes: &[u8]) -> Excerpt {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("log"), bytes).unwrap();
        excerpt(dir.path(), StreamBytes { stream: Stream::Tty, bytes: bytes.len() as u64 }).unwrap()
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

    #[test]
    fn ten_megabytes_of_progress_are_one_line() {
        let mut log = b"start\r\n".to_vec();
        for n in 0.. {
            log.extend(format!("\r\x1b[32m{:>3}%\x1b[0m {} {n}\x1b[K", n % 101, "#".repeat(40)).bytes());
            if log.len() > 10_000_000 {
                break;
            }
        }
        log.extend(b"\rall done\x1b[K\r\nend\r\n");
        let excerpt = of(&log);
        assert_eq!((excerpt.head.as_str(), excerpt.omitted_bytes), ("start\nall done\nend\n", 0));
    }

    #[test]
    fn lines_redrawn_from_below_collapse() {
        let mut log = b"pulling\n".to_vec();
        for n in 0..200_000 {
            let up: &[u8] = if n == 0 { b"" } else { b"\x1b[2A" };
            log.extend_from_slice(up);
            log.extend(format!("\x1b[2Klayer a {n}\n\x1b[2Klayer b {n}\n").bytes());
        }
        log.extend(b"pulled\n");
        let excerpt = of(&log);
        assert_eq!(excerpt.head, "pulling\nlayer a 199999\nlayer b 199999\npulled\n");
        assert_eq!(excerpt.omitted_bytes, 0);
    }

    #[test]
    fn counts_are_exact_when_redraws_stand_before_a_flood() {
        let mut log = Vec::new();
        for n in 0..100 {
            log.extend(format!("{}a {n}\nb {n}\n", if n == 0 { "" } else { "\x1b[2A" }).bytes());
        }
        let flood: String = (0..100_000).map(|n| format!("line {n}\n")).collect();
        let redrawn = log.len() as u64;
        log.extend(flood.bytes());
        let excerpt = of(&log);
        let rest = excerpt.head.strip_prefix("a 99\nb 99\nline 0\n").expect("the last state, then the flood");
        let shown = (rest.len() + "line 0\n".len() + excerpt.tail.len()) as u64;
        assert_eq!(excerpt.total_bytes - excerpt.omitted_bytes, redrawn + shown);
    }

    #[test]
    fn a_cut_inside_a_sequence_leaves_nothing_of_it() {
        let log = "\x1b[38;2;11;22;33mx".repeat(100_000);
        let excerpt = of(log.as_bytes());
        assert!(excerpt.head.chars().chain(excerpt.tail.chars()).all(|c| c == 'x'), "{excerpt:?}");
    }
}
