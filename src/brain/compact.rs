//! Room in a conversation that fills a model's window. Old results are trimmed, then left out; then the oldest part becomes
//! a digest. Pure functions of the conversation: what comes out is never larger than what went in, and no call is parted
//! from its result.

mod digest;
#[cfg(test)]
mod tests;
mod trim;

pub(crate) use digest::{digest, transcript};

use crate::message::{Message, Part, Role};
use crate::window::Window;
use trim::{is_memory, leave_out, shorten};

/// The last messages of the model that are left alone, with all that stands between and behind them: what it works
/// with now.
const LEFT_ALONE: usize = 3;

/// Bytes that a trimmed result keeps: enough to know what it was, and how it ended.
const KEEP: usize = 2_000;

/// The most that one request to summarize carries, in percent of the window: the rest is for the words around it, for the
/// answer, and for guesses that were too low.
const AT_ONCE: u64 = 60;

/// Fewer tokens than this aren't worth a digest.
const WORTH_IT: u64 = 500;

/// A change to a conversation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rewrite {
    /// The message, by its place before any of the changes that come with it.
    pub(crate) at: usize,
    /// What stands there from now on; nothing when the message isn't sent any more.
    pub(crate) parts: Option<Vec<Part>>,
}

/// Carries out changes.
pub(crate) fn apply(history: Vec<Message>, rewrites: &[Rewrite]) -> Vec<Message> {
    let mut rewrites = rewrites.iter().peekable();
    let mut kept = Vec::with_capacity(history.len());
    for (at, message) in history.into_iter().enumerate() {
        match rewrites.next_if(|rewrite| rewrite.at == at) {
            Some(Rewrite { parts: Some(parts), .. }) => kept.push(Message { role: message.role, parts: parts.clone() }),
            Some(Rewrite { parts: None, .. }) => {}
            None => kept.push(message),
        }
    }
    kept
}

/// Where the part begins that is left alone.
fn tail(history: &[Message]) -> usize {
    let assistants = history.iter().enumerate().rev().filter(|(_, message)| message.role == Role::Assistant);
    assistants.map(|(at, _)| at).nth(LEFT_ALONE - 1).unwrap_or(0)
}

/// Trims old results, then leaves them out, the oldest first, until a request has so many tokens.
pub(crate) fn prune(history: &[Message], window: &Window, target: u64) -> Vec<Rewrite> {
    let mut work = Work::new(history, window);
    let old = 0..tail(history);
    for at in old.clone() {
        work.change(at, target, |part| if is_memory(part) { None } else { shorten(part, KEEP) });
    }
    for at in old {
        work.change(at, target, |part| if is_memory(part) { None } else { leave_out(part) });
    }
    work.rewrites()
}

/// The last resort: what was left alone is trimmed too, the largest message first, and a request that no model could read
/// loses its middle.
pub(crate) fn squeeze(history: &[Message], window: &Window, target: u64) -> Vec<Rewrite> {
    let mut work = Work::new(history, window);
    let mut places: Vec<usize> = (0..history.len()).collect();
    places.sort_by_key(|at| std::cmp::Reverse(window.message(*at)));
    for at in &places {
        work.change(*at, target, |part| shorten(part, KEEP));
    }
    for at in &places {
        work.change(*at, target, |part| if is_memory(part) { None } else { leave_out(part) });
    }
    // Half of what is too much goes at a time, so that as much as possible stays.
    for _ in 0..8 {
        for at in &places {
            work.change(*at, target, trim::halve_request);
        }
    }
    work.rewrites()
}

/// Where the part ends that a digest takes the place of: before a message of the model or a new request, so that calls
/// and results stay together. Nothing when it wouldn't help.
pub(crate) fn border(history: &[Message], window: &Window, target: u64) -> Option<usize> {
    let most = window.size() * AT_ONCE / 100;
    let too_much = window.used().saturating_sub(target);
    let (mut taken, mut best) = (0, None);
    for (at, message) in history.iter().enumerate().take(tail(history) + 1) {
        if at > 0 && starts_anew(message) && taken > WORTH_IT {
            if taken > most && best.is_some() {
                break;
            }
            best = Some(at);
            // The digest itself takes some of it again.
            if taken > too_much + too_much / 4 {
                break;
            }
        }
        taken += window.message(at);
    }
    best
}

fn starts_anew(message: &Message) -> bool {
    message.role == Role::Assistant || !message.parts.iter().any(|part| matches!(part, Part::ToolResult { .. }))
}

/// A conversation under change.
struct Work<'a> {
    window: &'a Window,
    history: &'a [Message],
    changed: Vec<Option<Vec<Part>>>,
    /// Tokens of a request as it is by now, before any correction.
    used: f64,
}

impl<'a> Work<'a> {
    fn new(history: &'a [Message], window: &'a Window) -> Self {
        Self { window, history, changed: vec![None; history.len()], used: window.raw() }
    }

    /// Changes the parts of a message that can be made smaller, until the target is reached.
    fn change(&mut self, at: usize, target: u64, smaller: impl Fn(&Part) -> Option<Part>) {
        let (estimator, fence) = (self.window.estimator(), self.window.fence());
        if self.history.get(at).is_none_or(|message| message.role == Role::Assistant) {
            return;
        }
        let Some(parts) = self.history.get(at).map(|message| message.parts.len()) else { return };
        for place in 0..parts {
            if estimator.corrected(self.used) <= target {
                return;
            }
            let Some(part) = self.parts(at).get(place) else { return };
            let Some(next) = smaller(part) else { continue };
            let saved = estimator.part(part, fence) - estimator.part(&next, fence);
            if saved > 0.0 {
                self.used -= saved;
                let mut parts = self.parts(at).to_vec();
                if let Some(part) = parts.get_mut(place) {
                    *part = next;
                }
                if let Some(changed) = self.changed.get_mut(at) {
                    *changed = Some(parts);
                }
            }
        }
    }

    fn parts(&self, at: usize) -> &[Part] {
        let changed = self.changed.get(at).and_then(Option::as_deref);
        changed.or_else(|| self.history.get(at).map(|message| message.parts.as_slice())).unwrap_or_default()
    }

    fn rewrites(self) -> Vec<Rewrite> {
        let changed = self.changed.into_iter().enumerate();
        changed.filter_map(|(at, parts)| Some(Rewrite { at, parts: Some(parts?) })).collect()
    }
}
