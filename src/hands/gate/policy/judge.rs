//! What of a plan only looks: a closed table of programs with the arguments that keep them harmless.

use super::known::{Known, Reads};
use super::searches::{Search, searches_here};
use super::{deny, secrets, table};
use crate::gate::plan::{enter, is_wrapper};
use pryx_terms::{Access, Plan, Program};
use std::path::{Path, PathBuf};

/// Where the system keeps its programs. A program that is called by its whole path must be in one of them.
const PROGRAM_DIRS: &[&str] =
    &["/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/opt/homebrew/bin"];

/// Tools whose plan may hold neither program nor file: a command that only sets a variable, the output of a job.
const UNDERSTOOD: &[&str] = &[
    "shell.exec",
    "shell.background",
    "shell.wait",
    "shell.input",
    "shell.read",
    "shell.screen",
    "shell.stop",
    "shell.list",
];

/// The reading of commands that comes with pryx.
#[derive(Debug, Clone)]
pub struct Policy {
    home: Option<PathBuf>,
    private: Vec<PathBuf>,
}

/// The name of a rule that asks, and its reason.
type Question = (&'static str, String);

/// Which part of a plan a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::gate) enum About {
    /// The program with this index.
    Program(usize),
    /// The file of a redirection.
    File(usize),
    /// The open question.
    Open(usize),
    /// All of it.
    Plan,
}

/// A reason not to let a plan run unasked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    /// Which part gives it.
    pub about: About,
    /// The rule's name.
    pub rule: &'static str,
    /// In words.
    pub reason: String,
}

impl Policy {
    /// The rules that come with pryx. `home` is the person's home directory, which is never searched or deleted whole;
    /// `private` are directories that are never read unasked (pryx's own).
    #[must_use]
    pub fn builtin(home: Option<&Path>, private: &[&Path]) -> Self {
        let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        Self { home: home.map(real), private: private.iter().map(|path| real(path)).collect() }
    }

    /// Whether a file may hold keys, passwords or a history.
    #[must_use]
    pub fn is_secret(&self, path: &Path) -> bool {
        self.secret(path).is_some()
    }

    /// The person's home directory.
    pub(super) fn home(&self) -> Option<&Path> {
        self.home.as_deref()
    }

    /// Directories that are never read unasked.
    pub(super) fn private(&self) -> &[PathBuf] {
        &self.private
    }

    /// Why a plan never runs, if so.
    pub(super) fn denied(&self, plan: &Plan) -> Option<Question> {
        deny::RULES.iter().find_map(|(name, applies)| Some((*name, applies(plan, self.home.as_deref())?)))
    }

    /// All that keeps a plan from being one that only looks.
    pub(super) fn findings(&self, plan: &Plan) -> Vec<Finding> {
        let dirs = directories(plan, self.home.as_deref());
        let programs = plan.programs.iter().enumerate();
        let programs = programs.filter_map(|(at, program)| Some((About::Program(at), self.judge(program, &dirs)?)));
        let files = plan.files.iter().enumerate();
        let judged = |access| self.judge_file(access).or_else(|| self.judge_tree(plan, access));
        let files = files.filter_map(|(at, access)| Some((About::File(at), judged(access)?)));
        let open = plan.open.iter().enumerate().map(|(at, what)| (About::Open(at), ("open-question", what.clone())));
        let mut found: Vec<Finding> =
            programs.chain(files).chain(open).map(|(about, (rule, reason))| Finding { about, rule, reason }).collect();
        // In a terminal its name stands behind the tool's.
        let tool = plan.tool.split('@').next().unwrap_or_default();
        if plan.programs.is_empty() && plan.files.is_empty() && !UNDERSTOOD.contains(&tool) {
            let reason = format!("no rule knows what {} does", plan.tool);
            found.push(Finding { about: About::Plan, rule: "unknown-act", reason });
        }
        found
    }

    fn judge(&self, program: &Program, dirs: &[PathBuf]) -> Option<Question> {
        let name = match known_name(program) {
            Ok(name) => name,
            Err(question) => return Some(question),
        };
        if table::has(table::PRIVILEGED, name) {
            return Some(("privileged", format!("{name} acts with another user's rights")));
        }
        if is_wrapper(name) {
            return None;
        }
        let entries = table::all().filter(|known| table::has(known.names, name));
        let args: Vec<&str> = program.args.iter().map(String::as_str).collect();
        let mut found = None;
        for known in entries {
            if known.args.allow(&args) {
                return self.judge_known(name, program, known, dirs);
            }
            found = Some(known);
        }
        Some(unlisted(name, program, found.is_some()))
    }

    fn judge_known(&self, name: &str, program: &Program, known: &Known, dirs: &[PathBuf]) -> Option<Question> {
        let opens = matches!(known.reads, Reads::Content | Reads::Tree);
        if opens && let Some(question) = self.judge_content(program, known, dirs) {
            return Some(question);
        }
        let unsure = program.unsure.first().and_then(|index| program.args.get(*index));
        match unsure {
            Some(arg) if opens || !known.args.bear_anything() => {
                Some(("unknown-argument", format!("what {arg} is for {name} will be known only when it runs")))
            }
            _ => None,
        }
    }

