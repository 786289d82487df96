//! `read_audit`: rows of the audit log, for the person alone: they tell what other sessions did.

use crate::daemon::Hands;
use crate::daemon::handler::not_for_agents;
use crate::store::{AuditFilter, AuditRow};
use pryx_ipc::{AuditLine, ErrorCode, ReadAudit, ReadAuditReply, RequestContext, WireError};
use pryx_terms::{Actor, CallKey};

/// Most rows in one answer: a row has a few hundred bytes, and an answer must fit into a frame.
const MAX_ROWS: u32 = 1000;
/// Bytes of rows in one answer, for the same reason.
const MAX_BYTES: usize = 700 * 1024;

pub(crate) fn run(hands: &Hands, data: &ReadAudit, context: &RequestContext) -> Result<ReadAuditReply, WireError> {
    if hands.actor(context.peer) != Actor::Person {
        return Err(not_for_agents("read the audit log"));
    }
    let mut filter = AuditFilter {
        session: data.session.clone(),
        job: data.job.clone(),
        call: None,
        seq: None,
        since: data.since,
        before: data.before.and_then(|seq| i64::try_from(seq).ok()),
        limit: Some(data.limit.min(MAX_ROWS)),
    };
    let mut jobs = Vec::new();
    if let Some(seq) = data.row {
        let unknown = || {
            WireError::new(ErrorCode::NotFound, format!("there is no row {seq} in the audit log"))
                .hint("`pryx audit` lists them")
        };
        let only = AuditFilter { seq: i64::try_from(seq).ok(), limit: Some(1), ..AuditFilter::default() };
        let row = hands.store.audit_rows(&only)?.pop().ok_or_else(unknown)?;
        let job = row.job.as_deref().and_then(|job| job.parse().ok());
        let call = match row.call.as_deref().and_then(|call| CallKey::parse(call).ok()) {
            Some(call) => Some(call),
            None => job.as_ref().map(|job| hands.store.call_of_job(job)).transpose()?.flatten(),
        };
        match (call, job) {
            (Some(call), _) => filter.call = Some(call),
            (None, Some(job)) => filter.job = Some(job),
            (None, None) => return Ok(ReadAuditReply { rows: vec![line(row)] }),
        }
        filter.before = None;
        if let Some(call) = &filter.call {
            jobs = hands.store.audit_jobs_of(call)?;
        }
    }
    let mut rows = hands.store.audit_rows(&filter)?;
    // How a job ended stands in a row without its call.
    for job in jobs {
        let of_job = AuditFilter { job: Some(job), limit: Some(MAX_ROWS), ..AuditFilter::default() };
        rows.extend(hands.store.audit_rows(&of_job)?);
    }
    rows.sort_by_key(|row| row.seq);
    rows.dedup_by_key(|row| row.seq);
    let mut bytes = 0;
    let fits = |row: &AuditRow| {
        bytes += row.body.len() + 500;
        bytes <= MAX_BYTES
    };
    let mut rows: Vec<AuditRow> = rows.into_iter().rev().take_while(fits).collect();
    rows.reverse();
    Ok(ReadAuditReply { rows: rows.into_iter().map(line).collect() })
}

fn line(row: AuditRow) -> AuditLine {
    AuditLine {
        seq: row.seq.unsigned_abs(),
        at: row.at,
        kind: row.kind,
        actor: row.actor,
        session: row.session,
        call: row.call,
        job: row.job,
        body: serde_json::from_str(&row.body).unwrap_or(serde_json::Value::String(row.body)),
        hash: row.hash,
    }
}
