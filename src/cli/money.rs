//! Micro-dollars as people read them, and the other way round.

use pryx_brain::MillionTokens;

/// Micro-dollars in a dollar.
const DOLLAR: u64 = 1_000_000;

/// An amount: cents, and more digits where an amount is that small.
pub fn dollars(micros: u64) -> String {
    match micros {
        0 => "$0.00".to_owned(),
        1..1_000 => format!("${}", digits(micros, 6)),
        1_000..DOLLAR => format!("${}", digits((micros + 50) / 100, 4)),
        _ => format!("${}", digits(micros.saturating_add(5_000) / 10_000, 2)),
    }
}

/// A price for a million tokens, with all its digits.
pub fn price(price: MillionTokens) -> String {
    let text = digits(price.0, 6);
    let text = text.trim_end_matches('0');
    format!("${}", text.trim_end_matches('.'))
}

/// A count of the smallest units with a decimal point before the last `places`.
fn digits(count: u64, places: usize) -> String {
    let text = format!("{count:0>width$}", width = places + 1);
    let (whole, rest) = text.split_at(text.len() - places);
    format!("{whole}.{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_at_a_glance() {
        for (micros, shown) in [
            (0, "$0.00"),
            (7, "$0.000007"),
            (999, "$0.000999"),
            (1_049, "$0.0010"),
            (123_456, "$0.1235"),
            (1_000_000, "$1.00"),
            (1_994_999, "$1.99"),
            (1_995_000, "$2.00"),
            (123_456_789, "$123.46"),
            (u64::MAX, "$18446744073709.55"),
        ] {
            assert_eq!(dollars(micros), shown, "{micros}");
        }
    }

    #[test]
    fn prices_keep_their_digits() {
        for (micros, shown) in
            [(0, "$0"), (37_500, "$0.0375"), (3_000_000, "$3"), (2_500_000, "$2.5"), (1, "$0.000001")]
        {
            assert_eq!(price(MillionTokens(micros)), shown, "{micros}");
        }
    }
}
