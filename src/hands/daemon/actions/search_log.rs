//! `search_log`: the lines of a job's log that match, one bounded step per request, off the loop that serves the others.

use super::read_log::{stream_of, unreadable};
use crate::daemon::Hands;
use crate::daemon::handler::machine;
use crate::logs::LogFile;
use crate::logs::search::{Query, pattern, search};
use pryx_ipc::{ErrorCode, SearchLog, SearchLogReply, WireError};

pub(crate) async fn run(hands: &Hands, data: SearchLog) -> Result<SearchLogReply, WireError> {
    let job = hands.job(&data.job)?;
    let found = stream_of(&job, data.stream)?;
    let pattern = pattern(&data.pattern).map_err(|words| {
        WireError::new(ErrorCode::BadData, words).hint(r"write special characters with a backslash: \( \[ \. \*")
    })?;
    let query = Query {
        pattern,
        offset: data.offset,
        line: data.line,
        limit: usize::try_from(data.limit).unwrap_or(usize::MAX),
        whole_lines: data.whole_lines,
    };
    let dir = hands.jobs.dir(&job.id);
    let work = move || search(&mut LogFile::open(&dir, found.stream)?, found.bytes, &query);
    let done = tokio::task::spawn_blocking(work).await.map_err(|error| machine(&error))?;
    let done = done.map_err(|error| unreadable(&job, &error))?;
    Ok(SearchLogReply { job, stream: found.stream, matches: done.matches, next: done.next, at_end: done.at_end })
}
