//! What was said and done in a session, in order, cleaned for reading.

use super::{Session, by_id, parsed};
use crate::clean::clean;
use crate::context::{excerpt, refusal_words};
use crate::message::{Message, Part, Role};
use crate::store::{Store, StoreError, json, tell_apart};
use pryx_terms::{JobRecord, JobState, SessionId, Timestamp, ToolResult, redact, redact_json};
use rusqlite::{Connection, Row};
use serde::Serialize;

/// A whole session.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Transcript {
    /// Which.
    pub session: Session,
    /// Its messages, as they were kept.
    messages: Vec<Said>,
}

/// One message, with when it was said.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Said {
    at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    turn: Option<String>,
    #[serde(flatten)]
    message: Message,
}

/// One thing that was said or done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: Kind,
}

/// What can be said or done. Texts hold no control characters but line feeds and tabs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A person's words.
    Request(String),
    /// Something that was handed over with them.
    Handed {
        /// Where it came from.
        label: String,
        /// What it was.
        text: String,
    },
    /// A picture that was handed over with them.
    Picture {
        /// What it is ("image/png").
        media_type: String,
        /// How large.
        bytes: usize,
    },
    /// The model's words.
    Answer(String),
    /// An act.
    Act {
        /// The tool.
        tool: String,
        /// The command, or the arguments.
        what: String,
        /// What it came to, in words. Absent when the session was cut off before.
        outcome: Option<String>,
        /// What it printed, as far as the model saw it.
        output: String,
    },
}

impl Store {
    /// Everything that was said in a session.
    ///
    /// # Errors
    /// When there is none of that name, or it can't be read.
    pub fn transcript(&self, id: &SessionId) -> Result<Transcript, StoreError> {
        let found = self.with(|connection| {
            let change = connection.transaction()?;
            let Some(session) = by_id(&change, id.as_str())? else { return Ok(None) };
            Ok(Some(Transcript { messages: messages(&change, id.as_str())?, session }))
        })?;
        found.ok_or_else(|| StoreError::NoSession { wanted: id.to_string() })
    }
}

fn messages(connection: &Connection, session: &str) -> rusqlite::Result<Vec<Said>> {
    let sql = "SELECT at, turn, role, content FROM messages WHERE session = ?1 ORDER BY id";
    let said = |row: &Row<'_>| {
        let role = if row.get_ref(2)?.as_str()? == "assistant" { Role::Assistant } else { Role::User };
        Ok(Said { at: parsed(row, 0)?, turn: row.get(1)?, message: Message { role, parts: json(row, 3)? } })
    };
    let mut messages: Vec<Said> = connection.prepare(sql)?.query_map([session], said)?.collect::<Result<_, _>>()?;
    tell_apart(messages.iter_mut().map(|said| &mut said.message));
    Ok(messages)
}

impl Transcript {
    /// The same for other eyes: without keys, passwords, addresses. Pictures stay; nothing looks into them.
    #[must_use]
    pub fn redacted(mut self) -> Self {
        self.session.title = redact(&self.session.title).into_owned();
        for Said { message, .. } in &mut self.messages {
            message.redact();
            for part in &mut message.parts {
                // Nobody gives these back to their provider from here.
                if let Part::Opaque { block, .. } = part {
                    redact_json(block);
                }
            }
        }
        self
    }

    /// The entries, in order.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        for (said, next) in self.messages.iter().zip(self.messages.iter().skip(1).map(Some).chain([None])) {
            let kinds = said.message.parts.iter().filter_map(|part| kind(part, said.message.role, next));
            entries.extend(kinds.map(|kind| Entry { at: said.at, kind }));
        }
        entries
    }
}

fn kind(part: &Part, role: Role, next: Option<&Said>) -> Option<Kind> {
    match part {
        Part::Text { text } if role == Role::User => Some(Kind::Request(clean(text))),
        Part::Text { text } => Some(Kind::Answer(clean(text))),
        Part::Data { label, text } => Some(Kind::Handed { label: clean(label), text: clean(text) }),
        Part::ToolCall(call) => {
            let what = match call.arguments.get("command").and_then(serde_json::Value::as_str) {
                Some(command) => command.to_owned(),
                None => call.arguments.to_string(),
            };
            let results = next.into_iter().flat_map(|said| &said.message.parts);
            let result = results.into_iter().find_map(|part| match part {
                Part::ToolResult { id, result } if *id == call.id => Some(result),
                _ => None,
            });
            let (outcome, output) = result.map(outcome).unzip();
            let output = clean(&output.unwrap_or_default());
            Some(Kind::Act { tool: clean(&call.tool), what: clean(&what), outcome: outcome.map(|o| clean(&o)), output })
        }
        Part::Image(image) => Some(Kind::Picture { media_type: image.media_type().to_owned(), bytes: image.size() }),
        // Told with its call; words to the model alone; reasoning that only a provider can read.
        Part::ToolResult { .. } | Part::Note { .. } | Part::Opaque { .. } => None,
    }
}

fn outcome(result: &ToolResult) -> (String, String) {
    match result {
        ToolResult::Ran { job, output } => (ended(job), excerpt(output)),
        ToolResult::Waits { output, activity, .. } => (activity.to_string(), excerpt(output)),
        ToolResult::Text { text } => ("answered".to_owned(), text.clone()),
        ToolResult::Refused { refusal, ruling } => {
            (format!("not run: {} (rule {})", refusal_words(refusal), ruling.rule.name), String::new())
        }
        ToolResult::Failed { message } => (format!("failed: {message}"), String::new()),
    }
}

fn ended(job: &JobRecord) -> String {
    match &job.state {
        JobState::Running { .. } => "still running".to_owned(),
        JobState::Ended { outcome, .. } => outcome.to_string(),
    }
}
