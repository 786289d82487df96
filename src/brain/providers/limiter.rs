//! The user's own limits for a provider: requests and tokens in a minute. Who comes first goes first, whichever
//! session it is.

use crate::model::Limits;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The part of a minute's allowance that may be used at once. More would let two minutes' worth through around the
/// turn of a minute, less would hold up the steps of one turn.
const AT_ONCE: f64 = 1.0 / 6.0;

/// The queue before one provider.
#[derive(Debug)]
pub(super) struct Limiter {
    limited: bool,
    /// Tokio's lock is fair: it goes to who has waited longest, and is held until the allowance is there.
    queue: tokio::sync::Mutex<()>,
    buckets: Mutex<Buckets>,
}

#[derive(Debug)]
struct Buckets {
    requests: Option<Bucket>,
    tokens: Option<Bucket>,
}

/// An allowance that fills up steadily. It may be overdrawn once, by a request that is larger than it: then the next
/// waits for the difference.
#[derive(Debug)]
struct Bucket {
    per_second: f64,
    most: f64,
    level: f64,
    at: Instant,
}

impl Limiter {
    pub(super) fn new(limits: Limits) -> Self {
        let now = Instant::now();
        let bucket = |per_minute: Option<u32>| per_minute.map(|per_minute| Bucket::new(per_minute, now));
        let (requests, tokens) = (bucket(limits.requests_per_minute), bucket(limits.tokens_per_minute));
        Self {
            limited: requests.is_some() || tokens.is_some(),
            queue: tokio::sync::Mutex::new(()),
            buckets: Mutex::new(Buckets { requests, tokens }),
        }
    }

    /// Whether a request would have to wait now.
    pub(super) fn is_busy(&self, tokens: u64) -> bool {
        self.limited && (self.queue.try_lock().is_err() || !self.buckets().wait(tokens, Instant::now()).is_zero())
    }

    /// Waits until a request of about so many tokens may go out.
    pub(super) async fn enter(&self, tokens: u64) {
        if !self.limited {
            return;
        }
        let _turn = self.queue.lock().await;
        // What the requests under way were counted as may change the wait meanwhile.
        while let Err(wait) = self.take(tokens) {
            tokio::time::sleep(wait).await;
        }
    }

    fn take(&self, tokens: u64) -> Result<(), Duration> {
        self.buckets().take(tokens, Instant::now())
    }

    /// Corrects the estimate by what the provider counted.
    pub(super) fn settle(&self, estimated: u64, counted: u64) {
        if let Some(bucket) = &mut self.buckets().tokens {
            bucket.level = (bucket.level + as_f64(estimated) - as_f64(counted)).min(bucket.most);
        }
    }

    fn buckets(&self) -> MutexGuard<'_, Buckets> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Buckets {
    fn wait(&mut self, tokens: u64, now: Instant) -> Duration {
        let mut longest = Duration::ZERO;
        for (bucket, cost) in [(&mut self.requests, 1), (&mut self.tokens, tokens)] {
            if let Some(bucket) = bucket {
                bucket.refill(now);
                longest = longest.max(bucket.wait(cost));
            }
        }
        longest
    }

    /// Takes a request out of the allowance, or says how long to wait.
    fn take(&mut self, tokens: u64, now: Instant) -> Result<(), Duration> {
        let wait = self.wait(tokens, now);
        if !wait.is_zero() {
            return Err(wait);
        }
        for (bucket, cost) in [(&mut self.requests, 1), (&mut self.tokens, tokens)] {
            if let Some(bucket) = bucket {
                bucket.take(cost);
            }
        }
        Ok(())
    }
}

impl Bucket {
    fn new(per_minute: u32, now: Instant) -> Self {
        let most = (f64::from(per_minute) * AT_ONCE).max(1.0);
        Self { per_second: f64::from(per_minute) / 60.0, most, level: most, at: now }
    }

    fn refill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.level = (self.level + passed * self.per_second).min(self.most);
        self.at = now;
    }

    fn wait(&self, cost: u64) -> Duration {
        let missing = as_f64(cost).min(self.most) - self.level;
        Duration::try_from_secs_f64(missing / self.per_second).unwrap_or_default()
    }

    fn take(&mut self, cost: u64) {
        self.level -= as_f64(cost);
    }
}

/// Counts of tokens are far below what a float holds exactly.
fn as_f64(count: u64) -> f64 {
    u32::try_from(count).map_or(f64::from(u32::MAX), f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn seconds(wait: Duration) -> f64 {
        (wait.as_secs_f64() * 1000.0).round() / 1000.0
    }

    #[test]
    fn an_allowance_fills_up_and_can_be_overdrawn_once() {
        let start = Instant::now();
        let mut bucket = Bucket::new(600, start);
        assert_eq!(bucket.wait(100), Duration::ZERO);
        bucket.take(100);
        assert_eq!(seconds(bucket.wait(1)), 0.1);
        bucket.refill(start + Duration::from_secs(5));
        assert_eq!((seconds(bucket.wait(50)), seconds(bucket.wait(60))), (0.0, 1.0));
        bucket.refill(start + Duration::from_secs(500));
        // Larger than it ever gets: goes out when it is full, and the next one waits for all of it.
        assert_eq!(bucket.wait(700), Duration::ZERO);
        bucket.take(700);
        assert_eq!(seconds(bucket.wait(10)), 61.0);
    }

    #[test]
    fn in_any_minute_no_more_than_a_sixth_above_the_limit() {
        let start = Instant::now();
        let mut bucket = Bucket::new(30, start);
        let (mut now, mut sent) = (start, Vec::new());
        while now < start + Duration::from_secs(300) {
            bucket.refill(now);
            now += bucket.wait(1);
            bucket.refill(now);
            bucket.take(1);
            sent.push(now);
        }
        let within =
            |from: &Instant| sent.iter().filter(|at| *at >= from && **at < *from + Duration::from_secs(60)).count();
        assert!(sent.iter().map(within).max().unwrap() <= 36, "{sent:?}");
        assert!(sent.len() >= 150);
    }

    #[tokio::test]
    async fn who_comes_first_goes_first() {
        let limits = Limits { tokens_per_minute: Some(60_000), ..Limits::default() };
        let limiter = Arc::new(Limiter::new(limits));
        assert!(!limiter.is_busy(10_000));
        limiter.enter(10_000).await;
        assert!(limiter.is_busy(100));
        let begun = Instant::now();
        let order = Arc::new(std::sync::Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        for name in 0..4 {
            let (limiter, order) = (Arc::clone(&limiter), Arc::clone(&order));
            tasks.push(tokio::spawn(async move {
                // The last is smaller than the others and still waits its turn.
                limiter.enter(if name == 3 { 1 } else { 50 }).await;
                order.lock().unwrap().push(name);
            }));
            tokio::task::yield_now().await;
        }
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), [0, 1, 2, 3]);
        assert!(begun.elapsed() >= Duration::from_millis(145), "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn the_estimate_is_corrected() {
        let limiter = Limiter::new(Limits { tokens_per_minute: Some(60_000), ..Limits::default() });
        limiter.enter(10_000).await;
        limiter.settle(10_000, 100);
        assert!(!limiter.is_busy(5_000));
        limiter.settle(0, 40_000);
        assert!(limiter.is_busy(1));
        let unlimited = Limiter::new(Limits::default());
        unlimited.enter(u64::MAX).await;
        unlimited.settle(0, u64::MAX);
        assert!(!unlimited.is_busy(u64::MAX));
    }
}
