//! What a session runs under: a mode, a policy file, or both; and the one evaluation of a plan by them.

use super::file::{PolicyFault, PolicyFile, Rule};
use super::judge::{About, Finding, Policy};
use super::mode::{self, Mode};
use super::pattern::{Strictness, host_fits, tool_fits};
use super::{fetch, reach};
use pryx_terms::{Access, Plan, Program, Reach, RuleRef, Ruling, Verdict, visible};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The rules of one session.
#[derive(Debug, Clone)]
pub struct Rules {
    pub(super) name: String,
    pub(super) policy: Arc<Policy>,
    pub(super) mode: Option<Mode>,
    pub(super) file: Option<Arc<PolicyFile>>,
    pub(super) fault: Option<PolicyFault>,
    /// Where the session began, or what the file says.
    pub(super) root: Option<PathBuf>,
    /// The same, if it may be written unasked.
    pub(super) workspace: Option<PathBuf>,
}

/// What the rules say to one part of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub(in crate::gate) about: About,
    /// The part, as it stands in the command.
    pub text: String,
    /// What the rules say.
    pub verdict: Verdict,
    /// The rule that said it.
    pub rule: RuleRef,
    /// Why.
    pub reason: String,
}

/// What the rules say to a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The answer.
    pub ruling: Ruling,
    /// How it came about.
    pub parts: Vec<Part>,
    /// What the plan may touch if it runs.
    pub reach: Reach,
    /// Whether what a person allowed before can answer the question.
    pub(in crate::gate) grantable: bool,
}

impl Rules {
    /// The mode's or policy's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The policy file.
    #[must_use]
    pub fn file(&self) -> Option<&Arc<PolicyFile>> {
        self.file.as_ref()
    }

    /// What is wrong with the policy file.
    #[must_use]
    pub fn fault(&self) -> Option<&PolicyFault> {
        self.fault.as_ref()
    }

    /// The directory that patterns, scopes and the workspace are relative to.
    #[must_use]
    pub fn root(&self) -> Option<&Path> {
        self.root.as_deref()
    }

    /// Every directory that a command of the plan may find itself in.
    pub(in crate::gate) fn directories(&self, plan: &Plan) -> Vec<PathBuf> {
        super::judge::directories(plan, self.policy.home())
    }

    /// The answer to an agent's plan.
    #[must_use]
    pub fn judge(&self, plan: &Plan) -> Judgement {
        if let Some((name, reason)) = self.policy.denied(plan) {
            return self.whole(plan, Verdict::Deny, built_in(name), reason);
        }
        if let Some(fault) = &self.fault {
            let rule = RuleRef { name: "policy-unreadable".to_owned(), source: fault.file.display().to_string() };
            let reason = format!("the policy {:?} can't be used, so everything is asked: {fault}", self.name);
            return self.whole(plan, Verdict::Ask, rule, reason);
        }
        let mut parts = self.by_file(plan);
        for finding in self.findings(plan) {
            parts.push(self.settle(&finding, plan));
        }
        parts.extend(self.outside(plan));
        let found: Vec<About> = parts.iter().map(|part| part.about).collect();
        for (at, program) in plan.programs.iter().enumerate() {
            if !found.contains(&About::Program(at)) {
                let about = About::Program(at);
                let (text, rule) = (shown(program), built_in("read-only-command"));
                parts.push(Part { about, text, verdict: Verdict::Allow, rule, reason: "it only looks".to_owned() });
            }
        }
        let ruling = strongest(&parts);
        let reach = reach::of(self, plan, &ruling);
        Judgement { ruling, parts, reach, grantable: true }
    }

    fn whole(&self, plan: &Plan, verdict: Verdict, rule: RuleRef, reason: String) -> Judgement {
        let text = visible(&plan.command);
        let part = Part { about: About::Plan, text, verdict, rule: rule.clone(), reason: reason.clone() };
        let ruling = Ruling { verdict, rule, reason };
        let reach = reach::of(self, plan, &ruling);
        Judgement { ruling, parts: vec![part], reach, grantable: false }
    }

    /// What keeps the plan from running unasked before any rule of the file's.
    fn findings(&self, plan: &Plan) -> Vec<Finding> {
        let mut found = self.policy.findings(plan);
        if self.mode.is_none() {
            let has = |about: About, found: &[Finding]| found.iter().any(|finding| finding.about == about);
            let reason = || "no rule of the policy mentions it".to_owned();
            for about in (0..plan.programs.len()).map(About::Program).chain((0..plan.files.len()).map(About::File)) {
                if !has(about, &found) {
                    found.push(Finding { about, rule: "not-mentioned", reason: reason() });
                }
            }
            if found.is_empty() {
                found.push(Finding { about: About::Plan, rule: "not-mentioned", reason: reason() });
            }
        }
        found
    }

