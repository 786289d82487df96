//! Following a job's output: read from the log at the reader's pace, wait for more only when all was read.

use super::Jobs;
use super::job::Status;
use crate::logs::LogFile;
use pryx_ipc::{Blob, Event, FollowFrom, JobHeld, JobResumed, Output};
use pryx_terms::{JobRecord, Stream, StreamBytes};
use std::io;
use std::path::PathBuf;
use tokio::sync::watch;

/// Bytes per event. Well below a frame even when each byte is written as `\u0000`.
const CHUNK: u64 = 32 * 1024;

/// Longest part of a UTF-8 character that can stand at the end of a chunk.
const MAX_PARTIAL: usize = 3;

/// Where following begins, per stream.
pub(crate) type Origin = FollowFrom;

/// Reads one job's streams to their end.
pub(crate) struct Follower {
    dir: PathBuf,
    status: watch::Receiver<Status>,
    streams: Vec<Reading>,
    until_end: bool,
    /// Whether the reader was told that the job is held back.
    told_held: bool,
}

/// What a follower tells.
pub(crate) enum News {
    /// Bytes.
    Output(Output),
    /// The job waits until its log can grow, for this reason.
    Held(String),
    /// It goes on.
    Resumed,
}

impl News {
    /// As it goes over the wire.
    pub fn into_event(self, job: &JobRecord) -> Event {
        let job = job.id.clone();
        match self {
            Self::Output(output) => Event::Output(output),
            Self::Held(reason) => Event::JobHeld(JobHeld { job, reason }),
            Self::Resumed => Event::JobResumed(JobResumed { job }),
        }
    }
}

struct Reading {
    stream: Stream,
    at: u64,
    file: Option<LogFile>,
}

impl Follower {
    /// A follower of that job, running or ended.
    pub fn new(jobs: &Jobs, record: &JobRecord, from: Origin, only: Option<Stream>, until_end: bool) -> Self {
        let status = match jobs.live(&record.id) {
            Some(job) => job.watch(),
            None => {
                let ended = Status {
                    record: record.clone(),
                    paused: None,
                    pulse: None,
                    shell: None,
                    gone: true,
                    recorded: true,
                };
                watch::channel(ended).1
            }
        };
        let begin = |of: &StreamBytes| match &from {
            FollowFrom::Start => 0,
            FollowFrom::Offset { offset } => *offset,
            FollowFrom::Tail { bytes: wanted } => of.bytes.saturating_sub(*wanted),
            FollowFrom::Have { have } => have.iter().find(|had| had.stream == of.stream).map_or(0, |had| had.bytes),
        };
        let output = status.borrow().record.output.clone();
        let wanted = output.iter().filter(|s| only.is_none_or(|only| s.stream == only));
        let streams = wanted.map(|s| Reading { stream: s.stream, at: begin(s), file: None }).collect();
        Self { dir: jobs.dir(&record.id), status, streams, until_end, told_held: false }
    }

    /// The job as it is now.
    pub fn record(&self) -> JobRecord {
        self.status.borrow().record.clone()
    }

    /// Resolves when the job has ended.
    pub async fn ended(&mut self) -> JobRecord {
        // The sender lives until the end is known: an error means that it is.
        let _ = self.status.wait_for(|now| now.record.outcome().is_some()).await;
        self.record()
    }

    /// The next bytes; nothing when the job has ended (or, if wanted, when all that is there was read).
    ///
    /// # Errors
    /// When a log can't be read.
    pub async fn next(&mut self) -> io::Result<Option<News>> {
        loop {
            let Status { record, paused, .. } = self.status.borrow_and_update().clone();
            if self.told_held && paused.is_none() {
                self.told_held = false;
                return Ok(Some(News::Resumed));
            }
            let ended = record.outcome().is_some() || !self.until_end;
            for index in 0..self.streams.len() {
                let known =
                    record.output.iter().find(|s| s.stream == self.streams[index].stream).map_or(0, |s| s.bytes);
                if let Some(data) = self.read(index, known, ended)? {
                    let reading = &mut self.streams[index];
                    let offset = reading.at;
                    reading.at += data.len() as u64;
                    let output = Output { job: record.id, stream: reading.stream, offset, data: Blob(data) };
                    return Ok(Some(News::Output(output)));
                }
            }
            if let Some(reason) = paused.filter(|_| !self.told_held) {
                self.told_held = true;
                return Ok(Some(News::Held(reason)));
            }
            if ended || self.status.changed().await.is_err() {
                return Ok(None);
            }
        }
    }

    fn read(&mut self, index: usize, known: u64, ended: bool) -> io::Result<Option<Vec<u8>>> {
        let reading = &mut self.streams[index];
        let left = known.saturating_sub(reading.at);
        if left == 0 {
            return Ok(None);
        }
        let file = match &mut reading.file {
            Some(file) => file,
            empty => empty.insert(LogFile::open(&self.dir, reading.stream)?),
        };
        let mut data = file.range(reading.at, left.min(CHUNK))?;
        let more_here = left > data.len() as u64;
        if more_here || !ended {
            data.truncate(whole(&data));
        }
        Ok((!data.is_empty()).then_some(data))
    }
}

/// The length without the beginning of a character at the end, so that text stays text on the wire. Bytes that can't
/// become a character stay.
fn whole(data: &[u8]) -> usize {
    for back in 1..=MAX_PARTIAL.min(data.len()) {
        let at = data.len() - back;
        let needs = match data[at] {
            0x80..=0xbf => continue,
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            _ => 1,
        };
        return if needs > back { at } else { data.len() };
    }
    data.len()
}

#[cfg(test)]
mod tests {
    use super::whole;

    #[test]
    fn a_character_is_not_cut() {
        let text = "aé漢🦀z".as_bytes();
        for end in 0..=text.len() {
            let cut = whole(&text[..end]);
            assert!(end - cut <= 3);
            assert!(std::str::from_utf8(&text[..cut]).is_ok(), "cut {end} to {cut}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_stay() {
        for bytes in [&[0xff_u8][..], &[0x80, 0x80, 0x80, 0x80], &[0xc0], &[b'a', 0xf8]] {
            assert_eq!(whole(bytes), bytes.len(), "{bytes:?}");
        }
    }
}
