//! What is recognised by its digits: card numbers, and tokens that begin with a number.

use super::{Sensitive, is_url_safe, is_word, run};

/// A card number: 13 to 19 digits, in groups or not, of a known issuer and with a right check digit (ISO/IEC 7812).
pub(super) fn card(text: &str, at: usize) -> Option<Sensitive> {
    const MOST: usize = 19;
    let bytes = text.as_bytes();
    if !bytes[at].is_ascii_digit() || (at > 0 && matches!(bytes[at - 1], b'.' | b'-' | b'/' | b'+')) {
        return None;
    }
    let mut digits = Vec::with_capacity(MOST + 1);
    let (mut end, mut next) = (at, at);
    let mut separator = None;
    while digits.len() <= MOST {
        let Some(&byte) = bytes.get(next) else { break };
        if byte.is_ascii_digit() {
            digits.push(byte - b'0');
            end = next + 1;
        } else if matches!(byte, b' ' | b'-') && next == end && separator.is_none_or(|s| s == byte) {
            // One sign between groups, the same throughout.
            separator = Some(byte);
        } else {
            break;
        }
        next += 1;
    }
    let goes_on = bytes.get(end).is_some_and(|&byte| is_word(byte))
        || (matches!(bytes.get(end), Some(b'.' | b'-')) && bytes.get(end + 1).is_some_and(u8::is_ascii_digit));
    let card = !goes_on && is_issued(&digits) && luhn(&digits);
    card.then_some(Sensitive { range: at..end, kind: "card number" })
}

/// Whether an issuer gives numbers of that beginning and length.
fn is_issued(digits: &[u8]) -> bool {
    let head = |n: usize| digits.iter().take(n).fold(0_u32, |sum, digit| sum * 10 + u32::from(*digit));
    match digits.len() {
        14 => matches!(head(2), 30 | 36 | 38 | 39),
        15 => matches!(head(2), 34 | 37),
        13 | 19 => head(1) == 4,
        16 => {
            head(1) == 4
                || matches!(head(2), 51..=55 | 65)
                || matches!(head(3), 644..=649)
                || matches!(head(4), 2221..=2720 | 3528..=3589 | 6011)
        }
        _ => false,
    }
}

fn luhn(digits: &[u8]) -> bool {
    let doubled = |digit: u8| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let add = |(place, digit): (usize, &u8)| u32::from(if place % 2 == 1 { doubled(*digit) } else { *digit });
    digits.iter().rev().enumerate().map(add).sum::<u32>() % 10 == 0
}

/// Telegram's bots: a number, a colon, and 35 characters.
pub(super) fn bot_token(text: &str, at: usize) -> Option<Sensitive> {
    let bytes = text.as_bytes();
    let number = run(bytes, at, 12, |byte| byte.is_ascii_digit());
    if !(8..=11).contains(&number) || bytes.get(at + number) != Some(&b':') {
        return None;
    }
    let start = at + number + 1;
    let length = run(bytes, start, 64, is_url_safe);
    (bytes[start..].starts_with(b"AA") && (33..=36).contains(&length))
        .then_some(Sensitive { range: at..start + length, kind: "Telegram token" })
}

/// Mailchimp's keys: 32 hexadecimal digits and the data centre.
pub(super) fn mailchimp(text: &str, at: usize) -> Option<Sensitive> {
    let bytes = text.as_bytes();
    let hex = run(bytes, at, 33, |byte| byte.is_ascii_hexdigit());
    let rest = bytes.get(at + hex..)?.strip_prefix(b"-us")?;
    let digits = run(rest, 0, 3, |byte| byte.is_ascii_digit());
    (hex == 32 && (1..=2).contains(&digits))
        .then_some(Sensitive { range: at..at + hex + 3 + digits, kind: "Mailchimp key" })
}
