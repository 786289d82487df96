//! How hard a model is to think before it answers, as a person says it. What becomes of it for a model and its format
//! stands in `providers/thinking.rs`.

use std::str::FromStr;

/// How hard to think.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Think {
    /// Not at all, or as little as the model can.
    Off,
    /// A little.
    Low,
    /// Some.
    Medium,
    /// Much.
    High,
    /// As much as the model can.
    Max,
    /// At most so many tokens; models that take no number get the level that is nearest.
    Tokens(u64),
}

/// A text that doesn't say how hard to think.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} doesn't say how hard to think: write off, low, medium, high, max, or a number of tokens (8000, 16k)")]
pub struct BadThink(String);

impl FromStr for Think {
    type Err = BadThink;

    fn from_str(text: &str) -> Result<Self, BadThink> {
        let text = text.trim();
        let tokens = || {
            let (digits, unit) = text.strip_suffix(['k', 'K']).map_or((text, 1), |digits| (digits, 1_000));
            digits.parse::<u64>().ok()?.checked_mul(unit)
        };
        Ok(match text {
            "off" | "none" => Self::Off,
            "low" => Self::Low,
            "medium" => Self::Medium,
            "high" => Self::High,
            "max" => Self::Max,
            _ => match tokens() {
                Some(0) => Self::Off,
                Some(tokens) => Self::Tokens(tokens),
                None => return Err(BadThink(text.chars().take(40).collect())),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_numbers() {
        let read = |text: &str| text.parse::<Think>();
        for (text, think) in [
            ("off", Think::Off),
            ("0", Think::Off),
            (" max ", Think::Max),
            ("8000", Think::Tokens(8_000)),
            ("16k", Think::Tokens(16_000)),
        ] {
            assert_eq!(read(text), Ok(think), "{text}");
        }
        for bad in ["", "hard", "-1", "k", "1.5k", "99999999999999999999", "18446744073709551615k"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
