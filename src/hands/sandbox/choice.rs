//! Which profile a command gets: from who runs it, what the gate said, and what the kernel can do. Nothing else.

use super::{Places, Profile, Strength, strength};
use crate::gate::Permit;
use crate::{HandsConfig, SandboxConfig};
use pryx_terms::{Actor, Area, Confinement, Plan, Reach, Ruling, Verdict};
use std::path::{Path, PathBuf};

/// The rule of plans that only look. Each of their programs is known, with arguments that change nothing.
const ONLY_LOOKS: &str = "read-only-command";

/// Rules by which the person has said yes beforehand: to a command, to what is like it, to a host.
const BY_THE_PERSON: &[&str] = &["session-grant", "grant", "allowed", "listed-host"];

/// What a command is held to, and what is said about it.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    /// Put on it by its keeper.
    pub profile: Option<Profile>,
    /// Part of the job's record.
    pub told: Confinement,
}

impl Held {
    /// The shell of a person's terminal, and what is typed into it.
    pub fn terminal() -> Self {
        Self::free("the shell of your own terminal is not held")
    }

    fn free(why: impl Into<String>) -> Self {
        Self { profile: None, told: Confinement::none(why) }
    }
}

/// Chooses profiles.
#[derive(Debug, Clone)]
pub(crate) struct Sandbox {
    strength: Strength,
    places: Places,
    /// The hands' own socket.
    socket: PathBuf,
}

impl Sandbox {
    /// What the kernel can do is asked once: it doesn't change while it runs.
    pub fn new(config: &HandsConfig) -> Self {
        let SandboxConfig { writable, ports } = config.sandbox.clone();
        let own = vec![config.home.clone(), config.run_dir.clone()];
        let places = Places { home: config.user_home.clone(), own, writable, ports };
        Self { strength: strength(), places, socket: crate::socket_path(&config.run_dir) }
    }

    /// By what means commands are held here.
    pub fn means(&self) -> Confinement {
        match &self.strength {
            Strength::Nothing { why } => Confinement::none(why.clone()),
            Strength::Holds { by, lacks } => {
                Confinement::by(by.clone(), Some(lacks.join("; ")).filter(|l| !l.is_empty()))
            }
        }
    }

    /// A person's own command, held only if they ask for it.
    pub fn of_person(&self, mode: Option<&str>, cwd: &Path) -> Result<Held, String> {
        let profile = match mode {
            None => return Ok(Held::free("a command of your own")),
            Some("full") => return Ok(Held::free("mode full")),
            Some("read-only") => self.places.read_only(),
            Some("workspace") => self.places.workspace(cwd),
            Some(other) => {
                return Err(format!("there is no sandbox for mode {other:?}; there are read-only and workspace"));
            }
        };
        match &self.strength {
            // Who asks for a sandbox must not get a command without one.
            Strength::Nothing { why } => Err(format!("there is no sandbox here: {why}")),
            Strength::Holds { .. } => Ok(self.held(profile)),
        }
    }

    /// One that holds, around no place in particular.
    #[cfg(test)]
    pub fn able() -> Self {
        let places = Places { home: "/nobody".into(), own: Vec::new(), writable: Vec::new(), ports: Vec::new() };
        Self {
            strength: Strength::Holds { by: "a test".to_owned(), lacks: Vec::new() },
            places,
            socket: PathBuf::new(),
        }
    }

    /// Why nothing can be held here, if so.
    pub fn lacking(&self) -> Option<&str> {
        match &self.strength {
            Strength::Nothing { why } => Some(why),
            Strength::Holds { .. } => None,
        }
    }

