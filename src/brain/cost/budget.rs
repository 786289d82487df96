//! Budgets: limits on what models may cost in a day, a month or a session. What a request may cost at most is reserved before
//! it leaves, in the same transaction that looks at the limits: however many processes ask at once, they don't exceed
//! them together.

use super::from;
use crate::store::{Store, StoreError};
use jiff::tz::TimeZone;
use pryx_terms::{SessionId, Timestamp};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use serde::{Deserialize, Serialize};

/// How long a reservation counts that nobody settled: a request takes minutes, and what a killed process had reserved must
/// not stand in the way for ever.
const LAPSE_US: i64 = 60 * 60 * 1_000_000;

/// What a budget is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// From midnight on.
    Day,
    /// From the first of the month on.
    Month,
    /// A session, however long it goes on.
    Session,
}

/// A budget and how much of it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// What it is for.
    pub period: Period,
    /// The limit, in micro-dollars.
    pub limit_micros: u64,
    /// What calls have cost, as far as that is known.
    pub spent_micros: u64,
    /// What requests under way may still cost at most.
    pub reserved_micros: u64,
}

/// What a request may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// With the shortest answer that is worth asking for.
    pub(crate) least: u64,
    /// With the longest.
    pub(crate) most: u64,
}

/// What became of a wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Granted {
    /// There are no budgets.
    Unlimited,
    /// So much is reserved.
    Reserved(u64),
    /// This one doesn't hold the least of it.
    Exceeds(Budget),
}

impl Budget {
    /// What is left.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.limit_micros.saturating_sub(self.spent_micros).saturating_sub(self.reserved_micros)
    }
}

impl Period {
    const ALL: [Self; 3] = [Self::Day, Self::Month, Self::Session];

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
            Self::Session => "session",
        }
    }

    /// When it began; none for a session.
    fn began(self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let now = now.to_zoned(zone.clone());
        let began = match self {
            Self::Day => now.start_of_day(),
            Self::Month => now.first_of_month().and_then(|first| first.start_of_day()),
            Self::Session => return None,
        };
        // Only at the ends of the calendar.
        began.map(|began| began.timestamp()).ok()
    }
}

impl Store {
    /// Sets a limit, or takes it away.
    ///
    /// # Errors
    /// When the store can't be written.
    pub fn set_budget(&self, period: Period, limit_micros: Option<u64>) -> Result<(), StoreError> {
        self.with(|connection| {
            match limit_micros {
                Some(micros) => connection.execute(
                    "INSERT INTO budgets (period, micros) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET micros = ?2",
                    params![period.word(), signed(micros)],
                ),
                None => connection.execute("DELETE FROM budgets WHERE period = ?1", [period.word()]),
            }?;
            // With other limits, what was agreed on under the old ones is asked again.
            connection.execute("DELETE FROM unpriced", []).map(drop)
        })
    }

    /// The budgets as they stand; that of sessions for one session.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn budgets(&self, session: Option<&SessionId>, zone: &TimeZone) -> Result<Vec<Budget>, StoreError> {
        let now = Timestamp::now();
        self.with(|connection| budgets(connection, session.map(SessionId::as_str), now, zone))
    }

    /// Reserves what a request may cost, if all budgets hold it. What the session had reserved before is given back: it
    /// asks one thing at a time. `anyway` reserves without a look at the limits.
    pub(crate) fn reserve(
        &self,
        session: &SessionId,
        wanted: Wanted,
        anyway: bool,
        zone: &TimeZone,
    ) -> Result<Granted, StoreError> {
        let now = Timestamp::now();
        self.with(|connection| reserve(connection, session.as_str(), wanted, anyway, now, zone))
    }

    /// Gives back what a session had reserved: its request came to nothing.
    pub(crate) fn release(&self, session: &SessionId) -> Result<(), StoreError> {
        let sql = "DELETE FROM reservations WHERE session = ?1";
        self.with(|connection| connection.execute(sql, [session.as_str()]).map(drop))
    }

    /// Whether any budget is set.
    pub(crate) fn has_budgets(&self) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM budgets)";
        self.with(|connection| connection.prepare_cached(sql)?.query_row([], |row| row.get(0)))
    }

    /// Whether a person said that a model without a known price may be asked under the budgets.
    pub(crate) fn may_go_unpriced(&self, model: &str) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM unpriced WHERE model = ?1)";
        self.with(|connection| connection.query_row(sql, [model], |row| row.get(0)))
    }

    /// Keeps that it may.
    pub(crate) fn let_go_unpriced(&self, model: &str) -> Result<(), StoreError> {
        let sql = "INSERT OR IGNORE INTO unpriced (model) VALUES (?1)";
        self.with(|connection| connection.execute(sql, [model]).map(drop))
    }
}

fn budgets(
    connection: &Connection,
    session: Option<&str>,
    now: Timestamp,
    zone: &TimeZone,
) -> rusqlite::Result<Vec<Budget>> {
    let mut budgets = Vec::new();
    for period in Period::ALL {
        let sql = "SELECT micros FROM budgets WHERE period = ?1";
        let mut select = connection.prepare_cached(sql)?;
        let limit: Option<i64> = select.query_row([period.word()], |row| row.get(0)).optional()?;
        let Some(limit) = limit else { continue };
        let of = if period == Period::Session { session.or(Some("")) } else { None };
        let sum = |sql: &str, since: &dyn rusqlite::ToSql| {
            let mut select = connection.prepare_cached(sql)?;
            let sum: Option<i64> = select.query_row(params![since, of], |row| row.get(0))?;
            Ok::<_, rusqlite::Error>(unsigned(sum.unwrap_or(0)))
        };
        let since = from(period.began(now, zone));
        let lapsed = now.as_microsecond() - LAPSE_US;
        budgets.push(Budget {
            period,
            limit_micros: unsigned(limit),
            spent_micros: sum("SELECT sum(cost) FROM usage WHERE at >= ?1 AND (?2 IS NULL OR session = ?2)", &since)?,
            reserved_micros: sum(
                "SELECT sum(micros) FROM reservations WHERE at > ?1 AND (?2 IS NULL OR session = ?2)",
                &lapsed,
            )?,
        });
    }
    Ok(budgets)
}

fn reserve(
    connection: &mut Connection,
    session: &str,
    wanted: Wanted,
    anyway: bool,
    now: Timestamp,
    zone: &TimeZone,
) -> rusqlite::Result<Granted> {
    // Two processes that look first and write then would both find room for what only one of them has.
    let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let lapsed = now.as_microsecond() - LAPSE_US;
    change.execute("DELETE FROM reservations WHERE session = ?1 OR at <= ?2", params![session, lapsed])?;
    let budgets = budgets(&change, Some(session), now, zone)?;
    let Some(tightest) = budgets.into_iter().min_by_key(Budget::left) else {
        return change.commit().map(|()| Granted::Unlimited);
    };
    let granted = if anyway { wanted.most } else { wanted.most.min(tightest.left()) };
    if granted < wanted.least {
        change.commit()?;
        return Ok(Granted::Exceeds(tightest));
    }
    change.execute(
        "INSERT INTO reservations (session, at, micros) VALUES (?1, ?2, ?3)",
        params![session, now.as_microsecond(), signed(granted)],
    )?;
    change.commit()?;
    Ok(Granted::Reserved(granted))
}

fn signed(micros: u64) -> i64 {
    i64::try_from(micros).unwrap_or(i64::MAX)
}

fn unsigned(micros: i64) -> u64 {
    u64::try_from(micros).unwrap_or(0)
}
