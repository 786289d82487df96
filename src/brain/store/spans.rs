//! Spans out of events: what took how long, within what. A span is opened by the event that begins it and closed by the
//! one that ends it; what a killed turn left open is closed when its session goes on.

use super::rows::word;
use crate::agent::SUMMARY_FAILED;
use crate::clean::line;
use crate::event::{ModelUsage, Payload, ToolEnd, ToolRequest};
use crate::message::Role;
use pryx_terms::{Answer, Resolution, Timestamp, Usage};
use rusqlite::{Connection, OptionalExtension, params};

/// Characters kept of what a span was about. A timeline shows a line of it.
const MAX_DETAIL: usize = 160;

/// What the open span of a model call is called: there is one at most.
const MODEL: &str = "model";

/// What the open span of a model call for a summary is called: there is one at most.
const SUMMARY: &str = "summary";

/// What the open span of a pause between two tries is called: there is one at most.
const PAUSE: &str = "pause";

/// What the open span of a question about a budget is called: there is one at most.
const BUDGET: &str = "budget";

/// What is open ends with its turn.
const END_ALL: &str = "UPDATE spans SET ended = ?2, status = ?3 WHERE session = ?1 AND ended IS NULL";

/// A request that waited for room begins.
const BEGIN_ANEW: &str = "UPDATE spans SET started = ?2 WHERE session = ?1 AND ended IS NULL AND subject = ?3";

/// The next call need not wait any more.
const NEXT_WAIT: &str = "UPDATE spans SET ended = ?2, status = 'done' WHERE id =
    (SELECT min(id) FROM spans WHERE session = ?1 AND ended IS NULL AND kind = 'wait')";

/// What the newest call of the model took.
const COUNTED: &str = "UPDATE spans SET detail = ?2, input_tokens = ?3, output_tokens = ?4, cache_read_tokens = ?5,
    cache_write_tokens = ?6, reasoning_tokens = ?7, cost = ?8
    WHERE id = (SELECT max(id) FROM spans WHERE session = ?1 AND ended IS NULL AND kind = 'model')";

/// What was open when a process ended.
const CUT: &str = "UPDATE spans SET status = 'cut', ended = max(started, coalesce((
    SELECT CAST(unixepoch(json_extract(event, '$.timestamp'), 'subsec') * 1000000 AS INTEGER)
    FROM events WHERE session = ?1 ORDER BY version DESC LIMIT 1), started))
    WHERE session = ?1 AND ended IS NULL";

/// A span begins, within another.
const OPEN: &str = "INSERT INTO spans (parent, session, kind, subject, detail, started) VALUES (
    (SELECT id FROM spans WHERE session = ?1 AND ended IS NULL AND subject = ?2), ?1, ?3, ?4, ?5, ?6)";

/// A span ends.
const CLOSE: &str = "UPDATE spans SET ended = ?4, status = ?5
    WHERE session = ?1 AND ended IS NULL AND kind = ?2 AND subject = ?3";

/// Whether a span is open.
const IS_OPEN: &str = "SELECT 1 FROM spans WHERE session = ?1 AND ended IS NULL AND subject = ?2";

/// All of them: none may read more spans than it changes.
#[cfg(test)]
pub(super) const STATEMENTS: [&str; 8] = [END_ALL, BEGIN_ANEW, NEXT_WAIT, COUNTED, CUT, OPEN, CLOSE, IS_OPEN];

/// The spans of one batch.
pub(super) struct Spans<'a> {
    change: &'a Connection,
    session: &'a str,
    turn: Option<&'a str>,
    now: i64,
    /// Calls that this batch asked for. The first is carried out at once, the others wait for it.
    requests: u32,
    /// The model is asked as soon as the batch is kept.
    asks: bool,
}

impl<'a> Spans<'a> {
    pub(super) fn new(change: &'a Connection, session: &'a str, turn: Option<&'a str>, now: Timestamp) -> Self {
        Self { change, session, turn, now: now.as_microsecond(), requests: 0, asks: false }
    }

    /// A message of the history: one to the model is followed by a request, one of the model ends it.
    pub(super) fn message(&mut self, role: Role) -> rusqlite::Result<()> {
        match role {
            Role::User => {
                self.asks = true;
                Ok(())
            }
            Role::Assistant => self.close(MODEL, MODEL, "done").map(drop),
        }
    }

    pub(super) fn event(&mut self, payload: &Payload) -> rusqlite::Result<()> {
        match payload {
            Payload::SessionResumed(_) => self.close_cut(),
            Payload::TurnStarted(started) => self.open("turn", started.turn.as_str(), None, &started.request),
            Payload::ModelUsage(usage) => {
                self.usage(usage)?;
                self.summarized("done")
            }
            Payload::Notice(notice) if notice.code == SUMMARY_FAILED => self.summarized("failed"),
            Payload::ToolRequest(request) => self.request(request),
            Payload::ApprovalNeeded(needed) => {
                let (id, command) = (needed.approval.id.as_str(), &needed.approval.plan.command);
                self.open("approval", id, Some(needed.call.as_str()), command)
            }
            Payload::ApprovalResolved(resolved) => {
                self.close("approval", resolved.approval.as_str(), resolution(&resolved.resolution)).map(drop)
            }
            Payload::BudgetReached(reached) => {
                self.open("approval", BUDGET, self.turn, &format!("budget, for {}", reached.model))
            }
            Payload::BudgetResolved(resolved) => {
                self.close("approval", BUDGET, if resolved.allowed { "yes" } else { "no" }).map(drop)
            }
            Payload::ToolComplete(complete) => self.complete(complete.call.as_str(), &complete.end),
            Payload::TurnCompleted(end) => {
                self.asks = false;
                self.run(END_ALL, params![self.session, self.now, word(end.status)?]).map(drop)
            }
            Payload::SessionStarted(_)
            | Payload::MessageDelta(_)
            | Payload::MessageText(_)
            | Payload::ToolExecuting(_)
            | Payload::ToolOutput(_)
            | Payload::ContextCompacted(_)
            | Payload::Notice(_)
            | Payload::Error(_) => Ok(()),
        }
    }

