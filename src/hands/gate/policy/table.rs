//! The programs that only look, with the options that would make them act. Data: one line per family.
//!
//! An entry belongs here only if no argument it lets through can write, delete, start a program, signal a process,
//! change a setting, or use the network.

use super::checks;
use super::known::Args::{Any, Check, Except, Nothing, Only, OnlyOptions, Operands, Sub};
use super::known::Reads::{Content, Names, Nothing as NoFile, Tree};
use super::known::{Args, Known, Reads};

const fn known(names: &'static [&'static str], reads: Reads, args: Args) -> Known {
    Known { names, reads, args }
}

const LIST_JOURNAL: &[&str] = &[
    "--vacuum-size",
    "--vacuum-time",
    "--vacuum-files",
    "--rotate",
    "--flush",
    "--sync",
    "--relinquish-var",
    "--smart-relinquish-var",
    "--setup-keys",
    "--update-catalog",
    "--cursor-file",
    "--force",
    "--interval",
];
const PAGER: &[&str] = &["--no-pager"];
const SYSTEMCTL: &[&str] = &[
    "--no-pager",
    "--failed",
    "--all",
    "-a",
    "-l",
    "--full",
    "--user",
    "--system",
    "-q",
    "--quiet",
    "--plain",
    "--no-legend",
    "--type=",
    "--state=",
    "--type",
    "--state",
    "--property=",
    "--output=",
    "--lines=",
    "--value",
    "--reverse",
    "--recursive",
    "--legend=",
];
const SHOW_UNITS: Args = OnlyOptions("alqrntp#", SYSTEMCTL);
const DOCKER_LS: Args = OnlyOptions(
    "aqnl#",
    &[
        "--all",
        "--quiet",
        "--no-trunc",
        "--size",
        "-s",
        "--latest",
        "--last=",
        "--format=",
        "--filter=",
        "--digests",
        "--filter",
        "--format",
        "-f",
    ],
);
const DOCKER: &[(&str, Args)] = &[
    ("ps", DOCKER_LS),
    ("images", DOCKER_LS),
    ("logs", Except("", &[])),
    ("inspect", Any),
    ("version", Any),
    ("info", Any),
    ("stats", OnlyOptions("a", &["--no-stream", "--all", "--no-trunc", "--format="])),
    ("top", Operands),
    ("port", Operands),
    ("history", Any),
    ("diff", Operands),
    (
        "container",
        Sub(
            &[],
            &[
                ("ls", DOCKER_LS),
                ("list", DOCKER_LS),
                ("inspect", Any),
                ("logs", Any),
                ("stats", Only("", &["--no-stream"])),
            ],
        ),
    ),
    ("image", Sub(&[], &[("ls", DOCKER_LS), ("list", DOCKER_LS), ("inspect", Any)])),
    ("network", Sub(&[], &[("ls", DOCKER_LS), ("inspect", Any)])),
    ("volume", Sub(&[], &[("ls", DOCKER_LS), ("inspect", Any)])),
    ("system", Sub(&[], &[("df", Only("v", &["--verbose"])), ("info", Any)])),
    ("context", Sub(&[], &[("ls", Any), ("show", Any)])),
    ("compose", Sub(&[], &[("ps", DOCKER_LS), ("ls", DOCKER_LS), ("logs", Any), ("version", Any)])),
];
const APT_OPTIONS: &[&str] = &[
    "--installed",
    "--upgradable",
    "--all-versions",
    "-a",
    "-q",
    "-qq",
    "--names-only",
    "-n",
    "--full",
    "--no-all-versions",
];
const APT: Args = OnlyOptions("anq", APT_OPTIONS);
const PIP: Args = OnlyOptions(
    "vlf",
    &[
        "--format=",
        "--not-required",
        "--user",
        "--local",
        "--files",
        "--verbose",
        "--disable-pip-version-check",
        "--all",
    ],
);
const NPM: Args = OnlyOptions(
    "galp",
    &["--global", "--depth=", "--all", "--json", "--long", "--parseable", "--prod", "--production", "--link"],
);
const BREW: Args = OnlyOptions(
    "1",
    &["--formula", "--cask", "--versions", "--json", "--json=", "--tree", "--installed", "--full-name"],
);

