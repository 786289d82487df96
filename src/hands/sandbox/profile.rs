//! What a command may reach, as plain data, and the ready profiles.

use crate::secrets::{APPS, SECRETS};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Other machines, and this one's ports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Network {
    /// Neither.
    None,
    /// TCP, by these ports alone.
    Ports(Vec<u16>),
    /// All that is not raw.
    All,
}

/// What a command may reach. It goes to the keeper; an unknown field of a newer version is nothing that an older one
/// could enforce, so it is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    /// As it is shown.
    pub name: String,
    /// What may be read and run: these and all below them.
    pub read: Vec<PathBuf>,
    /// What may be changed too.
    pub write: Vec<PathBuf>,
    /// What neither of the two lets through: secrets, pryx's own files.
    pub hidden: Vec<PathBuf>,
    /// What may be read although something hides it: the person said so.
    #[serde(default)]
    pub read_too: Vec<PathBuf>,
    /// What may be changed although something hides it: the job's own temporary files, what the person said so.
    #[serde(default)]
    pub write_too: Vec<PathBuf>,
    /// The network.
    pub network: Network,
    /// The one socket of the file system that it may connect to: the hands', who know whose process it is. Never for a
    /// command of the person's, for whom they would do anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub door: Option<PathBuf>,
    /// Where compilers keep what they made; in `write_too` as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub builds: Option<PathBuf>,
}

impl Profile {
    /// The place where compilers keep what they made, and the variables that lead them there. Those that lead to
    /// something that may be written anyway stay as they are.
    pub fn builds(&self, is_set: impl Fn(&str) -> Option<PathBuf>) -> Option<(&Path, Vec<(&'static str, PathBuf)>)> {
        let place = self.builds.as_deref()?;
        let writable = |path: &PathBuf| self.write.iter().any(|known| path.starts_with(known));
        let led = KEPT_BY.iter().filter(|(variable, _)| !is_set(variable).as_ref().is_some_and(writable));
        Some((place, led.map(|(variable, name)| (*variable, place.join(name))).collect()))
    }

    /// Whether nobody can make files where temporary files usually go: it is not writable, or something hidden lies in it.
    pub fn needs_own_temp(&self) -> bool {
        let usual = Path::new(TEMPORARY);
        !self.write.iter().any(|path| path == usual) || self.hidden.iter().any(|path| path.starts_with(usual))
    }
}

/// What of the system is hidden. Most of it only root could read anyway; some people are root.
const SYSTEM: &[&str] = &[
    "/etc/shadow",
    "/etc/shadow-",
    "/etc/gshadow",
    "/etc/gshadow-",
    "/etc/master.passwd",
    "/etc/sudoers",
    "/etc/sudoers.d",
    "/etc/wireguard",
    "/etc/ssl/private",
    "/etc/krb5.keytab",
    "/run/secrets",
    "/run/credentials",
    "/run/user",
];

/// Where other people's homes are.
const HOMES: &str = "/home";

/// What may be changed below the home directory because nobody ever runs it.
const LOGS: &[&str] = &[".npm/_logs"];

/// Where a workspace's builds keep what they made, below pryx's own directory.
const BUILDS: &str = "builds";

/// The variables by which compilers find what they made earlier. They take it for true, so what a command could change
/// there would end up in programs that the person builds elsewhere: commands in a sandbox have their own, one for each
/// workspace.
const KEPT_BY: &[(&str, &str)] =
    &[("GOCACHE", "go"), ("CCACHE_DIR", "ccache"), ("SCCACHE_DIR", "sccache"), ("ZIG_GLOBAL_CACHE_DIR", "zig")];

/// What package managers fetch. It is code that later runs without a sandbox, so it can be changed only where the network
/// was allowed: without it there is nothing to fetch.
const FETCHED: &[&str] = &[
    ".cargo/registry",
    ".cargo/git",
    ".cargo/.package-cache",
    ".cargo/.package-cache-mutate",
    ".cargo/.global-cache",
    ".npm",
    ".cache/pip",
    ".cache/uv",
    ".cache/yarn",
    ".cache/pnpm",
    ".local/share/pnpm/store",
    ".yarn/berry",
    "go/pkg/mod",
    ".m2/repository",
    ".gradle/caches",
    ".gradle/wrapper",
    ".nuget/packages",
    ".composer/cache",
    ".cache/composer",
    ".bundle/cache",
];

/// Where temporary files go.
const TEMPORARY: &str = "/tmp";
/// Memory that processes share by name.
const SHARED: &str = "/dev/shm";

/// The fixed points around which profiles are made.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    /// The person's home directory.
    pub home: PathBuf,
    /// pryx's own directories.
    pub own: Vec<PathBuf>,
    /// What the person lets every command of an agent write.
    pub writable: Vec<PathBuf>,
    /// The TCP ports that they let every such command use.
    pub ports: Vec<u16>,
}

