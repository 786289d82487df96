//! Package managers, and the tools of developers.

use super::super::known::Args::{self, Any, Check, Except, Nothing, Only, OnlyOptions, Operands, Sub};
use super::super::known::Known;
use super::super::known::Reads::{Content, Nothing as NoFile};
use super::super::{checks, git};
use super::known;

const DOCKER_LS: Args = OnlyOptions(
    "aqnl#",
    "--all --quiet --no-trunc --size -s --latest --last= --format= --filter= --digests --filter --format \
         -f",
);
/// With another machine's hands nobody would know that an agent asks.
const HERE: Args = Except("", "--host");
const PRYX: &[(&str, Args)] = &[("ps", HERE), ("log", HERE), ("doctor", HERE), ("approvals", HERE)];
const DOCKER: &[(&str, Args)] = &[
    ("ps", DOCKER_LS),
    ("images", DOCKER_LS),
    ("logs", Except("", "")),
    ("inspect", Any),
    ("version", Any),
    ("info", Any),
    ("stats", OnlyOptions("a", "--no-stream --all --no-trunc --format=")),
    ("top", Operands),
    ("port", Operands),
    ("history", Any),
    ("diff", Operands),
    (
        "container",
        Sub(
            "",
            &[
                ("ls", DOCKER_LS),
                ("list", DOCKER_LS),
                ("inspect", Any),
                ("logs", Any),
                ("stats", Only("", "--no-stream")),
            ],
        ),
    ),
    ("image", Sub("", &[("ls", DOCKER_LS), ("list", DOCKER_LS), ("inspect", Any)])),
    ("network", Sub("", &[("ls", DOCKER_LS), ("inspect", Any)])),
    ("volume", Sub("", &[("ls", DOCKER_LS), ("inspect", Any)])),
    ("system", Sub("", &[("df", Only("v", "--verbose")), ("info", Any)])),
    ("context", Sub("", &[("ls", Any), ("show", Any)])),
    ("compose", Sub("", &[("ps", DOCKER_LS), ("ls", DOCKER_LS), ("logs", Any), ("version", Any)])),
];
const APT_OPTIONS: &str = "--installed --upgradable --all-versions -a -q -qq --names-only -n --full --no-all-versions";
const APT: Args = OnlyOptions("anq", APT_OPTIONS);
const PIP: Args =
    OnlyOptions("vlf", "--format= --not-required --user --local --files --verbose --disable-pip-version-check --all");
const NPM: Args = OnlyOptions("galp", "--global --depth= --all --json --long --parseable --prod --production --link");
const BREW: Args = OnlyOptions("1", "--formula --cask --versions --json --json= --tree --installed --full-name");

pub(super) const KNOWN: &[Known] = &[
    // Packages.
    known(
        "apt",
        NoFile,
        Sub(
            APT_OPTIONS,
            &[("list", APT), ("show", APT), ("policy", APT), ("search", APT), ("depends", APT), ("rdepends", APT)],
        ),
    ),
    known(
        "apt-cache",
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
    known("apt-mark", NoFile, Sub("", &[("showmanual", Operands), ("showauto", Operands), ("showhold", Operands)])),
    known(
        "dpkg",
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
    known("dpkg-query", NoFile, OnlyOptions("lLSsWf", "--list --listfiles --search --status --show --showformat= -f=")),
    known("rpm", NoFile, Check(checks::rpm)),
    known(
        "pacman",
        NoFile,
        Check(|args| {
            args.first().is_some_and(|arg| {
                arg.strip_prefix("-Q").is_some_and(|rest| rest.chars().all(|c| "ceiglmnostuqp".contains(c)))
            }) && args[1..].iter().all(|arg| !arg.starts_with('-'))
        }),
    ),
    known(
        "apk",
        NoFile,
        Check(
            |args| matches!(args, ["info", rest @ ..] | ["list", "-I" | "--installed", rest @ ..] if rest.iter().all(|arg| !arg.starts_with('-') || *arg == "-v")),
        ),
    ),
    known("snap", NoFile, Sub("", &[("list", Any), ("services", Operands), ("version", Nothing)])),
    known("flatpak", NoFile, Sub("", &[("list", Only("", "--app --runtime --columns=")), ("info", Operands)])),
    known(
        "brew",
        NoFile,
        Sub(
            "--version --prefix --cellar",
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
    known("pip pip3", NoFile, Sub("", &[("list", PIP), ("show", PIP), ("freeze", PIP)])),
    known("npm", NoFile, Sub("", &[("ls", NPM), ("list", NPM), ("root", NPM), ("prefix", NPM)])),
    known("gem", NoFile, Sub("", &[("list", OnlyOptions("", "--local")), ("env", Nothing)])),
    known("cargo", NoFile, Only("Vv", "--version --list --help")),
    known("rustc", NoFile, Only("Vv", "--version --verbose")),
    known(
        "rustup",
        NoFile,
        Sub(
            "",
            &[
                ("show", Nothing),
                ("toolchain", Sub("", &[("list", Nothing)])),
                ("target", Sub("", &[("list", Only("", "--installed"))])),
            ],
        ),
    ),
    known("python python2 python3", NoFile, Check(|args| matches!(args, ["--version" | "-V"]))),
    known("node nodejs ruby perl php", NoFile, Check(|args| matches!(args, ["--version" | "-v"]))),
    known(
        "gcc g++ cc clang make cmake java javac openssl tmux vim nvim emacs curl wget ssh rsync sqlite3 psql \
         mysql deno bun lua",
        NoFile,
        Check(checks::version),
    ),
    // Development.
    known("git", Content, Check(git::only_shows)),
    known("docker podman", NoFile, Sub("", DOCKER)),
    known("pryx", NoFile, Sub("", PRYX)),
];
