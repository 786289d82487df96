//! Rules over plans: deny beats ask beats allow, and each answer names its rule.

use pryx_terms::{Plan, Ruling, Verdict};

/// What may run, what is asked, what never runs.
#[derive(Debug, Clone)]
pub struct Policy {}

impl Policy {
    /// The rules that come with pryx.
    #[must_use]
    pub fn builtin() -> Self {
        Self {}
    }

    /// The answer to an agent's plan.
    #[must_use]
    pub fn rule(&self, plan: &Plan) -> Ruling {
        let reason = plan.open.first().cloned().unwrap_or_else(|| "no rule knows it".to_owned());
        super::built_in(Verdict::Ask, "unknown-program", &reason)
    }
}
