//! How far the kernel holds a job.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The name of no profile at all.
const NONE: &str = "none";

/// What the kernel holds a job to. A profile stays on a command, and on all it starts, to the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    /// The profile's name ("workspace"), or "none".
    pub profile: String,
    /// Why there is none, or what of the profile this kernel can't hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Confinement {
    /// Nothing is held, and why.
    #[must_use]
    pub fn none(why: impl Into<String>) -> Self {
        Self { profile: NONE.to_owned(), note: Some(why.into()) }
    }

    /// A profile is put on it.
    #[must_use]
    pub fn by(profile: impl Into<String>, note: Option<String>) -> Self {
        Self { profile: profile.into(), note }
    }

    /// Whether a profile is.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.profile != NONE
    }
}

impl fmt::Display for Confinement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.note {
            None => f.pad(&self.profile),
            Some(note) => f.pad(&format!("{} ({note})", self.profile)),
        }
    }
}
