//! A command line for a shell that stays: what it changes in the shell, every later command finds changed.

use super::words::Dialect;
use super::{Planner, Surroundings};
use crate::gate::request::Around;
use pryx_terms::Plan;
use std::path::Path;

/// Options of bash (`$-`, BASHOPTS) under which words mean something else than the planner takes them for.
const SETTINGS: &[&str] = &[
    "autocd",
    "cdable_vars",
    "cdpath",
    "cdspell",
    "dirspell",
    "dotglob",
    "failglob",
    "globstar",
    "nocaseglob",
    "nocasematch",
    "nullglob",
    "xpg_echo",
];

/// Single letters of `$-` that do: every assignment is exported, no globs, assignments anywhere, no execution.
const LETTERS: &[char] = &['a', 'f', 'k', 'n', 'p', 't'];

/// Programs and builtins that show the environment.
const SHOW_VARIABLES: &[&str] = &["env", "printenv", "export", "readonly", "set", "declare", "typeset", "compgen"];

/// Builtins that end the shell, or change it in a way that a script's own end would undo.
const STAY: &[&str] = &[
    "exec", "exit", "logout", "return", "suspend", "set", "umask", "ulimit", "fg", "bg", "disown", "readonly", "shift",
    "unset", "dirs",
];

/// Plans a line that is typed into a terminal.
pub(in crate::gate) fn plan_typed(tool: &str, name: &str, text: &str, cwd: &Path, around: &Surroundings) -> Plan {
    let mut planner = Planner::new(cwd, around);
    match &around.terminal {
        Some(terminal) if terminal.shell == "bash" => {
            planner.check_shell(terminal);
            planner.script(text, Dialect::Bash);
            planner.check_lasting(text, terminal);
        }
        Some(terminal) => planner.ask(format!("its shell is {}, whose language is not understood", terminal.shell)),
        None => planner.ask("which shell it is typed into"),
    }
    planner.finish(tool, text.to_owned(), vec![format!("terminal {name}"), text.to_owned()])
}

impl Planner<'_> {
    fn check_shell(&mut self, terminal: &Around) {
        if terminal.altered {
            self.ask("what an earlier command, which you allowed, has changed in this shell");
        }
        let (letters, options) = terminal.settings.split_once(':').unwrap_or_default();
        let odd = options.split(':').find(|option| SETTINGS.contains(option)).map(str::to_owned);
        let odd = odd.or_else(|| letters.chars().find(|c| LETTERS.contains(c)).map(|c| format!("-{c}")));
        if letters.is_empty() {
            self.ask("which options its shell has set");
        } else if let Some(odd) = odd {
            self.ask(format!("what words mean while its shell has {odd} set"));
        }
    }

    fn check_lasting(&mut self, text: &str, terminal: &Around) {
        let named = |names: &[&str], planner: &Self| {
            planner.programs.iter().find(|program| names.contains(&program.name.as_str())).map(|p| p.name.clone())
        };
        if let Some(name) = named(STAY, self) {
            self.ask(format!("{name} changes the shell that later commands run in, or ends it"));
        }
        if text.contains("auto_resume") {
            self.ask("it sets auto_resume, which changes what names mean");
        }
        if !terminal.persons {
            return;
        }
        if let Some(name) = named(SHOW_VARIABLES, self) {
            self.ask(format!("{name} shows variables of your own shell"));
        }
        if let Some(name) = foreign_variable(text) {
            self.ask(format!("it uses ${name} of your own shell"));
        }
    }
}

/// The first variable in a text that an agent's own environment would not hold, and that is no variable of a script's.
fn foreign_variable(text: &str) -> Option<String> {
    let names = text.split('$').skip(1).map(|rest| rest.trim_start_matches(['{', '#', '!']));
    let names =
        names.map(|rest| rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>());
    names
        .filter(|name| name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'))
        .find(|name| !crate::env::is_for_agents(name) && !super::builtins::is_own(name))
}
