//! What an agent never does by itself, with or without a human's yes to the card: a few things, each named.

use super::judge::{base, directories};
use pryx_terms::{Access, Plan, Program};
use std::path::Path;

/// A rule that forbids: its name, and the reason if it applies.
pub(super) type Rule = (&'static str, fn(&Plan, Option<&Path>) -> Option<String>);

pub(super) const RULES: &[Rule] =
    &[("no-self-approval", self_approval), ("no-disk-wipe", disk_wipe), ("no-whole-tree-delete", whole_tree)];

/// Commands of pryx that raise what an agent may do.
const OWN_RIGHTS: &[&str] = &["approve", "deny", "grants", "policy", "auth", "trust", "config", "undo", "uninstall"];
/// Directories whose deletion destroys the system or everybody's data.
const WHOLE: &[&str] = &[
    "/",
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/home",
    "/lib",
    "/lib64",
    "/opt",
    "/proc",
    "/root",
    "/sbin",
    "/srv",
    "/sys",
    "/usr",
    "/var",
    "/Users",
    "/System",
    "/Library",
    "/Applications",
    "/private",
];

fn self_approval(plan: &Plan, _home: Option<&Path>) -> Option<String> {
    let is_pryx = |program: &&Program| {
        let file = program.path.as_deref().and_then(Path::file_name).and_then(|name| name.to_str());
        base(program) == "pryx" || file == Some("pryx")
    };
    plan.programs.iter().filter(is_pryx).find_map(|program| {
        let word = program.args.iter().find(|arg| OWN_RIGHTS.contains(&arg.as_str()))?;
        Some(format!("`pryx {word}` is for the person alone; run it in a terminal of your own"))
    })
}

fn disk_wipe(plan: &Plan, _home: Option<&Path>) -> Option<String> {
    let disk = |path: &str| {
        let device = path.strip_prefix("/dev/").unwrap_or_default();
        ["sd", "hd", "vd", "xvd", "nvme", "mmcblk", "disk", "rdisk", "mapper/"]
            .iter()
            .any(|kind| device.starts_with(kind))
    };
    let by_file = plan.files.iter().find_map(|access| match access {
        Access::Write { path } | Access::Add { path } if disk(path) => Some(format!("it writes to the disk {path}")),
        _ => None,
    });
    by_file.or_else(|| {
        plan.programs.iter().find_map(|program| {
            let name = base(program);
            let onto = |arg: &String| arg.strip_prefix("of=").is_some_and(disk);
            let makes = name == "mkfs" || name.starts_with("mkfs.") || name == "mke2fs";
            let writes = matches!(name, "wipefs" | "shred" | "blkdiscard" | "cp" | "tee");
            let on_disk = writes && program.args.iter().any(|arg| disk(arg));
            let wipes = makes || on_disk || name == "dd" && program.args.iter().any(onto);
            wipes.then(|| format!("{name} overwrites a whole disk"))
        })
    })
}

fn whole_tree(plan: &Plan, home: Option<&Path>) -> Option<String> {
    let dirs = directories(plan, home);
    plan.programs.iter().filter(|program| base(program) == "rm").find_map(|program| {
        let recursive = program.args.iter().any(|arg| {
            arg.starts_with("--r") || arg.starts_with('-') && !arg.starts_with("--") && arg.contains(['r', 'R'])
        });
        let target = program.args.iter().filter(|arg| !arg.starts_with('-')).find(|arg| {
            dirs.iter().any(|dir| {
                let path = super::secrets::normal(&dir.join(arg));
                WHOLE.iter().any(|whole| path == Path::new(whole)) || home.is_some_and(|home| home.starts_with(&path))
            })
        })?;
        recursive.then(|| format!("it deletes everything below {target}"))
    })
}
