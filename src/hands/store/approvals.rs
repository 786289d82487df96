//! Questions to a human: kept with the whole plan, so that a restart neither loses nor repeats one.

use super::audit::{AuditEntry, append};
use super::{Store, StoreError};
use pryx_terms::{Approval, ApprovalId, CallKey, Resolution, Timestamp};
use rusqlite::{OptionalExtension, Row};

/// An approval as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct ApprovalRow {
    /// The question.
    pub approval: Approval,
    /// The call that asked.
    pub call: CallKey,
    /// How it ended, if it has.
    pub resolution: Option<Resolution>,
    /// Whether the answer has been acted upon. It counts once.
    pub used: bool,
}

/// What came of an attempt to end a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// This attempt ended it.
    Now,
    /// It had ended before, this way.
    Before(Resolution),
    /// There is no such question.
    Unknown,
}

const COLUMNS: &str = "approval, call, expires_ms, resolution, used";

type RawRow = (String, String, i64, Option<String>, bool);

fn raw(row: &Row<'_>) -> rusqlite::Result<RawRow> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
}

fn read((approval, call, expires, resolution, used): RawRow) -> Result<ApprovalRow, StoreError> {
    let bad = |error: &dyn std::fmt::Display| StoreError::row("approvals", error);
    let mut approval: Approval = serde_json::from_str(&approval).map_err(|e| bad(&e))?;
    approval.expires = Timestamp::from_millisecond(expires).map_err(|e| bad(&e))?;
    let resolution = resolution.map(|text| serde_json::from_str(&text)).transpose().map_err(|e| bad(&e))?;
    Ok(ApprovalRow { approval, call: CallKey::parse(&call).map_err(|e| bad(&e))?, resolution, used })
}

impl Store {
    /// Keeps a new question, together with its audit row.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn insert_approval(
        &self,
        approval: &Approval,
        call: &CallKey,
        entry: &AuditEntry<'_>,
    ) -> Result<(), StoreError> {
        let text = serde_json::to_string(approval).map_err(|error| StoreError::row("approvals", error))?;
        let expires = approval.expires.as_millisecond();
        self.write(|transaction| {
            transaction
                .prepare_cached(
                    "INSERT INTO approvals (id, call, approval, plan_hash, expires_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute((approval.id.as_str(), call.as_str(), text, approval.plan_hash.as_str(), expires))?;
            append(transaction, entry).map(drop)
        })
    }

    /// One question, open or ended.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn approval(&self, id: &ApprovalId) -> Result<Option<ApprovalRow>, StoreError> {
        self.one_approval("id = ?1", id.as_str())
    }

    /// The latest question that a call asked.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn approval_of_call(&self, call: &CallKey) -> Result<Option<ApprovalRow>, StoreError> {
        self.one_approval("call = ?1", call.as_str())
    }

    fn one_approval(&self, condition: &str, value: &str) -> Result<Option<ApprovalRow>, StoreError> {
        self.with(|connection| {
            let sql = format!("SELECT {COLUMNS} FROM approvals WHERE {condition} ORDER BY expires_ms DESC LIMIT 1");
            connection.prepare_cached(&sql)?.query_row([value], raw).optional()?.map(read).transpose()
        })
    }

    /// Questions without an answer, the most urgent first; those whose time is up included.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn pending_approvals(&self) -> Result<Vec<ApprovalRow>, StoreError> {
        self.with(|connection| {
            let sql = format!("SELECT {COLUMNS} FROM approvals WHERE resolution IS NULL ORDER BY expires_ms, id");
            let rows = connection.prepare_cached(&sql)?.query_map((), raw)?.collect::<rusqlite::Result<Vec<_>>>()?;
            rows.into_iter().map(read).collect()
        })
    }

    /// Gives an open question a new deadline, when it is asked again.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn postpone_approval(&self, id: &ApprovalId, expires: Timestamp) -> Result<(), StoreError> {
        self.with(|connection| {
            connection
                .prepare_cached("UPDATE approvals SET expires_ms = ?2 WHERE id = ?1 AND resolution IS NULL")?
                .execute((id.as_str(), expires.as_millisecond()))?;
            Ok(())
        })
    }

    /// Ends a question. Of several attempts exactly one does, and it alone leaves the audit row.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn resolve_approval(
        &self,
        id: &ApprovalId,
        resolution: &Resolution,
        entry: &AuditEntry<'_>,
    ) -> Result<Resolved, StoreError> {
        let text = serde_json::to_string(resolution).map_err(|error| StoreError::row("approvals", error))?;
        self.write(|transaction| {
            let changed = transaction
                .prepare_cached("UPDATE approvals SET resolution = ?2 WHERE id = ?1 AND resolution IS NULL")?
                .execute((id.as_str(), text))?;
            if changed == 1 {
                append(transaction, entry)?;
                return Ok(Resolved::Now);
            }
            let before: Option<String> = transaction
                .prepare_cached("SELECT resolution FROM approvals WHERE id = ?1")?
                .query_row([id.as_str()], |row| row.get(0))
                .optional()?;
            match before {
                None => Ok(Resolved::Unknown),
                Some(text) => {
                    let resolution =
                        serde_json::from_str(&text).map_err(|error| StoreError::row("approvals", error))?;
                    Ok(Resolved::Before(resolution))
                }
            }
        })
    }

    /// Takes the answer: true once, false ever after.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn use_approval(&self, id: &ApprovalId) -> Result<bool, StoreError> {
        self.with(|connection| {
            let changed = connection
                .prepare_cached("UPDATE approvals SET used = 1 WHERE id = ?1 AND used = 0 AND resolution IS NOT NULL")?
                .execute([id.as_str()])?;
            Ok(changed == 1)
        })
    }
}
