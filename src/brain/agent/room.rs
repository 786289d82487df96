//! Room in the model's window, made before a request goes out: results are pruned, then the oldest part is summarized by
//! the model itself. A summary that fails costs its words, never the turn.

use super::telling::{notice, report};
use super::{Agent, Effect, Failure, Input, State, TOO_LONG, Turn, ask, finish, stop_status};
use crate::compact::{Rewrite, apply, border, digest, prune, squeeze, transcript};
use crate::event::{ContextCompacted, ModelUsage, Payload, Status, TurnStarted};
use crate::message::ModelAnswer;
use crate::window::Filling;
use pryx_terms::{TurnId, Usage};
use std::sync::Arc;

/// Summaries in a row. Each makes the conversation smaller; one that is still too long after these is squeezed.
const MAX_ROUNDS: u32 = 6;

/// Requests of one turn that a provider may find too long. Each time room is made; more often it is no matter of room.
pub(super) const MAX_OVERFLOWS: u32 = 3;

/// Pruning is enough when the window is filled no more than this, in percent.
const ENOUGH: u64 = 75;

/// Most tokens of a summary: what a model still reads with care.
const SUMMARY: u64 = 1_500;

/// The code of the notice that there is no summary.
pub(crate) const SUMMARY_FAILED: &str = "summary_failed";

/// Room in the making.
#[derive(Debug)]
pub(super) struct Making {
    /// Messages that the summary under way is to stand for.
    border: usize,
    before: u64,
    trimmed: u32,
    summarized: u32,
    rounds: u32,
    next: Next,
}

/// What is done when there is room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The model is asked what it was to be asked.
    Ask,
    /// The turn is over: room was all that the person wanted.
    End,
}

impl Agent {
    /// The person wants room, and nothing else.
    pub(super) fn compact(&mut self, id: TurnId, request: String, out: &mut Vec<Effect>) -> State {
        out.push(Effect::Emit(Payload::TurnStarted(TurnStarted { turn: id.clone(), request })));
        self.make_room(Turn::new(id), Next::End, out)
    }

    /// A request is about to go out, with so many tokens besides the conversation.
    pub(super) fn fills(&mut self, turn: Turn, fixed: u64, out: &mut Vec<Effect>) -> State {
        self.window.set_fixed(fixed);
        let (filling, used) = self.window.filling(fixed);
        if filling != Filling::Fine {
            let (percent, size) = (self.window.percent(), self.window.size());
            let about = if self.window.is_known() { "" } else { "about " };
            let words =
                format!("the conversation fills {percent} % of what the model reads ({used} of {about}{size} tokens)");
            notice("context_fills", words, out);
            self.window.noticed();
        }
        if filling == Filling::Full {
            return self.make_room(turn, Next::Ask, out);
        }
        let may_act = turn.may_act;
        ask(turn, may_act, out)
    }

    /// The provider found a request too long that should have fitted.
    pub(super) fn overflowed(&mut self, mut turn: Turn, out: &mut Vec<Effect>) -> State {
        turn.overflows += 1;
        self.window.overflowed();
        notice("context_overflow", "the request was too long for the model: making room in it".to_owned(), out);
        self.make_room(turn, Next::Ask, out)
    }

    fn make_room(&mut self, turn: Turn, next: Next, out: &mut Vec<Effect>) -> State {
        let before = self.window.used();
        self.prune(turn, Making { border: 0, before, trimmed: 0, summarized: 0, rounds: 0, next }, out)
    }

    fn prune(&mut self, turn: Turn, mut making: Making, out: &mut Vec<Effect>) -> State {
        let target = making.target(self.window.target());
        let rewrites = prune(&self.history, &self.window, target);
        making.trimmed += self.rewrite(rewrites, out);
        let enough = making.next != Next::End && self.window.percent() <= ENOUGH;
        if enough || making.rounds >= MAX_ROUNDS {
            return self.room_made(turn, making, out);
        }
        let Some(border) = border(&self.history, &self.window, target) else {
            return self.room_made(turn, making, out);
        };
        let first = self.history.get(..border).unwrap_or_default();
        let most = SUMMARY.min(self.window.size() / 16);
        out.push(Effect::Summarize { transcript: transcript(first, self.window.fence()), most });
        State::Summarizing(turn, Making { border, ..making })
    }

