//! From a ruling to what the plan may touch: the border that a sandbox draws and that tools keep to.

use super::mode::Mode;
use super::rules::Rules;
use super::table;
use pryx_terms::{Access, Area, Contacts, Plan, Reach, Ruling, Verdict};
use std::path::{Path, PathBuf};

/// Below the home directory: what nothing reads that was not asked about.
const HIDDEN: &[&str] = &[
    ".ssh",
    ".gnupg",
    ".aws",
    ".azure",
    ".kube",
    ".password-store",
    ".mozilla",
    ".thunderbird",
    ".config/gcloud",
    ".config/gh",
    ".config/google-chrome",
    ".config/chromium",
    ".config/BraveSoftware",
    ".config/microsoft-edge",
    ".local/share/keyrings",
    ".docker/config.json",
    ".netrc",
    ".pgpass",
    ".git-credentials",
    ".npmrc",
    ".pypirc",
    ".vault-token",
    "Library/Keychains",
];

/// What a plan may touch under these rules. What is asked counts as answered with yes: then the plan may do what it says.
pub(super) fn of(rules: &Rules, plan: &Plan, ruling: &Ruling) -> Reach {
    if ruling.verdict == Verdict::Deny {
        let (read, write, contact) = (Area::Nothing, Area::Nothing, Contacts::Nothing);
        return Reach { read, hidden: Vec::new(), write, workspace: None, contact };
    }
    let home = rules.policy.home();
    let mut hidden: Vec<PathBuf> = home.iter().flat_map(|home| HIDDEN.iter().map(|name| home.join(name))).collect();
    hidden.extend(rules.policy.private().iter().cloned());
    let (read, write, contact) = (Area::Everything, Area::Nothing, Contacts::Nothing);
    let mut reach = Reach { read, hidden, write, workspace: None, contact };
    match rules.mode {
        Some(Mode::Full) => {
            reach.hidden.clear();
            reach.write = Area::Everything;
            reach.contact = Contacts::Everything;
        }
        Some(Mode::Workspace | Mode::NetworkAllowlist) => {
            rules.workspace.iter().for_each(|root| reach.write.add(root));
            reach.workspace.clone_from(&rules.workspace);
        }
        Some(Mode::ReadOnly) | None => {}
    }
    rules.hosts().for_each(|host| reach.contact.add(host));
    if rules.file.as_ref().is_some_and(|file| file.allow_outside == Some(false)) {
        reach.read = Area::Nothing;
        rules.root().into_iter().for_each(|root| reach.read.add(root));
    }
    widen(&mut reach, plan);
    reach
}

/// By what the plan says of itself: a yes to it is a yes to that.
fn widen(reach: &mut Reach, plan: &Plan) {
    for access in plan.files.iter().chain(&plan.touches) {
        match access {
            Access::Read { path } => {
                reach.read.add(Path::new(path));
                reach.hidden.retain(|hidden| !Path::new(path).starts_with(hidden));
            }
            Access::Write { path } | Access::Add { path } | Access::Delete { path } => reach.write.add(Path::new(path)),
            Access::Contact { host } => reach.contact.add(host),
        }
    }
    // A program that talks to others without saying to whom.
    let silent = plan.programs.iter().any(|program| table::has(table::NETWORK, super::judge::base(program)));
    if silent && !plan.touches.iter().any(|access| matches!(access, Access::Contact { .. })) {
        reach.contact = Contacts::Everything;
    }
}
