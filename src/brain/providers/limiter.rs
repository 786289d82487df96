//! The user's own limits for a provider: requests and tokens in a minute, over all processes. A request takes its part in
//! advance and waits until it is there: who comes first goes first, and nobody holds anything while they wait.

use crate::model::Limits;
use crate::store::{Left, Store};
use pryx_terms::Timestamp;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The part of a minute's allowance that may be used at once. More would let two minutes' worth through around the
/// turn of a minute, less would hold up the steps of one turn.
const AT_ONCE: f64 = 1.0 / 6.0;

/// The limits of one provider.
#[derive(Debug)]
pub(super) struct Limiter {
    provider: String,
    limits: Limits,
    /// Where it's kept for all processes.
    store: Mutex<Option<Arc<Store>>>,
    /// What is left, without a store.
    left: Mutex<Option<Left>>,
}

/// A request's part of the allowance. One that never goes out gives it back.
#[derive(Debug)]
pub(super) struct Place {
    limiter: Arc<Limiter>,
    tokens: u64,
    wait: Duration,
    used: bool,
}

impl Limiter {
    pub(super) fn new(provider: &str, limits: Limits) -> Self {
        Self { provider: provider.to_owned(), limits, store: Mutex::default(), left: Mutex::default() }
    }

    /// Keeps what is left where other processes find it.
    pub(super) fn keep_in(&self, store: &Arc<Store>) {
        *self.store.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(store));
    }

    /// Takes the part of a request of about so many tokens.
    pub(super) fn enter(self: &Arc<Self>, tokens: u64) -> Place {
        let wait = if self.is_limited() { self.change(|left| self.take(left, tokens)) } else { Duration::ZERO };
        Place { limiter: Arc::clone(self), tokens, wait, used: !self.is_limited() }
    }

    /// Corrects the estimate by what the provider counted.
    pub(super) fn settle(&self, estimated: u64, counted: u64) {
        if self.is_limited() {
            self.change(|left| left.tokens += as_f64(estimated) - as_f64(counted));
        }
    }

    fn is_limited(&self) -> bool {
        self.limits.requests_per_minute.is_some() || self.limits.tokens_per_minute.is_some()
    }

    /// How long a request waits that takes its part now.
    fn take(&self, left: &mut Left, tokens: u64) -> Duration {
        let Limits { requests_per_minute, tokens_per_minute, .. } = self.limits;
        let mut longest = 0.0_f64;
        for (limit, level, cost) in
            [(requests_per_minute, &mut left.requests, 1.0), (tokens_per_minute, &mut left.tokens, as_f64(tokens))]
        {
            if let Some(limit) = limit {
                // One that is larger than the allowance ever gets goes out when it's full; the next waits for all of it.
                longest = longest.max((cost.min(most(limit)) - *level) / per_second(limit));
                *level -= cost;
            }
        }
        Duration::try_from_secs_f64(longest).unwrap_or_default()
    }

    /// Changes what is left, after it has filled up. Limits are for the provider's sake: where they can't be kept, nobody waits.
    fn change<T: Default>(&self, change: impl FnOnce(&mut Left) -> T) -> T {
        let filled = |left: Option<Left>, now: i64| {
            let mut left = self.filled(left, now);
            let answer = change(&mut left);
            (left, answer)
        };
        let store = self.store.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(store) = store {
            return store.pace(&self.provider, filled).unwrap_or_default();
        }
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let (now, answer) = filled(*left, Timestamp::now().as_microsecond());
        *left = Some(now);
        answer
    }

    fn filled(&self, left: Option<Left>, now: i64) -> Left {
        let Limits { requests_per_minute, tokens_per_minute, .. } = self.limits;
        // A clock that was set back fills nothing.
        let passed = left.map_or(0, |left| now.saturating_sub(left.at).max(0));
        let passed = Duration::from_micros(u64::try_from(passed).unwrap_or(0)).as_secs_f64();
        let fill = |limit: Option<u32>, level: Option<f64>| {
            limit.map_or(0.0, |limit| {
                level.map_or(most(limit), |level| (level + passed * per_second(limit)).min(most(limit)))
            })
        };
        Left {
            requests: fill(requests_per_minute, left.map(|left| left.requests)),
            tokens: fill(tokens_per_minute, left.map(|left| left.tokens)),
            at: now,
        }
    }
}

impl Place {
    /// How long until it's this request's turn.
    pub(super) fn wait(&self) -> Duration {
        self.wait
    }

