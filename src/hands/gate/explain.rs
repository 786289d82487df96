//! Why a plan gets the answer it gets: each part with its rule, what it could touch, and what would change the answer.

use super::grants::covering;
use super::plan::plan_shell;
use super::policy::{Judgement, Rules};
use super::{Gate, Obstacle, Request};
use pryx_terms::{Access, Actor, ExplainedPart, Explanation, Grant, Plan, Ruling, SessionId, Verdict};

/// Examples shown of each kind.
const EXAMPLES: usize = 2;

impl Gate {
    /// Explains what a request would be answered: under a session's rules, or under those given.
    ///
    /// # Errors
    /// When there is nothing to explain: the request makes no sense here.
    pub fn explain(
        &self,
        request: &Request,
        rules: &Rules,
        session: Option<&SessionId>,
    ) -> Result<Explanation, Obstacle> {
        let plan = request.plan()?;
        let mut judgement = self.held(rules.judge(&plan), self.sandbox().lacking());
        if judgement.ruling.verdict == Verdict::Ask {
            let all = self.inner.store.grants_in(session).unwrap_or_default();
            if let Some(used) = covering(&plan, &judgement, rules, &all) {
                let ids: Vec<String> = used.iter().map(|grant| grant.id.to_string()).collect();
                let rule = super::built_in("grant");
                let reason = format!("you allowed it: grant {}", ids.join(", "));
                judgement.ruling = Ruling { verdict: Verdict::Allow, rule, reason };
            }
        }
        Ok(explained(plan, judgement, rules))
    }

    /// The rules that a name stands for, in a directory; `None` for those of an agent's own session.
    #[must_use]
    pub fn rules_named(&self, name: Option<&str>, dir: &std::path::Path, asks: &Actor) -> Rules {
        if let Actor::Agent { session } = asks {
            return self.rules(session.as_ref());
        }
        let mut choice = self.inner.policies.default_choice(Some(dir.to_owned()));
        if let Some(name) = name {
            name.clone_into(&mut choice.name);
        }
        self.inner.policies.rules(&choice)
    }
}

fn explained(plan: Plan, judgement: Judgement, rules: &Rules) -> Explanation {
    let changes = changes(&plan, &judgement, rules);
    let Judgement { ruling, parts, reach, .. } = judgement;
    let parts = parts.into_iter().map(|part| ExplainedPart {
        text: part.text,
        ruling: Ruling { verdict: part.verdict, rule: part.rule, reason: part.reason },
    });
    Explanation { policy: rules.name().to_owned(), plan, ruling, parts: parts.collect(), reach, changes }
}

/// What a person could do about an answer.
fn changes(plan: &Plan, judgement: &Judgement, rules: &Rules) -> Vec<String> {
    let mut all = Vec::new();
    let mut say = |text: String| {
        if !all.contains(&text) {
            all.push(text);
        }
    };
    for part in judgement.parts.iter().filter(|part| part.verdict == judgement.ruling.verdict) {
        let own = part.rule.source != "built in";
        match (part.verdict, part.rule.name.as_str()) {
            (Verdict::Allow, "read-only-command" | "own-act") => {}
            (Verdict::Allow, _) if own => say(format!("without the rule at {} it would be asked", part.rule.source)),
            (Verdict::Allow, _) => say(format!("in the mode read-only `{}` would not run unasked", part.text)),
            (_, "policy-unreadable") => say(format!("mend {}; `pryx policy check` says where", part.rule.source)),
            (_, _) if own => say(format!("the rule at {} decides: change or remove it", part.rule.source)),
            (Verdict::Deny, "read-only-mode") => say("another mode: `--mode workspace` asks instead".to_owned()),
            (Verdict::Deny, _) => say("nothing does: run it yourself in a terminal if you mean it".to_owned()),
            (Verdict::Ask, "writes-files" | "changes-things" | "unlisted-arguments" | "unknown-program") => {
                say(format!("a rule under tools.allowed of a policy: shell.exec: {{commands: [\"{}\"]}}", part.text));
                say("the key a on its card, which makes a grant".to_owned());
            }
            (Verdict::Ask, "network") => {
                say("the mode network-allowlist with the host under tools.allowed: http.request: {domains: […]}"
                    .to_owned());
            }
            (Verdict::Ask, "open-question" | "unknown-argument") => {
                say(format!("writing it so that it is known before it runs ({})", part.reason));
            }
            (Verdict::Ask, _) => say("a yes on its card".to_owned()),
        }
    }
    if judgement.ruling.verdict == Verdict::Ask && plan.open.is_empty() && rules.fault().is_none() {
        say("the mode full, which asks nothing".to_owned());
    }
    all
}

/// Commands that a grant would cover and commands that it would not, each tried against it.
pub(super) fn examples(grant: &Grant, plan: &Plan, rules: &Rules) -> (Vec<String>, Vec<String>) {
    let tried = |command: &String| {
        let around = super::Surroundings { path: SYSTEM_PATH.to_owned(), home: None, terminal: None };
        let made = plan_shell(&plan.tool, command, &["/bin/bash".to_owned(), "-c".to_owned()], &plan.cwd, &around);
        let judgement = rules.judge(&made);
        let asked = judgement.ruling.verdict == Verdict::Ask;
        asked.then(|| covering(&made, &judgement, rules, std::slice::from_ref(grant)).is_some())
    };
    let (mut matches, mut misses) = (Vec::new(), Vec::new());
    for candidate in candidates(grant, plan) {
        let list = match tried(&candidate) {
            Some(true) => &mut matches,
            Some(false) => &mut misses,
            // It would run, or not run, whatever is granted.
            None => continue,
        };
        if list.len() < EXAMPLES && !list.contains(&candidate) {
            list.push(candidate);
        }
    }
    (matches, misses)
}

/// Where examples are looked up: they are only ever judged.
const SYSTEM_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

fn candidates(grant: &Grant, plan: &Plan) -> Vec<String> {
    use pryx_terms::GrantSubject as S;
    let mut all = Vec::new();
    match &grant.subject {
        S::Commands { patterns } => {
            for pattern in patterns {
                let head = pattern.trim_end_matches(" *");
                if head.len() < pattern.len() {
                    let first = head.split(' ').next().unwrap_or(head);
                    all.extend([head.to_owned(), format!("{head} --verbose 2>&1 | tail -n 20")]);
                    all.extend([format!("{first} -x"), format!("{head} && rm -rf build"), format!("sudo {head}")]);
                } else {
                    let one = pattern.replace("/tmp/*", "/tmp/x1");
                    all.extend([one.clone(), format!("{one} 2>&1 | tail -n 20"), format!("cd . && {one}")]);
                    all.extend([format!("{one} extra"), format!("{one} && rm -rf build"), format!("sudo {one}")]);
                }
            }
        }
        S::Hosts { hosts } => {
            for host in hosts {
                all.extend([format!("curl -s https://{host}/"), format!("curl -sI https://{host}/x")]);
                all.extend([format!("curl -d @f https://{host}/"), format!("curl https://other.{host}/")]);
            }
        }
        S::Exact { command, .. } => all.push(command.clone()),
        S::Tool { .. } => {}
    }
    all.extend(plan.touches.iter().filter_map(|access| match access {
        Access::Contact { host } => Some(format!("curl -T f https://{host}/")),
        _ => None,
    }));
    all
}
