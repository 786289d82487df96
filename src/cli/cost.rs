//! `pryx cost`: what was spent on models.

use super::args;
use super::context::Context;
use super::exit;
use super::failure::Failure;
use super::money::dollars;
use super::sessions;
use jiff::{Timestamp, ToSpan, Zoned};
use pryx_brain::{By, Share, Spent, Store};
use pryx_terms::visible;
use serde_json::json;

/// Prints sums or a list.
pub fn run(context: &Context, args: &args::Cost) -> Result<u8, Failure> {
    let store = sessions::open(context)?;
    match args.by {
        None => sums(context, &store)?,
        Some(by) => list(context, &store, by, args.days)?,
    }
    Ok(exit::DONE)
}

fn sums(context: &Context, store: &Store) -> Result<(), Failure> {
    let now = Timestamp::now().to_zoned(super::system::zone());
    let begin = |zoned: Result<Zoned, jiff::Error>| {
        zoned.map(|zoned| zoned.timestamp()).map_err(|e| Failure::because("the calendar can't be read", &e))
    };
    let (day, month) =
        (begin(now.start_of_day())?, begin(now.first_of_month().and_then(|first| first.start_of_day()))?);
    let sums = [
        ("today", store.spent(Some(day), None)?),
        ("this month", store.spent(Some(month), None)?),
        ("ever", store.spent(None, None)?),
    ];
    if context.json {
        let [(_, day), (_, month), (_, ever)] = sums;
        return super::print_line(&json!({ "day": day, "month": month, "ever": ever }).to_string());
    }
    let lines: String = sums.iter().map(|(name, spent)| format!("{name:<10}  {}\n", line(spent))).collect();
    super::print_data(lines.as_bytes())
}

fn list(context: &Context, store: &Store, by: args::CostBy, days: u16) -> Result<(), Failure> {
    let by = match by {
        args::CostBy::Day => By::Day,
        args::CostBy::Model => By::Model,
        args::CostBy::Session => By::Session,
    };
    let now = Zoned::now();
    let first = now.checked_sub((i64::from(days) - 1).days()).and_then(|first| first.start_of_day());
    // Before the calendar begins, everything is later.
    let since: Option<Timestamp> = first.ok().map(|first| first.timestamp());
    let shares = store.shares(by, since, now.time_zone())?;
    if context.json {
        return super::print_line(&serde_json::to_string(&shares).unwrap_or_default());
    }
    if shares.is_empty() {
        context.talk(&format!("no model was asked in the last {days} days"));
        return Ok(());
    }
    let width = shares.iter().map(|share| share.key.chars().count()).max().unwrap_or(0).min(60);
    let row = |share: &Share| {
        let title = match (by, &share.title) {
            (By::Session, None) => "  (deleted)".to_owned(),
            (_, Some(title)) => format!("  {}", visible(title)),
            _ => String::new(),
        };
        format!("{:width$}  {}{title}\n", visible(&share.key), line(&share.spent))
    };
    super::print_data(shares.iter().map(row).collect::<String>().as_bytes())
}

/// A sum in one line.
pub fn line(spent: &Spent) -> String {
    let amount = amount(spent);
    let calls = if spent.calls == 1 { "1 call".to_owned() } else { format!("{} calls", spent.calls) };
    let tokens = |count: Option<u64>| super::models::tokens(count.unwrap_or(0));
    let cached = spent.tokens.cache_read_tokens.filter(|count| *count > 0);
    let cached = cached.map_or_else(String::new, |count| format!(" + {} cached", super::models::tokens(count)));
    let (input, output) = (tokens(spent.tokens.input_tokens), tokens(spent.tokens.output_tokens));
    format!("{amount:>10}  {calls}, {input}{cached} tokens in, {output} out")
}

/// What a sum comes to; at least, when the cost of some calls isn't known.
pub fn amount(spent: &Spent) -> String {
    match (spent.unknown, spent.calls) {
        (0, _) => dollars(spent.micros),
        (unknown, calls) if unknown == calls => "unknown".to_owned(),
        (unknown, _) => format!("{} + {unknown} unknown", dollars(spent.micros)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_costs_are_never_hidden() {
        let spent = |calls, unknown, micros| amount(&Spent { calls, unknown, micros, ..Spent::default() });
        assert_eq!(spent(0, 0, 0), "$0.00");
        assert_eq!(spent(3, 0, 1_500_000), "$1.50");
        assert_eq!(spent(3, 3, 0), "unknown");
        assert_eq!(spent(3, 1, 1_500_000), "$1.50 + 1 unknown");
    }
}
