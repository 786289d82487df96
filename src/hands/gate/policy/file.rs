//! A policy file: its form, and what is wrong with it, with line and column.

use super::entry::Entry;
use super::mode::Mode;
use serde::Deserialize;
use serde_saphyr::Spanned;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Largest policy file. One with thousands of rules is smaller; a larger one is something else.
pub(super) const MAX_FILE: u64 = 256 * 1024;
/// Most rules in one: each is compared with each program of a plan.
const MAX_RULES: usize = 2000;
/// The longest that a question may wait (a day): whoever asks holds a connection open for it.
const MAX_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

/// What is wrong with a policy file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{}: {what}", file.display(), place(*line, *column))]
pub struct PolicyFault {
    /// Which.
    pub file: PathBuf,
    /// The line, from 1; 0 where it is about the whole file.
    pub line: u64,
    /// The column, from 1.
    pub column: u64,
    /// In words.
    pub what: String,
}

fn place(line: u64, column: u64) -> String {
    if line == 0 { String::new() } else { format!(":{line}:{column}") }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    name: Spanned<String>,
    #[serde(default)]
    description: String,
    #[serde(default)]
    mode: Option<Spanned<String>>,
    #[serde(default)]
    workspace: Option<RawWorkspace>,
    #[serde(default)]
    tools: RawTools,
    #[serde(default)]
    rate_limits: RawRates,
    #[serde(default)]
    approval: RawApproval,
    #[serde(default)]
    clients: Vec<String>,
    #[serde(default)]
    tests: RawTests,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWorkspace {
    #[serde(default)]
    root: Option<Spanned<String>>,
    #[serde(default)]
    allow_outside: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTools {
    #[serde(default)]
    allowed: Vec<Spanned<Entry>>,
    #[serde(default)]
    ask: Vec<Spanned<Entry>>,
    #[serde(default)]
    denied: Vec<Spanned<Entry>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRates {
    #[serde(default)]
    requests_per_minute: Option<Spanned<NonZeroU32>>,
    #[serde(default)]
    tool_calls_per_minute: Option<Spanned<NonZeroU32>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawApproval {
    #[serde(default)]
    timeout: Option<Spanned<String>>,
    #[serde(default)]
    default: Option<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTests {
    #[serde(default)]
    allow: Vec<Spanned<String>>,
    #[serde(default)]
    ask: Vec<Spanned<String>>,
    #[serde(default)]
    deny: Vec<Spanned<String>>,
}

/// A tool entry with the line it stands on.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub line: u64,
    pub entry: Entry,
}

/// A limit with the line it stands on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    pub line: u64,
    pub per_minute: u32,
}

/// A test that a policy carries: a command, and what the policy must say to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyTest {
    /// The line it stands on.
    pub line: u64,
    /// The command.
    pub command: String,
    /// The verdict it must get.
    pub verdict: pryx_terms::Verdict,
}

/// A policy of the person's own.
#[derive(Debug, Clone)]
pub struct PolicyFile {
    /// Where it stands.
    pub path: PathBuf,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The ready mode that decides what no rule of the file mentions; without one that is asked.
    pub mode: Option<Mode>,
    pub(super) root: Option<PathBuf>,
    pub(super) root_line: u64,
    /// What it says about the outside of the workspace, where it says something.
    pub(super) allow_outside: Option<bool>,
    pub(super) allowed: Vec<Rule>,
    pub(super) ask: Vec<Rule>,
    pub(super) denied: Vec<Rule>,
    pub(super) requests: Option<Limit>,
    pub(super) calls: Option<Limit>,
    /// How long a question waits, if not as long as set elsewhere.
    pub timeout: Option<Duration>,
    /// Programs of the older protocol that may ask under this policy.
    pub clients: Vec<String>,
    /// The tests it carries.
    pub tests: Vec<PolicyTest>,
}

impl PolicyFile {
    /// Reads a file. `home` stands for `~` in it.
    ///
    /// # Errors
    /// When it can't be read or understood.
    pub fn read(path: &Path, home: Option<&Path>) -> Result<Self, PolicyFault> {
        let fault = |what: String| PolicyFault { file: path.to_owned(), line: 0, column: 0, what };
        let meta = std::fs::metadata(path).map_err(|error| fault(format!("it can't be read: {error}")))?;
        if !meta.is_file() || meta.len() > MAX_FILE {
            return Err(fault(format!("it is no plain file below {} KiB", MAX_FILE / 1024)));
        }
        let text = std::fs::read_to_string(path).map_err(|error| fault(format!("it can't be read: {error}")))?;
        Self::parse(path, &text, home)
    }

    /// Reads the text of a file that stands, or would stand, at `path`.
    ///
    /// # Errors
    /// When it can't be understood.
    pub fn parse(path: &Path, text: &str, home: Option<&Path>) -> Result<Self, PolicyFault> {
        let at = |line: u64, column: u64, what: String| PolicyFault { file: path.to_owned(), line, column, what };
        let raw: Raw = serde_saphyr::from_str(text).map_err(|error| {
            let (line, column) = error.location().map_or((1, 1), |place| (place.line(), place.column()));
            at(line, column, words(&error))
        })?;
        let wrong = |place: serde_saphyr::Location, what: String| at(place.line(), place.column(), what);
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        if raw.name.value != stem {
            let what =
                format!("its name is {:?}, but the file is called {stem:?}: they must be the same", raw.name.value);
            return Err(wrong(raw.name.defined, what));
        }
        check_name(stem).map_err(|what| wrong(raw.name.defined, what))?;
        let mode = mode(&raw, stem).map_err(|(place, what)| wrong(place, what))?;
        let root = raw.workspace.as_ref().and_then(|workspace| workspace.root.as_ref());
        let root_line = root.map_or(0, |root| root.defined.line());
        let root = root.map(|root| expand(&root.value, home).map_err(|what| wrong(root.defined, what))).transpose()?;
        let timeout = raw.approval.timeout.as_ref();
        let timeout =
            timeout.map(|text| timeout_of(&text.value).map_err(|what| wrong(text.defined, what))).transpose()?;
        if let Some(default) = raw.approval.default.as_ref().filter(|default| default.value != "deny") {
            let what = format!("an unanswered question is a no: {:?} can't be its answer, only deny", default.value);
            return Err(wrong(default.defined, what));
        }
        let rules = |entries: Vec<Spanned<Entry>>| -> Vec<Rule> {
            entries.into_iter().map(|entry| Rule { line: entry.defined.line(), entry: entry.value }).collect()
        };
        let limit = |limit: Option<Spanned<NonZeroU32>>| {
            limit.map(|limit| Limit { line: limit.defined.line(), per_minute: limit.value.get() })
        };
        let file = Self {
            path: path.to_owned(),
            name: raw.name.value,
            description: raw.description,
            mode,
            root,
            root_line,
            allow_outside: raw.workspace.map(|workspace| workspace.allow_outside),
            allowed: rules(raw.tools.allowed),
            ask: rules(raw.tools.ask),
            denied: rules(raw.tools.denied),
            requests: limit(raw.rate_limits.requests_per_minute),
            calls: limit(raw.rate_limits.tool_calls_per_minute),
            timeout,
            clients: raw.clients,
            tests: tests(raw.tests),
        };
        let rules = [&file.allowed, &file.ask, &file.denied].into_iter().flatten();
        let count: usize = rules.map(|rule| 1 + rule.entry.commands.len() + rule.entry.domains.len()).sum();
        if count > MAX_RULES {
            return Err(at(0, 0, format!("it has {count} rules; {MAX_RULES} are the most")));
        }
        Ok(file)
    }

    /// What is allowed here that its writer may not have meant.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let all = |rule: &&Rule| rule.entry.commands.is_empty() && super::tool_fits(&rule.entry.tool, "shell.exec");
        let line =
            |rule: &Rule| format!("line {}: {} without commands allows every command", rule.line, rule.entry.tool);
        self.allowed.iter().filter(all).map(line).collect()
    }

    /// How many rules it has.
    #[must_use]
    pub fn rules(&self) -> usize {
        [&self.allowed, &self.ask, &self.denied].iter().map(|rules| rules.len()).sum()
    }
}

fn words(error: &serde_saphyr::Error) -> String {
    let text = error.without_snippet().to_string();
    text.lines().next().unwrap_or_default().trim().to_owned()
}

fn mode(raw: &Raw, stem: &str) -> Result<Option<Mode>, (serde_saphyr::Location, String)> {
    let own = Mode::of(stem);
    let Some(text) = &raw.mode else { return Ok(own) };
    let names = || Mode::ALL.map(Mode::name).join(", ");
    let named = Mode::of(&text.value)
        .ok_or_else(|| (text.defined, format!("{:?} is no mode; there are {}", text.value, names())))?;
    match own {
        Some(own) if own != named => {
            Err((text.defined, format!("a file called {stem} refines the mode {stem}; it can't begin with another")))
        }
        _ => Ok(Some(named)),
    }
}

/// Why a text can't be the name of a policy.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    let fine = (1..=64).contains(&name.len()) && name.chars().all(plain);
    if fine { Ok(()) } else { Err(format!("{name:?} can't be a name: a-z, 0-9, - and _ can be in it, 64 at most")) }
}

