//! `list_jobs`: the jobs that have a process, or all there were.

use crate::daemon::Hands;
use crate::daemon::handler::may_read;
use crate::jobs::Status;
use pryx_ipc::{ListJobs, ListJobsReply, RequestContext, WireError};
use pryx_terms::JobRecord;
use std::cmp::Reverse;

/// Jobs in one reply. A frame has room for about a thousand records with commands of usual length.
const MAX: u32 = 500;

pub(crate) fn run(hands: &Hands, data: &ListJobs, context: &RequestContext) -> Result<ListJobsReply, WireError> {
    let records = wanted(hands, data)?;
    let actor = hands.actor(context.peer);
    let mut jobs = hands.jobs.with_live(records);
    // That a job is there an agent may know; what it prints, only of its own.
    for listed in jobs.iter_mut().filter(|listed| !may_read(&actor, &listed.job)) {
        if let Some(live) = &mut listed.live {
            live.last_line.clear();
        }
    }
    Ok(ListJobsReply { jobs })
}

fn wanted(hands: &Hands, data: &ListJobs) -> Result<Vec<JobRecord>, WireError> {
    let limit = data.limit.min(MAX);
    if data.all {
        return Ok(hands.jobs.newest(limit, data.tag.clone())?);
    }
    let statuses = hands.jobs.all_live().into_iter().map(|job| job.status());
    // An ended job whose descendants live is still somebody's to stop.
    let mut jobs: Vec<_> = statuses.filter(Status::is_alive).map(|s| s.record).collect();
    jobs.retain(|job| data.tag.is_none() || job.tag == data.tag);
    jobs.sort_by_key(|job| Reverse((job.started, job.id.clone())));
    jobs.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(jobs)
}