/// Programs of Linux and of every Unix.
pub(super) const UNIX: &[Known] = &[
    // The shell's own.
    known(
        &[
            "echo", "printf", "true", "false", ":", "test", "[", "pwd", "type", "exit", "return", "break", "continue",
            "shift", "cd", "set", "unset", "export", "readonly", "read", "times", "wait", "jobs", "dirs", "ulimit",
            "umask", "logout", "caller", "help",
        ],
        NoFile,
        Any,
    ),
    known(&["kill"], NoFile, Check(|args| matches!(args, ["-l" | "-L"] | ["-l", _]))),
    // Text.
    known(
        &[
            "cat",
            "tac",
            "nl",
            "head",
            "tail",
            "cut",
            "tr",
            "paste",
            "join",
            "comm",
            "cmp",
            "fold",
            "fmt",
            "expand",
            "unexpand",
            "rev",
            "column",
            "od",
            "hexdump",
            "hd",
            "strings",
            "md5sum",
            "sha1sum",
            "sha224sum",
            "sha256sum",
            "sha384sum",
            "sha512sum",
            "b2sum",
            "b3sum",
            "cksum",
            "sum",
            "md5",
            "shasum",
            "base32",
            "tsort",
            "look",
            "diff",
            "colordiff",
            "pr",
            "jq",
            "bc",
            "envsubst",
            "egrep",
            "fgrep",
            "wdiff",
            "tokei",
            "hexyl",
        ],
        Content,
        Except("", &["--files0-from"]),
    ),
    known(&["grep"], Content, Except("", &[])),
    known(&["rg"], Tree, Except("z", &["--pre", "--hostname-bin", "--search-zip"])),
    known(&["ag"], Tree, Except("", &["--pager"])),
    known(&["wc"], Content, Except("", &["--files0-from"])),
    known(
        &["sort"],
        Content,
        Except("oTS", &["--output", "--compress-program", "--files0-from", "--temporary-directory"]),
    ),
    known(&["shuf"], Content, Except("o", &["--output", "--random-source"])),
    known(&["base64"], Content, Except("oD", &["--output"])),
    known(&["iconv"], Content, Except("o", &["--output"])),
    known(&["uniq"], Content, Check(checks::uniq)),
    known(&["xxd"], Content, Check(checks::xxd)),
    known(
        &["less", "more"],
        Content,
        Check(|args| OnlyOptions("FRXSNniIMEeqgs", &[]).allow(args) && args.iter().all(|arg| !arg.starts_with('+'))),
    ),
    known(
        &["bat", "batcat"],
        Content,
        Check(|args| {
            Except("", &["--pager", "--diff", "--generate-config-file"]).allow(args) && !args.contains(&"cache")
        }),
    ),
    known(&["zcat", "gzcat", "bzcat", "xzcat", "zstdcat", "lz4cat"], Content, Operands),
    known(&["awk", "gawk", "mawk", "nawk"], Content, Check(checks::awk)),
    known(&["sed", "gsed"], Content, Check(checks::sed)),
    known(
        &["yq"],
        Content,
        Check(|args| args.iter().all(|arg| !is_among_yq(arg) && !arg.contains("load") && !arg.contains("strload"))),
    ),
    known(&["file"], Content, Except("Cfm", &["--compile", "--files-from", "--magic-file"])),
    known(
        &["tee"],
        NoFile,
        Check(|args| {
            args.iter().all(|arg| matches!(*arg, "-a" | "/dev/null" | "/dev/stderr" | "/dev/stdout" | "/dev/tty"))
        }),
    ),
    known(
        &[
            "seq",
            "basename",
            "dirname",
            "expr",
            "factor",
            "numfmt",
            "sleep",
            "nproc",
            "arch",
            "uname",
            "whoami",
            "logname",
            "tty",
            "groups",
            "id",
            "users",
            "who",
            "w",
            "uptime",
            "cal",
            "ncal",
            "clear",
            "tput",
            "free",
            "vmstat",
            "iostat",
            "mpstat",
            "lscpu",
            "lsmem",
            "lsusb",
            "lspci",
            "lsmod",
            "lsns",
            "lsipc",
            "locale",
            "printenv",
            "getconf",
            "pidof",
            "pstree",
            "last",
            "lastlog",
            "whatis",
            "apropos",
            "dircolors",
            "lslocks",
            "lslogins",
            "ipcs",
            "modinfo",
            "runlevel",
            "domainname",
            "nisdomainname",
            "hostid",
        ],
        NoFile,
        Any,
    ),
    known(&["pgrep"], NoFile, Except("F", &["--pidfile"])),
    known(&["sensors", "acpi"], NoFile, Only("fuAjbti", &[])),
    known(
        &[
            "ls", "dir", "vdir", "stat", "df", "readlink", "realpath", "which", "whereis", "exa", "eza", "lsd",
            "namei", "lsattr", "getfacl", "lsblk", "findmnt", "locate", "plocate", "duf", "dust", "pathchk",
        ],
        Names,
        Any,
    ),
    known(&["du"], Names, Except("X", &["--files0-from", "--exclude-from"])),
    known(&["tree"], Names, Except("oR", &["--output", "--fromfile", "--fromtabfile"])),
    known(&["find"], Names, Check(checks::find)),
    known(&["fd", "fdfind"], Names, Except("xX", &["--exec", "--exec-batch", "--ignore-file"])),
    known(&["tar", "bsdtar"], Content, Check(checks::tar)),
    known(
        &["unzip"],
        Content,
        Check(|args| {
            matches!(args.first(), Some(&"-l" | &"-lv" | &"-v" | &"-Z" | &"-Z1"))
                && args[1..].iter().all(|arg| !arg.starts_with('-'))
        }),
    ),
    known(&["zipinfo"], Content, Operands),
    known(
        &["gzip", "xz", "zstd"],
        Content,
        Check(|args| matches!(args, ["-l" | "--list", rest @ ..] if rest.iter().all(|arg| !arg.starts_with('-')))),
    ),
    // Processes and the machine.
    known(&["ps"], NoFile, Check(checks::ps)),
    known(&["top"], NoFile, Check(checks::top)),
    known(&["date"], NoFile, Check(checks::date)),
    known(
        &["hostname"],
        NoFile,
        Only(
            "fiIsdAy",
            &["--fqdn", "--short", "--domain", "--long", "--ip-address", "--all-ip-addresses", "--all-fqdns"],
        ),
    ),
    known(&["lsof"], NoFile, Except("D", &[])),
    known(&["ss"], NoFile, Except("KDFN", &["--kill", "--diag", "--filter", "--net"])),
    known(&["netstat"], NoFile, Any),
    known(&["getent"], NoFile, Check(checks::getent)),
    known(&["sysctl"], NoFile, Check(checks::sysctl)),
    known(&["mount"], NoFile, Only("l", &["--show-labels"])),
    known(&["swapon"], NoFile, Only("s", &["--show", "--summary", "--show=", "--noheadings", "--bytes"])),
    known(
        &["dmesg"],
        NoFile,
        Except(
            "cCDEnFK",
            &["--clear", "--read-clear", "--console-off", "--console-on", "--console-level", "--file", "--kmsg-file"],
        ),
    ),
    known(&["journalctl"], NoFile, Except("Di", LIST_JOURNAL)),
    known(
        &["systemctl"],
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
        &["systemd-analyze"],
        NoFile,
        Sub(PAGER, &[("", Any), ("time", PAGER_ONLY), ("blame", PAGER_ONLY), ("critical-chain", Only("", PAGER))]),
    ),
    known(&["loginctl"], NoFile, Sub(PAGER, &[("", Any), ("list-sessions", PAGER_ONLY), ("list-users", PAGER_ONLY)])),
    known(&["hostnamectl", "localectl"], NoFile, Sub(PAGER, &[("", Any), ("status", PAGER_ONLY)])),
    known(
        &["timedatectl"],
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
        &["resolvectl"],
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
    known(&["crontab"], NoFile, Check(|args| args == ["-l"])),
    known(&["atq"], NoFile, Nothing),
    known(&["fdisk"], NoFile, Check(|args| args == ["-l"])),
    known(
        &["nvidia-smi"],
        NoFile,
        Only("Lq", &["--list-gpus", "--query", "--query-gpu=", "--query-compute-apps=", "--format="]),
    ),
    known(&["man"], NoFile, OnlyOptions("kfwa", &[])),
    // Network settings, not the network.
    known(&["ip"], NoFile, Check(checks::ip)),
    known(
        &["ifconfig"],
        NoFile,
        Check(|args| args.len() <= 1 && args.iter().all(|arg| *arg == "-a" || !arg.starts_with('-'))),
    ),
    known(
        &["route"],
        NoFile,
        Check(|args| matches!(args, [] | ["-n"] | ["-n", "get", "default"] | ["get", "default"])),
    ),
    known(&["arp"], NoFile, Only("anve", &[])),
    known(&["iwconfig"], NoFile, Nothing),
    known(&["nmcli"], NoFile, Check(checks::nmcli)),
    known(&["ping", "ping6"], NoFile, Check(checks::ping)),
    known(&["ufw"], NoFile, Check(|args| matches!(args, ["status"] | ["status", "verbose" | "numbered"]))),
    // Packages.
    known(
        &["apt"],
        NoFile,
        Sub(
            APT_OPTIONS,
            &[("list", APT), ("show", APT), ("policy", APT), ("search", APT), ("depends", APT), ("rdepends", APT)],
        ),
    ),
    known(
        &["apt-cache"],
        NoFile,
        Sub(
            APT_OPTIONS,
            &[
                ("show", APT),
                ("policy", APT),
                ("search", APT),
                ("depends", APT),
                ("rdepends", APT),
                ("madison", APT),
                ("pkgnames", APT),
                ("stats", APT),
                ("showpkg", APT),
            ],
        ),
    ),
    known(&["apt-mark"], NoFile, Sub(&[], &[("showmanual", Operands), ("showauto", Operands), ("showhold", Operands)])),
    known(
        &["dpkg"],
        NoFile,
        Check(|args| {
            matches!(
                args.first(),
                Some(
                    &"-l"
                        | &"-L"
                        | &"-S"
                        | &"-s"
                        | &"-p"
                        | &"-V"
                        | &"--list"
                        | &"--listfiles"
                        | &"--search"
                        | &"--status"
                        | &"--get-selections"
                        | &"--print-architecture"
                        | &"--print-foreign-architectures"
                        | &"--version"
                        | &"--verify"
                        | &"--audit"
                )
            ) && args[1..].iter().all(|arg| !arg.starts_with('-'))
        }),
    ),
    known(
        &["dpkg-query"],
        NoFile,
        OnlyOptions("lLSsWf", &["--list", "--listfiles", "--search", "--status", "--show", "--showformat=", "-f="]),
    ),
    known(&["rpm"], NoFile, Check(checks::rpm)),
    known(
        &["pacman"],
        NoFile,
        Check(|args| {
            args.first().is_some_and(|arg| {
                arg.strip_prefix("-Q").is_some_and(|rest| rest.chars().all(|c| "ceiglmnostuqp".contains(c)))
            }) && args[1..].iter().all(|arg| !arg.starts_with('-'))
        }),
    ),
    known(
        &["apk"],
        NoFile,
        Check(
            |args| matches!(args, ["info", rest @ ..] | ["list", "-I" | "--installed", rest @ ..] if rest.iter().all(|arg| !arg.starts_with('-') || *arg == "-v")),
        ),
    ),
    known(&["snap"], NoFile, Sub(&[], &[("list", Any), ("services", Operands), ("version", Nothing)])),
    known(
        &["flatpak"],
        NoFile,
        Sub(&[], &[("list", Only("", &["--app", "--runtime", "--columns="])), ("info", Operands)]),
    ),
    known(
        &["brew"],
        NoFile,
        Sub(
            &["--version", "--prefix", "--cellar"],
            &[
                ("list", BREW),
                ("ls", BREW),
                ("leaves", BREW),
                ("info", BREW),
                ("config", Nothing),
                ("deps", BREW),
                ("uses", BREW),
            ],
        ),
    ),
    known(&["pip", "pip3"], NoFile, Sub(&[], &[("list", PIP), ("show", PIP), ("freeze", PIP)])),
    known(&["npm"], NoFile, Sub(&[], &[("ls", NPM), ("list", NPM), ("root", NPM), ("prefix", NPM)])),
    known(&["gem"], NoFile, Sub(&[], &[("list", OnlyOptions("", &["--local"])), ("env", Nothing)])),
    known(&["cargo"], NoFile, Only("Vv", &["--version", "--list", "--help"])),
    known(&["rustc"], NoFile, Only("Vv", &["--version", "--verbose"])),
    known(
        &["rustup"],
        NoFile,
        Sub(
            &[],
            &[
                ("show", Nothing),
                ("toolchain", Sub(&[], &[("list", Nothing)])),
                ("target", Sub(&[], &[("list", Only("", &["--installed"]))])),
            ],
        ),
    ),
    known(&["python", "python2", "python3"], NoFile, Check(|args| matches!(args, ["--version" | "-V"]))),
    known(&["node", "nodejs", "ruby", "perl", "php"], NoFile, Check(|args| matches!(args, ["--version" | "-v"]))),
    known(
        &[
            "gcc", "g++", "cc", "clang", "make", "cmake", "java", "javac", "openssl", "tmux", "vim", "nvim", "emacs",
            "curl", "wget", "ssh", "rsync", "sqlite3", "psql", "mysql", "deno", "bun", "lua",
        ],
        NoFile,
        Check(checks::version),
    ),
    // Development.
    known(&["git"], Content, Check(checks::git)),
    known(&["docker", "podman"], NoFile, Sub(&[], DOCKER)),
    known(&["pryx"], NoFile, Sub(&[], &[("ps", Any), ("log", Any), ("doctor", Any), ("approvals", Any)])),
];

const PAGER_ONLY: Args = Only("", PAGER);

fn is_among_yq(arg: &str) -> bool {
    super::known::is_among(arg, "is", &["--inplace", "--in-place", "--split-exp", "--from-file", "--expression-file"])
}

/// Programs of macOS.
pub(super) const MACOS: &[Known] = &[
    known(
        &["sw_vers", "vm_stat", "system_profiler", "ioreg", "mdls", "mdfind", "lsappinfo", "machine", "hostinfo"],
        NoFile,
        Any,
    ),
    known(&["scutil"], NoFile, Check(|args| matches!(args, ["--dns" | "--proxy" | "--nwi"] | ["--get", _]))),
    known(
        &["networksetup"],
        NoFile,
        Check(|args| args.first().is_some_and(|arg| arg.starts_with("-get") || arg.starts_with("-list"))),
    ),
    known(&["pmset"], NoFile, Check(|args| args.first() == Some(&"-g"))),
    known(&["diskutil"], NoFile, Sub(&[], &[("list", Any), ("info", Any), ("apfs", Sub(&[], &[("list", Any)]))])),
    known(&["launchctl"], NoFile, Sub(&[], &[("list", Any), ("print", Any), ("print-disabled", Any)])),
    known(&["dscacheutil"], NoFile, Check(|args| matches!(args, ["-statistics"] | ["-q", "user" | "group", ..]))),
    known(&["defaults"], NoFile, Sub(&[], &[("read", Any), ("read-type", Any), ("domains", Nothing), ("find", Any)])),
    known(&["log"], NoFile, Sub(&[], &[("show", Any), ("stream", Any), ("stats", Any)])),
    known(&["csrutil", "fdesetup"], NoFile, Check(|args| args == ["status"])),
    known(&["spctl"], NoFile, Check(|args| args == ["--status"])),
    known(&["softwareupdate"], NoFile, Check(|args| args == ["--history"])),
    known(
        &["tmutil"],
        NoFile,
        Sub(
            &[],
            &[("listbackups", Nothing), ("status", Nothing), ("latestbackup", Nothing), ("destinationinfo", Nothing)],
        ),
    ),
    known(&["dscl"], NoFile, Check(|args| matches!(args, ["." | "/Local/Default", "-list" | "list", _]))),
    known(&["xcode-select"], NoFile, Check(|args| matches!(args, ["-p" | "--print-path" | "-v" | "--version"]))),
    known(&["xcodebuild"], NoFile, Check(|args| args == ["-version"])),
    known(&["pkgutil"], NoFile, Check(|args| matches!(args, ["--pkgs"] | ["--pkg-info" | "--files", _]))),
    known(&["plutil"], Content, Check(|args| matches!(args, ["-p", _]))),
];

/// Programs that are known to change things; the reason on the card can then say more than "unknown".
pub(super) const CHANGES: &[&str] = &[
    "rm",
    "rmdir",
    "unlink",
    "mv",
    "cp",
    "ln",
    "mkdir",
    "touch",
    "chmod",
    "chown",
    "chgrp",
    "chattr",
    "setfacl",
    "dd",
    "truncate",
    "shred",
    "install",
    "mktemp",
    "mkfifo",
    "split",
    "csplit",
    "patch",
    "tee",
    "kill",
    "killall",
    "pkill",
    "shutdown",
    "reboot",
    "halt",
    "poweroff",
    "systemctl",
    "service",
    "launchctl",
    "crontab",
    "at",
    "mount",
    "umount",
    "useradd",
    "userdel",
    "usermod",
    "passwd",
    "apt",
    "apt-get",
    "dpkg",
    "dnf",
    "yum",
    "rpm",
    "pacman",
    "apk",
    "zypper",
    "snap",
    "flatpak",
    "brew",
    "pip",
    "pip3",
    "npm",
    "yarn",
    "pnpm",
    "cargo",
    "go",
    "gem",
    "make",
    "docker",
    "podman",
    "git",
    "tar",
    "unzip",
    "zip",
    "gzip",
    "bzip2",
    "xz",
    "zstd",
    "sed",
    "vi",
    "vim",
    "nano",
    "emacs",
    "ed",
    "date",
    "hostname",
    "sysctl",
    "ip",
    "ifconfig",
    "route",
    "iptables",
    "nft",
    "ufw",
    "modprobe",
    "swapoff",
    "swapon",
];

/// Programs that talk to other machines.
pub(super) const NETWORK: &[&str] = &[
    "curl",
    "wget",
    "ssh",
    "scp",
    "sftp",
    "rsync",
    "ftp",
    "telnet",
    "nc",
    "ncat",
    "netcat",
    "socat",
    "dig",
    "host",
    "nslookup",
    "whois",
    "ping",
    "ping6",
    "traceroute",
    "tracepath",
    "mtr",
    "nmap",
    "aria2c",
    "http",
    "https",
    "xh",
    "kubectl",
    "aws",
    "gcloud",
    "az",
    "gh",
    "terraform",
    "openssl",
    "mail",
    "sendmail",
    "drill",
    "dog",
];

/// Programs that act with another user's rights.
pub(super) const PRIVILEGED: &[&str] =
    &["sudo", "doas", "su", "pkexec", "run0", "runuser", "sg", "newgrp", "setpriv", "chroot", "unshare", "nsenter"];