    /// The request goes out now.
    pub(super) fn use_it(mut self) {
        self.used = true;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.used {
            let tokens = as_f64(self.tokens);
            self.limiter.change(|left| {
                left.requests += 1.0;
                left.tokens += tokens;
            });
        }
    }
}

fn per_second(per_minute: u32) -> f64 {
    f64::from(per_minute) / 60.0
}

fn most(per_minute: u32) -> f64 {
    (f64::from(per_minute) * AT_ONCE).max(1.0)
}

/// Counts of tokens are far below what a float holds exactly.
fn as_f64(count: u64) -> f64 {
    u32::try_from(count).map_or(f64::from(u32::MAX), f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    fn limiter(requests: Option<u32>, tokens: Option<u32>) -> Arc<Limiter> {
        let limits = Limits { requests_per_minute: requests, tokens_per_minute: tokens, context: None };
        Arc::new(Limiter::new("p", limits))
    }

    /// Takes a part at a time, and says how long to wait, in seconds.
    fn take(limiter: &Limiter, left: &mut Option<Left>, now: i64, tokens: u64) -> f64 {
        let mut filled = limiter.filled(*left, now);
        let wait = limiter.take(&mut filled, tokens);
        *left = Some(filled);
        (wait.as_secs_f64() * 1000.0).round() / 1000.0
    }

    #[test]
    fn an_allowance_fills_up_and_can_be_overdrawn_once() {
        let limiter = limiter(None, Some(600));
        let mut left = None;
        assert_eq!(take(&limiter, &mut left, 0, 100), 0.0);
        assert_eq!(take(&limiter, &mut left, 0, 1), 0.1);
        assert_eq!(take(&limiter, &mut left, 5 * SECOND, 49), 0.0);
        assert_eq!(take(&limiter, &mut left, 5 * SECOND, 10), 1.0);
        // Larger than it ever gets: goes out when it is full, and the next one waits for all of it.
        assert_eq!(take(&limiter, &mut left, 500 * SECOND, 700), 0.0);
        assert_eq!(take(&limiter, &mut left, 500 * SECOND, 10), 61.0);
        // A clock that is set back lets nobody through.
        assert_eq!(take(&limiter, &mut left, 400 * SECOND, 10), 62.0);
    }

    #[test]
    fn in_any_minute_no_more_than_a_sixth_above_the_limit() {
        let limiter = limiter(Some(30), None);
        let (mut now, mut left, mut sent) = (0, None, Vec::new());
        while now < 300 * SECOND {
            now += (take(&limiter, &mut left, now, 0) * 1e6).ceil() as i64;
            sent.push(now);
        }
        let within = |from: &i64| sent.iter().filter(|at| *at >= from && **at < *from + 60 * SECOND).count();
        assert!(sent.iter().map(within).max().unwrap() <= 36, "{sent:?}");
        assert!(sent.len() >= 150);
    }

    #[test]
    fn who_comes_first_goes_first_whichever_process_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let process = || {
            let limiter = limiter(None, Some(60_000));
            limiter.keep_in(&Arc::new(Store::open(&dir.path().join("brain.db")).unwrap()));
            limiter
        };
        let (first, second) = (process(), process());
        first.enter(10_000).use_it();
        let waits: Vec<Duration> = [(&second, 5_000), (&first, 5_000), (&second, 5_000), (&first, 1)]
            .map(|(process, tokens)| {
                let place = process.enter(tokens);
                let wait = place.wait();
                place.use_it();
                wait
            })
            .to_vec();
        // The last is smaller than the others and still waits its turn.
        assert!(waits.windows(2).all(|pair| pair[0] < pair[1]) && waits[0] > Duration::from_secs(4), "{waits:?}");
        assert!(waits[3] > Duration::from_secs(14), "{waits:?}");
    }

    #[test]
    fn the_estimate_is_corrected_and_what_was_not_sent_is_given_back() {
        let limited = limiter(Some(60), Some(60_000));
        let place = limited.enter(10_000);
        assert_eq!(place.wait(), Duration::ZERO);
        place.use_it();
        limited.settle(10_000, 100);
        drop(limited.enter(9_000));
        let place = limited.enter(9_000);
        assert_eq!(place.wait(), Duration::ZERO);
        place.use_it();
        limited.settle(0, 40_000);
        assert!(limited.enter(1).wait() > Duration::from_secs(30));
        let unlimited = limiter(None, None);
        unlimited.enter(u64::MAX).use_it();
        unlimited.settle(0, u64::MAX);
        assert_eq!(unlimited.enter(u64::MAX).wait(), Duration::ZERO);
    }
}
