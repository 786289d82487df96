//! Files that hold keys, passwords, histories: reading one is asked, however the path is written.

use std::path::{Component, Path, PathBuf};

/// Names of files and directories, in lower case, wherever they are.
const NAMES: &[&str] = &[
    ".ssh",
    ".gnupg",
    ".aws",
    ".azure",
    ".kube",
    ".netrc",
    "_netrc",
    ".pgpass",
    ".my.cnf",
    ".npmrc",
    ".pypirc",
    ".git-credentials",
    ".vault-token",
    ".pryx",
    ".password-store",
    ".boto",
    ".s3cfg",
    ".rclone.conf",
    "rclone.conf",
    "keyrings",
    "keychains",
    ".mozilla",
    ".thunderbird",
    "login data",
    "cookies",
    "cookies.sqlite",
    "key4.db",
    "key3.db",
    "logins.json",
    "wallet.dat",
    ".bash_history",
    ".zsh_history",
    ".zhistory",
    ".zsh_sessions",
    ".history",
    ".sh_history",
    ".ksh_history",
    ".python_history",
    ".psql_history",
    ".mysql_history",
    ".sqlite_history",
    ".rediscli_history",
    ".node_repl_history",
    ".lesshst",
    ".viminfo",
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
    ".config/google-chrome",
    ".config/chromium",
    ".config/bravesoftware",
    ".config/microsoft-edge",
    ".terraformrc",
    "application support/google",
    "application support/firefox",
    "application support/chromium",
    "application support/bravesoftware",
    "application support/microsoft edge",
    ".terraform.d",
    ".claude",
    ".codex",
    ".config/gh",
    ".docker/config.json",
    ".config/gcloud",
    ".config/op",
    ".gem/credentials",
    "environ",
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
    let parts: Vec<String> = path.iter().map(|part| part.to_string_lossy().to_lowercase()).collect();
    let named = parts.iter().enumerate().any(|(index, part)| {
        let pair = parts.get(index + 1).map(|next| format!("{part}/{next}")).unwrap_or_default();
        NAMES.contains(&part.as_str())
            || NAMES.contains(&pair.as_str())
            || ENDS.iter().any(|end| part.ends_with(end))
            || STARTS.iter().any(|start| part.starts_with(start))
    });
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let system = match parts.as_slice() {
        ["/", "dev", "fd", _] => false,
        ["/", "dev", device, ..] => !DEVICES.contains(device),
        ["/", "proc", "kcore" | "kmem"] => true,
        ["/", "proc", _, .., "mem"] => true,
        ["/", "etc", "ssl", "private", ..] => true,
        _ => false,
    };
    named || system
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
