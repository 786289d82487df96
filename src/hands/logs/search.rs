//! The lines of a log that a regular expression matches, in bounded steps and bounded memory.

use super::LogFile;
use pryx_ipc::{LogMatch, LogPosition};
use pryx_terms::PlainFilter;
use regex::bytes::{Regex, RegexBuilder};
use std::io;

/// Bytes looked at in one step. Without a bound one request could keep a thread busy for as long as a log is large.
pub(crate) const SCAN: u64 = 64 * 1024 * 1024;

/// Matches in one answer.
pub(crate) const MAX_MATCHES: usize = 1000;

/// Text in one answer: a frame has 1 MiB, and a character can take six times its size in JSON.
const MAX_TEXT: usize = 128 * 1024;

/// Text of one match.
const SHOWN: usize = 1000;

/// Of that, before the match.
const BEFORE: usize = 200;

/// Longest piece matched at once: a line without end must not be held in memory whole.
const PIECE: usize = 64 * 1024;

/// Bytes read at once.
const CHUNK: u64 = 256 * 1024;

/// Memory that a compiled pattern may take. Nested repetitions (`(x{1000}){1000}`) would take any.
const PATTERN_SIZE: usize = 1024 * 1024;

/// What to look for, and where.
pub(crate) struct Query {
    pub pattern: Regex,
    pub offset: u64,
    pub line: Option<u64>,
    pub limit: usize,
    pub whole_lines: bool,
}

/// What one step found.
pub(crate) struct Found {
    pub matches: Vec<LogMatch>,
    pub next: LogPosition,
    pub at_end: bool,
}

/// A pattern; the error is for whoever wrote it.
pub(crate) fn pattern(text: &str) -> Result<Regex, String> {
    let built = RegexBuilder::new(text).size_limit(PATTERN_SIZE).dfa_size_limit(PATTERN_SIZE).build();
    built.map_err(|error| {
        // The lines before draw the pattern with a mark under it.
        let words = error.to_string();
        let last = words.lines().last().unwrap_or_default();
        let shown: String = text.chars().take(80).collect();
        format!("{shown:?} is no pattern that can be searched: {}", last.trim_start_matches("error: "))
    })
}

/// Searches the first `total` bytes of a log from the query's offset on, one step.
///
/// # Errors
/// When the log can't be read.
pub(crate) fn search(log: &mut LogFile, total: u64, query: &Query) -> io::Result<Found> {
    let start = query.offset.min(total);
    let line = match query.line {
        Some(line) => line,
        None => 1 + newlines(log, start)?,
    };
    let redrawn = start > 0 && log.range(start - 1, 1)? == b"\r";
    let mut scan = Scan {
        query,
        matches: Vec::new(),
        text: 0,
        number: line,
        at: start,
        piece: Vec::new(),
        seen: redrawn,
        candidate: None,
    };
    let end = total.min(start.saturating_add(SCAN));
    while scan.at < end {
        let chunk = log.range(scan.at, CHUNK.min(end - scan.at))?;
        for &byte in &chunk {
            scan.take(byte);
            if byte == b'\n' && scan.is_full() {
                return Ok(scan.stop(false));
            }
        }
    }
    let at_end = end == total;
    // A state that was not redrawn yet, or a line that goes on: wait for its end, if there is one to come.
    if !at_end || query.whole_lines {
        scan.at -= scan.piece.len() as u64;
        // A piece is never so long that the next step would get no further.
        scan.piece.clear();
    } else if !scan.piece.is_empty() {
        scan.look();
    }
    scan.give();
    Ok(scan.stop(at_end))
}

fn newlines(log: &mut LogFile, end: u64) -> io::Result<u64> {
    let (mut at, mut count) = (0, 0);
    while at < end {
        let chunk = log.range(at, CHUNK.min(end - at))?;
        count += chunk.iter().filter(|b| **b == b'\n').count() as u64;
        at += chunk.len() as u64;
    }
    Ok(count)
}

struct Scan<'a> {
    query: &'a Query,
    matches: Vec<LogMatch>,
    text: usize,
    number: u64,
    /// Bytes taken so far, from the beginning of the log.
    at: u64,
    /// The part of the line since its last carriage return.
    piece: Vec<u8>,
    /// The line had a piece before this one.
    seen: bool,
    /// The last piece of the line that matched.
    candidate: Option<LogMatch>,
}

impl Scan<'_> {
    fn take(&mut self, byte: u8) {
        match byte {
            b'\n' => {
                if !self.piece.is_empty() || !self.seen {
                    self.look();
                }
                self.give();
                self.number += 1;
                self.seen = false;
            }
            b'\r' if !self.piece.is_empty() => self.look(),
            b'\r' => {}
            _ => {
                if self.piece.len() == PIECE {
                    self.look();
                }
                self.piece.push(byte);
            }
        }
        self.at += 1;
    }

    /// Looks at the piece, which ends here.
    fn look(&mut self) {
        let offset = self.at - self.piece.len() as u64;
        // Most lines hold nothing to remove.
        let plain = self.piece.iter().all(|b| matches!(b, b'\t' | 0x20..=0x7e | 0xc3..));
        let filtered;
        let text = if plain {
            &self.piece[..]
        } else {
            filtered = PlainFilter::strip(&self.piece);
            &filtered[..]
        };
        if let Some(found) = self.query.pattern.find(text) {
            let text = around(text, found.start());
            self.candidate = Some(LogMatch { at: LogPosition { offset, line: self.number }, text });
        }
        self.piece.clear();
        self.seen = true;
    }

    /// The line is over: what matched of it last counts.
    fn give(&mut self) {
        if let Some(found) = self.candidate.take() {
            self.text += found.text.len();
            self.matches.push(found);
        }
    }

    fn is_full(&self) -> bool {
        self.matches.len() >= self.query.limit.clamp(1, MAX_MATCHES) || self.text >= MAX_TEXT
    }

    fn stop(self, at_end: bool) -> Found {
        let next = LogPosition { offset: self.at, line: self.number };
        Found { matches: self.matches, next, at_end }
    }
}