/// `.` is the directory where the session began; the rest must be absolute.
fn expand(text: &str, home: Option<&Path>) -> Result<PathBuf, String> {
    let path = match (text, text.strip_prefix("~/"), home) {
        (".", ..) => return Ok(PathBuf::from(".")),
        ("~", _, Some(home)) => home.to_owned(),
        (_, Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(text),
    };
    if path.is_absolute() {
        Ok(path)
    } else {
        Err(format!("{text:?} is no root: write /…, ~/… or . for the session's"))
    }
}

fn timeout_of(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no time to wait: write 90s, 5m or 1h, a day at most");
    let duration: jiff::SignedDuration = text.parse().map_err(|_| wrong())?;
    let duration = Duration::try_from(duration).map_err(|_| wrong())?;
    (!duration.is_zero() && duration <= MAX_TIMEOUT).then_some(duration).ok_or_else(wrong)
}

fn tests(raw: RawTests) -> Vec<PolicyTest> {
    use pryx_terms::Verdict::{Allow, Ask, Deny};
    let of = |commands: Vec<Spanned<String>>, verdict| {
        let test = move |text: Spanned<String>| PolicyTest { line: text.defined.line(), command: text.value, verdict };
        commands.into_iter().map(test)
    };
    of(raw.allow, Allow).chain(of(raw.ask, Ask)).chain(of(raw.deny, Deny)).collect()
}
