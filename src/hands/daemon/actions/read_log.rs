//! `read_log`: a range of a job's log, straight from the file.

use crate::daemon::Hands;
use crate::daemon::handler::machine;
use crate::logs::LogFile;
use pryx_ipc::{Blob, ErrorCode, ReadLog, ReadLogReply, WireError};
use pryx_terms::{JobRecord, Stream, StreamBytes};
use std::io;

/// Bytes in one reply. Each can become six on the wire (`\u0000`), and a frame holds 1 MiB.
const MAX: u64 = 160 * 1024;

pub(crate) fn run(hands: &Hands, data: &ReadLog) -> Result<ReadLogReply, WireError> {
    let job = hands.job(&data.job)?;
    let found = stream_of(&job, data.stream)?;
    let length = found.bytes.saturating_sub(data.offset).min(u64::from(data.limit)).min(MAX);
    let bytes = LogFile::open(&hands.jobs.dir(&job.id), found.stream)
        .and_then(|mut log| log.range(data.offset, length))
        .map_err(|error| unreadable(&job, &error))?;
    let at_end = data.offset.saturating_add(length) >= found.bytes;
    Ok(ReadLogReply { job, stream: found.stream, offset: data.offset, data: Blob(bytes), at_end })
}

/// Why a log can't be read.
pub(super) fn unreadable(job: &JobRecord, error: &io::Error) -> WireError {
    if error.kind() == io::ErrorKind::NotFound && job.outcome().is_some() {
        return WireError::new(ErrorCode::NotFound, format!("the log of job {} is no longer kept", job.id))
            .hint("[logs] in config.toml says how long logs are kept; docs/settings.md describes it");
    }
    machine(error)
}

/// The stream asked for, or the job's first.
pub(super) fn stream_of(job: &JobRecord, wanted: Option<Stream>) -> Result<StreamBytes, WireError> {
    let wanted = wanted.or_else(|| job.output.first().map(|s| s.stream));
    job.output.iter().find(|s| Some(s.stream) == wanted).copied().ok_or_else(|| {
        let has: Vec<String> = job.output.iter().map(|s| format!("{:?}", s.stream).to_lowercase()).collect();
        WireError::new(ErrorCode::NotFound, format!("job {} has no such stream", job.id))
            .hint(format!("it has: {}", has.join(", ")))
    })
}
