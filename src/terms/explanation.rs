//! Why a plan gets the answer it gets.

use crate::{Plan, Reach, Ruling};
use serde::{Deserialize, Serialize};

/// An answer of the gate's, taken apart. Nothing is run, and no grant is used up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// The mode or policy that was asked.
    pub policy: String,
    /// What would run.
    pub plan: Plan,
    /// The answer.
    pub ruling: Ruling,
    /// How it came about: a line for each part of the plan.
    pub parts: Vec<ExplainedPart>,
    /// What it could touch if it ran.
    pub reach: Reach,
    /// What would change the answer.
    pub changes: Vec<String>,
}

/// One part of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExplainedPart {
    /// As it stands in the command.
    pub text: String,
    /// What the rules say to it.
    pub ruling: Ruling,
}
