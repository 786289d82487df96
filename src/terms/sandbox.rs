//! How far the kernel holds a job.

use crate::{Outcome, TerminalName};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The name of no profile at all.
const NONE: &str = "none";

/// What programs print when the system refuses something, in lower case. Other reasons lead to the same words: where they
/// turn up, the sandbox is likely, not certain.
const REFUSED: &[&str] = &[
    "permission denied",
    "permissionerror",
    "operation not permitted",
    "eacces",
    "eperm",
    "read-only file system",
    "no new privileges",
    "could not resolve host",
    "name resolution",
    "eai_again",
    "failed to lookup address",
    "network is unreachable",
];

/// What the kernel holds a job to. A profile stays on a command, and on all it starts, to the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    /// The profile's name ("workspace"), or "none".
    pub profile: String,
    /// Why there is none, or what of the profile this kernel can't hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The terminal beside which a command runs that was meant for it: in its directory and with its exported variables,
    /// and without a change to them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<TerminalName>,
}

impl Confinement {
    /// Nothing is held, and why.
    #[must_use]
    pub fn none(why: impl Into<String>) -> Self {
        Self { profile: NONE.to_owned(), note: Some(why.into()), beside: None }
    }

    /// A profile is put on it.
    #[must_use]
    pub fn by(profile: impl Into<String>, note: Option<String>) -> Self {
        Self { profile: profile.into(), note, beside: None }
    }

    /// Whether a profile is.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.profile != NONE
    }

    /// Whether it may be why a command ended as it did, as far as the end of its output tells.
    #[must_use]
    pub fn may_explain(&self, outcome: &Outcome, printed: &str) -> bool {
        let printed = printed.to_lowercase();
        self.holds() && !outcome.is_success() && REFUSED.iter().any(|words| printed.contains(words))
    }
}

impl fmt::Display for Confinement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let beside =
            self.beside.as_ref().map(|name| format!("beside terminal {name}: cd and variables don't stay there"));
        let words: Vec<&str> = self.note.iter().chain(&beside).map(String::as_str).collect();
        if words.is_empty() { f.pad(&self.profile) } else { f.pad(&format!("{} ({})", self.profile, words.join("; "))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_in_a_sandbox_may_be_its_doing() {
        let (failed, fine) = (Outcome::Exited { code: 1 }, Outcome::Exited { code: 0 });
        let held = Confinement::by("workspace", None);
        let printed = "touch: cannot touch '/etc/x': Permission denied";
        assert!(held.may_explain(&failed, printed));
        assert!(!held.may_explain(&fine, printed));
        assert!(!held.may_explain(&failed, "touch: missing operand"));
        assert!(!Confinement::none("mode full").may_explain(&failed, printed));
    }
}
