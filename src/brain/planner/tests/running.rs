//! The commands that only read are really run, on Linux, among fixtures.

use super::super::{Os, intents, propose};
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

/// Longest a command may take here. `find /usr` on a slow disk is the slowest.
const DEADLINE_SECONDS: &str = "60";

/// Examples that need the internet, which tests do without.
const NEEDS_NETWORK: &[&str] =
    &["public-ip", "ping", "http-status", "online", "certificate", "traceroute", "reach-port", "resolve"];

/// Examples that need what a test machine may lack: a service manager, a container engine, hardware, a program. They are
/// run, but may fail.
const NEEDS_MORE: &[&str] = &[
    "block-devices",
    "mounts",
    "wifi",
    "neighbours",
    "dns-servers",
    "traffic",
    "swap",
    "python-packages",
    "npm-packages",
    "cargo-installs",
    "services",
    "failed-services",
    "service-status",
    "enabled-services",
    "timers",
    "cron-jobs",
    "system-errors",
    "system-log",
    "kernel-messages",
    "service-log",
    "failed-logins",
    "oom-kills",
    "gpu",
    "gpu-usage",
    "usb-devices",
    "hardware",
    "kernel-modules",
    "virtualisation",
    "containers",
    "all-containers",
    "container-images",
    "container-log",
    "container-volumes",
    "container-networks",
    "container-stats",
    "docker-space",
    "pretty-json",
    "list-zip",
    "file-type",
    "groups-of",
    "user-info",
    "version-of",
    "env-variable",
    "system-cron",
    "temperature",
    "battery",
    "group-members",
    "shell",
    "boot-time",
    "last-logins",
    "reboots",
    "package-files",
];

const GIT: &[&[&str]] = &[
    &["init", "-q", "-b", "main"],
    &["add", "README.md", "Cargo.toml", "src"],
    &["commit", "-q", "-m", "Begin with the keeper"],
    &["tag", "v1"],
];

fn fixtures(dir: &Path) {
    for name in ["src", "scripts", "bin", "Documents", "Downloads"] {
        fs::create_dir(dir.join(name)).unwrap();
    }
    for (name, text) in [
        ("README.md", "# A thing\n"),
        ("Cargo.toml", "[package]\nname = \"x\"\n"),
        ("src/main.rs", "fn main() {\n    // TODO: more\n}\n"),
        ("src/small.py", "pass\n"),
        ("notes.txt", "one\ntwo\nthree\n"),
        ("names.txt", "bob\nalice\n"),
        ("hosts.txt", "a\nb\na\n"),
        ("access.log", "GET /\nGET /\nPUT /\n"),
        ("app.log", "fine\nERROR timeout\nERROR timeout\n"),
        ("essay.txt", "four words are here\n"),
        ("old.conf", "a = 1\n"),
        ("new.conf", "a = 2\n"),
        ("main.py", "x\nlonger line\n"),
        ("data.json", "{\"a\": 1}\n"),
        ("image.iso", "not really\n"),
        ("logo.png", "neither\n"),
        ("photos.zip", "neither\n"),
        ("it's; $(odd).txt", "odd\n"),
    ] {
        fs::write(dir.join(name), text).unwrap();
    }
    fs::write(dir.join("big.bin"), vec![0; 3 << 20]).unwrap();
    sh(dir, "tar -czf backup.tar.gz src; touch empty");
    for args in GIT {
        let git = Command::new("git").args(*args).current_dir(dir).envs(git_settings()).status().unwrap();
        assert!(git.success(), "git {args:?}");
    }
}

fn git_settings() -> [(&'static str, &'static str); 6] {
    [
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_CONFIG_SYSTEM", "/dev/null"),
        ("GIT_AUTHOR_NAME", "Alice"),
        ("GIT_AUTHOR_EMAIL", "alice@example.com"),
        ("GIT_COMMITTER_NAME", "Alice"),
        ("GIT_COMMITTER_EMAIL", "alice@example.com"),
    ]
}

fn sh(dir: &Path, command: &str) -> Output {
    let mut timeout = Command::new("timeout");
    timeout.args([DEADLINE_SECONDS, "sh", "-c", command]).current_dir(dir).envs(git_settings());
    timeout.env("HOME", dir).stdin(std::process::Stdio::null()).output().unwrap()
}

fn asked(dir: &Path, request: &str) -> String {
    let proposal = propose(request, Os::Linux).unwrap_or_else(|| panic!("{request:?} is unknown"));
    String::from_utf8_lossy(&sh(dir, &proposal.command).stdout).into_owned()
}

