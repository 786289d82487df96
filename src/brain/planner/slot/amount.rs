//! Parameters that are numbers: ports, counts, sizes, stretches of time.

use super::super::value::{Span, Value};
use super::super::words::Token;

/// More results than anybody reads; a larger number was not meant as a count.
const MAX_COUNT: u64 = 10_000;

const NUMBER_WORDS: &[(&str, u64)] = &[
    ("one", 1),
    ("two", 2),
    ("three", 3),
    ("four", 4),
    ("five", 5),
    ("six", 6),
    ("seven", 7),
    ("eight", 8),
    ("nine", 9),
    ("ten", 10),
    ("eleven", 11),
    ("twelve", 12),
    ("fifteen", 15),
    ("twenty", 20),
    ("thirty", 30),
    ("forty", 40),
    ("fifty", 50),
    ("hundred", 100),
    ("dozen", 12),
];

const MINUTE_UNITS: &[(&str, u64)] = &[
    ("minute", 1),
    ("minutes", 1),
    ("min", 1),
    ("mins", 1),
    ("hour", 60),
    ("h", 60),
    ("day", 1440),
    ("days", 1440),
    ("d", 1440),
    ("week", 10_080),
    ("weeks", 10_080),
    ("w", 10_080),
    ("month", 43_200),
    ("months", 43_200),
    ("year", 525_600),
    ("years", 525_600),
];

/// A number in digits ("1,000") or as a word.
fn number(token: &Token) -> Option<u64> {
    if token.quoted {
        return None;
    }
    if let Some((_, n)) = NUMBER_WORDS.iter().find(|(word, _)| *word == token.word) {
        return Some(*n);
    }
    token.raw.replace(',', "").parse().ok()
}

pub(super) fn port(token: &Token) -> Option<Value> {
    let digits = token.raw.strip_prefix("localhost").unwrap_or(&token.raw);
    let digits = digits.strip_prefix(':').unwrap_or(digits);
    let port: u16 = digits.parse().ok()?;
    (port > 0 && !token.quoted).then(|| Value::Number(port.into()))
}

/// A process id; never 0, which tools take for "my whole process group".
pub(super) fn pid(token: &Token) -> Option<Value> {
    let pid: u32 = token.raw.parse().ok()?;
    (pid > 0 && pid <= i32::MAX.unsigned_abs() && !token.quoted).then(|| Value::Number(pid.into()))
}

/// "5", "top ten", "the last 3".
pub(super) fn count(tokens: &[Token]) -> Option<(usize, Value)> {
    let first = tokens.first()?;
    let led = first.is_any(&["top", "first", "last", "newest"]);
    let at = usize::from(led);
    let n = number(tokens.get(at)?)?;
    let fits = (1..=MAX_COUNT).contains(&n) && (led || !first.is("one"));
    fits.then_some((at + 1, Value::Number(n)))
}

/// "100 MB", "1.5g": KiB, rounded up.
fn size(tokens: &[Token]) -> Option<(usize, u64)> {
    let raw = tokens.first().filter(|token| !token.quoted)?.raw.to_ascii_lowercase();
    let digits = raw.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(raw.len());
    let (amount, unit) = raw.split_at(digits);
    let (used, unit) = match unit {
        "" => (2, tokens.get(1).filter(|token| !token.quoted)?.raw.to_ascii_lowercase()),
        unit => (1, unit.to_owned()),
    };
    let bytes_per_unit: u64 = match unit.trim_end_matches('+') {
        "b" | "byte" | "bytes" => 1,
        "k" | "kb" | "kib" | "kilobyte" | "kilobytes" => 1 << 10,
        "m" | "mb" | "mib" | "meg" | "megs" | "megabyte" | "megabytes" => 1 << 20,
        "g" | "gb" | "gib" | "gig" | "gigs" | "gigabyte" | "gigabytes" => 1 << 30,
        "t" | "tb" | "tib" | "terabyte" | "terabytes" => 1 << 40,
        _ => return None,
    };
    Some((used, decimal_times(amount, bytes_per_unit)?.div_ceil(1024).max(1)))
}