/// The text, or the part of it around the match.
fn around(text: &[u8], found: usize) -> String {
    if text.len() <= SHOWN {
        return String::from_utf8_lossy(text).into_owned();
    }
    let start = boundary(text, found.saturating_sub(BEFORE).min(text.len() - SHOWN));
    let end = boundary(text, start + SHOWN);
    let middle = String::from_utf8_lossy(&text[start..end]);
    let (before, after) = (if start > 0 { "…" } else { "" }, if end < text.len() { "…" } else { "" });
    format!("{before}{middle}{after}")
}

/// The next place at or after `at` where no character is cut.
fn boundary(bytes: &[u8], at: usize) -> usize {
    (at..bytes.len()).find(|i| bytes[*i] & 0xc0 != 0x80).unwrap_or(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use pryx_terms::Stream;

    fn query(text: &str) -> Query {
        Query { pattern: pattern(text).unwrap(), offset: 0, line: None, limit: 100, whole_lines: false }
    }

    fn find(log: &[u8], query: &Query) -> Found {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("log"), log).unwrap();
        search(&mut LogFile::open(dir.path(), Stream::Tty).unwrap(), log.len() as u64, query).unwrap()
    }

    fn shown(found: &Found) -> Vec<(u64, u64, &str)> {
        found.matches.iter().map(|m| (m.at.line, m.at.offset, m.text.as_str())).collect()
    }

    #[test]
    fn lines_are_found_with_number_and_offset() {
        let found = find(b"one\r\ntwo\r\n\x1b[31mthr\x1b[0mee\r\ntwo and\xff more", &query("two|three"));
        assert_eq!(shown(&found), [(2, 5, "two"), (3, 10, "three"), (4, 26, "two and\u{fffd} more")]);
        assert_eq!((found.next, found.at_end), (LogPosition { offset: 39, line: 4 }, true));
        assert_eq!(shown(&find(b"a\r\n\r\n\nb", &query("^$"))), [(2, 4, ""), (3, 5, "")]);
    }

    #[test]
    fn of_a_redrawn_line_the_last_state_that_matches_counts() {
        let found = find(b"\r10%\r20%\r100% done\nnext", &query("%"));
        assert_eq!(shown(&found), [(1, 9, "100% done")]);
        assert_eq!(shown(&find(b"\r10%\r20%\r100% done\n", &query("^20%$"))), [(1, 5, "20%")]);
    }

    #[test]
    fn a_search_goes_on_where_it_stopped() {
        let log: String = (1..=500).map(|n| format!("line {n}\n")).collect();
        let mut query = Query { limit: 7, ..query("7") };
        let (mut lines, mut steps) = (Vec::new(), 0);
        loop {
            let found = find(log.as_bytes(), &query);
            lines.extend(found.matches.iter().map(|m| (m.at.line, m.text.clone())));
            (query.offset, query.line, steps) = (found.next.offset, Some(found.next.line), steps + 1);
            if found.at_end {
                break;
            }
        }
        let wanted: Vec<_> =
            (1..=500).filter(|n: &u64| n.to_string().contains('7')).map(|n| (n, format!("line {n}"))).collect();
        assert_eq!(lines, wanted);
        assert!(steps > 5);
        query.line = None;
        query.offset = log.len() as u64;
        assert_eq!(find(log.as_bytes(), &query).next.line, 501, "lines before an offset are counted");
    }

    #[test]
    fn a_line_without_its_end_waits() {
        let query = Query { whole_lines: true, ..query("o") };
        let found = find(b"one\ntwo", &query);
        assert_eq!((shown(&found), found.next), (vec![(1, 0, "one")], LogPosition { offset: 4, line: 2 }));
        // What is redrawn may never end: its last whole state is told.
        let found = find(b"one\ntwo\rfo", &query);
        assert_eq!((found.matches.len(), found.next), (2, LogPosition { offset: 8, line: 2 }));
    }

    #[test]
    fn long_lines_and_bytes_that_are_no_text_stay_bounded() {
        let mut log = vec![b'x'; 3_000_000];
        log[2_000_000] = b'!';
        let found = find(&log, &query("!"));
        assert_eq!(found.matches.len(), 1);
        assert!(found.matches[0].text.len() <= SHOWN + 2 * '…'.len_utf8() && found.matches[0].text.contains('!'));
        let noise: Vec<u8> = (0..3_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let found = find(&noise, &Query { limit: usize::MAX, ..query("(?-u:.)") });
        assert!(found.matches.len() <= MAX_MATCHES);
        assert!(found.matches.iter().map(|m| m.text.len()).sum::<usize>() <= MAX_TEXT + 4 * SHOWN);
    }

    #[test]
    fn a_pattern_that_would_take_any_memory_is_refused() {
        assert!(pattern("(x{1000}){1000}").is_err());
        assert!(pattern("(").is_err());
        // Backtracking would take for ever here.
        let found = find(&b"a".repeat(50_000), &query("(a*)*b"));
        assert!(found.matches.is_empty());
    }
}
