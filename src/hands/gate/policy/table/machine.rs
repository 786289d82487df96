//! Processes, services, hardware, and the settings of the network (not the network).

use super::super::checks;
use super::super::known::Args::{self, Any, Check, Except, Nothing, Only, OnlyOptions, Sub};
use super::super::known::Known;
use super::super::known::Reads::Nothing as NoFile;
use super::known;

const LIST_JOURNAL: &str = "--vacuum-size --vacuum-time --vacuum-files --rotate --flush --sync --relinquish-var \
         --smart-relinquish-var --setup-keys --update-catalog --cursor-file --force --interval";
const PAGER: &str = "--no-pager";
const PAGER_ONLY: Args = Only("", PAGER);
const SYSTEMCTL: &str = "--no-pager --failed --all -a -l --full --user --system -q --quiet --plain --no-legend --type= \
         --state= --type --state --property= --output= --lines= --value --reverse --recursive --legend=";
const SHOW_UNITS: Args = OnlyOptions("alqrntp#", SYSTEMCTL);

pub(super) const KNOWN: &[Known] = &[
    // Processes and the machine.
    known("ps", NoFile, Check(checks::ps)),
    known("top", NoFile, Check(checks::top)),
    known("date", NoFile, Check(checks::date)),
    known(
        "hostname",
        NoFile,
        Only("fiIsdAy", "--fqdn --short --domain --long --ip-address --all-ip-addresses --all-fqdns"),
    ),
    known("lsof", NoFile, Check(|args| Except("D", "").allow(args) && args.iter().all(|arg| checks::plain_host(arg)))),
    known(
        "ss",
        NoFile,
        Check(|args| Except("KDFN", "--kill --diag --filter --net").allow(args) && checks::socket_filter(args)),
    ),
    known("netstat", NoFile, Any),
    known("getent", NoFile, Check(checks::getent)),
    known("sysctl", NoFile, Check(checks::sysctl)),
    known("mount", NoFile, Only("l", "--show-labels")),
    known("swapon", NoFile, Only("s", "--show --summary --show= --noheadings --bytes")),
    known(
        "dmesg",
        NoFile,
        Except("cCDEnFK", "--clear --read-clear --console-off --console-on --console-level --file --kmsg-file"),
    ),
    known("journalctl", NoFile, Except("Di", LIST_JOURNAL)),
    known(
        "systemctl",
        NoFile,
        Sub(
            SYSTEMCTL,
            &[
                ("", Any),
                ("status", SHOW_UNITS),
                ("list-units", SHOW_UNITS),
                ("list-unit-files", SHOW_UNITS),
                ("list-timers", SHOW_UNITS),
                ("list-sockets", SHOW_UNITS),
                ("list-dependencies", SHOW_UNITS),
                ("list-jobs", SHOW_UNITS),
                ("is-active", SHOW_UNITS),
                ("is-enabled", SHOW_UNITS),
                ("is-failed", SHOW_UNITS),
                ("is-system-running", SHOW_UNITS),
                ("show", SHOW_UNITS),
                ("cat", SHOW_UNITS),
                ("get-default", SHOW_UNITS),
            ],
        ),
    ),
    known(
        "systemd-analyze",
        NoFile,
        Sub(PAGER, &[("", Any), ("time", PAGER_ONLY), ("blame", PAGER_ONLY), ("critical-chain", Only("", PAGER))]),
    ),
    known("loginctl", NoFile, Sub(PAGER, &[("", Any), ("list-sessions", PAGER_ONLY), ("list-users", PAGER_ONLY)])),
    known("hostnamectl localectl", NoFile, Sub(PAGER, &[("", Any), ("status", PAGER_ONLY)])),
    known(
        "timedatectl",
        NoFile,
        Sub(
            PAGER,
            &[
                ("", Any),
                ("status", PAGER_ONLY),
                ("show", PAGER_ONLY),
                ("list-timezones", PAGER_ONLY),
                ("timesync-status", PAGER_ONLY),
            ],
        ),
    ),
    known(
        "resolvectl",
        NoFile,
        Sub(
            PAGER,
            &[
                ("", Any),
                ("status", OnlyOptions("", PAGER)),
                ("dns", Nothing),
                ("domain", Nothing),
                ("statistics", Nothing),
            ],
        ),
    ),
    known("crontab", NoFile, Check(|args| args == ["-l"])),
    known("atq", NoFile, Nothing),
    known("fdisk", NoFile, Check(|args| args == ["-l"])),
    known("nvidia-smi", NoFile, Only("Lq", "--list-gpus --query --query-gpu= --query-compute-apps= --format=")),
    // Network settings, not the network.
    known("ip", NoFile, Check(checks::ip)),
    known(
        "ifconfig",
        NoFile,
        Check(|args| args.len() <= 1 && args.iter().all(|arg| *arg == "-a" || !arg.starts_with('-'))),
    ),
    known("route", NoFile, Check(|args| matches!(args, [] | ["-n"] | ["-n", "get", "default"] | ["get", "default"]))),
    known("arp", NoFile, Only("anve", "")),
    known("iwconfig", NoFile, Nothing),
    known("nmcli", NoFile, Check(checks::nmcli)),
    known("ping ping6", NoFile, Check(checks::ping)),
    known("ufw", NoFile, Check(|args| matches!(args, ["status"] | ["status", "verbose" | "numbered"]))),
];
