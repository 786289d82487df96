//! Systems without a sandbox: they say so.

use super::Strength;

/// What this system can do.
pub(crate) fn strength() -> Strength {
    Strength::Nothing { why: "there is no sandbox for this system".to_owned() }
}
