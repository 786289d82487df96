//! Corpora: what people and planners ask every day must run unasked, and no disguise may let a destructive command
//! through. Beside them the single rules, and files of a person's own.

mod disguises;
mod everyday;
mod files;
mod generated;
mod rules;
mod unasked;

use super::{Choice, Policies, Policy, Rules};
use crate::gate::{Surroundings, plan_shell};
use pryx_terms::{Plan, Ruling, Verdict};
use std::path::{Path, PathBuf};

/// A home directory with things worth stealing, and a project in it.
struct World {
    dir: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let world = Self { dir };
        for (file, text) in [
            (".ssh/id_rsa", "key"),
            (".ssh/config", "Host x"),
            (".aws/credentials", "key"),
            (".bash_history", "ls"),
            (".netrc", "key"),
            (".bashrc", ""),
            ("project/src/main.rs", "fn main() {}"),
            ("project/README.md", "# x"),
            ("project/data.csv", "1,2"),
            ("project/server.pem", "key"),
            ("project/.env", "KEY=1"),
            ("project/notes.txt", "x"),
            ("project/app.log", "x"),
            ("bin/ls", ""),
        ] {
            let path = world.home().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        world
    }

    fn home(&self) -> PathBuf {
        std::fs::canonicalize(self.dir.path()).unwrap()
    }

    fn project(&self) -> PathBuf {
        self.home().join("project")
    }

    /// What a mode says, with the project as the workspace.
    fn rule_by(&self, mode: &str, cwd: &Path, shell: &str, command: &str) -> Ruling {
        self.rules(mode).judge(&self.plan(cwd, shell, command)).ruling
    }

    fn policies(&self) -> Policies {
        Policies::new(self.policy(), &self.home().join("own/policies"), "workspace")
    }

    /// A mode or policy, with the project as the workspace.
    fn rules(&self, mode: &str) -> Rules {
        self.policies().rules(&Choice { name: mode.to_owned(), dir: Some(self.project()) })
    }

    fn policy(&self) -> Policy {
        Policy::builtin(Some(&self.home()), &[&self.home().join("own")])
    }

    fn plan(&self, cwd: &Path, shell: &str, command: &str) -> Plan {
        let around = Surroundings {
            path: "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin".into(),
            home: Some(self.home()),
            terminal: None,
        };
        plan_shell("shell.exec", command, &[shell.to_owned(), "-c".to_owned()], cwd, &around)
    }

    fn rule_in(&self, cwd: &Path, shell: &str, command: &str) -> Ruling {
        self.rule_by("workspace", cwd, shell, command)
    }

    fn rule(&self, command: &str) -> Ruling {
        self.rule_in(&self.project(), "/bin/bash", command)
    }

    fn verdict(&self, command: &str) -> Verdict {
        self.rule(command).verdict
    }
}
