//! A session as it was left: its whole history, and the turn that was cut off when its process was killed.

use super::{Store, StoreError};
use crate::event::ToolEnd;
use crate::message::{Message, Part, Role, ToolCall};
use pryx_terms::{CallKey, JobId, SessionId, Timestamp, ToolResult, TurnId, Usage};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row};
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

/// How long after a call its end is still asked of the hands (a week). They keep answers for a month; asked later,
/// they would take the call for a new one and carry it out again.
const ASK_WITHIN: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// What a model is told about a call whose end nobody knows.
const UNKNOWN: &str = "Unknown: the session was cut off before the end of this call was seen. It may have run; look before you repeat it.";

/// A session that goes on.
#[derive(Debug)]
pub(crate) struct Resumed {
    /// The boundary of its data. Absent where an older pryx began it.
    pub(crate) boundary: Option<String>,
    /// The directory of its last turn.
    pub(crate) workspace: PathBuf,
    pub(crate) turns: u64,
    pub(crate) history: Vec<Message>,
    /// The rows of its messages. One that was made here has none.
    pub(crate) rows: Vec<Option<i64>>,
    pub(crate) open: Option<OpenTurn>,
}

/// A turn that was cut off.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OpenTurn {
    pub(crate) id: TurnId,
    pub(crate) steps: u32,
    pub(crate) usage: Usage,
    /// The calls of its last answer, when their results did not reach the history.
    pub(crate) calls: Vec<OpenCall>,
}

/// A call whose result is not in the history.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OpenCall {
    pub(crate) key: CallKey,
    pub(crate) call: ToolCall,
    /// How it ended, if that was told.
    pub(crate) end: Option<ToolEnd>,
    /// What it became, if that was told.
    pub(crate) job: Option<JobId>,
    /// Whether the hands still know it by its key.
    pub(crate) recent: bool,
}

impl Store {
    /// Loads a session to go on with.
    ///
    /// # Errors
    /// When there is none of that name, or it can't be read.
    pub(crate) fn load(&self, session: &SessionId) -> Result<Resumed, StoreError> {
        let found = self.with(|connection| {
            let change = connection.transaction()?;
            load(&change, session.as_str())
        })?;
        found.ok_or_else(|| StoreError::NoSession { wanted: session.to_string() })
    }
}

fn load(connection: &Connection, session: &str) -> rusqlite::Result<Option<Resumed>> {
    let sql = "SELECT fence, workspace, turns FROM sessions WHERE id = ?1";
    let row = |row: &Row<'_>| Ok((row.get(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?));
    let Some((boundary, workspace, turns)) = connection.query_row(sql, [session], row).optional()? else {
        return Ok(None);
    };
    let mut history = history(connection, session)?;
    tell_apart(history.iter_mut().map(|(_, message)| message));
    let open = open_turn(connection, session, history.last().map(|(_, message)| message))?;
    // Its calls are the agent's to answer, whatever else was left unanswered is answered here.
    let rest = if open.as_ref().is_some_and(|open| !open.calls.is_empty()) { history.pop() } else { None };
    let mut history = answered(history);
    history.extend(rest);
    let turns = u64::try_from(turns).unwrap_or(0);
    let (rows, history) = history.into_iter().unzip();
    Ok(Some(Resumed { boundary, workspace: workspace.into(), turns, history, rows, open }))
}

/// A message with its row; one that was made here has none.
type Placed = (Option<i64>, Message);

/// The messages of a session, in order, as they are sent by now.
fn history(connection: &Connection, session: &str) -> rusqlite::Result<Vec<Placed>> {
    let sql = "SELECT role, coalesce(rewrites.content, messages.content), messages.id
        FROM messages LEFT JOIN rewrites ON rewrites.message = messages.id
        WHERE messages.session = ?1 AND (rewrites.message IS NULL OR rewrites.content IS NOT NULL) ORDER BY messages.id";
    let mut select = connection.prepare(sql)?;
    let rows = select.query_map([session], |row| {
        let role = if row.get_ref(0)?.as_str()? == "assistant" { Role::Assistant } else { Role::User };
        Ok((Some(row.get(2)?), Message { role, parts: json(row, 1)? }))
    })?;
    rows.collect()
}

