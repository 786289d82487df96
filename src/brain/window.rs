//! How full a model's window is: what every request sends besides the conversation, and each message of it. The numbers
//! are guesses that what the provider counts corrects.

use crate::catalog::ModelInfo;
use crate::compact::Rewrite;
use crate::context::Fence;
use crate::message::{Api, Message, Role};
use crate::model::{Limits, ModelSpec};
use crate::providers::Candidate;
use crate::tokens::Estimator;
use std::sync::Arc;

/// Where nobody knows how much a model reads, it's taken for so much: nearly every hosted model reads more. One that
/// reads less says so, and the request is made smaller then.
const ASSUMED: u64 = 128_000;

/// The least that a window is taken for, whatever is said or learned about it: with less, not even the tools fit.
const LEAST: u64 = 4_096;

/// From here on the person is told, in percent.
const NOTICE: u64 = 80;

/// From here on room is made, in percent. What is left is for the answer.
const FULL: u64 = 90;

/// What is made room for, in percent: room is then made seldom, and a provider's cache holds long in between.
const TARGET: u64 = 60;

/// A model's window in one session.
#[derive(Debug, Clone)]
pub(crate) struct Window {
    estimator: Estimator,
    fence: Arc<Fence>,
    size: u64,
    known: bool,
    /// Of the system prompt and the tools, before any correction. Nothing until the tools are known.
    fixed: f64,
    /// Of each message, before any correction.
    messages: Vec<f64>,
    /// Their sum.
    sum: f64,
    /// What the provider counted for the last request of the process before, and the conversation of that request
    /// before any correction: a first guess is then as good as the ones after it.
    past: Option<(f64, u64)>,
    noticed: bool,
    /// Room was made and nothing came since: more can't be had.
    settled: bool,
}

/// What has to be done before a request goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Filling {
    /// Nothing.
    Fine,
    /// The person is to be told that it fills up.
    Notice,
    /// Room has to be made.
    Full,
}

impl Window {
    /// An empty one.
    pub(crate) fn new(api: Option<Api>, model: &str, info: &ModelInfo, limits: Limits, fence: Arc<Fence>) -> Self {
        let input = info.input.map(|input| input.saturating_mul(100) / FULL);
        let size = limits.context.map(u64::from).or(info.context);
        // What a request may have is the tighter limit with some models.
        let known = size.into_iter().chain(input).min();
        Self {
            estimator: Estimator::new(api, model),
            fence,
            size: known.unwrap_or(ASSUMED).max(LEAST),
            known: known.is_some(),
            fixed: 0.0,
            messages: Vec::new(),
            sum: 0.0,
            past: None,
            noticed: false,
            settled: false,
        }
    }

    /// That of a model, as its provider is reached.
    pub(crate) fn of(candidate: Option<&Candidate>, model: &ModelSpec, fence: &Arc<Fence>) -> Self {
        let (api, limits) =
            candidate.map_or((None, Limits::default()), |found| (Some(found.provider.api), found.provider.limits));
        let info = candidate.map(|found| found.info.clone()).unwrap_or_default();
        Self::new(api, &model.model, &info, limits, Arc::clone(fence))
    }

    /// Tokens that the model reads at once.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Whether that is known, not assumed.
    pub(crate) fn is_known(&self) -> bool {
        self.known
    }

    pub(crate) fn estimator(&self) -> &Estimator {
        &self.estimator
    }

    pub(crate) fn fence(&self) -> &Fence {
        &self.fence
    }

    /// Takes in the next message.
    pub(crate) fn push(&mut self, message: &Message) {
        let guessed = self.estimator.message(message, &self.fence);
        self.messages.push(guessed);
        self.sum += guessed;
        self.settled = false;
    }

    /// Takes in a conversation that was changed.
    pub(crate) fn fill(&mut self, history: &[Message]) {
        self.messages.clear();
        self.sum = 0.0;
        history.iter().for_each(|message| self.push(message));
    }

