//! `list_jobs`: the jobs that have a process, or all there were.

use crate::daemon::Hands;
use crate::daemon::handler::may_read;
use crate::jobs::Status;
use pryx_ipc::{JobListing, ListJobs, ListJobsReply, MAX_FRAME, RequestContext, WireError};
use pryx_terms::JobRecord;
use std::cmp::Reverse;

/// Jobs in one reply.
const MAX: u32 = 500;

/// Bytes of jobs in one reply, in JSON: with the rest of it, below a frame. Commands may be long.
const ROOM: usize = MAX_FRAME - 64 * 1024;

pub(crate) fn run(hands: &Hands, data: &ListJobs, context: &RequestContext) -> Result<ListJobsReply, WireError> {
    let limit = data.limit.min(MAX);
    // One more than is told: whether there are more is told too.
    let records = wanted(hands, data, limit.saturating_add(1))?;
    let mut more = data.limit > MAX && records.len() > usize::try_from(MAX).unwrap_or(usize::MAX);
    let records = records.into_iter().take(usize::try_from(limit).unwrap_or(usize::MAX)).collect();
    let actor = hands.actor(context.peer);
    let mut jobs = hands.jobs.with_live(records);
    for listed in &mut jobs {
        listed.windows = hands.windows.count(&listed.job.id);
    }
    // That a job is there an agent may know; what it prints, only of its own.
    for listed in jobs.iter_mut().filter(|listed| !may_read(&actor, &listed.job)) {
        if let Some(live) = &mut listed.live {
            live.last_line.clear();
        }
    }
    let fitting = fitting(&jobs);
    more |= fitting < jobs.len();
    jobs.truncate(fitting);
    Ok(ListJobsReply { jobs, more })
}

/// How many of them fit into a reply; at least one, so that whoever asks on comes on.
fn fitting(jobs: &[JobListing]) -> usize {
    let mut room = ROOM;
    let fits = |listed: &&JobListing| {
        let size = serde_json::to_vec(listed).map_or(usize::MAX, |json| json.len() + 1);
        let left = room.checked_sub(size);
        room = left.unwrap_or(0);
        left.is_some()
    };
    jobs.iter().take_while(fits).count().max(1)
}

fn wanted(hands: &Hands, data: &ListJobs, limit: u32) -> Result<Vec<JobRecord>, WireError> {
    if data.all {
        return Ok(hands.jobs.newest(limit, data.tag.clone(), data.after.clone())?);
    }
    let statuses = hands.jobs.all_live().into_iter().map(|job| job.status());
    // An ended job whose descendants live is still somebody's to stop.
    let mut jobs: Vec<_> = statuses.filter(Status::is_alive).map(|s| s.record).collect();
    jobs.retain(|job| data.tag.is_none() || job.tag == data.tag);
    jobs.sort_by_key(|job| Reverse((job.started, job.id.clone())));
    if let Some(after) = &data.after {
        // It may have ended since.
        let after = hands.job(after.as_str())?;
        jobs.retain(|job| (job.started, &job.id) < (after.started, &after.id));
    }
    jobs.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(jobs)
}
