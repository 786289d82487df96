//! `read_log`: a range of a job's log, straight from the file.

use crate::daemon::Hands;
use crate::daemon::handler::machine;
use crate::jobs::log_path;
use pryx_ipc::{Blob, ErrorCode, ReadLog, ReadLogReply, WireError};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Bytes in one reply. Each can become six on the wire (`\u0000`), and a frame holds 1 MiB.
const MAX: u64 = 160 * 1024;

pub(crate) fn run(hands: &Hands, data: &ReadLog) -> Result<ReadLogReply, WireError> {
    let job = hands.job(&data.job)?;
    let wanted = data.stream.or_else(|| job.output.first().map(|s| s.stream));
    let Some(found) = job.output.iter().find(|s| Some(s.stream) == wanted).copied() else {
        let has: Vec<String> = job.output.iter().map(|s| format!("{:?}", s.stream).to_lowercase()).collect();
        return Err(WireError::new(ErrorCode::NotFound, format!("job {} has no such stream", job.id))
            .hint(format!("it has: {}", has.join(", "))));
    };
    let length = found.bytes.saturating_sub(data.offset).min(u64::from(data.limit)).min(MAX);
    let bytes = read(&log_path(&hands.jobs.dir(&job.id), found.stream), data.offset, length)
        .map_err(|error| machine(&error))?;
    let at_end = data.offset.saturating_add(length) >= found.bytes;
    Ok(ReadLogReply { job, stream: found.stream, offset: data.offset, data: Blob(bytes), at_end })
}

fn read(path: &Path, offset: u64, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
    if !bytes.is_empty() {
        File::open(path)?.read_exact_at(&mut bytes, offset)?;
    }
    Ok(bytes)
}
