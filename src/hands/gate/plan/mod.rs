//! From a command line to a plan: which programs would run, with what, where; and what can't be known before.
//!
//! Nothing is guessed. A construct that is not fully understood becomes an open question, and a plan with open
//! questions is never allowed without asking.

mod builtins;
mod feeds;
mod gitlinks;
mod globs;
mod guard;
mod lookup;
mod loops;
mod surroundings;
mod touches;
mod typed;
mod walk;
mod words;
mod wrappers;

use super::Surroundings;
use pryx_terms::{Access, Plan, Program, visible};
use std::path::{Path, PathBuf};
use words::{Dialect, Lexer};

pub(super) use builtins::{quiet_variable, set_for_command};
pub(super) use lookup::enter;
pub(super) use lookup::is_free;
pub(super) use touches::touches;
pub(super) use typed::plan_typed;
pub(super) use wrappers::{is_wrapper, runs_anything};

/// Longest command that is looked into (64 KiB). Nobody can read a longer one on a card, and time grows with it.
const MAX_COMMAND: usize = 64 * 1024;
/// How deep `sh -c`, `$(…)` and wrappers may nest. Each level is a recursion on the stack.
const MAX_DEPTH: usize = 8;
/// Most programs in one plan; a card with more can't be read.
const MAX_PROGRAMS: usize = 500;
/// Most arguments over all programs, globs expanded.
const MAX_ARGUMENTS: usize = 5000;
/// Most things that are listed as touched; a card with more can't be read, and nothing is decided by the list.
const MAX_TOUCHES: usize = 100;
/// Most open questions that are listed; one is enough to ask.
const MAX_OPEN: usize = 12;

/// Plans a command line for a shell. `shell` is the argument vector it is appended to.
#[must_use]
pub fn plan_shell(tool: &str, command: &str, shell: &[String], cwd: &Path, around: &Surroundings) -> Plan {
    let mut planner = Planner::new(cwd, around);
    match shell.first().and_then(|program| Dialect::of(program)) {
        Some(_) if shell.get(1..) != Some(&["-c".to_owned()]) => planner.ask("the shell is started in an unusual way"),
        Some(dialect) => planner.script(command, dialect),
        None => planner.ask("this shell's language is not understood"),
    }
    let mut argv = shell.to_vec();
    argv.push(command.to_owned());
    planner.finish(tool, command.to_owned(), argv)
}

/// Plans a program with its arguments, no shell between.
pub(super) fn plan_argv(tool: &str, argv: &[String], cwd: &Path, around: &Surroundings) -> Plan {
    let mut planner = Planner::new(cwd, around);
    match argv {
        [] => planner.ask("there is no program"),
        [name, rest @ ..] => {
            let args = rest.iter().map(|text| Arg::known(text)).collect();
            planner.command(Invocation { name: name.clone(), args, shell: None });
        }
    }
    let command = argv.iter().map(|arg| quote(arg)).collect::<Vec<_>>().join(" ");
    planner.finish(tool, command, argv.to_vec())
}

/// As a person would type it.
#[must_use]
pub fn quote(arg: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !arg.is_empty() && arg.chars().all(plain) { arg.to_owned() } else { format!("'{}'", arg.replace('\'', "'\\''")) }
}

/// An argument, and whether it is known before the run.
#[derive(Debug, Clone)]
struct Arg {
    text: String,
    unsure: bool,
}

impl Arg {
    fn known(text: &str) -> Self {
        Self { text: text.to_owned(), unsure: false }
    }

    /// Something that only the run will show.
    fn unknown(text: &str) -> Self {
        Self { text: text.to_owned(), unsure: true }
    }
}

/// One command after expansion.
#[derive(Debug, Clone)]
struct Invocation {
    name: String,
    args: Vec<Arg>,
    /// The shell that would run it; without one there are no builtins.
    shell: Option<Dialect>,
}

