//! What a peer is that says nothing about itself: its program, as the kernel knows it.

use pryx_ipc::Peer;
use pryx_terms::SessionId;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Programs that run others' text: their script says more about them than they do.
#[cfg(any(target_os = "linux", test))]
const INTERPRETERS: &[&str] =
    &["python", "node", "ruby", "perl", "php", "lua", "deno", "bun", "bash", "dash", "sh", "zsh", "fish"];

/// The program a peer runs, or the script if that is an interpreter. Whoever runs as the same user can put on any name; it
/// tells the person's programs apart and defends nothing.
#[cfg(target_os = "linux")]
pub(crate) fn program(peer: Peer) -> Option<PathBuf> {
    let proc = PathBuf::from(format!("/proc/{}", peer.pid?));
    let exe = std::fs::read_link(proc.join("exe")).ok()?;
    if !is_interpreter(&exe) {
        return Some(exe);
    }
    let line = std::fs::read(proc.join("cmdline")).unwrap_or_default();
    let cwd = std::fs::read_link(proc.join("cwd")).unwrap_or_default();
    let script = script_of(&line).and_then(|script| cwd.join(script).canonicalize().ok());
    Some(script.filter(|script| script.is_file()).unwrap_or(exe))
}

/// Not told elsewhere.
#[cfg(not(target_os = "linux"))]
pub(crate) fn program(_peer: Peer) -> Option<PathBuf> {
    None
}

#[cfg(any(target_os = "linux", test))]
fn is_interpreter(exe: &Path) -> bool {
    let name = exe.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let bare = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    INTERPRETERS.contains(&bare)
}

/// The script in an interpreter's command line: its first argument that is no option. After `-c` and `-m` there is none.
#[cfg(any(target_os = "linux", test))]
fn script_of(line: &[u8]) -> Option<&str> {
    let args = line.split(|byte| *byte == 0).skip(1).filter(|arg| !arg.is_empty());
    let first = std::str::from_utf8(args.into_iter().next()?).ok()?;
    (!first.starts_with('-')).then_some(first)
}

/// The conversation of a program under a policy: what one of its connections opened, the next may use. Rules are fixed for
/// a conversation, so under other rules it is another one.
pub(crate) fn session(program: Option<&Path>, policy: Option<&str>) -> Option<SessionId> {
    let name = program.and_then(Path::file_name).map_or_else(|| "unknown".into(), |name| name.to_string_lossy());
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' }).take(18).collect();
    let digest = Sha256::digest(format!("{program:?} {policy:?}"));
    let mark: String = digest.iter().take(5).map(|byte| format!("{byte:02x}")).collect();
    SessionId::parse(&format!("program-{plain}-{mark}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interpreter_is_known_by_its_script() {
        for exe in ["/usr/bin/python3.11", "/usr/bin/perl", "/bin/bash", "/usr/bin/node"] {
            assert!(is_interpreter(Path::new(exe)), "{exe}");
        }
        assert!(!is_interpreter(Path::new("/usr/bin/socat")) && !is_interpreter(Path::new("/opt/pythonic")));
        assert_eq!(script_of(b"python3\0tool.py\0-x\0"), Some("tool.py"));
        assert_eq!(script_of(b"python3\0-c\0print()\0"), None);
        assert_eq!(script_of(b"python3\0"), None);
    }

    #[test]
    fn a_program_has_one_conversation() {
        let of = |program: &str| session(Some(Path::new(program)), None).unwrap();
        assert!(of("/x/my tool.py").as_str().starts_with("program-my-tool.py-"));
        assert_eq!(of("/x/a"), of("/x/a"));
        assert_ne!(of("/x/a"), of("/y/a"));
        assert_ne!(session(Some(Path::new("/x/a")), Some("full")).unwrap(), of("/x/a"));
        assert!(session(None, None).unwrap().as_str().starts_with("program-unknown-"));
        assert!(of(&format!("/{}", "ü".repeat(100))).as_str().len() <= 40);
    }
}
