//! The ready modes: what each makes of a plan that does more than look.

use super::judge::{About, Finding, Policy};
use super::{fetch, writes};
use pryx_terms::{Plan, Verdict};
use std::path::Path;

/// A ready mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Looking runs; what is known to change something is forbidden; the rest is asked.
    ReadOnly,
    /// Looking runs, and so does writing in the workspace where it can't destroy; the rest is asked.
    Workspace,
    /// As `Workspace`, and plain requests to listed hosts run too.
    NetworkAllowlist,
    /// Everything runs that no rule forbids.
    Full,
}

impl Mode {
    /// All of them, the most careful first.
    pub const ALL: [Self; 4] = [Self::ReadOnly, Self::Workspace, Self::NetworkAllowlist, Self::Full];

    /// By name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }

    /// As a person writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ReadOnly => "read-only",
            Self::Workspace => "workspace",
            Self::NetworkAllowlist => "network-allowlist",
            Self::Full => "full",
        }
    }

    /// In a sentence.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::ReadOnly => "looking runs, what is known to change something is forbidden, the rest is asked",
            Self::Workspace => {
                "looking runs, so does writing in the workspace where it can't destroy; the rest is asked"
            }
            Self::NetworkAllowlist => "as workspace, and plain requests to hosts that a policy lists run too",
            Self::Full => "everything runs that no rule forbids",
        }
    }
}

/// What a mode makes of a finding: a rule's name, its verdict, and why. Nothing leaves it a question.
pub(super) type Made = Option<(&'static str, Verdict, String)>;

/// What the mode makes of one finding. `root` is the workspace, where there is one; `hosts` says who may be talked to.
pub(super) fn make_of(
    mode: Mode,
    finding: &Finding,
    plan: &Plan,
    policy: &Policy,
    root: Option<&Path>,
    hosts: &dyn Fn(&str) -> bool,
) -> Made {
    let changes = matches!(finding.rule, "changes-things" | "writes-files");
    match mode {
        Mode::Full => Some(("full-mode", Verdict::Allow, "everything is allowed in this mode".to_owned())),
        Mode::ReadOnly if changes => {
            Some(("read-only-mode", Verdict::Deny, format!("{}, and this session only reads", finding.reason)))
        }
        Mode::ReadOnly => None,
        Mode::Workspace | Mode::NetworkAllowlist => {
            if let Some(why) = root.and_then(|root| writes::harmless(finding, plan, policy, root)) {
                return Some(("workspace-write", Verdict::Allow, why));
            }
            let About::Program(at) = finding.about else { return None };
            let program =
                plan.programs.get(at).filter(|_| finding.rule == "network" && mode == Mode::NetworkAllowlist)?;
            fetch::plain(program, hosts).map(|why| ("listed-host", Verdict::Allow, why))
        }
    }
}