    /// What the file forbids, and what it wants asked whatever else holds.
    fn by_file(&self, plan: &Plan) -> Vec<Part> {
        let Some(file) = &self.file else { return Vec::new() };
        let denied = file.denied.iter().map(|rule| (rule, Verdict::Deny, "denied", "forbids"));
        let asked = file.ask.iter().map(|rule| (rule, Verdict::Ask, "asked", "wants a question for"));
        let mut parts = Vec::new();
        for (rule, verdict, name, verb) in
            denied.chain(asked).filter(|(rule, ..)| tool_fits(&rule.entry.tool, &plan.tool))
        {
            let mut part = |about: About, line: u64, what: String| {
                let text = text_of(about, plan);
                let reason = format!("the policy {} {verb} {what}", file.name);
                parts.push(Part { about, text, verdict, rule: in_file(file, name, line), reason });
            };
            if rule.entry.commands.is_empty() && rule.entry.domains.is_empty() {
                part(About::Plan, rule.line, rule.entry.tool.clone());
            }
            for (line, pattern) in &rule.entry.commands {
                for (at, program) in plan.programs.iter().enumerate() {
                    if pattern.fits(program, Strictness::Perhaps, self.root()) {
                        part(About::Program(at), *line, format!("`{pattern}`"));
                    }
                }
            }
            for (line, domain) in &rule.entry.domains {
                if contacts(plan).any(|host| host_fits(domain, host)) {
                    part(About::Plan, *line, domain.clone());
                }
            }
        }
        parts
    }

    /// What becomes of a finding: allowed by the file or the mode, forbidden by the mode, or asked.
    fn settle(&self, finding: &Finding, plan: &Plan) -> Part {
        let part = |verdict, rule, reason| Part {
            about: finding.about,
            text: text_of(finding.about, plan),
            verdict,
            rule,
            reason,
        };
        if let Some((line, what)) = self.allowed_by_file(finding, plan)
            && let Some(file) = &self.file
        {
            let reason = format!("the policy {} allows {what}", file.name);
            return part(Verdict::Allow, in_file(file, "allowed", line), reason);
        }
        let listed = |host: &str| self.lists(host);
        let made = self
            .mode
            .and_then(|mode| mode::make_of(mode, finding, plan, &self.policy, self.workspace.as_deref(), &listed));
        match made {
            Some((rule, verdict, reason)) => part(verdict, built_in(rule), reason),
            None => part(Verdict::Ask, built_in(finding.rule), finding.reason.clone()),
        }
    }

    /// The rule of the file that allows what a finding is about.
    fn allowed_by_file(&self, finding: &Finding, plan: &Plan) -> Option<(u64, String)> {
        let file = self.file.as_ref()?;
        let rules = file.allowed.iter().filter(|rule| tool_fits(&rule.entry.tool, &plan.tool));
        rules.into_iter().find_map(|rule| self.allows(rule, finding, plan)).or_else(|| {
            // Hosts are listed for http.request; a plain fetch of one by a command is no more than that.
            let About::Program(at) = finding.about else { return None };
            let program = plan.programs.get(at).filter(|_| finding.rule == "network")?;
            let entries = file.allowed.iter().filter(|rule| tool_fits(&rule.entry.tool, "http.request"));
            entries.into_iter().find_map(|rule| {
                let listed = |host: &str| rule.entry.domains.iter().any(|(_, domain)| host_fits(domain, host));
                fetch::plain(program, &listed).map(|what| (rule.line, what))
            })
        })
    }

    fn allows(&self, rule: &Rule, finding: &Finding, plan: &Plan) -> Option<(u64, String)> {
        let entry = &rule.entry;
        if entry.commands.is_empty() && entry.domains.is_empty() {
            return Some((rule.line, entry.tool.clone()));
        }
        match finding.about {
            About::Program(at) => {
                let program = plan.programs.get(at)?;
                let fits = entry.commands.iter().find(|(_, pattern)| {
                    // A star may stand for any file, but nobody means their keys by it.
                    let starred = pattern.to_string().contains('*');
                    !(starred && finding.rule == "reads-secrets")
                        && pattern.fits(program, Strictness::Exactly, self.root())
                })?;
                Some((fits.0, format!("`{}`", fits.1)))
            }
            About::File(at) => {
                let Access::Contact { host } = plan.files.get(at)? else { return None };
                let fits = entry.domains.iter().find(|(_, domain)| host_fits(domain, host))?;
                Some((fits.0, fits.1.clone()))
            }
            About::Open(_) | About::Plan => None,
        }
    }

    /// Whether the file lists a host.
    fn lists(&self, host: &str) -> bool {
        self.hosts().any(|domain| host_fits(domain, host))
    }

