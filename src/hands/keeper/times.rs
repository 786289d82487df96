//! Writes when the bytes of a log came, in bounded space; the form is told in [`crate::logs::times`].

use crate::logs::times::{MAGIC, path, put};
use pryx_terms::Stream;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Instant;

/// What comes within so many milliseconds counts as come at once. Nobody sees a difference in a replay.
const STEP_MS: u64 = 10;

/// After so many records the step doubles: a job that prints for weeks writes a few hundred KiB, not gigabytes.
const COARSEN: u32 = 16 * 1024;

/// The times of one stream. That they can't be written is no reason to hold a command back.
pub(super) struct Times {
    file: Option<File>,
    start: Instant,
    step_ms: u64,
    records: u32,
    /// Time of the last record.
    last_ms: u64,
    /// Bytes that records tell of.
    told: u64,
    /// All bytes so far.
    bytes: u64,
    /// When the bytes that no record tells of began to come.
    open_ms: Option<u64>,
}

impl Times {
    pub fn open(dir: &Path, stream: Stream) -> Self {
        let opened = OpenOptions::new().append(true).create(true).mode(0o600).open(path(dir, stream));
        let file = opened.and_then(|mut file| file.write_all(MAGIC).map(|()| file)).ok();
        Self { file, start: Instant::now(), step_ms: STEP_MS, records: 0, last_ms: 0, told: 0, bytes: 0, open_ms: None }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The log has so many bytes now.
    pub fn note(&mut self, bytes: u64) {
        let now = self.now_ms();
        if self.open_ms.is_some_and(|open| now - open >= self.step_ms) {
            self.flush();
        }
        self.open_ms.get_or_insert(now);
        self.bytes = bytes;
    }

    /// The terminal has a new size.
    pub fn resized(&mut self, rows: u16, cols: u16) {
        self.flush();
        if self.open_ms.is_none() {
            let now = self.now_ms();
            self.write(now, &[0, u64::from(rows), u64::from(cols)]);
        }
    }

    /// Writes what no record tells of yet. On a full disk that waits for the next time.
    pub fn flush(&mut self) {
        let count = self.bytes - self.told;
        if let Some(open) = self.open_ms.filter(|_| count > 0)
            && self.write(open, &[count])
        {
            self.told = self.bytes;
            self.open_ms = None;
        }
    }

    fn write(&mut self, at_ms: u64, numbers: &[u64]) -> bool {
        let Some(file) = &mut self.file else { return false };
        let mut record = Vec::new();
        put(&mut record, at_ms - self.last_ms);
        numbers.iter().for_each(|number| put(&mut record, *number));
        match file.write(&record) {
            Ok(count) if count == record.len() => {}
            // Half a record: nothing after it could be read.
            Ok(_) => {
                self.file = None;
                return false;
            }
            Err(_) => return false,
        }
        self.last_ms = at_ms;
        self.records += 1;
        if self.records == COARSEN {
            self.records = 0;
            self.step_ms = self.step_ms.saturating_mul(2);
        }
        true
    }
}

impl Drop for Times {
    fn drop(&mut self) {
        self.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::times::read;
    use pryx_ipc::TimingEvent;

    #[test]
    fn what_comes_at_once_is_one_record_and_none_is_lost() {
        let dir = tempfile::tempdir().unwrap();
        let mut times = Times::open(dir.path(), Stream::Tty);
        times.resized(24, 80);
        (1..=1000).for_each(|n| times.note(n * 10));
        times.resized(50, 132);
        times.note(10_001);
        drop(times);
        let events = read(dir.path(), Stream::Tty).unwrap();
        assert!(events.len() < 100, "{} records", events.len());
        assert!(matches!(events[0], TimingEvent::Size { rows: 24, cols: 80, .. }));
        assert!(matches!(events.last(), Some(TimingEvent::Output { end: 10_001, .. })));
        assert!(events.iter().any(|e| matches!(e, TimingEvent::Size { rows: 50, cols: 132, .. })));
    }

    #[test]
    fn a_job_of_weeks_stays_small() {
        let dir = tempfile::tempdir().unwrap();
        let mut times = Times::open(dir.path(), Stream::Tty);
        let mut wait = 0;
        // As if time went by: a record is due each time.
        for n in 1..=200_000 {
            wait += 1;
            if wait * STEP_MS >= times.step_ms {
                (times.open_ms, times.bytes) = (Some(times.last_ms + times.step_ms), n);
                times.flush();
                wait = 0;
            }
        }
        let size = std::fs::metadata(path(dir.path(), Stream::Tty)).unwrap().len();
        assert!(size < 300_000, "{size} bytes for {} s", times.last_ms / 1000);
    }
}
