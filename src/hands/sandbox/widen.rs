//! What a person's yes adds to a profile: what the plan says it touches, the keys of its programs, the network.

use super::profile::real;
use super::{Places, Profile, needs};
use pryx_terms::{Access, Area, Contacts, Plan, Reach, opens_network};
use std::path::{Path, PathBuf};

/// Widens a profile by an approved plan. The error says what can't be put into one: then the command runs without.
pub(super) fn by_yes(
    profile: &mut Profile,
    places: &Places,
    plan: &Plan,
    reach: &Reach,
    rule: &str,
) -> Result<(), String> {
    if reach.contact != Contacts::Nothing || opens_network(rule) {
        places.connect(profile);
    }
    for access in plan.files.iter().chain(&plan.touches) {
        if let Access::Read { path } = access {
            show(profile, &real(&plan.cwd.join(path)));
        }
    }
    for key in needs::keys(plan) {
        show(profile, &real(&places.home.join(key)));
    }
    let before = profile.write.len() + profile.write_too.len();
    if let Area::Below { paths } = &reach.write {
        for path in paths.iter().filter(|path| reach.workspace.as_ref() != Some(path)) {
            write(profile, path)?;
        }
    }
    if profile.write.len() + profile.write_too.len() > before {
        profile.name.push_str("+files");
    }
    Ok(())
}

fn show(profile: &mut Profile, path: &Path) {
    if profile.hidden.iter().any(|hidden| path.starts_with(hidden)) && !profile.read_too.iter().any(|p| p == path) {
        profile.read_too.push(path.to_owned());
    }
}

/// Lets a path be written. To make, replace or remove a file is to write the directory that holds it.
fn write(profile: &mut Profile, path: &Path) -> Result<(), String> {
    let path = &real(path);
    if profile.write.iter().any(|known| path.starts_with(known)) && !is_hidden(profile, path) {
        return Ok(());
    }
    let place = if path.is_dir() { Some(path.clone()) } else { path.parent().map(Path::to_owned) };
    let Some(place) = place.filter(|place| place.is_dir()) else { return Ok(()) };
    if holds_hidden(profile, &place) {
        return Err(format!("{} lies beside what a sandbox hides", path.display()));
    }
    // A directory that is itself hidden has been named by the person.
    if is_hidden(profile, &place) { &mut profile.write_too } else { &mut profile.write }.push(place);
    Ok(())
}

fn is_hidden(profile: &Profile, path: &Path) -> bool {
    profile.hidden.iter().any(|hidden| path.starts_with(hidden))
}

fn holds_hidden(profile: &Profile, place: &Path) -> bool {
    let below = |hidden: &PathBuf| hidden.starts_with(place) && hidden != place;
    profile.hidden.iter().any(below)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::super::Network;
    use super::*;
    use pryx_terms::Program;

    struct World {
        dir: tempfile::TempDir,
        places: Places,
    }

    impl World {
        fn new() -> Self {
            let dir = tempfile::tempdir_in("/var/tmp").unwrap();
            for folder in ["home/.ssh", "home/work", "home/other", "home/.pryx", "data"] {
                std::fs::create_dir_all(dir.path().join(folder)).unwrap();
            }
            let home = std::fs::canonicalize(dir.path().join("home")).unwrap();
            let own = vec![home.join(".pryx")];
            Self { dir, places: Places { home, own, writable: Vec::new(), ports: Vec::new() } }
        }

        fn widened(&self, name: &str, touches: Vec<Access>, rule: &str) -> Result<Profile, String> {
            let root = self.places.home.join("work");
            let program = Program { name: name.to_owned(), path: None, args: Vec::new(), unsure: Vec::new() };
            let mut write = Area::Below { paths: vec![root.clone()] };
            for access in &touches {
                if let Access::Write { path } | Access::Add { path } | Access::Delete { path } = access {
                    write.add(Path::new(path));
                }
            }
            let plan = Plan {
                tool: "shell.exec".to_owned(),
                command: name.to_owned(),
                argv: vec![name.to_owned()],
                cwd: root.clone(),
                programs: vec![program],
                files: Vec::new(),
                touches,
                sets: Vec::new(),
                diff: None,
                open: Vec::new(),
            };
            let (read, hidden, contact) = (Area::Everything, Vec::new(), Contacts::Nothing);
            let reach = Reach { read, hidden, write, workspace: Some(root.clone()), contact };
            let mut profile = self.places.workspace(&root);
            by_yes(&mut profile, &self.places, &plan, &reach, rule).map(|()| profile)
        }

        fn path(&self, name: &str) -> String {
            self.dir.path().join(name).display().to_string()
        }
    }

    #[test]
    fn a_yes_to_a_file_is_one_to_its_directory_and_to_no_network() {
        let world = World::new();
        let made = Access::Add { path: world.path("data/made") };
        let profile = world.widened("touch", vec![made], "writes-files").unwrap();
        assert!(profile.write.contains(&world.dir.path().join("data")), "{profile:?}");
        assert_eq!((profile.network, profile.name.as_str()), (Network::None, "workspace+files"));
    }

    #[test]
    fn a_yes_to_a_secret_shows_that_one() {
        let world = World::new();
        let key = world.places.home.join(".ssh/config");
        std::fs::write(&key, "x").unwrap();
        let read = Access::Read { path: key.display().to_string() };
        let profile = world.widened("cat", vec![read], "reads-secrets").unwrap();
        assert_eq!((profile.read_too, profile.network), (vec![key], Network::None));
    }

    #[test]
    fn a_program_gets_its_own_keys_and_no_others() {
        let world = World::new();
        let profile = world.widened("git", Vec::new(), "network").unwrap();
        assert!(profile.read_too.contains(&world.places.home.join(".ssh")), "{profile:?}");
        assert!(!profile.read_too.iter().any(|path| path.ends_with(".aws")), "{profile:?}");
        assert_eq!((profile.network, profile.name.as_str()), (Network::All, "workspace+network"));
    }

    #[test]
    fn what_lies_beside_secrets_has_no_profile() {
        let world = World::new();
        let made = Access::Add { path: world.places.home.join("made").display().to_string() };
        assert!(world.widened("touch", vec![made], "changes-things").is_err());
        let inside = Access::Add { path: world.places.home.join("other/made").display().to_string() };
        assert!(world.widened("touch", vec![inside], "changes-things").is_ok());
    }
}
