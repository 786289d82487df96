//! Terminal output as a person would find it afterwards: lines that were redrawn in their last state, no control
//! sequences. Only copies are treated so; the log keeps every byte.

use pryx_terms::{Keep, PlainFilter};
use std::ops::Range;

/// Collapses output in any portions.
pub(crate) struct Collapse {
    filter: PlainFilter,
    rows: Vec<Vec<u8>>,
    /// Where the cursor is.
    row: usize,
    /// The next text replaces what stands in the row.
    fresh: bool,
    length: usize,
    /// The number of a movement that is being read.
    climb: Option<usize>,
}

impl Default for Collapse {
    fn default() -> Self {
        let filter = PlainFilter::new(Keep::Climbs);
        Self { filter, rows: vec![Vec::new()], row: 0, fresh: false, length: 0, climb: None }
    }
}

impl Collapse {
    /// Begins after bytes that are not wanted, in the middle of a control sequence perhaps.
    pub fn after(bytes: &[u8]) -> Self {
        let mut collapse = Self::default();
        collapse.filter.push(bytes, &mut Vec::new());
        collapse
    }

    /// Takes in what comes next.
    pub fn push(&mut self, bytes: &[u8]) {
        let mut plain = Vec::new();
        self.filter.push(bytes, &mut plain);
        for byte in plain {
            match (self.climb, byte) {
                (None, 0x1b) => self.climb = Some(0),
                (None, b'\n') => self.down(),
                (None, b'\r') => self.fresh = true,
                (None, _) => self.write(byte),
                (Some(lines), b'0'..=b'9') => self.climb = Some(lines * 10 + usize::from(byte - b'0')),
                (Some(lines), b'A') => {
                    self.row = self.row.saturating_sub(lines.max(1));
                    (self.fresh, self.climb) = (true, None);
                }
                // The bracket.
                (Some(_), _) => {}
            }
        }
    }

    fn down(&mut self) {
        self.row += 1;
        self.fresh = true;
        if self.row == self.rows.len() {
            self.rows.push(Vec::new());
            self.length += 1;
        }
    }

    fn write(&mut self, byte: u8) {
        let row = &mut self.rows[self.row];
        if self.fresh {
            self.length -= row.len();
            row.clear();
            self.fresh = false;
        }
        row.push(byte);
        self.length += 1;
    }

    /// Bytes of text so far.
    pub fn length(&self) -> usize {
        self.length
    }

    /// The text, `\n` at line ends.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.rows.join(&b'\n')).into_owned()
    }
}

/// The whole of an output at once.
pub(crate) fn clean(bytes: &[u8]) -> String {
    let mut collapse = Collapse::default();
    collapse.push(bytes);
    collapse.text()
}

/// Parts of an output that can be cleaned apart from each other: lines, or several that were redrawn together.
pub(crate) fn units(bytes: &[u8]) -> Vec<Range<usize>> {
    struct Unit {
        range: Range<usize>,
        /// Lines on the screen, and the one where the cursor is.
        rows: usize,
        at: usize,
    }
    let mut units: Vec<Unit> = Vec::new();
    let mut start = 0;
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        let end = start + line.len();
        let climb = climbs(line);
        let in_last = units.last().is_some_and(|last| last.at < last.rows);
        let mut unit = match units.pop_if(|_| in_last || climb > 0) {
            Some(last) => last,
            None => Unit { range: start..end, rows: 0, at: 0 },
        };
        while climb > unit.at
            && let Some(before) = units.pop()
        {
            unit.range.start = before.range.start;
            unit.rows += before.rows;
            unit.at += before.rows;
        }
        unit.range.end = end;
        unit.at = unit.at.saturating_sub(climb) + 1;
        unit.rows = unit.rows.max(unit.at);
        units.push(unit);
        start = end;
    }
    units.into_iter().map(|unit| unit.range).collect()
}

/// How many lines a line goes up before it writes.
fn climbs(line: &[u8]) -> usize {
    if !line.contains(&0x1b) && !line.contains(&0xc2) {
        return 0;
    }
    let mut plain = Vec::new();
    PlainFilter::new(Keep::Climbs).push(line, &mut plain);
    let moves = plain.split(|b| *b == 0x1b).skip(1);
    moves
        .map(|part| {
            let digits = part.iter().skip(1).take_while(|b| b.is_ascii_digit());
            digits.fold(0, |number, digit| number * 10 + usize::from(digit - b'0')).max(1)
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_state_stays() {
        for (bytes, text) in [
            (&b"a\r\nb\r\n"[..], "a\nb\n"),
            (b"10%\r20%\r\n", "20%\n"),
            (b"a\nb\n\x1b[2A\x1b[2Kc\nd\ne", "c\nd\ne"),
            (b"a\nb\n\x1b[1Ac", "a\nc\n"),
            (b"\x1b[99999Ax\x1b[Fy", "y"),
            (b"x\xff\n\n", "x\u{fffd}\n\n"),
        ] {
            assert_eq!(clean(bytes), text, "{bytes:?}");
        }
    }

    #[test]
    fn portions_do_not_matter() {
        let bytes = "one\r\ntwo\x1b[31m\n\x1b[2Ad\u{e9}f\n\x1b[Kx".as_bytes();
        for size in 1..bytes.len() {
            let mut collapse = Collapse::default();
            bytes.chunks(size).for_each(|part| collapse.push(part));
            assert_eq!(collapse.text(), clean(bytes), "portions of {size}");
        }
    }

    #[test]
    fn units_hold_what_was_redrawn_together() {
        let bytes = b"a\nb\nc\n\x1b[2Ab\nc\nd\n";
        let shown: Vec<&[u8]> = units(bytes).into_iter().map(|unit| &bytes[unit]).collect();
        assert_eq!(shown, [&b"a\n"[..], b"b\nc\n\x1b[2Ab\nc\n", b"d\n"]);
        let text: String = shown.iter().map(|unit| clean(unit)).collect();
        assert_eq!(text, clean(bytes));
    }
}
