//! `list_jobs`: the jobs that have a process, or all there were.

use crate::daemon::Hands;
use crate::jobs::Status;
use pryx_ipc::{ListJobs, ListJobsReply, WireError};
use std::cmp::Reverse;

/// Jobs in one reply. A frame has room for about a thousand records with commands of usual length.
const MAX: u32 = 500;

pub(crate) fn run(hands: &Hands, data: &ListJobs) -> Result<ListJobsReply, WireError> {
    let limit = data.limit.min(MAX);
    if data.all {
        return Ok(ListJobsReply { jobs: hands.jobs.with_live(hands.jobs.newest(limit, data.tag.clone())?) });
    }
    let statuses = hands.jobs.all_live().into_iter().map(|job| job.status());
    // An ended job whose descendants live is still somebody's to stop.
    let mut jobs: Vec<_> = statuses.filter(Status::is_alive).map(|s| s.record).collect();
    jobs.retain(|job| data.tag.is_none() || job.tag == data.tag);
    jobs.sort_by_key(|job| Reverse((job.started, job.id.clone())));
    jobs.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(ListJobsReply { jobs: hands.jobs.with_live(jobs) })
}
