//! Programs that can't do their work in a sandbox: they look into other processes, ask a service over its socket, or act
//! with another user's rights.

use pryx_terms::{Plan, Program};

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

/// Why a plan can't do its work in a sandbox, if so.
pub(super) fn outside(plan: &Plan) -> Option<String> {
    plan.programs.iter().find_map(|program| {
        let name = base(program);
        Some(format!("{name} {}", what(program)?))
    })
}

/// Whether a program is one of those.
pub(super) fn is_listed(program: &Program) -> bool {
    what(program).is_some()
}

fn what(program: &Program) -> Option<&'static str> {
    NEEDS.iter().find(|(_, names)| has(names, base(program))).map(|(what, _)| *what)
}
