//! Packages and installed programs, whichever package manager the machine has.

use super::intent::{Intent, Run};
use super::slot::Slot;

/// One command for each family of package managers, chosen where it runs.
macro_rules! by_manager {
    ($apt:literal, $rpm:literal, $pacman:literal, $apk:literal) => {
        concat!(
            "if command -v dpkg >/dev/null; then ",
            $apt,
            "; elif command -v rpm >/dev/null; then ",
            $rpm,
            "; elif command -v pacman >/dev/null; then ",
            $pacman,
            "; else ",
            $apk,
            "; fi"
        )
    };
}

pub(super) const INTENTS: &[Intent] = &[
    Intent {
        say: "\
            {name} installed; is {name} installed; have {name} installed; have {name}; package {name} installed; \
            is there {name}; process {name} installed",
        also: "already package the command tool",
        intro: "Whether {name} is there, as a command or as a package:",
        empty: "{name} is not installed.",
        ..Intent::reads(
            "is-installed",
            "is docker installed?",
            Run::Each {
                linux: concat!(
                    "command -v {name} || ",
                    by_manager!("dpkg-query -W {name}", "rpm -q {name}", "pacman -Q {name}", "apk list -I {name}"),
                    " 2>/dev/null"
                ),
                macos: "command -v {name} || brew list --versions {name} 2>/dev/null",
            },
        )
    },
    Intent {
        say: "\
            version of? {name}; {name} version; version {name} installed; version of? {name} have|use|is|running; \
            which|what {name} version; {name} --version; version package|command {name}",
        also: "installed use running have package the",
        intro: "The version of {name}:",
        empty: "{name} doesn't say.",
        ..Intent::reads("version-of", "which version of python is installed?", Run::Both("{version} 2>&1 | head -n 5"))
    },
    Intent {
        say: "\
            where {command:name}; where is? {name} installed; path of|to? {name} binary|executable|command; which {name}; \
            where {name} binary|executable|command|located|live|lives; location {name}; \
            path of? command|process {name}; whereis {name}",
        also: "installed located binary command execute find",
        intro: "Where {name} is:",
        empty: "There is no command {name}.",
        ..Intent::reads("where-is-command", "where is python3 installed?", Run::Both("command -v {name}"))
    },
    Intent {
        say: "\
            installed package; package installed; package; installed software|process; what installed; \
            software|process installed; what package have|installed; dpkg -l; brew list",
        with: &[Slot::Count],
        also: "software all installed have",
        count: 1000,
        intro: "Installed packages:",
        ..Intent::reads(
            "installed-packages",
            "list installed packages",
            Run::Each {
                linux: concat!(
                    by_manager!("dpkg-query -W", "rpm -qa", "pacman -Q", "apk info -v"),
                    " | sort | head -n {count}"
                ),
                macos: "brew list --versions | head -n {count}",
            },
        )
    },
    Intent {
        say: "count package; count package installed; count installed package; count package have installed?",
        also: "have installed",
        intro: "The number of installed packages:",
        ..Intent::reads(
            "count-packages",
            "how many packages are installed?",
            Run::Each {
                linux: concat!(by_manager!("dpkg-query -W", "rpm -qa", "pacman -Q", "apk info"), " | wc -l"),
                macos: "brew list | wc -l",
            },
        )
    },
    Intent {
        say: "\
            outdated package; package outdated; updates|upgrades free; package updates|upgrades; package can be? outdated; \
            package need|needs update|upgrade; package to update|upgrade; system uptodate; \
            is everything|package uptodate; package have update|updates; pending updates; software updates; \
            what can be? upgraded|outdated; updates for package; package with|have updates; updates",
        also: "free pending software package outdated there be still system",
        intro: "Packages with a newer version:",
        empty: "Everything is up to date, as far as the local package index knows.",
        ..Intent::reads(
            "outdated-packages",
            "which packages are outdated?",
            Run::Each {
                linux: concat!(
                    by_manager!(
                        "apt list --upgradable 2>/dev/null",
                        "dnf -qC check-update",
                        "pacman -Qu",
                        "apk version -l '<'"
                    ),
                    " | head -n 100"
                ),
                macos: "brew outdated",
            },
        )
    },
    Intent {
        say: "\
            package owner {path}; package {path} owner|from|come; package contain|installed|has {path}; \
            {path} package; where {path} come from; package of file? {path}; package file {path} owner; \
            package is {path} from|in|part",
        also: "file does to come from that part of",
        intro: "The package that {path} belongs to:",
        empty: "No package owns {path}.",
        ..Intent::reads(
            "package-owner",
            "which package owns /usr/bin/git?",
            Run::Each {
                linux: by_manager!(
                    "dpkg -S {path}",
                    "rpm -qf {path}",
                    "pacman -Qo {path}",
                    "apk info --who-owns {path}"
                ),
                macos: "pkgutil --file-info {path}",
            },
        )
    },
    Intent {
        say: "\
            file package {name}; file in|of|from package {name}; file package {name} installed|contain|install; \
            what files? did? package {name} install|installed|contain; \
            what package {name} contain|install|installed; content package {name}; \
            file {name} package contain|install",
        also: "did package the install installed contain",
        count: 200,
        intro: "Files of the package {name}:",
        empty: "The package {name} is not installed.",
        ..Intent::reads(
            "package-files",
            "which files did the package curl install?",
            Run::Each {
                linux: concat!(
                    by_manager!("dpkg -L {name}", "rpm -ql {name}", "pacman -Ql {name}", "apk info -L {name}"),
                    " | head -n {count}"
                ),
                macos: "brew list {name} | head -n {count}",
            },
        )
    },
    Intent {
        say: "\
            package {name}; package info|information|detail|description {name}; \
            info|information|detail|description package {name}; describe package {name}; what package {name}; \
            what package {name} for|do; about package {name}",
        also: "about info description the",
        intro: "About the package {name}:",
        empty: "The package {name} is unknown here.",
        ..Intent::reads(
            "package-info",
            "show information about the package curl",
            Run::Each {
                linux: concat!(
                    by_manager!("apt-cache show {name}", "rpm -qi {name}", "pacman -Qi {name}", "apk info {name}"),
                    " | head -n 60"
                ),
                macos: "brew info {name}",
            },
        )
    },
    Intent {
        say: "\
            search package {text}; search package named|for|about|matching|contain {text}; \
            package matching|about|like {text}; find|search package named|matching|for|about {text}; \
            apt search {text}; brew search {text}; search {text} package",
        also: "the manager repo repos",
        count: 50,
        intro: "Packages that match {text}:",
        empty: "No package matches {text}.",
        ..Intent::reads(
            "search-packages",
            "search packages for ripgrep",
            Run::Each {
                linux: concat!(
                    by_manager!(
                        "apt-cache search -- {text}",
                        "dnf -qC search {text}",
                        "pacman -Ss -- {text}",
                        "apk search -- {text}"
                    ),
                    " | head -n {count}"
                ),
                macos: "brew search -- {text} | head -n {count}",
            },
        )
    },
    Intent {
        say: "\
            python package; pip package; installed python package|module; \
            python module|library|libraries installed; pip list|freeze; python package|module installed; \
            package pip installed; python libraries",
        also: "installed pip python with",
        intro: "Installed Python packages:",
        ..Intent::reads("python-packages", "which python packages are installed?", Run::Both("pip3 list"))
    },
    Intent {
        say: "\
            npm package; global npm|node package|module; npm global package; npm package installed; \
            node package|module installed?; npm list|ls; npm package globally installed; installed npm|node package",
        also: "global globally installed node",
        intro: "npm packages that are installed globally:",
        ..Intent::reads("npm-packages", "list global npm packages", Run::Both("npm ls -g --depth=0"))
    },
    Intent {
        say: "\
            cargo package|binaries|crates|process|install|installed; \
            installed cargo|rust crates|package|binaries|process; cargo install list; crates installed cargo?; \
            what cargo installed; what i install|installed with? cargo; process installed with cargo",
        also: "installed cargo by with rust",
        intro: "Programs installed with cargo:",
        empty: "Nothing was installed with cargo.",
        ..Intent::reads("cargo-installs", "what did I install with cargo?", Run::Both("cargo install --list"))
    },
];
