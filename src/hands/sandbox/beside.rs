//! Where a command for a terminal runs. A shell keeps what it was started with and can't be given more: a command that was
//! granted more, or may have less, runs beside it, in its directory and with its exported variables.

use super::{Held, Profile, Sandbox, needs};
use pryx_terms::{Confinement, Plan, Reach, Ruling, TerminalName};

/// Builtins that have a file of the same name too.
const BUILTINS: &[&str] = &["cd", "echo", "printf", "test", "[", "pwd", "true", "false", "kill"];

/// What is known about a terminal's shell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ShellOf {
    /// A person opened it: it isn't held.
    pub persons: bool,
    /// What it was started with.
    pub profile: Option<Profile>,
}

/// Where a command runs, and what it is held to there.
pub(crate) enum Spot {
    /// In the shell.
    Inside(Confinement),
    /// In a process of its own.
    Beside(Box<Held>),
}

impl Sandbox {
    /// An agent's command for a terminal.
    pub fn in_terminal(
        &self,
        name: Option<&TerminalName>,
        shell: &ShellOf,
        (plan, ruling, reach): (&Plan, &Ruling, &Reach),
    ) -> Spot {
        if shell.persons {
            return Spot::Inside(Held::terminal().told);
        }
        let mut held = self.of_agent(plan, ruling, reach);
        match (&shell.profile, &held.profile) {
            (None, None) if self.lacking().is_some() || is_full(reach) => return Spot::Inside(held.told),
            (Some(own), Some(needed)) if own == needed => return Spot::Inside(held.told),
            (Some(own), needed) if is_for_the_shell(plan) && fits(own, needed.as_ref(), plan) => {
                return Spot::Inside(self.told(own));
            }
            _ => {}
        }
        held.told.beside = name.cloned();
        Spot::Beside(Box::new(held))
    }
}

fn is_full(reach: &Reach) -> bool {
    reach.write == pryx_terms::Area::Everything
}

/// Whether the shell itself does all of it: builtins, functions and whatever else has no file. Only there it means
/// something, and the kernel holds it there to what the shell has.
fn is_for_the_shell(plan: &Plan) -> bool {
    let own = |program: &pryx_terms::Program| match program.name.as_str() {
        // Jobs of the shell have numbers in it alone.
        "kill" => program.args.iter().any(|arg| arg.starts_with('%')),
        name => !needs::is_listed(program) && (program.path.is_none() || BUILTINS.contains(&name)),
    };
    plan.programs.iter().all(own)
}

/// Whether the shell can do it as it is held.
fn fits(own: &Profile, needed: Option<&Profile>, plan: &Plan) -> bool {
    // What signals the shell's own jobs needs nothing else, although other uses of the same program do.
    needed.map_or_else(|| needs::outside(plan).is_some(), |needed| no_more_files(own, needed))
}

fn no_more_files(own: &Profile, needed: &Profile) -> bool {
    let new = |path: &std::path::PathBuf| !own.write.contains(path) && !own.write_too.contains(path);
    // With the network come the places for what is fetched; a builtin fetches nothing.
    !needed.name.ends_with("+files") && needed.read_too == own.read_too && !needed.write_too.iter().any(new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Request, Surroundings};
    use pryx_terms::{Access, Area, Contacts, RuleRef, Verdict};
    use std::path::PathBuf;

    fn spot(sandbox: &Sandbox, shell: &ShellOf, command: &str, verdict: Verdict, rule: &str) -> Spot {
        let act = crate::gate::Act::Shell { command: command.to_owned(), shell: vec!["/bin/bash".into(), "-c".into()] };
        let surroundings = Surroundings { path: "/usr/bin:/bin".to_owned(), home: None, terminal: None };
        let plan = Request { tool: "shell.exec".to_owned(), act, cwd: "/".into(), surroundings }.plan().unwrap();
        let rule = RuleRef { name: rule.to_owned(), source: "built in".to_owned() };
        let ruling = Ruling { verdict, rule, reason: String::new() };
        // As the gate does it for what a plan says of itself.
        let mut reach = reach();
        for access in plan.files.iter().chain(&plan.touches) {
            if let Access::Write { path } | Access::Add { path } = access {
                reach.write.add(std::path::Path::new(path));
            }
        }
        sandbox.in_terminal(TerminalName::parse("dev").ok().as_ref(), shell, (&plan, &ruling, &reach))
    }

    fn reach() -> Reach {
        let root = PathBuf::from("/var/tmp");
        let (read, contact, write) = (Area::Everything, Contacts::Nothing, Area::Below { paths: vec![root.clone()] });
        Reach { read, hidden: Vec::new(), write, workspace: Some(root), contact }
    }

    fn is_beside(spot: &Spot) -> bool {
        matches!(spot, Spot::Beside(_))
    }

    #[test]
    fn what_needs_no_more_runs_in_the_shell_and_the_rest_beside_it() {
        let sandbox = Sandbox::able();
        let shell = ShellOf { persons: false, profile: sandbox.of_shell(&reach()).profile };
        let looks = |command| spot(&sandbox, &shell, command, Verdict::Allow, "read-only-command");
        let granted = |command| spot(&sandbox, &shell, command, Verdict::Ask, "unknown-program");
        assert!(!is_beside(&looks("ls")) && !is_beside(&looks("cd /var")));
        for command in ["git fetch", "cd x && git fetch", "sudo true", "kill 1", "bash x"] {
            assert!(is_beside(&granted(command)), "{command}");
        }
        assert!(is_beside(&granted("echo x >/etc/x")), "a file elsewhere is more than the shell has");
        for command in [". ./activate", "export A=1", "alias a=b", "no-such-function x", "kill %1", "eval true"] {
            assert!(!is_beside(&granted(command)), "{command}");
        }
        let Spot::Beside(held) = granted("git fetch") else { panic!("inside") };
        assert_eq!(held.told.beside.map(|name| name.to_string()).as_deref(), Some("dev"));
    }

    #[test]
    fn a_wider_shell_than_is_allowed_is_not_used() {
        let sandbox = Sandbox::able();
        let wide = ShellOf { persons: false, profile: None };
        assert!(is_beside(&spot(&sandbox, &wide, "ls", Verdict::Allow, "read-only-command")));
        let persons = ShellOf { persons: true, profile: None };
        assert!(!is_beside(&spot(&sandbox, &persons, "ls", Verdict::Allow, "read-only-command")));
    }
}