#[test]
#[cfg(target_os = "linux")]
fn every_example_that_reads_runs() {
    let dir = tempfile::tempdir().unwrap();
    fixtures(dir.path());
    let mut wrong = Vec::new();
    for info in intents().filter(|info| !info.changes && !NEEDS_NETWORK.contains(&info.name)) {
        let command = propose(info.example, Os::Linux).unwrap().command;
        let ran = sh(dir.path(), &command);
        let code = ran.status.code();
        // grep, pgrep, ps and lsof say "nothing found" with 1 and silence; a deadline is 124.
        let silent = ran.stdout.is_empty() && code == Some(1);
        let header = info.name == "process-info" || info.name == "threads" || info.name == "process-age";
        let may_fail = NEEDS_MORE.contains(&info.name) && code != Some(124);
        let fine = code == Some(0) || silent || may_fail || (header && code == Some(1));
        if !fine {
            let said = String::from_utf8_lossy(&ran.stderr);
            wrong.push(format!("{}: {command}\n  {:?} {said}", info.name, ran.status));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
#[cfg(target_os = "linux")]
fn answers_are_right() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path();
    fixtures(dir);
    let pid = std::process::id();
    for (request, answer) in [
        ("the 1 largest file here", "3.0M ./big.bin\n"),
        ("the largest file below \"src\"", "src/main.rs"),
        ("files bigger than 2 MB", "./big.bin"),
        ("how many python files are in src?", "1\n"),
        ("find all python files in src", "src/small.py\n"),
        ("which files are empty?", "./empty\n"),
        ("search for TODO in src", "src/main.rs:2:    // TODO: more\n"),
        ("which files contain \"TODO: more\"?", "./src/main.rs\n"),
        ("how many lines in app.log contain ERROR?", "2\n"),
        ("how many lines are in notes.txt?", "3 notes.txt\n"),
        ("the last 1 lines of notes.txt", "three\n"),
        ("sort names.txt", "alice\nbob\n"),
        ("show the duplicate lines of hosts.txt", "a\n"),
        ("compare old.conf and new.conf", "-a = 1\n+a = 2\n"),
        ("cat \"it's; $(odd).txt\"", "odd\n"),
        ("what is in backup.tar.gz?", "src/main.rs"),
        ("show the last 3 commits", "Alice  Begin with the keeper\n"),
        ("which branch am I on?", "main\n"),
        ("who changed README.md?", "Alice"),
        ("which commits mention \"keeper\"?", "Begin with the keeper"),
        ("how many commits does this repo have?", "1\n"),
        ("are there uncommitted changes?", "?? notes.txt"),
        ("which day of the week was 2024-02-29?", "Thursday\n"),
        ("what time is it in Tokyo?", "JST"),
        ("is sh installed?", "sh"),
        ("what is in my PATH?", "/usr/bin\n"),
    ] {
        assert!(asked(dir, request).contains(answer), "{request:?} printed {:?}", asked(dir, request));
    }
    assert!(asked(dir, &format!("what is process {pid}?")).contains(&pid.to_string()));
}

#[test]
#[cfg(target_os = "linux")]
fn a_listener_is_found_by_its_port_and_a_free_port_prints_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let request = format!("what is using port {port}?");
    let found = asked(dir.path(), &request);
    assert!(found.contains(&format!(":{port}")) && found.contains(&format!("pid={}", std::process::id())), "{found}");
    drop(listener);
    assert_eq!(asked(dir.path(), &request), "");
}

#[test]
#[cfg(target_os = "linux")]
fn what_changes_things_does_what_it_says() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path();
    fixtures(dir);
    for request in [
        "create a folder called \"my reports\"",
        "copy notes.txt to copy.txt",
        "rename copy.txt to \"it's.txt\"",
        "move \"it's.txt\" to ./Documents",
        "replace two with 2/3 in notes.txt",
        "make a backup of names.txt",
        "make main.py executable",
        "delete names.txt",
        "delete the folder scripts",
        "compress the folder src into src.tar.xz",
        "extract backup.tar.gz into ./Downloads",
        "undo the last commit",
    ] {
        let proposal = propose(request, Os::Linux).unwrap_or_else(|| panic!("{request:?} is unknown"));
        let ran = sh(dir, &proposal.command);
        let expected = request != "undo the last commit";
        assert_eq!(ran.status.success(), expected, "{}: {}", proposal.command, String::from_utf8_lossy(&ran.stderr));
    }
    assert!(dir.join("my reports").is_dir() && dir.join("Documents/it's.txt").is_file());
    assert_eq!(fs::read_to_string(dir.join("notes.txt")).unwrap(), "one\n2/3\nthree\n");
    assert!(dir.join("names.txt.bak").is_file() && !dir.join("names.txt").exists() && !dir.join("scripts").exists());
    assert!(dir.join("src.tar.xz").is_file() && dir.join("Downloads/src/main.rs").is_file());
}
