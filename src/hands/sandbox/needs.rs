//! Programs that can't do their work in a sandbox: they look into other processes, ask a service over its socket, or act
//! with another user's rights.

use pryx_terms::{Access, Plan, Program};
use std::path::Path;

/// Whose own keys a program needs, below the home directory: a yes to the program is one to these.
const KEYS: &[(&str, &[&str])] = &[
    ("git ssh scp sftp rsync", &[".ssh", ".git-credentials", ".config/git/credentials", ".netrc"]),
    ("gh", &[".config/gh"]),
    ("aws", &[".aws"]),
    ("kubectl helm", &[".kube"]),
    ("gcloud gsutil", &[".config/gcloud"]),
    ("az", &[".azure"]),
    ("terraform tofu", &[".terraform.d", ".terraformrc", ".aws"]),
    ("npm npx yarn pnpm", &[".npmrc"]),
    ("pip pip3 twine uv", &[".pypirc", ".netrc"]),
    ("cargo", &[".cargo/credentials", ".cargo/credentials.toml"]),
    ("gem bundle", &[".gem/credentials"]),
    ("mvn gradle", &[".m2/settings.xml", ".m2/settings-security.xml", ".gradle/gradle.properties"]),
    ("curl wget http https", &[".netrc"]),
    ("psql pg_dump", &[".pgpass"]),
    ("mysql mysqldump", &[".my.cnf"]),
];

/// The keys that the programs of a plan need.
pub(super) fn keys(plan: &Plan) -> impl Iterator<Item = &'static str> {
    let used = |names: &str| plan.programs.iter().any(|program| has(names, base(program)));
    KEYS.iter()
        .filter(move |(names, _)| used(names))
        .flat_map(|(_, keys)| keys.iter().copied())
        .collect::<Vec<_>>()
        .into_iter()
}

fn base(program: &Program) -> &str {
    program.name.rsplit('/').next().unwrap_or_default()
}

fn has(names: &str, name: &str) -> bool {
    names.split_ascii_whitespace().any(|listed| listed == name)
}

/// What a program needs, and the programs.
const NEEDS: &[(&str, &str)] = &[
    (
        "looks into other processes, or signals them",
        "kill pkill killall renice lsof ss fuser netstat pidof pwdx top htop btop iotop lsns pmap nvidia-smi \
         gdb lldb strace ltrace perf bpftrace",
    ),
    (
        "asks a service of the system",
        "systemctl systemd-analyze loginctl hostnamectl localectl timedatectl resolvectl busctl journalctl coredumpctl \
         machinectl networkctl nmcli ufw docker podman nerdctl crictl tmux screen gpg snap flatpak lpstat \
         xdg-open notify-send wl-copy wl-paste xclip xsel code",
    ),
    ("asks the kernel or a device", "dmesg ifconfig route arp iwconfig ethtool fdisk lsusb lspci smartctl sensors"),
    (
        "acts with another user's rights",
        "sudo doas su pkexec run0 runuser sg newgrp crontab atq at ping ping6 mount umount \
         service shutdown reboot useradd usermod userdel passwd chsh visudo apt apt-get dnf yum pacman zypper apk iptables nft",
    ),
];

/// Programs that run another one with another user's rights: what is allowed of them includes what they run.
const WITH_RIGHTS: &str = "sudo doas pkexec run0 runuser";

/// What a shell does itself, and harms nothing outside of a sandbox. Neither runs text nor changes what names mean.
const BUILTINS: &str = ": cd echo printf test [ pwd true false exit kill command";

/// Programs that run another one, which counts by itself.
const WRAPPERS: &str = "timeout nice nohup time command";

/// Programs that read what is piped to them, if no argument names a file.
const FILTERS: &str = "head tail wc sort uniq cat";

/// The same with a pattern as the first word.
const SEARCHES: &str = "grep egrep fgrep";

/// Why a plan can't do its work in a sandbox, if so: one of its programs can't. Enough only for a yes to this very plan,
/// on whose card it stood.
pub(super) fn outside(plan: &Plan) -> Option<String> {
    plan.programs.iter().find_map(why)
}

/// The same for a plan that nobody was asked about. All of it would run without a sandbox, so each program must be one
/// that can't work in one, and come from where the system keeps its own; what only reads their output may come along.
pub(super) fn outside_as_a_whole(plan: &Plan, is_system: impl Fn(&Path) -> bool) -> Option<String> {
    let writes = |access: &Access| match access {
        Access::Write { path } | Access::Add { path } | Access::Delete { path } => !path.starts_with("/dev/"),
        Access::Read { .. } | Access::Contact { .. } => true,
    };
    if !plan.sets.is_empty() || !plan.open.is_empty() || plan.files.iter().any(writes) {
        return None;
    }
    // The shell's own `kill` has no file; a program that isn't there runs nothing, whatever it would be allowed.
    let placed = |program: &Program| program.path.as_deref().is_none_or(&is_system);
    let covered = |program: &Program| {
        (is_listed(program) && placed(program))
            || is_plain_builtin(program)
            || (is_companion(program) && placed(program))
            || plan.programs.iter().any(|outer| has(WITH_RIGHTS, base(outer)) && placed(outer) && runs(outer, program))
    };
    if plan.programs.iter().all(covered) { outside(plan) } else { None }
}

/// Whether a program is one of those.
pub(super) fn is_listed(program: &Program) -> bool {
    what(program).is_some()
}

