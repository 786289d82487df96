//! Rules over plans: deny beats ask beats allow, and each answer names its rule.
//!
//! [`Policy`] is the reading of commands that comes with pryx: what of a plan only looks, and what may do more. A mode or
//! a policy file ([`Rules`]) then says what is made of that.

mod awk;
mod checks;
mod deny;
mod entry;
mod fetch;
mod file;
mod folder;
mod git;
#[cfg(unix)]
mod index;
mod judge;
mod known;
mod mode;
mod pattern;
mod rates;
mod reach;
mod rules;
mod searches;
mod secrets;
mod sed;
mod table;
mod writes;

pub(in crate::gate) use fetch::hosts as fetch_hosts;
pub use file::{PolicyFault, PolicyFile};
pub use folder::{Choice, Policies, PolicyListing};
pub use judge::Policy;
pub use mode::Mode;
pub(in crate::gate) use rates::Rates;
pub use rules::{Judgement, Part, Rules};

pub(in crate::gate) use judge::About;
pub(in crate::gate) use pattern::{CommandPattern, Strictness, host_fits};
pub(in crate::gate) use rules::built_in;

use pattern::tool_fits;

#[cfg(test)]
#[cfg(unix)]
mod tests;
