//! `read_timing`: when the bytes of a job's log came.

use super::read_log::stream_of;
use crate::daemon::Hands;
use crate::daemon::handler::machine;
use crate::logs::times;
use pryx_ipc::{ReadTiming, ReadTimingReply, WireError};

/// Events in one reply. Each takes up to about 80 bytes of a frame.
const MAX: usize = 4096;

pub(crate) fn run(hands: &Hands, data: &ReadTiming) -> Result<ReadTimingReply, WireError> {
    let job = hands.job(&data.job)?;
    let stream = stream_of(&job, data.stream)?.stream;
    let all = times::read(&hands.jobs.dir(&job.id), stream).map_err(|error| machine(&error))?;
    let skip = usize::try_from(data.skip).unwrap_or(usize::MAX).min(all.len());
    let events: Vec<_> = all[skip..].iter().take(MAX).copied().collect();
    let at_end = skip + events.len() == all.len();
    Ok(ReadTimingReply { job, stream, events, at_end })
}
