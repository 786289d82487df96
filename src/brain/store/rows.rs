//! How records become rows.

use super::spans::Spans;
use super::{Kept, Owner, Record, words};
use crate::clean::line;
use crate::event::{Event, Payload, ToolEnd, ToolOutput, TurnStarted};
use crate::message::{Message, Part, Role};
use pryx_terms::{Timestamp, TurnId};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use serde::Serialize;
use std::path::Path;

/// Characters of a title. One is a line in a list; a request can be a whole file.
const MAX_TITLE: usize = 100;

/// Writes a batch in one transaction.
pub(super) fn append(
    connection: &mut Connection,
    owner: &Owner,
    turn: Option<&TurnId>,
    records: Vec<Record>,
    now: Timestamp,
) -> rusqlite::Result<Kept> {
    let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut version = last_version(&change, owner)?;
    let at = now.to_string();
    let (session, turn) = (owner.session.as_str(), turn.map(TurnId::as_str));
    let batch = Batch { change: &change, session, turn, at: &at, updated: format!("{now:.6}") };
    let mut spans = Spans::new(&change, session, turn, now);
    let mut kept = Kept::default();
    for record in records {
        match record {
            Record::Boundary(boundary) => {
                batch.run("UPDATE sessions SET fence = ?2 WHERE id = ?1", params![session, boundary])?;
            }
            Record::Summarizing => spans.summarizing()?,
            Record::Wait(why) => spans.wait(why.as_deref())?,
            Record::Rewrite { message, parts } => batch.rewrite(message, parts.as_deref())?,
            Record::Message(message) => {
                batch.message(&message)?;
                kept.messages.push(change.last_insert_rowid());
                spans.message(message.role)?;
            }
            Record::Event(payload) => {
                version += 1;
                batch.subject(owner, &payload)?;
                spans.event(&payload)?;
                let event = Event {
                    session_id: owner.session.clone(),
                    surface: owner.surface.clone(),
                    version,
                    timestamp: now,
                    payload,
                };
                batch.event(&event)?;
                kept.events.push(event);
            }
        }
    }
    spans.finish()?;
    change.commit()?;
    Ok(kept)
}

/// Read within the transaction, because another process may go on with the same session.
fn last_version(change: &Transaction<'_>, owner: &Owner) -> rusqlite::Result<u64> {
    let sql = "SELECT version FROM events WHERE session = ?1 ORDER BY version DESC LIMIT 1";
    let mut select = change.prepare_cached(sql)?;
    let last: Option<i64> = select.query_row([owner.session.as_str()], |row| row.get(0)).optional()?;
    Ok(last.and_then(|version| u64::try_from(version).ok()).unwrap_or(0))
}

struct Batch<'a> {
    change: &'a Transaction<'a>,
    session: &'a str,
    turn: Option<&'a str>,
    at: &'a str,
    /// The same of a fixed length, so that it sorts as text.
    updated: String,
}

