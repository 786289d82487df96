//! Micro-dollars as people read them.

use pryx_brain::MillionTokens;

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
    fn prices_keep_their_digits() {
        for (micros, shown) in
            [(0, "$0"), (37_500, "$0.0375"), (3_000_000, "$3"), (2_500_000, "$2.5"), (1, "$0.000001")]
        {
            assert_eq!(price(MillionTokens(micros)), shown, "{micros}");
        }
    }
}