    pub(super) fn summarizing(&mut self, mut turn: Turn, making: Making, input: Input, out: &mut Vec<Effect>) -> State {
        match input {
            Input::ModelFinished(answer) => {
                self.count(&mut turn, &answer, out);
                self.summarized(turn, making, &answer.text(), out)
            }
            input @ (Input::BudgetReached(_) | Input::Spend(_)) => {
                turn.spending(input, out);
                State::Summarizing(turn, making)
            }
            Input::ModelFailed(failure) => {
                notice(SUMMARY_FAILED, format!("{}: going on without a summary", failure.message), out);
                self.summarized(turn, making, "", out)
            }
            Input::ProviderWaits(why) => {
                out.push(Effect::Wait(why));
                State::Summarizing(turn, making)
            }
            Input::ProviderNotice { code, message } => {
                notice(code, message, out);
                State::Summarizing(turn, making)
            }
            Input::Cancel | Input::TimeUp => {
                out.push(Effect::StopModel);
                let status = stop_status(&input, out);
                finish(turn, status, out)
            }
            _ => State::Summarizing(turn, making),
        }
    }

    fn summarized(&mut self, turn: Turn, mut making: Making, summary: &str, out: &mut Vec<Effect>) -> State {
        let first = self.history.get(..making.border).unwrap_or_default();
        let Some(parts) = digest(first, summary, &self.window) else {
            return self.room_made(turn, making, out);
        };
        let mut rewrites = vec![Rewrite { at: 0, parts: Some(parts) }];
        rewrites.extend((1..making.border).map(|at| Rewrite { at, parts: None }));
        making.summarized += self.rewrite(rewrites, out);
        making.rounds += 1;
        // Once is enough for a person who asked for room.
        let enough = making.next == Next::End || self.window.percent() <= ENOUGH;
        if enough { self.room_made(turn, making, out) } else { self.prune(turn, making, out) }
    }

    fn room_made(&mut self, turn: Turn, mut making: Making, out: &mut Vec<Effect>) -> State {
        if self.window.used() >= self.window.full() {
            let rewrites = squeeze(&self.history, &self.window, self.window.target());
            let squeezed = self.rewrite(rewrites, out);
            if squeezed > 0 {
                let words = "what came last was too long for the model: the middle of it was left out".to_owned();
                notice("context_squeezed", words, out);
            }
            making.trimmed += squeezed;
        }
        let (after, window) = (self.window.used(), self.window.size());
        if making.trimmed + making.summarized > 0 {
            let Making { before, trimmed, summarized, .. } = making;
            let compacted = ContextCompacted { before, after, window, trimmed, summarized };
            out.push(Effect::Emit(Payload::ContextCompacted(compacted)));
        } else if making.next == Next::End {
            notice("nothing_to_compact", "there is nothing to make smaller yet".to_owned(), out);
        }
        self.window.room_made();
        match making.next {
            Next::End => finish(turn, Status::Done, out),
            Next::Ask if after >= window => {
                let message = format!("the request has {after} tokens, and the model reads {window}");
                let hint = Some("begin a new session, or choose a model that reads more with --model".to_owned());
                report(Failure { code: TOO_LONG.to_owned(), message, hint }, out);
                finish(turn, Status::ProviderError, out)
            }
            Next::Ask => {
                let may_act = turn.may_act;
                ask(turn, may_act, out)
            }
        }
    }

    /// Changes the conversation; gives how many messages changed.
    fn rewrite(&mut self, rewrites: Vec<Rewrite>, out: &mut Vec<Effect>) -> u32 {
        if rewrites.is_empty() {
            return 0;
        }
        let count = u32::try_from(rewrites.len()).unwrap_or(u32::MAX);
        let history = std::mem::take(Arc::make_mut(&mut self.history));
        self.history = Arc::new(apply(history, &rewrites));
        self.window.rewritten(&rewrites, &self.history);
        out.push(Effect::Rewrite(rewrites));
        count
    }

    /// Corrects guesses by what the provider counted of the request that was just answered.
    pub(super) fn learn(&mut self, answer: &ModelAnswer) {
        // Another model may count otherwise.
        if answer.model.as_ref().is_none_or(|by| by.name == self.model) {
            let Usage { input_tokens, cache_read_tokens, cache_write_tokens, .. } = answer.usage;
            let counts = [input_tokens, cache_read_tokens, cache_write_tokens];
            self.window.counted(counts.into_iter().flatten().fold(0, u64::saturating_add));
        }
    }

    /// Tells what a call of the model took.
    pub(super) fn count(&self, turn: &mut Turn, answer: &ModelAnswer, out: &mut Vec<Effect>) {
        turn.usage.add(&answer.usage);
        // A call that nobody counted is one whose cost nobody knows, and is told so.
        if answer.model.is_some() || answer.usage != Usage::default() {
            let (name, cost_micros) = answer.model.clone().map_or((None, None), |by| (Some(by.name), by.cost_micros));
            let model = name.unwrap_or_else(|| self.model.clone());
            out.push(Effect::Emit(Payload::ModelUsage(ModelUsage { model, tokens: answer.usage, cost_micros })));
        }
    }
}

impl Making {
    fn target(&self, usual: u64) -> u64 {
        if self.next == Next::End { 0 } else { usual }
    }
}
