//! The circuit breaker of one model with one key: after a row of failures it rests, then a single try decides. A
//! provider's other models and keys aren't touched.

use super::error::Kind;
use std::time::Duration;
use tokio::time::Instant;

/// Failed tries in a row that open the circuit: one request with all its tries after a server's own fault.
const OPEN_AFTER: u32 = 4;

/// The first rest. Shorter ones would end before a server that restarts is back.
const FIRST_REST: Duration = Duration::from_secs(30);

/// The longest rest: a person who mended something doesn't want to wait longer.
const LONGEST_REST: Duration = Duration::from_secs(600);

/// One circuit.
#[derive(Debug, Default)]
pub(super) struct Circuit {
    failures: u32,
    rest: Duration,
    until: Option<Instant>,
}

/// Whether to ask now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    /// As usual.
    Closed,
    /// Once: the rest is over, and this try decides what follows.
    Trial,
    /// Not now, but after so long.
    Open(Duration),
}

impl Circuit {
    /// Whether to ask. Of several sessions that ask after a rest only one gets the trial.
    pub(super) fn gate(&mut self, now: Instant) -> Gate {
        match self.until {
            None => Gate::Closed,
            Some(until) if now < until => Gate::Open(until - now),
            Some(_) => {
                self.until = Some(now + self.rest);
                Gate::Trial
            }
        }
    }

    /// It answered.
    pub(super) fn answered(&mut self) {
        *self = Self::default();
    }

    /// It failed so many times in a row. Tells how long it rests now, if this opened the circuit.
    pub(super) fn failed(&mut self, kind: Kind, tries: u32, now: Instant) -> Option<Duration> {
        self.failures = self.failures.saturating_add(weight(kind, tries));
        if self.failures < OPEN_AFTER {
            return None;
        }
        let asked = match kind {
            Kind::RateLimited { retry_after } => retry_after.unwrap_or_default(),
            _ => Duration::ZERO,
        };
        self.rest = (self.rest * 2).clamp(FIRST_REST, LONGEST_REST);
        let rest = self.rest.max(asked.min(LONGEST_REST));
        self.until = Some(now + rest);
        Some(rest)
    }
}

/// What a failure says about the next request: nothing, something, or that it will fail too.
fn weight(kind: Kind, tries: u32) -> u32 {
    match kind {
        Kind::Unauthorized | Kind::OutOfCredit | Kind::NotFound | Kind::NotTheApi => OPEN_AFTER,
        Kind::RateLimited { .. }
        | Kind::Overloaded
        | Kind::Truncated
        | Kind::Empty
        | Kind::Connect { .. }
        | Kind::Timeout
        | Kind::Malformed
        | Kind::TooLarge => tries,
        // The request, the budget or the settings are at fault, not the model.
        Kind::BadRequest | Kind::TooLong | Kind::OverBudget | Kind::Setup => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_rests_longer_each_time_and_closes_with_an_answer() {
        let (mut circuit, mut now) = (Circuit::default(), Instant::now());
        assert_eq!((circuit.gate(now), circuit.failed(Kind::Overloaded, 3, now)), (Gate::Closed, None));
        assert_eq!(circuit.gate(now), Gate::Closed);
        assert_eq!(circuit.failed(Kind::Timeout, 1, now), Some(FIRST_REST));
        assert_eq!(circuit.gate(now), Gate::Open(FIRST_REST));
        for rest in [60, 120, 240, 480, 600, 600] {
            now += LONGEST_REST;
            assert_eq!(circuit.gate(now), Gate::Trial);
            assert!(matches!(circuit.gate(now), Gate::Open(_)), "a second trial at once");
            assert_eq!(circuit.failed(Kind::Overloaded, 1, now), Some(Duration::from_secs(rest)));
        }
        circuit.answered();
        assert_eq!((circuit.gate(now), circuit.failed(Kind::Overloaded, 3, now)), (Gate::Closed, None));
    }

    #[test]
    fn what_cannot_get_better_opens_at_once_and_the_requests_own_fault_never_does() {
        let now = Instant::now();
        for kind in [Kind::Unauthorized, Kind::OutOfCredit, Kind::NotFound] {
            assert_eq!(Circuit::default().failed(kind, 1, now), Some(FIRST_REST), "{kind:?}");
        }
        let mut circuit = Circuit::default();
        assert!((0..99).all(|_| circuit.failed(Kind::BadRequest, 1, now).is_none()));
        let asked = Kind::RateLimited { retry_after: Some(Duration::from_secs(90)) };
        assert_eq!(circuit.failed(asked, 4, now), Some(Duration::from_secs(90)));
    }
}
