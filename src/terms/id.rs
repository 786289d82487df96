//! Identifiers: short, printable, safe as a file name and in a shell.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Longest identifier accepted. Ids become file and socket names; a socket path has about 100 bytes in all.
const MAX_LEN: usize = 40;

/// Crockford's base 32 in lower case: no i, l, o, u, so that an id can be read aloud and typed.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A text that can't be an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no {kind}: use 1 to {MAX_LEN} letters, digits, '-', '_' or '.', starting with a letter or digit")]
pub struct BadId {
    kind: &'static str,
    text: String,
}

fn check(kind: &'static str, text: &str) -> Result<(), BadId> {
    let plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
    let ok = text.len() <= MAX_LEN
        && text.bytes().next().is_some_and(|c| c.is_ascii_alphanumeric())
        && text.bytes().all(plain);
    if ok { Ok(()) } else { Err(BadId { kind, text: text.chars().take(MAX_LEN).collect() }) }
}

fn random(len: usize) -> String {
    let mut bytes = vec![0_u8; len];
    if getrandom::fill(&mut bytes).is_err() {
        // Without the kernel's generator (a broken sandbox), the clock still tells ids of one machine apart.
        let nanos = jiff::Timestamp::now().as_nanosecond().to_le_bytes();
        bytes.iter_mut().zip(nanos.iter().cycle()).for_each(|(b, n)| *b = *n);
    }
    bytes.iter().map(|b| char::from(ALPHABET[usize::from(b & 31)])).collect()
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $len:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// A new random identifier.
            #[must_use]
            pub fn generate() -> Self {
                Self(random($len))
            }

            /// Checks a text that came from outside.
            ///
            /// # Errors
            /// When it is empty, too long, or has characters that are unsafe in a path or a shell.
            pub fn parse(text: &str) -> Result<Self, BadId> {
                check($kind, text).map(|()| Self(text.to_owned()))
            }

            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;
            fn try_from(text: String) -> Result<Self, BadId> {
                check($kind, &text).map(|()| Self(text))
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                Self::parse(text)
            }
        }
    };
}

id!(
    /// One command run by the hands. Short, because people type it.
    JobId, "job id", 7
);
id!(
    /// A conversation with the brain.
    SessionId, "session id", 12
);
id!(
    /// One user message and all that follows until the answer.
    TurnId, "turn id", 12
);
id!(
    /// The idempotency key of an acting request: sent again, it never acts twice.
    CallKey, "call key", 20
);
id!(
    /// A question to a human.
    ApprovalId, "approval id", 7
);
id!(
    /// A change to a file that can be taken back.
    ChangeId, "change id", 7
);
id!(
    /// What a human allowed beyond this once.
    GrantId, "grant id", 7
);
id!(
    /// The name of a persistent shell.
    TerminalName, "terminal name", 6
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_ids_are_valid_and_differ() {
        let (a, b) = (JobId::generate(), JobId::generate());
        assert_eq!(JobId::parse(a.as_str()).unwrap(), a);
        assert_ne!(a, b);
    }

    #[test]
    fn ids_that_could_leave_a_directory_are_refused() {
        for bad in ["", "..", ".x", "-x", "a/b", "a b", "ü", "a\n", &"x".repeat(41)] {
            assert!(JobId::parse(bad).is_err(), "{bad:?} was accepted");
        }
    }
}