    /// The hosts that the file lists.
    pub(super) fn hosts(&self) -> impl Iterator<Item = &str> {
        let rules = self.file.iter().flat_map(|file| &file.allowed);
        let http = rules.filter(|rule| tool_fits(&rule.entry.tool, "http.request"));
        http.flat_map(|rule| rule.entry.domains.iter().map(|(_, domain)| domain.as_str()))
    }

    /// The question about what lies outside, where the file wants it.
    fn outside(&self, plan: &Plan) -> Option<Part> {
        let file = self.file.as_ref().filter(|file| file.allow_outside == Some(false))?;
        let root = self.root()?;
        let dirs = super::judge::directories(plan, self.policy.home());
        let is_outside = |path: &str| {
            dirs.iter().any(|dir| {
                let path = super::secrets::normal(&dir.join(path));
                let real = std::fs::canonicalize(&path).unwrap_or(path);
                let harmless = real.starts_with("/dev") && super::secrets::secret(&real, &[]).is_none();
                !real.starts_with(root) && !harmless
            })
        };
        let named = plan.files.iter().filter_map(path_of).find(|path| is_outside(path)).map(str::to_owned);
        let named = named.or_else(|| {
            let args = plan.programs.iter().flat_map(|program| &program.args);
            let paths =
                args.flat_map(|arg| super::judge::paths_in(arg)).filter(|path| path.contains('/') || *path == "..");
            paths.into_iter().find(|path| is_outside(path)).map(str::to_owned)
        });
        let left = || is_outside(".").then(|| plan.cwd.display().to_string());
        let path = named.or_else(left)?;
        let reason = format!("{} is outside of {}", visible(&path), root.display());
        let rule = in_file(file, "outside-workspace", file.root_line);
        Some(Part { about: About::Plan, text: visible(&path), verdict: Verdict::Ask, rule, reason })
    }
}

fn path_of(access: &Access) -> Option<&str> {
    match access {
        Access::Read { path } | Access::Write { path } | Access::Add { path } | Access::Delete { path } => Some(path),
        Access::Contact { .. } => None,
    }
}

fn contacts(plan: &Plan) -> impl Iterator<Item = &str> {
    plan.files.iter().chain(&plan.touches).filter_map(|access| match access {
        Access::Contact { host } => Some(host.as_str()),
        _ => None,
    })
}

/// Deny before ask before allow; among questions the one that says most.
fn strongest(parts: &[Part]) -> Ruling {
    let weight = |part: &&Part| {
        let name = part.rule.name.as_str();
        let says_little = matches!(name, "unknown-program" | "unknown-argument" | "not-mentioned");
        let says_nothing = name == "read-only-command";
        let rank = match part.about {
            About::Program(_) if !says_little => 3,
            About::File(_) | About::Plan => 2,
            About::Open(_) => 1,
            About::Program(_) => 0,
        };
        (part.verdict, !says_nothing, rank)
    };
    // Of equals the first in the command: max_by_key takes the last.
    let first = parts.iter().rev().max_by_key(weight);
    // That it changes something known says less than that nobody knows what else it does.
    let known = |part: &&Part| matches!(part.rule.name.as_str(), "changes-things" | "writes-files");
    let unknown = |than: &Part| {
        let worse = |part: &&Part| part.rule.name == "unknown-program" && part.verdict == than.verdict;
        parts.iter().find(worse)
    };
    match first.filter(known).and_then(unknown).or(first) {
        Some(part) => Ruling { verdict: part.verdict, rule: part.rule.clone(), reason: part.reason.clone() },
        None => {
            Ruling { verdict: Verdict::Allow, rule: built_in("read-only-command"), reason: "it only looks".to_owned() }
        }
    }
}

fn text_of(about: About, plan: &Plan) -> String {
    match about {
        About::Program(at) => plan.programs.get(at).map(shown).unwrap_or_default(),
        About::File(at) => plan.files.get(at).map(access_shown).unwrap_or_default(),
        About::Open(at) => plan.open.get(at).cloned().unwrap_or_default(),
        About::Plan => visible(&plan.command),
    }
}

fn shown(program: &Program) -> String {
    let words = std::iter::once(&program.name).chain(&program.args);
    visible(&words.map(String::as_str).collect::<Vec<_>>().join(" "))
}

fn access_shown(access: &Access) -> String {
    let (verb, what) = match access {
        Access::Read { path } => ("read", path),
        Access::Write { path } => ("write", path),
        Access::Add { path } => ("add to", path),
        Access::Delete { path } => ("delete", path),
        Access::Contact { host } => ("talk to", host),
    };
    format!("{verb} {}", visible(what))
}

pub(in crate::gate) fn built_in(name: &str) -> RuleRef {
    RuleRef { name: name.to_owned(), source: "built in".to_owned() }
}

fn in_file(file: &PolicyFile, name: &str, line: u64) -> RuleRef {
    RuleRef { name: name.to_owned(), source: format!("{}:{line}", file.path.display()) }
}
