//! When the bytes of a log came: `log.times` beside `log`, written by the keeper, read for replay.
//!
//! The file begins with [`MAGIC`]. After it come records of unsigned LEB128 numbers: milliseconds since the record
//! before, then bytes of the log that came at that time. Where that number is 0, two more follow: from then on the
//! terminal had so many rows and columns. A record that was cut off by a crash is the end.

use pryx_ipc::{TimingEvent, TimingEvent::Output, TimingEvent::Size};
use pryx_terms::Stream;
use std::io;
use std::path::{Path, PathBuf};

/// How the file begins: its name and the version of its form.
pub(crate) const MAGIC: &[u8] = b"pxtimes\x01";

/// Largest file read. The keeper coarsens long before; a larger one is damaged.
const MAX_FILE: u64 = 8 * 1024 * 1024;

/// Its place in a job's directory.
pub(crate) fn path(dir: &Path, stream: Stream) -> PathBuf {
    dir.join(format!("{}.times", stream.file_name()))
}

/// Adds a number to a record.
pub(crate) fn put(record: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        record.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    record.push(number as u8);
}

fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// The records as far as they are whole.
fn parse(bytes: &[u8]) -> Vec<TimingEvent> {
    let (mut events, mut at_ms, mut end) = (Vec::new(), 0_u64, 0_u64);
    let Some(mut rest) = bytes.strip_prefix(MAGIC) else { return events };
    let mut next = || {
        let wait = take(&mut rest)?;
        let count = take(&mut rest)?;
        let size = if count == 0 { Some((take(&mut rest)?, take(&mut rest)?)) } else { None };
        Some((wait, count, size))
    };
    while let Some((wait, count, size)) = next() {
        at_ms = at_ms.saturating_add(wait);
        end = end.saturating_add(count);
        events.push(match size {
            Some((rows, cols)) => Size { at_ms, rows: narrow(rows), cols: narrow(cols) },
            None => Output { at_ms, end },
        });
    }
    events
}

fn narrow(number: u64) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

/// What is known about the times of a stream; nothing for a job of an older keeper.
///
/// # Errors
/// When the file is there and can't be read.
pub(crate) fn read(dir: &Path, stream: Stream) -> io::Result<Vec<TimingEvent>> {
    let path = path(dir, stream);
    match std::fs::metadata(&path) {
        Ok(meta) if meta.len() > MAX_FILE => Err(io::Error::other("the file of its times is damaged")),
        Ok(_) => Ok(parse(&std::fs::read(path)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_read_back() {
        let mut bytes = MAGIC.to_vec();
        for number in [0, 0, 24, 80, 12, 300, 70_000, 5_000_000_000, 1, 0, 50, 132] {
            put(&mut bytes, number);
        }
        let events = [
            Size { at_ms: 0, rows: 24, cols: 80 },
            Output { at_ms: 12, end: 300 },
            Output { at_ms: 70_012, end: 5_000_000_300 },
            Size { at_ms: 70_013, rows: 50, cols: 132 },
        ];
        assert_eq!(parse(&bytes), events);
        for cut in MAGIC.len()..bytes.len() {
            let part = parse(&bytes[..cut]);
            assert!(part.len() < events.len() && events.starts_with(&part), "cut at {cut}");
        }
    }

    #[test]
    fn what_is_no_such_file_does_no_harm() {
        assert!(parse(b"").is_empty() && parse(b"pxtimes\x02\x01\x01").is_empty());
        assert!(parse(&[MAGIC, &[0xff; 100]].concat()).is_empty());
        let noise: Vec<u8> = (0..10_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        parse(&[MAGIC, &noise].concat());
    }
}