    /// Takes in changes to the conversation, which is `history` by now. What stayed is not looked at again.
    pub(crate) fn rewritten(&mut self, rewrites: &[Rewrite], history: &[Message]) {
        let mut kept = Vec::with_capacity(history.len());
        let mut rewrites = rewrites.iter().peekable();
        for (at, guessed) in self.messages.iter().enumerate() {
            match rewrites.next_if(|rewrite| rewrite.at == at) {
                Some(Rewrite { parts: None, .. }) => {}
                Some(Rewrite { parts: Some(_), .. }) => {
                    kept.push(history.get(kept.len()).map_or(0.0, |now| self.estimator.message(now, &self.fence)));
                }
                None => kept.push(*guessed),
            }
        }
        self.sum = kept.iter().sum();
        self.messages = kept;
        self.settled = false;
    }

    /// Says what each request sends besides the conversation, before any correction.
    pub(crate) fn set_fixed(&mut self, fixed: u64) {
        self.fixed = fixed as f64;
        if let Some((sum, counted)) = self.past.take() {
            self.estimator.correct(self.fixed + sum, counted);
        }
    }

    /// Learns what was counted for the last request of a conversation by a process before.
    pub(crate) fn remember(&mut self, history: &[Message], counted: u64) {
        // The last count was of the conversation before the last answer.
        let asked = history.iter().rposition(|message| message.role == Role::Assistant);
        let before = asked.and_then(|at| self.messages.get(..at));
        self.past = before.map(|before| (before.iter().sum(), counted));
    }

    /// Tokens of a request as things are.
    pub(crate) fn used(&self) -> u64 {
        self.with_fixed(self.fixed)
    }

    /// The same before any correction.
    pub(crate) fn raw(&self) -> f64 {
        self.fixed + self.sum
    }

    fn with_fixed(&self, fixed: f64) -> u64 {
        let mut estimator = self.estimator.clone();
        if let Some((sum, counted)) = self.past {
            estimator.correct(fixed + sum, counted);
        }
        estimator.corrected(fixed + self.sum)
    }

    /// Tokens of one message.
    pub(crate) fn message(&self, at: usize) -> u64 {
        self.messages.get(at).map_or(0, |guessed| self.estimator.corrected(*guessed))
    }

    /// What to do before a request with so much besides the conversation, and its tokens.
    pub(crate) fn filling(&self, fixed: u64) -> (Filling, u64) {
        let used = self.with_fixed(fixed as f64);
        let percent = used.saturating_mul(100) / self.size;
        let filling = match percent {
            _ if self.settled => Filling::Fine,
            FULL.. => Filling::Full,
            NOTICE.. if !self.noticed => Filling::Notice,
            _ => Filling::Fine,
        };
        (filling, used)
    }

    /// Percent of the window that is used.
    pub(crate) fn percent(&self) -> u64 {
        self.used().saturating_mul(100) / self.size
    }

    /// Remembers that the person was told, until there is room again.
    pub(crate) fn noticed(&mut self) {
        self.noticed = true;
    }

    /// Remembers that all was done for room that could be done.
    pub(crate) fn room_made(&mut self) {
        self.settled = true;
        self.noticed = self.percent() >= NOTICE;
    }

    /// Tokens of a request that room is made for.
    pub(crate) fn target(&self) -> u64 {
        self.size * TARGET / 100
    }

    /// Tokens from which on a request doesn't go out.
    pub(crate) fn full(&self) -> u64 {
        self.size * FULL / 100
    }

    /// Learns from what the provider counted for the request as things are now.
    pub(crate) fn counted(&mut self, tokens: u64) {
        self.estimator.correct(self.fixed + self.sum, tokens);
    }

    /// Learns that a request didn't fit: the window is smaller than assumed, or guesses are too low.
    pub(crate) fn overflowed(&mut self) {
        self.size = self.size.min(self.used().saturating_mul(FULL) / 100).max(LEAST);
    }
}