impl Batch<'_> {
    fn run(&self, sql: &str, params: impl rusqlite::Params) -> rusqlite::Result<()> {
        self.change.prepare_cached(sql)?.execute(params).map(drop)
    }

    fn message(&self, message: &Message) -> rusqlite::Result<()> {
        let role = match message.role {
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        let sql = "INSERT INTO messages (session, turn, at, role, content) VALUES (?1, ?2, ?3, ?4, ?5)";
        self.run(sql, params![self.session, self.turn, self.at, role, json(&message.parts)?])
    }

    fn rewrite(&self, message: i64, parts: Option<&[Part]>) -> rusqlite::Result<()> {
        let content = parts.map(|parts| json(&parts)).transpose()?;
        let sql = "INSERT OR REPLACE INTO rewrites (message, session, content) VALUES (?1, ?2, ?3)";
        self.run(sql, params![message, self.session, content])
    }

    fn event(&self, event: &Event) -> rusqlite::Result<()> {
        let sql = "INSERT INTO events (session, version, event) VALUES (?1, ?2, ?3)";
        let version = i64::try_from(event.version).unwrap_or(i64::MAX);
        let text = match &event.payload {
            // Every byte is in the job's log. A second copy here would grow with what commands print.
            Payload::ToolOutput(output) => {
                let output = ToolOutput { text: String::new(), ..output.clone() };
                json(&Event { payload: Payload::ToolOutput(output), ..event.clone() })?
            }
            _ => json(event)?,
        };
        self.run(sql, params![self.session, version, text])
    }

    fn turn_started(&self, started: &TurnStarted) -> rusqlite::Result<()> {
        self.run(
            "INSERT INTO turns (id, session, request, started) VALUES (?1, ?2, ?3, ?4)",
            params![started.turn.as_str(), self.session, started.request, self.at],
        )?;
        self.run(
            "UPDATE sessions SET updated = ?2, turns = turns + 1, title = coalesce(title, ?3) WHERE id = ?1",
            params![self.session, self.updated, title(&started.request)],
        )
    }

    /// The row that an event makes or changes in the table of its subject.
    fn subject(&self, owner: &Owner, payload: &Payload) -> rusqlite::Result<()> {
        match payload {
            Payload::SessionStarted(started) => self.run(
                "INSERT INTO sessions (id, created, updated, surface, model, workspace) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    self.session, self.at, self.updated, owner.surface, started.model, path(&started.workspace)
                ],
            ),
            Payload::SessionResumed(resumed) => self.run(
                // A turn that was cut off is ended first, where it was.
                "UPDATE sessions SET updated = ?2, model = ?3, workspace = CASE
                     WHEN EXISTS (SELECT 1 FROM turns WHERE session = ?1 AND ended IS NULL) THEN workspace ELSE ?4 END
                 WHERE id = ?1",
                params![self.session, self.updated, resumed.model, path(&resumed.workspace)],
            ),
            Payload::TurnStarted(started) => self.turn_started(started),
            Payload::TurnCompleted(end) => {
                self.run(
                    "UPDATE turns SET ended = ?2, status = ?3, steps = ?4 WHERE id = ?1",
                    params![end.turn.as_str(), self.at, word(end.status)?, end.steps],
                )?;
                words::index_some(self.change)
            }
            Payload::ToolRequest(request) => self.run(
                "INSERT INTO tool_calls (call, session, turn, requested, tool, arguments) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    request.call.as_str(), self.session, self.turn, self.at, request.tool, json(&request.arguments)?
                ],
            ),
            Payload::ToolExecuting(executing) => self.run(
                "UPDATE tool_calls SET job = ?2 WHERE call = ?1",
                params![executing.call.as_str(), executing.job.as_str()],
            ),
            Payload::ToolComplete(complete) => {
                let job = match &complete.end {
                    ToolEnd::Ran(end) => Some(end.job.as_str()),
                    _ => None,
                };
                self.run(
                    "UPDATE tool_calls SET ended = ?2, result = ?3, job = coalesce(?4, job) WHERE call = ?1",
                    params![complete.call.as_str(), self.at, json(&complete.end)?, job],
                )
            }
            Payload::ModelUsage(usage) => {
                let tokens = &usage.tokens;
                let count = |tokens: Option<u64>| tokens.map(|n| i64::try_from(n).unwrap_or(i64::MAX));
                self.run(
                    "INSERT INTO usage (session, turn, at, model, input_tokens, output_tokens, cache_read_tokens, \
                     cache_write_tokens, reasoning_tokens, cost) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                    params![
                        self.session,
                        self.turn,
                        self.at,
                        usage.model,
                        count(tokens.input_tokens),
                        count(tokens.output_tokens),
                        count(tokens.cache_read_tokens),
                        count(tokens.cache_write_tokens),
                        count(tokens.reasoning_tokens),
                        count(usage.cost_micros),
                    ],
                )?;
                // What it cost is known now, in the same transaction.
                self.run("DELETE FROM reservations WHERE session = ?1", params![self.session])
            }
            Payload::MessageDelta(_)
            | Payload::MessageText(_)
            | Payload::ApprovalNeeded(_)
            | Payload::ApprovalResolved(_)
            | Payload::ToolOutput(_)
            | Payload::ContextCompacted(_)
            | Payload::BudgetReached(_)
            | Payload::BudgetResolved(_)
            | Payload::Notice(_)
            | Payload::Error(_) => Ok(()),
        }
    }
}

/// What a session is called until somebody renames it: the first line of the first request.
fn title(request: &str) -> String {
    line(request.trim().lines().next().unwrap_or_default(), MAX_TITLE)
}

fn path(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn json<T: Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

/// The bare word of a unit variant.
pub(super) fn word<T: Serialize>(value: T) -> rusqlite::Result<String> {
    Ok(json(&value)?.trim_matches('"').to_owned())
}
