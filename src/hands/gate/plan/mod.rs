//! From a command line to a plan: which programs would run, with what, where; and what can't be known before.

use super::Surroundings;
use pryx_terms::Plan;
use std::path::Path;

/// Plans a command line for a shell.
#[must_use]
pub fn plan_shell(tool: &str, command: &str, shell: &[String], cwd: &Path, _around: &Surroundings) -> Plan {
    let mut argv = shell.to_vec();
    argv.push(command.to_owned());
    Plan {
        tool: tool.to_owned(),
        command: command.to_owned(),
        argv,
        cwd: cwd.to_owned(),
        programs: Vec::new(),
        files: Vec::new(),
        open: vec!["the command has not been looked into".to_owned()],
    }
}

pub(super) fn plan_argv(tool: &str, argv: &[String], cwd: &Path, around: &Surroundings) -> Plan {
    let mut plan = plan_shell(tool, &argv.join(" "), &[], cwd, around);
    plan.argv = argv.to_vec();
    plan
}