impl Places {
    /// What is hidden, each as named and as links lead.
    pub fn hidden(&self) -> Vec<PathBuf> {
        let mut homes = vec![self.home.clone()];
        let others = std::fs::read_dir(HOMES).into_iter().flatten().flatten().map(|entry| entry.path());
        // Of somebody else's home only root can read enough to matter.
        homes.extend(others.filter(|home| std::fs::read_dir(home).is_ok()));
        let mut hidden: Vec<PathBuf> = SYSTEM.iter().map(PathBuf::from).chain(self.own.iter().cloned()).collect();
        for home in homes.iter().map(|home| real(home)) {
            hidden.extend(SECRETS.iter().chain(APPS).map(|name| home.join(name)));
        }
        let led: Vec<PathBuf> = hidden.iter().map(|path| real(path)).collect();
        hidden.extend(led);
        hidden.sort();
        hidden.dedup();
        hidden
    }

    /// Looks, writes nowhere, talks to nobody.
    pub fn read_only(&self) -> Profile {
        Profile {
            name: "read-only".to_owned(),
            read: vec![PathBuf::from("/")],
            write: Vec::new(),
            hidden: self.hidden(),
            read_too: Vec::new(),
            write_too: Vec::new(),
            network: if self.ports.is_empty() { Network::None } else { Network::Ports(self.ports.clone()) },
            door: None,
            builds: None,
        }
    }

    /// Writes in the workspace, among temporary files, and in caches of its own.
    pub fn workspace(&self, root: &Path) -> Profile {
        let (root, home) = (real(root), real(&self.home));
        let mut write: Vec<PathBuf> = vec![PathBuf::from(TEMPORARY), PathBuf::from(SHARED)];
        write.extend(LOGS.iter().map(|logs| home.join(logs)));
        write.extend(self.writable.iter().map(|path| real(path)));
        let builds = self.own.first().map(|own| real(own).join(BUILDS).join(name_of(&root)));
        // The files that make up a home directory run whenever its owner logs in: one that is itself the workspace, or
        // lies in it, is not written unasked.
        if !home.starts_with(&root) {
            write.push(root);
        }
        let write_too = builds.iter().cloned().collect();
        Profile { name: "workspace".to_owned(), write, write_too, builds, ..self.read_only() }
    }

    /// Opens the network, and with it the places for what comes from there.
    pub fn connect(&self, profile: &mut Profile) {
        let home = real(&self.home);
        profile.network = Network::All;
        if !profile.write.is_empty() {
            profile.write.extend(FETCHED.iter().map(|cache| home.join(cache)));
        }
        profile.name.push_str("+network");
    }
}

/// A workspace's name among others, however long its path is.
fn name_of(root: &Path) -> String {
    Sha256::digest(root.as_os_str().as_encoded_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// As links lead. Most of what is hidden isn't there, and to find that out takes one system call.
pub(super) fn real(path: &Path) -> PathBuf {
    if !path.exists() {
        return path.to_owned();
    }
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}
