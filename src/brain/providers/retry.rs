//! When a failed request is sent again, and after how long.

use super::error::Kind;
use pryx_terms::Timestamp;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use std::time::Duration;

/// Longest wait before another try, whatever the server asks for: a person sits in front of it.
const MAX_WAIT: Duration = Duration::from_secs(60);

/// Tries after "too many requests": the waits double up to [`MAX_WAIT`], two minutes in all.
const RATE_LIMIT_RETRIES: u32 = 7;

/// Tries after a server's own fault, or an answer that broke off.
const SERVER_RETRIES: u32 = 3;

/// Tries after a connection failed.
const NETWORK_RETRIES: u32 = 5;

/// Tries where a second one seldom helps: nothing listens on the port, or the server was silent for minutes.
const LAST_CHANCE: u32 = 1;

/// How often a failure of a kind is answered with another try.
fn retries(kind: Kind) -> u32 {
    match kind {
        Kind::RateLimited { .. } => RATE_LIMIT_RETRIES,
        Kind::Overloaded | Kind::Truncated | Kind::Empty => SERVER_RETRIES,
        Kind::Connect { refused: false } => NETWORK_RETRIES,
        Kind::Connect { refused: true } | Kind::Timeout => LAST_CHANCE,
        Kind::OverBudget
        | Kind::Unauthorized
        | Kind::OutOfCredit
        | Kind::BadRequest
        | Kind::NotFound
        | Kind::NotTheApi
        | Kind::Malformed
        | Kind::TooLarge
        | Kind::TooLong
        | Kind::Setup => 0,
    }
}

/// How long to wait before the next try; nothing when there is none. `failed` counts the tries before this one,
/// `unit` is the first wait.
pub(super) fn wait(kind: Kind, failed: u32, unit: Duration) -> Option<Duration> {
    if failed >= retries(kind) {
        return None;
    }
    let asked = match kind {
        Kind::RateLimited { retry_after } => retry_after,
        _ => None,
    };
    let doubled = unit.saturating_mul(2_u32.saturating_pow(failed));
    Some(asked.unwrap_or(doubled).min(MAX_WAIT))
}

/// What a server asks for: seconds, a date, or the milliseconds that some send besides.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    if let Some(ms) = text("retry-after-ms").and_then(|ms| ms.parse::<u64>().ok()) {
        return Some(Duration::from_millis(ms));
    }
    let value = text(RETRY_AFTER.as_str())?;
    if let Ok(seconds) = value.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let at = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
    Some(Duration::try_from(at.duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(kind: Kind) -> Vec<u64> {
        let next = |failed: &u32| wait(kind, *failed, Duration::from_secs(1));
        (0..20).map_while(|failed| next(&failed)).map(|wait| wait.as_secs()).collect()
    }

    #[test]
    fn waits_double_and_end() {
        assert_eq!(waits(Kind::RateLimited { retry_after: None }), [1, 2, 4, 8, 16, 32, 60]);
        assert_eq!(waits(Kind::Overloaded), [1, 2, 4]);
        assert_eq!(waits(Kind::Connect { refused: false }), [1, 2, 4, 8, 16]);
        assert_eq!(waits(Kind::Connect { refused: true }), [1]);
        assert_eq!(waits(Kind::Unauthorized), [0_u64; 0]);
    }

    #[test]
    fn what_the_server_asks_for_counts_up_to_a_minute() {
        let asked = |seconds| Kind::RateLimited { retry_after: Some(Duration::from_secs(seconds)) };
        assert_eq!(waits(asked(3))[..2], [3, 3]);
        assert_eq!(waits(asked(4000))[0], 60);
    }

    #[test]
    fn the_header_in_all_its_forms() {
        let now: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let read = |name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            retry_after(&headers, now)
        };
        assert_eq!(read("retry-after", "7"), Some(Duration::from_secs(7)));
        assert_eq!(read("retry-after", "0.5"), Some(Duration::from_millis(500)));
        assert_eq!(read("retry-after", "Fri, 20 Nov 2026 10:00:09 GMT"), Some(Duration::from_secs(9)));
        assert_eq!(read("retry-after", "Fri, 20 Nov 2026 09:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(read("retry-after-ms", "1500"), Some(Duration::from_millis(1500)));
        for bad in ["", "soon", "-1", "1e400", "NaN"] {
            assert_eq!(read("retry-after", bad), None, "{bad}");
        }
    }
}
