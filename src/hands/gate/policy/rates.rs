//! How often a session may act: the limits of its policy, counted over the last minute.

use super::file::{Limit, PolicyFile};
use pryx_terms::{Access, Plan, RuleRef, Ruling, SessionId, Verdict};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What the limits are per.
const WINDOW: Duration = Duration::from_secs(60);
/// Most sessions that are counted at once; the one that has been silent longest is forgotten first. Without an end the
/// table would grow with every session of a daemon that runs for months.
const MAX_SESSIONS: usize = 1000;

/// The calls of the last minute, by session.
#[derive(Debug, Clone, Default)]
pub(in crate::gate) struct Rates(Arc<Mutex<HashMap<Option<SessionId>, Seen>>>);

#[derive(Debug, Default)]
struct Seen {
    calls: VecDeque<Instant>,
    requests: VecDeque<Instant>,
    latest: Option<Instant>,
}

impl Rates {
    /// Counts a call. The ruling that forbids it, when there have been too many.
    pub fn count(&self, session: Option<&SessionId>, file: &PolicyFile, plan: &Plan, now: Instant) -> Option<Ruling> {
        if file.calls.is_none() && file.requests.is_none() {
            return None;
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MAX_SESSIONS {
            let oldest = all.iter().min_by_key(|(_, seen)| seen.latest).map(|(session, _)| session.clone());
            oldest.map(|session| all.remove(&session));
        }
        let seen = all.entry(session.cloned()).or_default();
        let contacts = |access: &Access| matches!(access, Access::Contact { .. });
        let requests = plan.tool == "http.request" || plan.touches.iter().any(contacts);
        let over = file.calls.and_then(|limit| over(&mut seen.calls, limit, now).map(|free| (limit, "calls", free)));
        let over = over.or_else(|| {
            let limit = file.requests.filter(|_| requests)?;
            over_requests(seen, limit, now)
        });
        if let Some((limit, what, free)) = over {
            let reason = format!(
                "more than {} {what} in a minute; the next is possible in {} s",
                limit.per_minute,
                free.as_secs().max(1)
            );
            let source = format!("{}:{}", file.path.display(), limit.line);
            let rule = RuleRef { name: "rate-limit".to_owned(), source };
            return Some(Ruling { verdict: Verdict::Deny, rule, reason });
        }
        // Refused calls are not counted: waiting a minute is always enough.
        seen.latest = Some(now);
        if file.calls.is_some() {
            seen.calls.push_back(now);
        }
        if requests && file.requests.is_some() {
            seen.requests.push_back(now);
        }
        None
    }
}

fn over_requests(seen: &mut Seen, limit: Limit, now: Instant) -> Option<(Limit, &'static str, Duration)> {
    over(&mut seen.requests, limit, now).map(|free| (limit, "requests", free))
}

/// How long until there is room, if there is none.
fn over(times: &mut VecDeque<Instant>, limit: Limit, now: Instant) -> Option<Duration> {
    while times.front().is_some_and(|time| now.duration_since(*time) >= WINDOW) {
        times.pop_front();
    }
    let full = times.len() >= usize::try_from(limit.per_minute).unwrap_or(usize::MAX);
    let oldest = times.front().filter(|_| full)?;
    Some(WINDOW.saturating_sub(now.duration_since(*oldest)))
}