/// Collects a plan.
struct Planner<'a> {
    around: &'a Surroundings,
    cwd: PathBuf,
    /// Every directory a command may find itself in; more than one after a `cd`.
    dirs: Vec<PathBuf>,
    programs: Vec<Program>,
    files: Vec<Access>,
    touches: Vec<Access>,
    sets: Vec<String>,
    open: Vec<String>,
    depth: usize,
    loops: usize,
    arguments: usize,
    /// Variables of loops that are being walked, with what they stand for now.
    bound: Vec<(String, String)>,
    /// Rounds of loops that were walked.
    rounds: usize,
    /// What the command that is looked at reads from the one before it, and what it prints, as far as that is names.
    reads: Option<feeds::Feed>,
    prints: Option<feeds::Feed>,
}

impl<'a> Planner<'a> {
    fn new(cwd: &Path, around: &'a Surroundings) -> Self {
        let real = std::fs::canonicalize(cwd);
        let missing = real.is_err();
        let cwd = real.unwrap_or_else(|_| cwd.to_owned());
        let mut planner = Self {
            around,
            dirs: vec![cwd.clone()],
            cwd,
            programs: Vec::new(),
            files: Vec::new(),
            touches: Vec::new(),
            sets: Vec::new(),
            open: Vec::new(),
            depth: 0,
            loops: 0,
            arguments: 0,
            bound: Vec::new(),
            rounds: 0,
            reads: None,
            prints: None,
        };
        if missing {
            planner.ask("the directory can't be entered");
        }
        planner
    }

    fn finish(self, tool: &str, command: String, argv: Vec<String>) -> Plan {
        let Self { cwd, programs, files, touches, sets, open, .. } = self;
        Plan { tool: tool.to_owned(), command, argv, cwd, programs, files, touches, sets, open, diff: None }
    }

    /// An open question.
    fn ask(&mut self, what: impl AsRef<str>) {
        let what = visible(what.as_ref());
        if self.open.len() < MAX_OPEN && !self.open.contains(&what) {
            self.open.push(what);
        }
    }

    fn lexer(&self, dialect: Dialect) -> Lexer<'a> {
        Lexer { dialect, home: self.around.home.as_deref(), bound: self.bound.clone() }
    }

    /// Goes one level down, unless it is too deep.
    fn deeper(&mut self, work: impl FnOnce(&mut Self)) {
        if self.depth >= MAX_DEPTH {
            return self.ask("commands are nested too deeply");
        }
        self.depth += 1;
        work(self);
        self.depth -= 1;
    }

    /// A script: the command itself, the text of an `sh -c`, of a `$(…)`.
    fn script(&mut self, text: &str, dialect: Dialect) {
        self.deeper(|planner| match guard::parse(text) {
            Ok(program) => planner.program(&program, dialect),
            Err(why) => planner.ask(why),
        });
    }

    /// A program that would be started, and what it would start in turn.
    fn command(&mut self, invocation: Invocation) {
        self.arguments += invocation.args.len();
        if self.programs.len() >= MAX_PROGRAMS || self.arguments > MAX_ARGUMENTS {
            return self.ask("it is too long to be looked into");
        }
        let is_builtin = invocation.shell.is_some() && builtins::is_builtin(&invocation.name);
        let path = if is_builtin { None } else { self.locate(&invocation.name) };
        self.touch_all(&invocation);
        let program = Program {
            name: invocation.name.clone(),
            path,
            args: invocation.args.iter().map(|arg| arg.text.clone()).collect(),
            unsure: invocation.args.iter().enumerate().filter(|(_, arg)| arg.unsure).map(|(index, _)| index).collect(),
        };
        // A loop repeats much that is the same in every round.
        if self.bound.is_empty() || !self.programs.contains(&program) {
            self.programs.push(program);
        }
        if is_builtin {
            self.builtin(&invocation);
        }
        self.deeper(|planner| planner.look_into(&invocation));
    }

    /// What the program would touch, in every directory that it may find itself in.
    fn touch_all(&mut self, invocation: &Invocation) {
        let args: Vec<&str> = invocation.args.iter().filter(|arg| !arg.unsure).map(|arg| arg.text.as_str()).collect();
        let name = invocation.name.rsplit('/').next().unwrap_or_default();
        for dir in &self.dirs {
            for access in touches(name, &args, dir).list {
                if self.touches.len() < MAX_TOUCHES && !self.touches.contains(&access) {
                    self.touches.push(access);
                }
            }
        }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
