//! A repository in a repository, with no `.gitmodules`: `git status` starts git in it, and its settings count there.

use super::plan_in;
use std::path::Path;
use std::process::Command;

fn git(dir: &Path, args: &[&str]) {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always"]).args(args);
    command.current_dir(dir).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
    let out = command.output().unwrap();
    assert!(out.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&out.stderr));
}

/// A repository with a few files, as git writes it.
fn repository(format: &str, version: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    git(dir.path(), &["init", "-q", &format!("--object-format={format}")]);
    for name in ["a", "deep/er/b", "deep/er/bb", &"long".repeat(40)] {
        let file = dir.path().join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, name).unwrap();
    }
    git(dir.path(), &["-c", &format!("index.version={version}"), "add", "."]);
    git(dir.path(), &["commit", "-qm", "x"]);
    git(dir.path(), &["add", "-N", "."]);
    git(dir.path(), &["update-index", "--index-version", version]);
    dir
}

fn open(dir: &Path, command: &str) -> bool {
    !plan_in(dir, command).open.is_empty()
}

#[test]
fn a_repository_within_that_would_run_its_own_program_is_open_without_a_gitmodules() {
    for format in ["sha1", "sha256"] {
        for version in ["2", "3", "4"] {
            let outer = repository(format, version);
            let (dir, sub) = (outer.path(), outer.path().join("sub"));
            for look in ["git status", "git diff", "git describe --dirty"] {
                assert!(!open(dir, look), "{format} {version}: {look}: {:?}", plan_in(dir, look).open);
            }
            std::fs::create_dir(&sub).unwrap();
            git(&sub, &["init", "-q", &format!("--object-format={format}")]);
            git(&sub, &["commit", "-q", "--allow-empty", "-m", "x"]);
            git(dir, &["add", "sub"]);
            git(&sub, &["config", "core.fsmonitor", "touch ../marker; false"]);
            assert!(!dir.join(".gitmodules").exists());
            // The attack is real: git itself runs it.
            git(dir, &["status"]);
            assert!(dir.join("marker").exists(), "{format} {version}");
            for look in ["git status", "git status --short", "git diff", "git describe --dirty", "git diff-files"] {
                assert!(open(dir, look), "{format} {version}: {look}");
                assert!(open(&dir.join("deep"), look), "{format} {version}: {look} from below");
            }
        }
    }
}

#[test]
fn an_index_that_is_not_understood_is_open() {
    let outer = repository("sha1", "2");
    let index = outer.path().join(".git/index");
    let whole = std::fs::read(&index).unwrap();
    assert!(!open(outer.path(), "git status"));
    for cut in [0, 3, 11, 40, 70, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&index, &whole[..cut]).unwrap();
        assert!(open(outer.path(), "git status"), "{cut} bytes");
    }
    // Fewer entries than there are; a path whose length is not the one written.
    for (at, byte) in [(11, 1), (7, 5), (12 + 61, 7)] {
        let mut other = whole.clone();
        other[at] = byte;
        std::fs::write(&index, other).unwrap();
        assert!(open(outer.path(), "git status"), "byte {at}");
    }
    std::fs::write(&index, &whole).unwrap();
    git(outer.path(), &["update-index", "--split-index"]);
    assert!(open(outer.path(), "git status"), "a second index");
}
