//! The audit log: append-only, each row chained to the one before it by SHA-256.
//!
//! Triggers keep honest code from changing rows; the chain and the head show what anything else changed, removed or
//! reordered. Who can write the file can also forge a whole new chain: the log shows tampering, it can't prevent it.

use super::{Store, StoreError};
use pryx_terms::{Actor, CallKey, JobId, SessionId, Timestamp};
use rusqlite::{OptionalExtension, Row, Transaction};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// What the first row is chained to.
const FIRST: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What a row tells about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditKind {
    /// The gate's verdict on a plan.
    Ruling,
    /// A question to a human, or its answer.
    Approval,
    /// A job was started.
    Started,
    /// Something was done without a process.
    Act,
    /// A job ended.
    Ended,
    /// A call did not run.
    Refused,
    /// A session got its mode or policy.
    Mode,
    /// Something was granted, or a grant was revoked.
    Grant,
    /// A policy file was written through pryx.
    Policy,
}

impl AuditKind {
    fn name(self) -> &'static str {
        match self {
            Self::Ruling => "ruling",
            Self::Approval => "approval",
            Self::Started => "started",
            Self::Act => "act",
            Self::Ended => "ended",
            Self::Refused => "refused",
            Self::Mode => "mode",
            Self::Grant => "grant",
            Self::Policy => "policy",
        }
    }
}

/// A row to be written.
#[derive(Debug, Clone)]
pub struct AuditEntry<'a> {
    /// What it tells about.
    pub kind: AuditKind,
    /// On whose behalf.
    pub actor: &'a Actor,
    /// The conversation.
    pub session: Option<&'a SessionId>,
    /// The call.
    pub call: Option<&'a CallKey>,
    /// The job, once there is one.
    pub job: Option<&'a JobId>,
    /// The rest: plan hash, rule, command, outcome.
    pub body: serde_json::Value,
}

/// A row as it stands in the log.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AuditRow {
    /// Its number; 1 is the first.
    pub seq: i64,
    /// When it was written, RFC 3339.
    pub at: String,
    /// What it tells about.
    pub kind: String,
    /// On whose behalf.
    pub actor: String,
    /// The conversation.
    pub session: Option<String>,
    /// The call.
    pub call: Option<String>,
    /// The job.
    pub job: Option<String>,
    /// The rest, as JSON text: these very bytes are hashed.
    pub body: String,
    /// The hash of the row before.
    pub prev_hash: String,
    /// The hash of this row.
    pub hash: String,
}

/// Which rows to list; the default lists all.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Only of this conversation.
    pub session: Option<SessionId>,
    /// Only of this job.
    pub job: Option<JobId>,
    /// Only of this call.
    pub call: Option<CallKey>,
    /// Only this row.
    pub seq: Option<i64>,
    /// Only from this time on.
    pub since: Option<Timestamp>,
    /// Only rows before this one.
    pub before: Option<i64>,
    /// The newest so many; all when absent.
    pub limit: Option<u32>,
}

/// What a check of the whole chain found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditCheck {
    /// Rows that are as they were written, up to the fault if there is one.
    pub rows: u64,
    /// The first row that is not.
    pub fault: Option<AuditFault>,
}

/// Where the chain breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditFault {
    /// The row, or the place where one is missing.
    pub seq: i64,
    /// What is wrong, in words.
    pub what: String,
}

impl AuditRow {
    /// SHA-256 over the JSON list of all other fields, the previous hash first.
    fn expected_hash(&self) -> Result<String, StoreError> {
        let fields = (
            &self.prev_hash,
            self.seq,
            &self.at,
            &self.kind,
            &self.actor,
            &self.session,
            &self.call,
            &self.job,
            &self.body,
        );
        let text = serde_json::to_vec(&fields).map_err(|error| StoreError::row("audit", error))?;
        Ok(Sha256::digest(text).iter().map(|b| format!("{b:02x}")).collect())
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            seq: row.get(0)?,
            at: row.get(1)?,
            kind: row.get(2)?,
            actor: row.get(3)?,
            session: row.get(4)?,
            call: row.get(5)?,
            job: row.get(6)?,
            body: row.get(7)?,
            prev_hash: row.get(8)?,
            hash: row.get(9)?,
        })
    }
}

const COLUMNS: &str = "seq, at, kind, actor, session, call, job, body, prev_hash, hash";