/// "1.5" times a unit, exactly as far as thousandths go.
fn decimal_times(amount: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, ""));
    let thousandths: u64 = match fraction.len() {
        0 => 0,
        1..=3 => format!("{fraction:0<3}").parse().ok()?,
        _ => return None,
    };
    let whole: u64 = whole.parse().ok()?;
    whole.checked_mul(unit)?.checked_add(thousandths.checked_mul(unit)? / 1000)
}

/// How many of the tokens these words are, in order; a word may name alternatives.
fn lead(tokens: &[Token], words: &[&[&str]]) -> Option<usize> {
    let fits = tokens.len() >= words.len() && tokens.iter().zip(words).all(|(token, any)| token.is_any(any));
    fits.then_some(words.len())
}

fn first_lead(tokens: &[Token], leads: &[&[&[&str]]]) -> Option<usize> {
    leads.iter().find_map(|words| lead(tokens, words))
}

pub(super) fn larger(tokens: &[Token]) -> Option<(usize, Value)> {
    const LEADS: &[&[&[&str]]] = &[
        &[&["bigger", "more", "greater"], &["than"]],
        &[&["at"], &["least"]],
        &[&["over", "above", "exceeding", "beyond", ">", "bigger"]],
    ];
    if let Some((used, kib)) = first_lead(tokens, LEADS).and_then(|at| size(&tokens[at..]).map(|(n, s)| (at + n, s))) {
        return Some((used, Value::KiB(kib)));
    }
    if let Some(rest) = tokens.first()?.raw.strip_prefix('>') {
        let glued = [&[Token { raw: rest.to_owned(), word: rest.to_owned(), quoted: false }], &tokens[1..]].concat();
        return size(&glued).map(|(used, kib)| (used, Value::KiB(kib)));
    }
    let (used, kib) = size(tokens)?;
    const TAILS: &[&[&[&str]]] = &[&[&["or"], &["more", "bigger", "over"]], &[&["and"], &["up", "bigger", "more"]]];
    Some((used + first_lead(&tokens[used..], TAILS)?, Value::KiB(kib)))
}

pub(super) fn smaller(tokens: &[Token]) -> Option<(usize, Value)> {
    const LEADS: &[&[&[&str]]] = &[&[&["smaller", "less"], &["than"]], &[&["under", "below", "<", "smaller"]]];
    let at = first_lead(tokens, LEADS)?;
    size(&tokens[at..]).map(|(used, kib)| (at + used, Value::KiB(kib)))
}

/// "2 hours", "24h", "hour": minutes.
fn stretch(tokens: &[Token]) -> Option<(usize, u64)> {
    let first = tokens.first()?;
    let unit = |word: &str| MINUTE_UNITS.iter().find(|(name, _)| *name == word).map(|(_, minutes)| *minutes);
    if let Some(minutes) = unit(&first.word) {
        return Some((1, minutes));
    }
    let (used, amount, minutes) = match number(first) {
        Some(n) => (2, n, unit(&tokens.get(1)?.word)?),
        None => {
            let (digits, letters) = first.raw.split_at(first.raw.find(|c: char| !c.is_ascii_digit())?);
            (1, digits.parse().ok()?, unit(letters)?)
        }
    };
    let minutes = amount.checked_mul(minutes).filter(|minutes| *minutes > 0)?;
    Some((used, minutes))
}

fn minutes(at: usize, tokens: &[Token]) -> Option<(usize, Value)> {
    stretch(&tokens[at..]).map(|(used, minutes)| (at + used, Value::Span(Span::Minutes(minutes))))
}