    /// A command of an agent: what the gate lets it reach. Its session's workspace is what the gate says, whatever a
    /// client tells.
    pub fn of_agent(&self, plan: &Plan, ruling: &Ruling, reach: &Reach) -> Held {
        if let Some(why) = self.lacking() {
            return Held::free(why);
        }
        if reach.write == Area::Everything {
            return Held::free("mode full");
        }
        let approved = ruling.verdict == Verdict::Ask || BY_THE_PERSON.contains(&ruling.rule.name.as_str());
        let mut profile = self.base(reach);
        // To this very plan the person said yes, and the card told them. Whatever else lets it run names programs, and
        // one that needs to be outside takes no other along.
        let outside = if ruling.verdict == Verdict::Ask {
            super::needs::outside(plan)
        } else if approved || ruling.rule.name == ONLY_LOOKS {
            let own = |path: &Path| profile.write.iter().any(|place| path.starts_with(place));
            super::needs::outside_as_a_whole(plan, |path| super::needs::is_systems(path) && !own(path))
        } else {
            None
        };
        if let Some(why) = outside {
            return Held::free(why);
        }
        // Without a yes to this very plan what has no profile isn't widened for, and fails.
        if approved
            && let Err(why) = super::widen::by_yes(&mut profile, &self.places, plan, reach, &ruling.rule.name)
            && ruling.verdict == Verdict::Ask
        {
            return Held::free(why);
        }
        profile.door = Some(self.socket.clone());
        self.held(profile)
    }

    /// The shell of a terminal that an agent opens: what its mode lets every command do.
    pub fn of_shell(&self, reach: &Reach) -> Held {
        if let Some(why) = self.lacking() {
            return Held::free(why);
        }
        if reach.write == Area::Everything {
            return Held::free("mode full");
        }
        let mut profile = self.base(reach);
        profile.door = Some(self.socket.clone());
        self.held(profile)
    }

    fn base(&self, reach: &Reach) -> Profile {
        match &reach.workspace {
            Some(root) => self.places.workspace(root),
            None => self.places.read_only(),
        }
    }

    /// What a permit's command gets.
    pub fn of(&self, permit: &Permit, mode: Option<&str>) -> Result<Held, String> {
        match permit.actor() {
            Actor::Person => self.of_person(mode, &permit.plan().cwd),
            Actor::Agent { .. } => Ok(self.of_agent(permit.plan(), permit.ruling(), permit.reach())),
        }
    }

    fn held(&self, profile: Profile) -> Held {
        let told = self.told(&profile);
        Held { profile: Some(profile), told }
    }

    pub(super) fn told(&self, profile: &Profile) -> Confinement {
        Confinement::by(profile.name.clone(), self.means().note)
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::gate::{Act, Request, Surroundings};
    use pryx_terms::{Contacts, RuleRef};

    #[test]
    fn only_a_yes_to_the_very_plan_lets_out_what_has_no_profile() {
        let dir = tempfile::tempdir_in("/var/tmp").unwrap();
        let home = std::fs::canonicalize(dir.path()).unwrap();
        for folder in [".ssh", "work"] {
            std::fs::create_dir(home.join(folder)).unwrap();
        }
        let mut sandbox = Sandbox::able();
        sandbox.places.home.clone_from(&home);
        let command = format!("make pwn >{}", home.join("made").display());
        let act = Act::Shell { command, shell: vec!["/bin/bash".into(), "-c".into()] };
        let surroundings = Surroundings { path: "/usr/bin:/bin".to_owned(), home: None, terminal: None };
        let cwd = home.join("work");
        let plan = Request { tool: "shell.exec".to_owned(), act, cwd: cwd.clone(), surroundings }.plan().unwrap();
        let mut write = Area::Below { paths: vec![cwd.clone()] };
        write.add(&home.join("made"));
        let (read, contact) = (Area::Everything, Contacts::Nothing);
        let reach = Reach { read, hidden: Vec::new(), write, workspace: Some(cwd), contact };
        let held = |verdict, rule: &str| {
            let rule = RuleRef { name: rule.to_owned(), source: "built in".to_owned() };
            sandbox.of_agent(&plan, &Ruling { verdict, rule, reason: String::new() }, &reach).profile
        };
        for rule in BY_THE_PERSON {
            let profile = held(Verdict::Allow, rule).expect(rule);
            assert!(!profile.write.contains(&home), "{profile:?}");
        }
        assert_eq!(held(Verdict::Ask, "changes-things"), None);
    }
}
