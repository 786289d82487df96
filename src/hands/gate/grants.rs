//! Grants: whether what a human allowed before answers the questions about a plan, and what a new one would cover.

use super::plan::{is_free, quiet_variable, set_for_command};
use super::policy::{About, CommandPattern, Judgement, Part, Rules, Strictness, fetch_hosts, host_fits};
use pryx_terms::{
    Access, Grant, GrantId, GrantScope, GrantSubject, GrantTerms, Plan, Program, SessionId, Timestamp, Verdict, visible,
};
use std::path::Path;

/// Programs whose first argument says what they do: with it, a pattern can leave the rest open.
const WITH_VERBS: &str = "cargo npm yarn pnpm bun go make just task mvn gradle dotnet mix bundle rake composer poetry uv \
    git terraform helm systemctl brew apt pip pip3 pytest tox ruff black mypy eslint prettier tsc jest \
    vitest cmake ctest ninja bazel swift zig";

/// Verbs that are never left open: what stands behind them decides everything.
const DEEP_VERBS: &str = "exec run x dlx config alias push clean reset rm remove uninstall purge publish login delete \
    destroy apply filter-branch rebase checkout switch restore worktree submodule hook";

/// Where everybody may write: files there come and go under new names.
const TEMPORARY: &[&str] = &["/tmp/", "/var/tmp/", "/private/tmp/"];

/// The grants that together answer all questions about a plan; nothing when one stays open.
pub(super) fn covering<'g>(
    plan: &Plan,
    judgement: &Judgement,
    rules: &Rules,
    grants: &'g [Grant],
) -> Option<Vec<&'g Grant>> {
    if !judgement.grantable {
        return None;
    }
    let holds = |grant: &&Grant| grant.tool == plan.tool && is_inside(grant, plan, rules);
    let grants: Vec<&Grant> = grants.iter().filter(holds).collect();
    let exact = |grant: &&Grant| matches!(&grant.subject, GrantSubject::Exact { command, cwd } if *command == plan.command && *cwd == plan.cwd);
    if let Some(grant) = grants.iter().copied().find(exact) {
        return Some(vec![grant]);
    }
    let mut used: Vec<&Grant> = Vec::new();
    let mut others = Vec::new();
    for part in judgement.parts.iter().filter(|part| part.verdict == Verdict::Ask) {
        match grants.iter().copied().find(|grant| covers(grant, part, plan)) {
            Some(grant) if used.iter().any(|known| known.id == grant.id) => {}
            Some(grant) => used.push(grant),
            None => others.push(part),
        }
    }
    // What comes along with a granted command, and only with one.
    let along = !used.is_empty() && others.iter().all(|part| comes_along(part, plan));
    along.then_some(used)
}

fn is_inside(grant: &Grant, plan: &Plan, rules: &Rules) -> bool {
    match &grant.scope {
        GrantScope::Workspace { root } => rules.directories(plan).iter().all(|dir| dir.starts_with(root)),
        GrantScope::Host | GrantScope::Network | GrantScope::Integration => true,
    }
}

fn covers(grant: &Grant, part: &Part, plan: &Plan) -> bool {
    match (&grant.subject, part.about) {
        (GrantSubject::Commands { patterns }, About::Program(at)) => {
            let root = match &grant.scope {
                GrantScope::Workspace { root } => Some(root.as_path()),
                _ => None,
            };
            let sensitive = matches!(part.rule.name.as_str(), "reads-secrets" | "privileged");
            let fits = |text: &String| {
                !(sensitive && text.contains('*'))
                    && CommandPattern::parse(text).is_ok_and(|pattern| {
                        plan.programs.get(at).is_some_and(|p| pattern.fits(p, Strictness::Exactly, root))
                    })
            };
            patterns.iter().any(fits)
        }
        (GrantSubject::Hosts { hosts }, About::Program(at)) => {
            let fetched = plan.programs.get(at).and_then(fetch_hosts);
            fetched.is_some_and(|names| names.iter().all(|name| hosts.iter().any(|host| host_fits(host, name))))
        }
        (GrantSubject::Hosts { hosts }, About::File(at)) => match plan.files.get(at) {
            Some(Access::Contact { host }) => hosts.iter().any(|known| host_fits(known, host)),
            _ => false,
        },
        (GrantSubject::Tool { name }, About::Plan | About::Open(_)) => *name == plan.tool,
        _ => false,
    }
}