    fn judge_content(&self, program: &Program, known: &Known, dirs: &[PathBuf]) -> Option<Question> {
        // A number that the shell fills in may complete a name.
        if let Some(arg) = program.args.iter().find(|arg| ["$?", "$$", "$#", "$!"].iter().any(|n| arg.contains(n))) {
            return Some(("unknown-argument", format!("what {arg} is will be known only when it runs")));
        }
        // What grep leaves out is not what it reads.
        let out = |arg: &str| {
            base(program).ends_with("grep") && (arg.starts_with("--exclude=") || arg.starts_with("--exclude-dir="))
        };
        let named: Vec<&str> = program.args.iter().filter(|arg| !out(arg)).flat_map(|arg| paths_in(arg)).collect();
        let here = searches_here(program, known);
        let search = Search::of(program, known);
        let below = here || matches!(base(program), "git" | "diff" | "colordiff");
        for dir in dirs {
            let paths: Vec<PathBuf> = named.iter().map(|path| dir.join(path)).collect();
            let secret = paths.iter().find_map(|path| self.secret(path));
            let wide = |path: &Path| below.then(|| secrets::wide(path, self.home.as_deref())).flatten();
            // Without a directory among its arguments a search begins where it stands.
            let by_itself = search.as_ref().is_some_and(|search| search.here);
            let nothing_named = by_itself || here && !paths.iter().any(|path| path.exists());
            let unnamed = || if nothing_named { self.secret(dir).or_else(|| wide(dir)) } else { None };
            let reason = secret.or_else(|| paths.iter().find_map(|path| wide(path))).or_else(unnamed);
            let met = || {
                let search = search.as_ref()?;
                let places = paths.iter().filter(|path| path.is_dir()).map(PathBuf::as_path);
                let mut places = places.chain(nothing_named.then_some(dir.as_path()));
                places.find_map(|place| search.meets(place, &self.private))
            };
            let reason = reason.or_else(met);
            if let Some(reason) = reason {
                return Some(("reads-secrets", reason));
            }
        }
        None
    }

    pub(super) fn secret(&self, path: &Path) -> Option<String> {
        secrets::secret(path, &self.private)
    }

    /// A search through everything below a directory.
    fn judge_tree(&self, plan: &Plan, access: &Access) -> Option<Question> {
        match access {
            Access::Read { path } if plan.tool == "fs.search" => {
                secrets::wide(Path::new(path), self.home.as_deref()).map(|reason| ("reads-secrets", reason))
            }
            _ => None,
        }
    }

    fn judge_file(&self, access: &Access) -> Option<Question> {
        match access {
            Access::Read { path } | Access::Write { path } | Access::Add { path }
                if path.starts_with("/dev/tcp/") || path.starts_with("/dev/udp/") =>
            {
                Some(("network", format!("{path} is a connection to another machine")))
            }
            Access::Read { path } => self.secret(Path::new(path)).map(|reason| ("reads-secrets", reason)),
            Access::Write { path } | Access::Add { path } => {
                let harmless = matches!(path.as_str(), "/dev/null" | "/dev/stdout" | "/dev/stderr" | "/dev/tty");
                let descriptor = path.strip_prefix("/dev/fd/").is_some_and(|fd| fd.chars().all(|c| c.is_ascii_digit()));
                (!harmless && !descriptor).then(|| ("writes-files", format!("it writes {path}")))
            }
            Access::Delete { path } => Some(("changes-things", format!("it deletes {path}"))),
            Access::Contact { host } => Some(("network", format!("it talks to {host}"))),
        }
    }
}

/// Every directory that a command of the plan may find itself in.
pub(super) fn directories(plan: &Plan, home: Option<&Path>) -> Vec<PathBuf> {
    let mut dirs = vec![plan.cwd.clone()];
    for program in plan.programs.iter().filter(|program| program.name == "cd") {
        let target = program.args.first().map(Path::new).or(home);
        if let Some(target) = target {
            // Too many directories are an open question of the plan; here all that were found count.
            let _ = enter(&mut dirs, target);
        }
    }
    dirs
}

/// The name under which the table may know it. A file called by a path is only its name in the system's directories.
pub(super) fn known_name(program: &Program) -> Result<&str, Question> {
    let name = program.name.as_str();
    let Some((directory, base)) = name.rsplit_once('/') else { return Ok(name) };
    if PROGRAM_DIRS.contains(&directory) {
        return Ok(base);
    }
    Err(("unknown-program", format!("{name} is a file, not a program that the rules know")))
}

fn unlisted(name: &str, program: &Program, is_known: bool) -> Question {
    if table::has(table::NETWORK, name) {
        return ("network", format!("{name} may talk to other machines"));
    }
    if table::has(table::CHANGES, name) && !is_known {
        return ("changes-things", format!("{name} changes things"));
    }
    if is_known {
        let shown = program.args.join(" ");
        return ("unlisted-arguments", format!("{name} may do more than look with: {shown}"));
    }
    ("unknown-program", format!("no rule knows {name}"))
}

/// What of an argument may be a path: all of it, the value of an option, what follows an option's letter.
pub(super) fn paths_in(arg: &str) -> Vec<&str> {
    let mut paths = Vec::new();
    if !arg.starts_with('-') {
        paths.push(arg);
    }
    if let Some((_, value)) = arg.split_once(['=', ':', '@']) {
        paths.push(value);
    }
    if arg.starts_with('-') && !arg.starts_with("--") {
        paths.extend(arg.char_indices().nth(2).map(|(at, _)| &arg[at..]));
    }
    paths
}

pub(super) fn base(program: &Program) -> &str {
    program.name.rsplit('/').next().unwrap_or(&program.name)
}