    /// The model is asked for a summary. The request that waits for room begins when it goes out.
    pub(super) fn summarizing(&self) -> rusqlite::Result<()> {
        let model = self.model()?;
        self.open(MODEL, SUMMARY, self.turn, &model)
    }

    /// A request waits, or goes on.
    pub(super) fn wait(&self, why: Option<&str>) -> rusqlite::Result<()> {
        let Some(why) = why else { return self.close("wait", PAUSE, "done").map(drop) };
        let within = if self.is_open(SUMMARY)? { SUMMARY } else { MODEL };
        self.open("wait", PAUSE, Some(within), why)
    }

    fn is_open(&self, subject: &str) -> rusqlite::Result<bool> {
        self.change.prepare_cached(IS_OPEN)?.exists(params![self.session, subject])
    }

    fn summarized(&self, status: &str) -> rusqlite::Result<()> {
        if self.close(MODEL, SUMMARY, status)? {
            self.run(BEGIN_ANEW, params![self.session, self.now, MODEL])?;
        }
        Ok(())
    }

    fn model(&self) -> rusqlite::Result<String> {
        let mut select = self.change.prepare_cached("SELECT model FROM sessions WHERE id = ?1")?;
        Ok(select.query_row([self.session], |row| row.get(0)).optional()?.unwrap_or_default())
    }

    /// The batch is whole.
    pub(super) fn finish(self) -> rusqlite::Result<()> {
        match self.turn {
            Some(turn) if self.asks => {
                let model = self.model()?;
                self.open(MODEL, MODEL, Some(turn), &model)
            }
            _ => Ok(()),
        }
    }

    fn request(&mut self, request: &ToolRequest) -> rusqlite::Result<()> {
        let command = request.arguments.get("command").and_then(serde_json::Value::as_str);
        let detail = command.map_or_else(|| format!("{} {}", request.tool, request.arguments), str::to_owned);
        let call = request.call.as_str();
        self.open("tool", call, self.turn, &detail)?;
        self.requests += 1;
        if self.requests > 1 {
            self.open("wait", &waiting(call), Some(call), "for the calls before it")
        } else {
            Ok(())
        }
    }

    fn complete(&self, call: &str, end: &ToolEnd) -> rusqlite::Result<()> {
        let end = ended(end);
        let never_began = self.close("wait", &waiting(call), &end)?;
        self.close("tool", call, &end)?;
        if never_began {
            return Ok(());
        }
        self.run(NEXT_WAIT, params![self.session, self.now]).map(drop)
    }

    fn usage(&self, usage: &ModelUsage) -> rusqlite::Result<()> {
        let Usage { input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens } =
            usage.tokens;
        let count = |tokens: Option<u64>| tokens.map(|n| i64::try_from(n).unwrap_or(i64::MAX));
        let params = params![
            self.session,
            usage.model,
            count(input_tokens),
            count(output_tokens),
            count(cache_read_tokens),
            count(cache_write_tokens),
            count(reasoning_tokens),
            count(usage.cost_micros)
        ];
        self.run(COUNTED, params).map(drop)
    }

    /// What was open when the last process ended: the last event is the last that's known of it.
    fn close_cut(&self) -> rusqlite::Result<()> {
        self.run(CUT, params![self.session]).map(drop)
    }

    /// `within` names the span that the new one is a part of: a turn, or a call.
    fn open(&self, kind: &str, subject: &str, within: Option<&str>, detail: &str) -> rusqlite::Result<()> {
        let detail = line(detail, MAX_DETAIL);
        self.run(OPEN, params![self.session, within, kind, subject, detail, self.now]).map(drop)
    }

    /// Gives whether it was open.
    fn close(&self, kind: &str, subject: &str, status: &str) -> rusqlite::Result<bool> {
        self.run(CLOSE, params![self.session, kind, subject, self.now, status]).map(|changed| changed > 0)
    }

    fn run(&self, sql: &str, params: impl rusqlite::Params) -> rusqlite::Result<usize> {
        self.change.prepare_cached(sql)?.execute(params)
    }
}

/// The wait of a call; the call itself goes by its key.
fn waiting(call: &str) -> String {
    format!("{call} waits")
}

fn ended(end: &ToolEnd) -> String {
    match end {
        ToolEnd::Ran(ran) => match (ran.exit_code, ran.signal, &ran.lost) {
            (Some(code), ..) => format!("exit {code}"),
            (_, Some(signal), _) => format!("signal {signal}"),
            (.., Some(_)) => "lost".to_owned(),
            _ => "runs".to_owned(),
        },
        ToolEnd::Answered { .. } => "done".to_owned(),
        ToolEnd::Refused { .. } => "refused".to_owned(),
        ToolEnd::Failed { .. } => "failed".to_owned(),
        ToolEnd::Cancelled => "cancelled".to_owned(),
    }
}

fn resolution(resolution: &Resolution) -> &'static str {
    match resolution {
        Resolution::Person { answer: Answer::No } => "no",
        Resolution::Person { answer: Answer::Once | Answer::Session | Answer::Always } => "yes",
        Resolution::Person { answer: Answer::Changed } => "changed",
        Resolution::Timeout => "timeout",
        Resolution::Cancelled => "cancelled",
    }
}