fn open_turn(connection: &Connection, session: &str, last: Option<&Message>) -> rusqlite::Result<Option<OpenTurn>> {
    let sql = "SELECT id, (SELECT count(*) FROM messages WHERE session = ?1 AND turn = turns.id AND role = 'assistant')
        FROM turns WHERE session = ?1 AND ended IS NULL ORDER BY started DESC LIMIT 1";
    let row = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, u32>(1)?));
    let Some((id, steps)) = connection.query_row(sql, [session], row).optional()? else { return Ok(None) };
    let calls = match last {
        Some(message) if message.role == Role::Assistant => open_calls(connection, &id, message)?,
        _ => Vec::new(),
    };
    let usage = usage(connection, session, &id)?;
    let Ok(id) = TurnId::parse(&id) else { return Ok(None) };
    Ok(Some(OpenTurn { id, steps, usage, calls }))
}

/// The rows of a turn's last calls were kept in one step with the message that asks for them.
fn open_calls(connection: &Connection, turn: &str, message: &Message) -> rusqlite::Result<Vec<OpenCall>> {
    let calls: Vec<&ToolCall> = message.tool_calls().collect();
    let sql = "SELECT call, job, result, requested FROM tool_calls WHERE turn = ?1
        ORDER BY CAST(substr(call, length(?1) + 2) AS INTEGER) DESC LIMIT ?2";
    let mut select = connection.prepare(sql)?;
    let rows = select.query_map((turn, i64::try_from(calls.len()).unwrap_or(i64::MAX)), |row| {
        let job: Option<String> = row.get(1)?;
        let end = if row.get_ref(2)?.as_str_or_null()?.is_some() { Some(json(row, 2)?) } else { None };
        let requested = row.get_ref(3)?.as_str()?.parse::<Timestamp>();
        let recent = requested.is_ok_and(|at| Timestamp::now().duration_since(at).unsigned_abs() < ASK_WITHIN);
        Ok((row.get::<_, String>(0)?, job.and_then(|job| JobId::parse(&job).ok()), end, recent))
    })?;
    let mut rows = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    rows.reverse();
    if rows.len() != calls.len() {
        return Ok(Vec::new());
    }
    let open = calls.into_iter().zip(rows).filter_map(|(call, (key, job, end, recent))| {
        Some(OpenCall { key: CallKey::parse(&key).ok()?, call: call.clone(), end, job, recent })
    });
    Ok(open.collect())
}

fn usage(connection: &Connection, session: &str, turn: &str) -> rusqlite::Result<Usage> {
    let sql = "SELECT sum(input_tokens), sum(output_tokens), sum(cache_read_tokens), sum(cache_write_tokens),
        sum(reasoning_tokens) FROM usage WHERE session = ?1 AND turn = ?2";
    connection.query_row(sql, [session, turn], |row| {
        let count = |at| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(at)?.and_then(|n| u64::try_from(n).ok()));
        Ok(Usage {
            input_tokens: count(0)?,
            output_tokens: count(1)?,
            cache_read_tokens: count(2)?,
            cache_write_tokens: count(3)?,
            reasoning_tokens: count(4)?,
        })
    })
}

