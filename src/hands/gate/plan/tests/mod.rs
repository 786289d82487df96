//! What the planner sees in a command line, and what it admits not to see.

mod gitlinks;
mod shapes;
mod truth;

use super::super::Surroundings;
use super::plan_shell;
use pryx_terms::Plan;
use std::path::{Path, PathBuf};

fn around(path: &str) -> Surroundings {
    Surroundings { path: path.to_owned(), home: Some(PathBuf::from("/home/u")), terminal: None }
}

fn plan_in(cwd: &Path, command: &str) -> Plan {
    let shell = ["/bin/bash".to_owned(), "-c".to_owned()];
    plan_shell("shell.exec", command, &shell, cwd, &around("/usr/bin:/bin"))
}

fn plan(command: &str) -> Plan {
    plan_in(Path::new("/tmp"), command)
}

/// The programs of a command with their arguments, each on a line.
fn programs(command: &str) -> Vec<String> {
    let line = |program: &pryx_terms::Program| {
        std::iter::once(&program.name).chain(&program.args).cloned().collect::<Vec<_>>().join(" ")
    };
    plan(command).programs.iter().map(line).collect()
}
