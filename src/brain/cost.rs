//! What was spent: sums over calls of models, in whole micro-dollars. A call whose price or counts nobody knows is counted
//! as such and adds nothing.

mod budget;
mod purse;
#[cfg(test)]
mod tests;

pub use budget::{Budget, Period};
pub(crate) use purse::{Paid, Purse, Request};

use crate::store::{Store, StoreError};
use jiff::tz::TimeZone;
use pryx_terms::{SessionId, Timestamp, Usage};
use rusqlite::{Connection, Row, params};
use serde::Serialize;
use std::collections::BTreeMap;

/// A sum over calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Spent {
    /// Calls of models.
    pub calls: u64,
    /// Those whose cost isn't known.
    pub unknown: u64,
    /// What the others cost, in micro-dollars.
    pub micros: u64,
    /// The tokens of all of them, as far as they were counted.
    #[serde(flatten)]
    pub tokens: Usage,
}

/// What sums are made by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The day, as the person's clock has it.
    Day,
    /// `provider/model`.
    Model,
    /// The session.
    Session,
}

/// One sum of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Share {
    /// The day ("2026-11-20"), the model, or the session.
    pub key: String,
    /// The session's name, where it still has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The sum.
    #[serde(flatten)]
    pub spent: Spent,
}

/// One call.
struct Call {
    at: Timestamp,
    session: String,
    model: String,
    title: Option<String>,
    micros: Option<u64>,
    tokens: Usage,
}

impl Spent {
    fn add(&mut self, micros: Option<u64>, tokens: &Usage) {
        self.calls += 1;
        self.unknown += u64::from(micros.is_none());
        self.micros = self.micros.saturating_add(micros.unwrap_or(0));
        self.tokens.add(tokens);
    }
}

impl Store {
    /// Sums since a time, newest day first, else the dearest first. `zone` says when days begin.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn shares(&self, by: By, since: Option<Timestamp>, zone: &TimeZone) -> Result<Vec<Share>, StoreError> {
        let mut sums: BTreeMap<String, (Option<String>, Spent)> = BTreeMap::new();
        self.with(|connection| {
            calls(connection, since, None, |call| {
                let key = match by {
                    By::Day => call.at.to_zoned(zone.clone()).date().to_string(),
                    By::Model => call.model,
                    By::Session => call.session,
                };
                let (title, spent) = sums.entry(key).or_default();
                *title = call.title.filter(|_| by == By::Session);
                spent.add(call.micros, &call.tokens);
            })
        })?;
        let share = |(key, (title, spent))| Share { key, title, spent };
        let mut shares: Vec<Share> = sums.into_iter().map(share).collect();
        match by {
            By::Day => shares.reverse(),
            By::Model | By::Session => shares.sort_by_key(|share| std::cmp::Reverse(share.spent.micros)),
        }
        Ok(shares)
    }

    /// The sum since a time, of one session or of all.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn spent(&self, since: Option<Timestamp>, session: Option<&SessionId>) -> Result<Spent, StoreError> {
        let mut sum = Spent::default();
        self.with(|connection| calls(connection, since, session, |call| sum.add(call.micros, &call.tokens)))?;
        Ok(sum)
    }
}

/// Goes through calls, the oldest first.
fn calls(
    connection: &Connection,
    since: Option<Timestamp>,
    session: Option<&SessionId>,
    mut take: impl FnMut(Call),
) -> rusqlite::Result<()> {
    let of = if session.is_some() { "usage.session = ?2" } else { "?2 IS NULL" };
    let sql = format!(
        "SELECT at, session, usage.model, title, input_tokens, output_tokens, reasoning_tokens, cache_read_tokens,
         cache_write_tokens, cost FROM usage LEFT JOIN sessions ON sessions.id = session
         WHERE at >= ?1 AND {of} ORDER BY usage.id"
    );
    let mut select = connection.prepare_cached(&sql)?;
    let mut rows = select.query(params![from(since), session.map(SessionId::as_str)])?;
    while let Some(row) = rows.next()? {
        take(call(row)?);
    }
    Ok(())
}

/// Times are kept as text. Without its `Z`, a whole second sorts before all the fractions of it.
pub(crate) fn from(since: Option<Timestamp>) -> String {
    since.map_or_else(String::new, |since| since.to_string().trim_end_matches('Z').to_owned())
}

fn call(row: &Row<'_>) -> rusqlite::Result<Call> {
    let count = |at| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(at)?.and_then(|n| u64::try_from(n).ok()));
    Ok(Call {
        at: row.get::<_, String>(0)?.parse().unwrap_or_default(),
        session: row.get(1)?,
        model: row.get(2)?,
        title: row.get(3)?,
        tokens: Usage {
            input_tokens: count(4)?,
            output_tokens: count(5)?,
            reasoning_tokens: count(6)?,
            cache_read_tokens: count(7)?,
            cache_write_tokens: count(8)?,
        },
        micros: count(9)?,
    })
}
