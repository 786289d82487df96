//! Programs that can't do their work in a sandbox: they look into other processes, ask a service over its socket, or act
//! with another user's rights.

use pryx_terms::Plan;

/// What a program needs, and the programs.
const NEEDS: &[(&str, &str)] = &[
    ("looks into other processes", "lsof ss fuser netstat pidof pwdx top htop btop iotop lsns pmap nvidia-smi"),
    (
        "asks a service of the system",
        "systemctl systemd-analyze loginctl hostnamectl localectl timedatectl resolvectl busctl journalctl coredumpctl \
         machinectl networkctl nmcli ufw docker podman nerdctl crictl tmux screen gpg snap flatpak lpstat",
    ),
    ("asks the kernel or a device", "dmesg ifconfig route arp iwconfig ethtool fdisk lsusb lspci smartctl sensors"),
    (
        "acts with another user's rights",
        "sudo doas su pkexec run0 runuser sg newgrp crontab atq at ping ping6 mount umount",
    ),
];

/// Why a plan can't do its work in a sandbox, if so.
pub(super) fn outside(plan: &Plan) -> Option<String> {
    plan.programs.iter().find_map(|program| {
        let name = program.name.rsplit('/').next().unwrap_or_default();
        let has = |names: &str| names.split_ascii_whitespace().any(|listed| listed == name);
        let (what, _) = NEEDS.iter().find(|(_, names)| has(names))?;
        Some(format!("{name} {what}"))
    })
}