/// "in the last 2 hours", "today", "since yesterday", "newer than 3 days".
pub(super) fn since(tokens: &[Token]) -> Option<(usize, Value)> {
    const DAYS: &[(&[&[&str]], Span)] = &[
        (&[&["since"], &["yesterday"]], Span::Minutes(2 * 1440)),
        (&[&["since"], &["today", "midnight"]], Span::Today),
        (&[&["since"], &["this"], &["morning"]], Span::Today),
        (&[&["from"], &["today"]], Span::Today),
        (&[&["from"], &["yesterday"]], Span::Yesterday),
        (&[&["this"], &["morning"]], Span::Today),
        (&[&["today"]], Span::Today),
        (&[&["yesterday"]], Span::Yesterday),
        (&[&["this"], &["week"]], Span::Minutes(7 * 1440)),
        (&[&["this"], &["month"]], Span::Minutes(30 * 1440)),
    ];
    if let Some((used, span)) = DAYS.iter().find_map(|(words, span)| Some((lead(tokens, words)?, *span))) {
        return Some((used, Value::Span(span)));
    }
    const PREPOSITION: &[&str] = &["in", "within", "during", "over", "from", "for", "of", "since"];
    const PAST: &[&str] = &["last", "past", "previous"];
    const LEADS: &[&[&[&str]]] = &[
        &[PREPOSITION, &["the", "teh"], PAST],
        &[PREPOSITION, PAST],
        &[&["the"], PAST],
        &[PAST],
        &[&["newer"], &["than"]],
    ];
    if let Some(taken) = first_lead(tokens, LEADS).and_then(|at| minutes(at, tokens)) {
        return Some(taken);
    }
    let at = lead(tokens, &[&["since"]]).or_else(|| lead(tokens, &[&["less"], &["than"]]))?;
    let (used, value) = minutes(at, tokens)?;
    Some((used + lead(&tokens[used..], &[&["ago", "old"]])?, value))
}

/// "older than 30 days", "not changed in the last year", "untouched for 6 months".
pub(super) fn older(tokens: &[Token]) -> Option<(usize, Value)> {
    const FOR: &[&str] = &["in", "for", "since", "within"];
    const PAST: &[&str] = &["last", "past"];
    const LEADS: &[&[&[&str]]] = &[
        &[&["older"], &["than"]],
        &[&["not", "never"], &["change", "use"], FOR, &["the", "a", "over"], PAST],
        &[&["not"], &["change", "use"], FOR, &["over", "a"]],
        &[&["not"], &["change", "use"], FOR],
        &[&["untouched", "unchanged"], FOR],
    ];
    if let Some(taken) = first_lead(tokens, LEADS).and_then(|at| {
        let article = usize::from(tokens.get(at).is_some_and(|token| token.is_any(&["a", "an"])));
        minutes(at + article, tokens)
    }) {
        return Some(taken);
    }
    let at = first_lead(tokens, &[&[&["more"], &["than"]], &[&["over"]]])?;
    let (used, value) = minutes(at, tokens)?;
    Some((used + lead(&tokens[used..], &[&["old", "ago"]])?, value))
}

/// A date as ISO 8601 writes it.
pub(super) fn date(token: &Token) -> Option<Value> {
    let parts: Vec<&str> = token.raw.split('-').collect();
    let digits = |text: &str, len: usize| text.len() == len && text.bytes().all(|c| c.is_ascii_digit());
    let [year, month, day] = parts.as_slice() else { return None };
    let within = |text: &str, most: u8| text.parse::<u8>().is_ok_and(|n| (1..=most).contains(&n));
    let fits = digits(year, 4) && digits(month, 2) && digits(day, 2) && within(month, 12) && within(day, 31);
    fits.then(|| Value::Text(token.raw.clone()))
}

/// Unix time: 9 to 11 digits are seconds, 13 are milliseconds.
pub(super) fn epoch(token: &Token) -> Option<Value> {
    let n: u64 = token.raw.parse().ok()?;
    match token.raw.len() {
        9..=11 => Some(Value::Number(n)),
        13 => Some(Value::Number(n / 1000)),
        _ => None,
    }
}