pub(super) fn append(transaction: &Transaction<'_>, entry: &AuditEntry<'_>) -> Result<i64, StoreError> {
    let head = transaction
        .prepare_cached("SELECT seq, hash FROM audit_head")?
        .query_row((), |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))
        .optional()?;
    let (last, prev_hash) = head.unwrap_or_else(|| (0, FIRST.to_owned()));
    let mut row = AuditRow {
        seq: last + 1,
        at: Timestamp::now().to_string(),
        kind: entry.kind.name().to_owned(),
        actor: entry.actor.to_string(),
        session: entry.session.map(ToString::to_string),
        call: entry.call.map(ToString::to_string),
        job: entry.job.map(ToString::to_string),
        body: entry.body.to_string(),
        prev_hash,
        hash: String::new(),
    };
    row.hash = row.expected_hash()?;
    transaction.prepare_cached("INSERT INTO audit VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")?.execute((
        row.seq,
        &row.at,
        &row.kind,
        &row.actor,
        &row.session,
        &row.call,
        &row.job,
        &row.body,
        &row.prev_hash,
        &row.hash,
    ))?;
    transaction
        .prepare_cached("INSERT OR REPLACE INTO audit_head VALUES (1, ?1, ?2)")?
        .execute((row.seq, &row.hash))?;
    Ok(row.seq)
}

impl Store {
    /// Adds a row and gives its number.
    ///
    /// # Errors
    /// When it can't be written. What it would have told about must then not happen.
    pub fn audit(&self, entry: &AuditEntry<'_>) -> Result<i64, StoreError> {
        self.write(|transaction| append(transaction, entry))
    }

    /// Rows in the order they were written.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn audit_rows(&self, filter: &AuditFilter) -> Result<Vec<AuditRow>, StoreError> {
        let limit = filter.limit.map_or(-1, i64::from);
        let wanted = (
            filter.session.as_ref().map(SessionId::as_str),
            filter.job.as_ref().map(JobId::as_str),
            filter.call.as_ref().map(CallKey::as_str),
            limit,
            filter.seq,
            filter.since.map(|since| since.to_string()),
            filter.before,
        );
        self.with(|connection| {
            let sql = format!(
                "SELECT {COLUMNS} FROM audit WHERE (?1 IS NULL OR session = ?1) AND (?2 IS NULL OR job = ?2)
                 AND (?3 IS NULL OR call = ?3) AND (?5 IS NULL OR seq = ?5) AND (?7 IS NULL OR seq < ?7)
                 AND (?6 IS NULL OR at >= ?6) ORDER BY seq DESC LIMIT ?4"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query_map(wanted, AuditRow::read)?.collect::<rusqlite::Result<Vec<_>>>()?;
            rows.reverse();
            Ok(rows)
        })
    }

    /// The call that became a job.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn call_of_job(&self, job: &JobId) -> Result<Option<CallKey>, StoreError> {
        self.with(|connection| {
            let call: Option<String> = connection
                .prepare_cached("SELECT call FROM audit WHERE job = ?1 AND call IS NOT NULL ORDER BY seq LIMIT 1")?
                .query_row([job.as_str()], |row| row.get(0))
                .optional()?;
            call.map(|call| CallKey::parse(&call).map_err(|error| StoreError::row("audit", error))).transpose()
        })
    }

    /// The jobs that a call became.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn audit_jobs_of(&self, call: &CallKey) -> Result<Vec<JobId>, StoreError> {
        self.with(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT DISTINCT job FROM audit WHERE call = ?1 AND job IS NOT NULL")?;
            let jobs = statement.query_map([call.as_str()], |row| row.get::<_, String>(0))?;
            let jobs = jobs.collect::<rusqlite::Result<Vec<_>>>()?;
            jobs.iter().map(|job| JobId::parse(job).map_err(|error| StoreError::row("audit", error))).collect()
        })
    }

    /// Walks the whole chain.
    ///
    /// # Errors
    /// When the database can't be read. A broken chain is a finding, not an error.
    pub fn verify_audit(&self) -> Result<AuditCheck, StoreError> {
        self.with(|connection| {
            let mut statement = connection.prepare(&format!("SELECT {COLUMNS} FROM audit ORDER BY seq"))?;
            let mut rows = statement.query(())?;
            let (mut seen, mut prev) = (0_i64, FIRST.to_owned());
            let broken = |seen: i64, seq: i64, what: &str| {
                let fault = Some(AuditFault { seq, what: what.to_owned() });
                Ok(AuditCheck { rows: seen.unsigned_abs(), fault })
            };
            while let Some(row) = rows.next()? {
                let row = AuditRow::read(row)?;
                if row.seq != seen + 1 {
                    return broken(seen, seen + 1, "a row is missing here");
                }
                if row.prev_hash != prev {
                    return broken(seen, row.seq, "it does not follow the row before it");
                }
                if row.expected_hash()? != row.hash {
                    return broken(seen, row.seq, "it was changed after it was written");
                }
                seen = row.seq;
                prev = row.hash;
            }
            let head: Option<(i64, String)> = connection
                .query_row("SELECT seq, hash FROM audit_head", (), |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            let (head_seq, head_hash) = head.unwrap_or_else(|| (0, FIRST.to_owned()));
            if (head_seq, head_hash.as_str()) != (seen, prev.as_str()) {
                return broken(seen, seen + 1, "rows at the end are missing or were added from outside");
            }
            Ok(AuditCheck { rows: seen.unsigned_abs(), fault: None })
        })
    }
}
