//! Files that hold keys, passwords, histories: reading one is asked, however the path is written.

use crate::secrets::SECRETS;
use std::path::{Component, Path, PathBuf};

/// Names of files and directories, in lower case, wherever they are: beside those that the sandbox hides in a home
/// directory, what has such a name in projects and in other places of a system.
const NAMES: &[&str] = &[
    "rclone.conf",
    "keyrings",
    "keychains",
    "login data",
    "cookies",
    "cookies.sqlite",
    "key4.db",
    "key3.db",
    "logins.json",
    "wallet.dat",
    "fish_history",
    ".env",
    ".envrc",
    ".htpasswd",
    "shadow",
    "shadow-",
    "gshadow",
    "gshadow-",
    "sudoers",
    "sudoers.d",
    "master.passwd",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "id_ecdsa_sk",
    "id_ed25519_sk",
    "credentials",
    "credentials.json",
    "credentials.toml",
    "credentials.db",
    "secrets",
    "application support/google",
    "application support/firefox",
    "application support/chromium",
    "application support/bravesoftware",
    "application support/microsoft edge",
    "environ",
    "kwalletd",
    "atuin",
    "containers/auth.json",
    "huggingface/token",
    "huggingface/stored_tokens",
    "opencode/auth.json",
    "etc/wireguard",
];
/// Ends of file names.
const ENDS: &[&str] =
    &[".pem", ".key", ".p12", ".pfx", ".kdbx", ".jks", ".keystore", ".ppk", ".gpg", ".asc", "_history", ".ovpn"];
/// Beginnings of file names.
const STARTS: &[&str] = &[".env.", "ssh_host_", "id_rsa.", "id_ed25519.", ".bash_history", ".zsh_history"];
/// What is harmless below `/dev`.
const DEVICES: &[&str] = &["null", "zero", "full", "random", "urandom", "stdin", "stdout", "stderr", "tty"];
/// Directories in which a search through everything would meet secrets of all sorts.
const WIDE: &[&str] =
    &["/", "/etc", "/home", "/root", "/Users", "/proc", "/var", "/private", "/private/etc", "/private/var"];

/// Why a path must not be read unasked.
pub(super) fn secret(path: &Path, private: &[PathBuf]) -> Option<String> {
    let is_secret = |path: &Path| is_secret(path) || private.iter().any(|private| path.starts_with(private));
    let real = std::fs::canonicalize(path).ok();
    let hit = is_secret(&normal(path)) || real.as_deref().is_some_and(is_secret);
    hit.then(|| format!("{} may hold keys, passwords or a history", path.display()))
}

/// Without `.` and `..`.
pub(super) fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(normal.pop()),
            part => normal.push(part),
        }
    }
    normal
}

fn is_secret(path: &Path) -> bool {
    // Names without regard to case: the file systems of macOS have none.
    let whole = path.to_string_lossy().to_lowercase();
    let parts: Vec<&str> = whole.split('/').filter(|part| !part.is_empty()).collect();
    let mut ends = whole.match_indices('/').map(|(at, _)| at).filter(|at| *at > 0).chain([whole.len()]);
    let system = match parts.as_slice() {
        _ if !whole.starts_with('/') => false,
        ["dev", "fd", _] => false,
        ["dev", device, ..] => !DEVICES.contains(device),
        ["proc", "kcore" | "kmem"] => true,
        ["proc", _, .., "mem"] => true,
        ["etc", "ssl", "private", ..] => true,
        _ => false,
    };
    system || ends.any(|end| is_named(&whole[..end]))
}

/// Whether the last part of a path, in lower case, is the name of a secret, by itself or with what is before it.
pub(super) fn is_named(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let is = |place: &str| {
        let Some(before) = path.len().checked_sub(place.len()) else { return false };
        let bytes = path.as_bytes();
        bytes[before..].eq_ignore_ascii_case(place.as_bytes()) && (before == 0 || bytes[before - 1] == b'/')
    };
    SECRETS.iter().chain(NAMES).any(|place| is(place))
        || ENDS.iter().any(|end| name.ends_with(end))
        || STARTS.iter().any(|start| name.starts_with(start))
}

/// Why a search through everything below a directory must be asked.
pub(super) fn wide(path: &Path, home: Option<&Path>) -> Option<String> {
    let real = std::fs::canonicalize(path).unwrap_or_else(|_| normal(path));
    if real.is_file() {
        return None;
    }
    let whole = WIDE.iter().any(|wide| real == Path::new(wide));
    let around_home = home.is_some_and(|home| {
        let hidden = |rest: &Path| rest.iter().next().is_some_and(|part| part.to_string_lossy().starts_with('.'));
        home.starts_with(&real) || real.strip_prefix(home).is_ok_and(hidden)
    });
    let others_home =
        matches!(real.iter().collect::<Vec<_>>().as_slice(), [_, homes, _] if *homes == "home" || *homes == "Users");
    (whole || around_home || others_home).then(|| format!("everything below {} would be read", path.display()))
}