fn why(program: &Program) -> Option<String> {
    Some(format!("{} {}", base(program), what(program)?))
}

fn what(program: &Program) -> Option<&'static str> {
    // Names of signals are looked up nowhere.
    if base(program) == "kill" && program.args.first().is_some_and(|arg| arg == "-l" || arg == "-L") {
        return None;
    }
    NEEDS.iter().find(|(_, names)| has(names, base(program))).map(|(what, _)| *what)
}

fn is_plain_builtin(program: &Program) -> bool {
    has(BUILTINS, &program.name) && !is_listed(program)
}

fn is_companion(program: &Program) -> bool {
    let name = base(program);
    let number = |arg: &str| !arg.is_empty() && arg.bytes().all(|b| b.is_ascii_digit());
    // Long options may name files.
    let option = |arg: &str| {
        arg.strip_prefix('-').is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b','))
    };
    // Of grep's letters those that read no file and search no directory.
    let letters =
        |arg: &str| arg.strip_prefix('-').is_some_and(|rest| rest.bytes().all(|b| b"iEvnowFcqx".contains(&b)));
    // `-e` only announces the pattern.
    let announced = program.args.windows(2).position(|pair| pair[0] == "-e" && !pair[1].starts_with('-'));
    let mut args =
        program.args.iter().enumerate().filter(|(at, _)| Some(*at) != announced).map(|(_, arg)| arg.as_str());
    program.unsure.is_empty()
        && (has(WRAPPERS, name)
            || (has(FILTERS, name) && args.clone().all(|arg| option(arg) || number(arg)))
            || (has(SEARCHES, name) && args.clone().filter(|arg| !letters(arg)).count() == 1)
                && args.all(|arg| letters(arg) || !arg.starts_with('-')))
}

/// Whether a program stands at the end of another's arguments.
fn runs(outer: &Program, program: &Program) -> bool {
    let words: Vec<&String> = std::iter::once(&program.name).chain(&program.args).collect();
    outer.args.len() >= words.len() && outer.args.iter().skip(outer.args.len() - words.len()).eq(words)
}

/// Where the system keeps its programs. A program is taken without its links.
const SYSTEM: &[&str] =
    &["/bin", "/sbin", "/usr", "/opt", "/nix/store", "/snap", "/run/current-system", "/Applications"];

/// Whether a file lies where the system keeps its programs, and nobody else may replace it there.
pub(super) fn is_systems(file: &Path) -> bool {
    SYSTEM.iter().any(|place| file.starts_with(place)) && file.ancestors().all(|part| !anybody_may_write(part))
}

#[cfg(unix)]
fn anybody_may_write(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::symlink_metadata(path).map_or(true, |meta| meta.permissions().mode() & 0o002 != 0)
}

#[cfg(not(unix))]
fn anybody_may_write(_path: &Path) -> bool {
    // Nothing is held there, so nothing is let out of it.
    true
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::gate::{Act, Request, Surroundings};

    fn as_a_whole(command: &str, path: &str) -> Option<String> {
        let act = Act::Shell { command: command.to_owned(), shell: vec!["/bin/bash".into(), "-c".into()] };
        let surroundings = Surroundings { path: path.to_owned(), home: None, terminal: None };
        let plan = Request { tool: "shell.exec".to_owned(), act, cwd: "/".into(), surroundings }.plan().unwrap();
        outside_as_a_whole(&plan, is_systems)
    }

    #[test]
    fn one_program_that_needs_it_takes_no_other_out() {
        const PATH: &str = "/usr/bin:/bin:/usr/sbin:/sbin";
        for free in [
            "kill -0 1",
            "kill 1",
            "kill -0 1 | head -n 5",
            "cd /; kill -0 1 2>/dev/null | grep -i x",
            "if command -v no-such >/dev/null; then kill 1; fi | grep -i -e x",
        ] {
            assert!(as_a_whole(free, PATH).is_some(), "{free}");
        }
        for held in [
            "kill -l",
            "kill -l >/dev/null; make pwn",
            "kill -0 1; make pwn",
            "kill -0 1; ls",
            "kill -0 1 | cat /etc/passwd",
            "kill -0 1 | grep -f names x",
            "kill -0 1 | grep -r x",
            "kill -0 1 | grep x y",
            "kill -0 1 | grep -e x y",
            "kill -0 1 | grep -ei y",
            "kill -0 1 | grep -e -i y",
            "kill -0 1 | sort --files0-from=x",
            "kill -0 1 >made",
            "kill make pwn; make pwn",
            "X=1 kill -0 1",
            "kill -0 1; bash x",
            "timeout 9 make pwn; kill -0 1",
            "kill -0 1; . ./x",
            "kill -0 1; eval true",
        ] {
            assert!(as_a_whole(held, PATH).is_none(), "{held}");
        }
    }

    #[test]
    fn a_program_of_that_name_elsewhere_is_none() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir_in("/var/tmp").unwrap();
        let own = dir.path().join("ss");
        std::fs::write(&own, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(&own, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert!(as_a_whole("ss -h", dir.path().to_str().unwrap()).is_none());
        assert!(as_a_whole(&format!("{} -h", own.display()), "/usr/bin").is_none());
        assert!(!is_systems(Path::new("/usr/bin/no-such-program")) && is_systems(Path::new("/usr/bin/env")));
    }
}