/// Gives every call of a history a name of its own. Some models number their calls anew in each answer, and another
/// provider, to whom the session may go over, refuses a history in which a name comes twice.
pub(crate) fn tell_apart<'a>(history: impl IntoIterator<Item = &'a mut Message>) {
    let mut known: BTreeSet<String> = BTreeSet::new();
    // The names of the last answer's calls: as kept, and as they are now.
    let mut named: Vec<(String, String)> = Vec::new();
    for message in history {
        if message.role == Role::Assistant {
            named.clear();
        }
        for part in &mut message.parts {
            match part {
                Part::ToolCall(call) => {
                    let before = call.id.clone();
                    if !known.insert(before.clone()) {
                        let fresh = (2_u64..).map(|n| format!("{before}_{n}")).find(|id| !known.contains(id));
                        call.id = fresh.unwrap_or_default();
                        known.insert(call.id.clone());
                    }
                    named.push((before, call.id.clone()));
                }
                Part::ToolResult { id, .. } => {
                    // A result that was rewritten was kept with the name that its call had then.
                    let kept = |before: &str| id == before || id.rsplit_once('_').is_some_and(|(id, _)| id == before);
                    let is_now = |(_, now): &&(String, String)| now == id;
                    let found = named.iter().find(|names| names.0 == *id).or_else(|| named.iter().find(is_now));
                    let found = found.or_else(|| named.iter().find(|(before, _)| kept(before)));
                    if let Some((_, now)) = found {
                        id.clone_from(now);
                    }
                }
                _ => {}
            }
        }
    }
}

/// A history in which every call is answered by the next message, as providers want it. Sessions that were copied or
/// kept by an older pryx may hold others.
fn answered(history: Vec<Placed>) -> Vec<Placed> {
    let mut whole: Vec<Placed> = Vec::with_capacity(history.len());
    let mut open: Vec<String> = Vec::new();
    for (row, message) in history {
        let results: BTreeSet<&str> = message.parts.iter().filter_map(result_id).collect();
        open.retain(|id| !results.contains(id.as_str()));
        close(&mut whole, &mut open);
        open.extend(message.tool_calls().map(|call| call.id.clone()));
        whole.push((row, message));
    }
    close(&mut whole, &mut open);
    whole
}

fn close(whole: &mut Vec<Placed>, open: &mut Vec<String>) {
    if !open.is_empty() {
        let result = ToolResult::Text { text: UNKNOWN.to_owned() };
        let parts = open.drain(..).map(|id| Part::ToolResult { id, result: result.clone() }).collect();
        whole.push((None, Message { role: Role::User, parts }));
    }
}

fn result_id(part: &Part) -> Option<&str> {
    match part {
        Part::ToolResult { id, .. } => Some(id),
        _ => None,
    }
}

/// A column that holds JSON.
pub(crate) fn json<T: DeserializeOwned>(row: &Row<'_>, at: usize) -> rusqlite::Result<T> {
    let text = row.get_ref(at)?.as_str()?;
    serde_json::from_str(text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(at, Type::Text, Box::new(error)))
}

impl OpenCall {
    /// What is known of it without asking the hands, as the model is told it.
    pub(crate) fn known(&self) -> ToolResult {
        let text = match (&self.end, &self.job) {
            (Some(ToolEnd::Refused { refusal, ruling }), _) => {
                return ToolResult::Refused { refusal: refusal.clone(), ruling: ruling.clone() };
            }
            (Some(ToolEnd::Failed { message }), _) => return ToolResult::Failed { message: message.clone() },
            (Some(ToolEnd::Cancelled), _) => "It was cancelled before its end was seen.".to_owned(),
            (Some(ToolEnd::Answered { bytes }), _) => {
                format!("It was done and answered {bytes} bytes, which were lost when the session was cut off.")
            }
            (Some(ToolEnd::Ran(ran)), _) => {
                let how = match (ran.exit_code, ran.signal) {
                    (Some(code), _) => format!("exit {code}"),
                    (None, Some(signal)) => format!("signal {signal}"),
                    (None, None) => "an end that was not observed".to_owned(),
                };
                format!("It ran: {how}, {} bytes of output, in the log of job {}.", ran.bytes, ran.job)
            }
            (None, Some(job)) => format!("{UNKNOWN} It was started as job {job}, whose log holds its output."),
            (None, None) => UNKNOWN.to_owned(),
        };
        ToolResult::Text { text }
    }
}
