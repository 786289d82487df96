//! The timeline of a session: what took how long, within what.

use crate::store::{Store, StoreError};
use pryx_terms::{SessionId, Timestamp, Usage};
use rusqlite::Row;
use serde::Serialize;
use std::collections::BTreeMap;

/// Something that took time. Tokens are what the provider counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Span {
    /// Its number, over all sessions.
    pub id: i64,
    /// The span that it's a part of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<i64>,
    /// `turn`, `model`, `tool`, `approval` or `wait`.
    pub kind: String,
    /// What it is about: the turn, the call or the question, by its identifier.
    pub subject: String,
    /// A line of it: the request, the model, the command.
    pub detail: String,
    /// When it began.
    pub started: Timestamp,
    /// How long it took. Absent while it goes on, or when its process was killed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_us: Option<u64>,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Tokens of a model call.
    #[serde(flatten)]
    pub tokens: Usage,
    /// What a model call cost, in micro-dollars. Absent when that isn't known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_micros: Option<u64>,
}

/// How fast a model answered here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Speed {
    /// `provider/model`.
    pub model: String,
    /// Tokens of answers in a second, from request to end: the median.
    pub tokens_per_second: u64,
    /// Over how many calls.
    pub calls: usize,
}

/// The calls of models that speeds are measured by: the last ones, because servers change.
const MEASURED: u32 = 2_000;

/// Fewer calls of a model say nothing about it.
const LEAST_CALLS: usize = 3;

/// Answers shorter than this, in tokens, are mostly waiting.
const LEAST_ANSWER: u64 = 20;

/// The last spans of a session.
pub(crate) const TIMELINE: &str = "SELECT id, parent, kind, subject, detail, started, ended, status, input_tokens, output_tokens,
    cache_read_tokens, cache_write_tokens, reasoning_tokens, cost FROM spans WHERE session = ?1 ORDER BY id DESC LIMIT ?2";

impl Store {
    /// How fast models answered here lately.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn speeds(&self) -> Result<Vec<Speed>, StoreError> {
        let sql = "SELECT detail, ended - started, output_tokens FROM spans
            WHERE kind = 'model' AND status = 'done' AND output_tokens >= ?1 ORDER BY id DESC LIMIT ?2";
        let mut paces: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        self.with(|connection| {
            let mut select = connection.prepare(sql)?;
            let mut rows = select.query((i64::try_from(LEAST_ANSWER).unwrap_or(0), MEASURED))?;
            while let Some(row) = rows.next()? {
                let (model, took, tokens): (String, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
                let pace = tokens.saturating_mul(1_000_000) / took.max(1);
                paces.entry(model).or_default().push(u64::try_from(pace).unwrap_or(0));
            }
            Ok(())
        })?;
        let speed = |(model, mut paces): (String, Vec<u64>)| {
            paces.sort_unstable();
            Speed { model, tokens_per_second: paces[paces.len() / 2], calls: paces.len() }
        };
        Ok(paces.into_iter().filter(|(_, paces)| paces.len() >= LEAST_CALLS).map(speed).collect())
    }

    /// The last spans of a session, in the order in which they began; whether there were more before them.
    ///
    /// # Errors
    /// When they can't be read.
    pub fn trace(&self, session: &SessionId, limit: u32) -> Result<(Vec<Span>, bool), StoreError> {
        let mut spans: Vec<Span> = self.with(|connection| {
            let mut select = connection.prepare(TIMELINE)?;
            select.query_map((session.as_str(), i64::from(limit) + 1), span)?.collect()
        })?;
        let more = spans.len() as u64 > u64::from(limit);
        if more {
            spans.pop();
        }
        spans.reverse();
        Ok((spans, more))
    }
}

fn span(row: &Row<'_>) -> rusqlite::Result<Span> {
    let started: i64 = row.get(5)?;
    let ended: Option<i64> = row.get(6)?;
    let count = |at| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(at)?.and_then(|n| u64::try_from(n).ok()));
    Ok(Span {
        id: row.get(0)?,
        parent: row.get(1)?,
        kind: row.get(2)?,
        subject: row.get(3)?,
        detail: row.get(4)?,
        started: Timestamp::from_microsecond(started).unwrap_or_default(),
        duration_us: ended.map(|ended| u64::try_from(ended - started).unwrap_or(0)),
        status: row.get(7)?,
        tokens: Usage {
            input_tokens: count(8)?,
            output_tokens: count(9)?,
            cache_read_tokens: count(10)?,
            cache_write_tokens: count(11)?,
            reasoning_tokens: count(12)?,
        },
        cost_micros: count(13)?,
    })
}