/// A variable that changes no program's file, or a new temporary file.
fn comes_along(part: &Part, plan: &Plan) -> bool {
    match part.about {
        About::Open(at) => {
            let open = plan.open.get(at);
            plan.sets.iter().any(|name| quiet_variable(name) && open == Some(&set_for_command(name)))
        }
        About::File(at) => match plan.files.get(at) {
            Some(Access::Write { path } | Access::Add { path }) => is_temporary(path) && is_free(Path::new(path)),
            _ => false,
        },
        About::Program(_) | About::Plan => false,
    }
}

fn is_temporary(path: &str) -> bool {
    let below = |place: &&str| path.strip_prefix(*place).is_some_and(|rest| !rest.contains('/'));
    // A number that the shell fills in (`$$`) makes it another file.
    let known = !path.contains('$') && !path.split('/').any(|part| part == "..");
    known && TEMPORARY.iter().any(below)
}

/// The grant that a person's terms come to, for a plan that was asked about.
///
/// # Errors
/// When there is none that could be trusted, in words.
pub(super) fn draft(
    plan: &Plan,
    judgement: &Judgement,
    rules: &Rules,
    session: Option<&SessionId>,
    terms: &GrantTerms,
) -> Result<Grant, String> {
    if !judgement.grantable {
        return Err("nothing can be granted while the policy is not in order".to_owned());
    }
    if plan.touches.iter().any(|access| matches!(access, Access::Delete { .. })) {
        return Err("what deletes is asked each time: elsewhere the same name is another file".to_owned());
    }
    let mut patterns = Vec::new();
    let mut hosts = Vec::new();
    for part in judgement.parts.iter().filter(|part| part.verdict == Verdict::Ask) {
        match part.about {
            About::Program(at) => {
                let Some(program) = plan.programs.get(at) else { continue };
                match (fetch_hosts(program), &terms.pattern) {
                    (Some(names), None) => hosts.extend(names),
                    (_, pattern) => patterns.push(exact_pattern(program, part).or_else(|why| {
                        // A pattern of the person's own can leave open what is not known.
                        if pattern.is_some() && !never(program) { Ok(String::new()) } else { Err(why) }
                    })?),
                }
            }
            _ if comes_along(part, plan) => {}
            _ => return Err(format!("{}: that is asked each time", part.reason)),
        }
    }
    let subject = match (&terms.pattern, patterns.is_empty(), hosts.is_empty()) {
        (Some(text), ..) => GrantSubject::Commands { patterns: vec![own_pattern(text)?] },
        (None, false, true) => {
            patterns.dedup();
            GrantSubject::Commands { patterns }
        }
        (None, true, false) => GrantSubject::Hosts { hosts },
        (None, true, true) => return Err("there is nothing in it that a pattern could describe".to_owned()),
        (None, false, false) => return Err("it runs commands and fetches: grant them one by one".to_owned()),
    };
    let scope = match (&subject, terms.everywhere) {
        (GrantSubject::Hosts { .. }, _) => GrantScope::Network,
        (_, true) => GrantScope::Host,
        (_, false) => match rules.root() {
            Some(root) => GrantScope::Workspace { root: root.to_owned() },
            None => GrantScope::Workspace { root: plan.cwd.clone() },
        },
    };
    let made = Timestamp::now();
    let expires = terms.seconds.map(|seconds| {
        let ms = i64::try_from(seconds.saturating_mul(1000)).unwrap_or(i64::MAX);
        Timestamp::from_millisecond(made.as_millisecond().saturating_add(ms)).unwrap_or(Timestamp::MAX)
    });
    let grant = Grant {
        id: GrantId::generate(),
        tool: plan.tool.clone(),
        subject,
        scope,
        session: session.filter(|_| terms.session).cloned(),
        made,
        expires,
        uses_left: terms.uses,
        used: 0,
        made_for: visible(&plan.command),
    };
    if terms.session && grant.session.is_none() {
        return Err("it belongs to no session".to_owned());
    }
    match covering(plan, judgement, rules, std::slice::from_ref(&grant)) {
        Some(_) => Ok(grant),
        None => Err("the pattern does not cover the command that is asked about".to_owned()),
    }
}

