//! What fills a session's window, part by part: for a person who wonders where their tokens go.

use crate::context::{Fence, Surroundings, System};
use crate::message::{Message, Part, Role};
use crate::model::ModelSpec;
use crate::providers::Candidate;
use crate::store::{Resumed, Store, StoreError};
use crate::toolbox::Toolbox;
use crate::window::Window;
use pryx_terms::{SessionId, ToolSpec};
use rusqlite::OptionalExtension;
use serde::Serialize;
use std::sync::Arc;

/// Tokens of the next request of a session. All are guesses, corrected by what the provider counted last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fill {
    /// `provider/model`.
    pub model: String,
    /// Tokens that the model reads at once.
    pub window: u64,
    /// Whether that is known, not assumed.
    pub window_known: bool,
    /// The system prompt.
    pub system: u64,
    /// The tools that each request lists.
    pub tools: u64,
    /// What the person said and handed over, and digests of what is older.
    pub requests: u64,
    /// What the model said and asked for.
    pub answers: u64,
    /// What commands and other tools came to.
    pub results: u64,
    /// What is left, for the answer too.
    pub free: u64,
    /// Messages of the conversation as it is sent.
    pub messages: usize,
    /// Messages that were said; more than are sent, once room was made.
    pub messages_kept: u64,
    /// Tokens that the provider counted for the last request and its answer. Absent when it counted none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counted_last: Option<u64>,
}

/// Events that are looked at for the last count. A turn has a few hundred; one that printed without end behind its last
/// count would else be read as a whole before anything else is done.
const LOOKED_AT: u32 = 2_000;

impl Store {
    /// What fills the window of a session, for a model and the tools that the hands have.
    ///
    /// # Errors
    /// When the session isn't there or can't be read.
    pub fn fill(
        &self,
        session: &SessionId,
        model: &ModelSpec,
        candidate: Option<&Candidate>,
        at: &Surroundings,
        tools: Vec<ToolSpec>,
    ) -> Result<Fill, StoreError> {
        let Resumed { boundary, history, .. } = self.load(session)?;
        let fence = Arc::new(Fence::new(boundary.unwrap_or_default()));
        let system = System::new(at, &fence).text();
        let mut window = Window::of(candidate, model, &fence);
        let estimator = window.estimator().clone();
        let (system, tools) = (estimator.text(&system), estimator.tools(&Toolbox::new(tools, &estimator).listed()));
        window.set_fixed((system + tools).ceil() as u64);
        let (messages_kept, counted_last) = (self.said(session)?, self.counted(session, &model.to_string())?);
        // The last count was of a conversation without the answer to it.
        let asked = history.split_last().filter(|(last, _)| last.role == Role::Assistant);
        if let (Some(counted), Some((_, before))) = (counted_last, asked) {
            window.fill(before);
            window.counted(counted);
        }
        window.fill(&history);
        let shares = shares(&history, &window);
        let corrected = |raw: f64| window.estimator().corrected(raw);
        Ok(Fill {
            model: model.to_string(),
            window: window.size(),
            window_known: window.is_known(),
            system: corrected(system),
            tools: corrected(tools),
            requests: corrected(shares[0]),
            answers: corrected(shares[1]),
            results: corrected(shares[2]),
            free: window.size().saturating_sub(window.used()),
            messages: history.len(),
            messages_kept,
            counted_last,
        })
    }

    /// How many messages were said.
    fn said(&self, session: &SessionId) -> Result<u64, StoreError> {
        let said = "SELECT count(*) FROM messages WHERE session = ?1";
        let said: i64 = self.with(|connection| connection.query_row(said, [session.as_str()], |row| row.get(0)))?;
        Ok(u64::try_from(said).unwrap_or(0))
    }

    /// What the provider counted for the last request to a model, unless room was made or another was asked since.
    pub(crate) fn counted(&self, session: &SessionId, model: &str) -> Result<Option<u64>, StoreError> {
        let last = "SELECT coalesce(json_extract(event, '$.payload.input_tokens'), 0)
                + coalesce(json_extract(event, '$.payload.cache_read_tokens'), 0)
                + coalesce(json_extract(event, '$.payload.cache_write_tokens'), 0),
                coalesce(json_extract(event, '$.payload.model'), '')
            FROM (SELECT event, version FROM events WHERE session = ?1 ORDER BY version DESC LIMIT ?2)
            WHERE json_extract(event, '$.event') IN ('usage', 'context.compacted') ORDER BY version DESC LIMIT 1";
        let last = self.with(|connection| {
            let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?));
            connection.query_row(last, (session.as_str(), LOOKED_AT), row).optional()
        })?;
        let counted = last.filter(|(count, by)| *count > 0 && by == model);
        Ok(counted.and_then(|(count, _)| u64::try_from(count).ok()))
    }
}

/// Tokens of requests, answers and results, before any correction.
fn shares(history: &[Message], window: &Window) -> [f64; 3] {
    let mut shares = [0.0; 3];
    for message in history {
        let results = message.parts.iter().filter(|part| matches!(part, Part::ToolResult { .. }));
        let results: f64 = results.map(|part| window.estimator().part(part, window.fence())).sum();
        let rest = window.estimator().message(message, window.fence()) - results;
        shares[usize::from(message.role == Role::Assistant)] += rest;
        shares[2] += results;
    }
    shares
}
