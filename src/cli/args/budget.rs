//! `pryx budget`, as clap reads it.

use clap::{Args, Subcommand};
use pryx_brain::Period;

/// `pryx budget`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pryx budget set 5/day 50/month 1/session     dollars
  pryx budget                                  what is set, spent and left
  pryx budget clear session                    take one away
  pryx budget clear                            take all away

A budget that is reached pauses the turn and asks; with nobody to ask, it ends with exit code 125 and the session can go on.")]
pub struct Budget {
    #[command(subcommand)]
    pub action: Option<BudgetAction>,
}

#[derive(Debug, Subcommand)]
pub enum BudgetAction {
    /// Set limits; the others stay
    Set {
        /// Dollars, a slash, and `day`, `month` or `session`
        #[arg(required = true, value_name = "DOLLARS/PERIOD", value_parser = limit)]
        limits: Vec<(u64, Period)>,
    },
    /// Show limits, what is spent, and what is left (the default)
    Show,
    /// Take limits away
    Clear {
        /// Which; all without one
        #[arg(value_name = "PERIOD", value_parser = period)]
        periods: Vec<Period>,
    },
}

/// `5/day`, in micro-dollars.
fn limit(text: &str) -> Result<(u64, Period), String> {
    let wrong = || format!("{text:?} is no budget; write 5/day, 50/month or 0.50/session");
    let (amount, word) = text.split_once('/').ok_or_else(wrong)?;
    let micros = micros(amount.trim().trim_start_matches('$')).filter(|micros| *micros > 0).ok_or_else(wrong)?;
    Ok((micros, period(word.trim()).map_err(|_| wrong())?))
}

fn period(word: &str) -> Result<Period, String> {
    match word {
        "day" => Ok(Period::Day),
        "month" => Ok(Period::Month),
        "session" => Ok(Period::Session),
        _ => Err(format!("{word:?} is no period: day, month or session")),
    }
}

/// Dollars with up to six digits behind the point, exactly.
fn micros(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || part.len() > 6 || !digits(whole) || !digits(part) {
        return None;
    }
    let part: u64 = format!("{part:0<6}").parse().ok()?;
    // Larger sums than a database's whole numbers hold are nobody's budget.
    whole.parse::<u64>().ok()?.checked_mul(1_000_000)?.checked_add(part).filter(|micros| i64::try_from(*micros).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact() {
        for (text, micros) in
            [("5/day", 5_000_000), ("$0.50/day", 500_000), ("0.000001/day", 1), ("12.3/day", 12_300_000)]
        {
            assert_eq!(limit(text), Ok((micros, Period::Day)), "{text}");
        }
        assert_eq!(limit("1/session").map(|(_, period)| period), Ok(Period::Session));
        for bad in [
            "5",
            "/day",
            "5/week",
            "-5/day",
            "0/day",
            "1e9/day",
            "1.0000001/day",
            "99999999999999/day",
            "x/day",
            "./day",
        ] {
            assert!(limit(bad).is_err(), "{bad} was accepted");
        }
    }
}