/// A yes for the rest of the session: by pattern where one can be trusted, else word for word in the same directory.
pub(super) fn for_session(plan: &Plan, judgement: &Judgement, rules: &Rules, session: &SessionId) -> Grant {
    let terms = GrantTerms { session: true, ..GrantTerms::default() };
    // In another directory the same names are other files.
    let writes = plan.touches.iter().any(|access| matches!(access, Access::Write { .. }));
    let draft = draft(plan, judgement, rules, Some(session), &terms).ok().filter(|_| !writes);
    draft.unwrap_or_else(|| Grant {
        id: GrantId::generate(),
        tool: plan.tool.clone(),
        subject: GrantSubject::Exact { command: plan.command.clone(), cwd: plan.cwd.clone() },
        scope: GrantScope::Host,
        session: Some(session.clone()),
        made: Timestamp::now(),
        expires: None,
        uses_left: None,
        used: 0,
        made_for: visible(&plan.command),
    })
}

/// The program with exactly these arguments; temporary files under any name.
fn exact_pattern(program: &Program, part: &Part) -> Result<String, String> {
    let name = program.name.as_str();
    if never(program) {
        return Err(format!("{name} runs whatever it is told, so it is asked each time"));
    }
    if !program.unsure.is_empty() {
        return Err(format!("{} holds something that only the run will show", part.text));
    }
    if program.args.iter().any(|arg| arg == "*") {
        return Err("a * as an argument would stand for every argument".to_owned());
    }
    let word = |arg: &String| match TEMPORARY.iter().find(|place| arg.starts_with(**place)) {
        Some(place) if !arg.contains("..") => format!("{place}*"),
        _ => arg.clone(),
    };
    let words = std::iter::once(name.to_owned()).chain(program.args.iter().map(word)).collect();
    let pattern = CommandPattern::of_words(words).to_string();
    CommandPattern::parse(&pattern).map(|_| pattern)
}

/// The same with its arguments left open behind the verb, where that is sensible.
pub(super) fn wider(plan: &Plan, judgement: &Judgement) -> Option<String> {
    let mut asked = judgement.parts.iter().filter(|part| part.verdict == Verdict::Ask);
    let About::Program(at) = asked.next()?.about else { return None };
    let program = plan.programs.get(at).filter(|program| asked.next().is_none() && !never(program))?;
    let listed = |list: &str, word: &str| list.split_ascii_whitespace().any(|known| known == word);
    let verb = program.args.first().filter(|verb| !verb.starts_with('-') && !program.unsure.contains(&0))?;
    let plain = verb.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '.'));
    let fine = plain && listed(WITH_VERBS, &program.name) && !listed(DEEP_VERBS, verb);
    fine.then(|| format!("{} {verb} *", program.name))
}

fn own_pattern(text: &str) -> Result<String, String> {
    let pattern = CommandPattern::parse(text)?;
    let name = text.split_whitespace().next().unwrap_or_default().trim_matches(['\'', '"']);
    let program = Program { name: name.to_owned(), path: None, args: Vec::new(), unsure: Vec::new() };
    if never(&program) || name.contains('*') {
        return Err(format!("{name} runs whatever it is told, so it is never granted"));
    }
    Ok(pattern.to_string())
}

/// Interpreters, shells, and whatever else starts other programs or acts with other rights.
fn never(program: &Program) -> bool {
    super::plan::runs_anything(&program.name)
}
