//! install.sh as a person runs it: by `sh`, with few programs on PATH, against a real HTTP server on this machine.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;

const TARGET: &str = "x86_64-unknown-linux-musl";
const FOLDER: &str = "pryx-9.9.9-x86_64-unknown-linux-musl";
const ARCHIVE: &str = "pryx-9.9.9-x86_64-unknown-linux-musl.tar.gz";
/// All that install.sh may call, besides one of curl and wget.
const TOOLS: [&str; 14] =
    ["tar", "gzip", "sha256sum", "mktemp", "mkdir", "rm", "cp", "mv", "chmod", "uname", "dirname", "sed", "grep", "tr"];

/// What the server has, and how it hands it out.
#[derive(Clone, Default)]
struct Shelf {
    files: HashMap<String, Vec<u8>>,
    /// Whether the connection ends before the announced length has come.
    hangs_up: bool,
}

impl Shelf {
    /// The archive with the sum that is right for it.
    fn with(archive: Vec<u8>) -> Self {
        let mut shelf = Self::default();
        shelf.put("/SHA256SUMS", format!("{}  {ARCHIVE}\n", sha256(&archive)).into_bytes());
        shelf.put(&format!("/{ARCHIVE}"), archive);
        shelf
    }

    fn put(&mut self, path: &str, bytes: Vec<u8>) {
        self.files.insert(path.to_owned(), bytes);
    }

    /// Serves until the test's process ends; the address.
    fn serve(self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that gives up is its own business.
                let _ = self.answer(stream);
            }
        });
        address
    }

    fn answer(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut lines = BufReader::new(stream.try_clone()?).lines();
        let request = lines.next().transpose()?.unwrap_or_default();
        while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
        let path = request.split(' ').nth(1).unwrap_or_default();
        let Some(body) = self.files.get(path) else {
            return stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        };
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len())?;
        let cut = self.hangs_up && path.ends_with(".gz");
        stream.write_all(&body[..if cut { body.len() / 2 } else { body.len() }])
    }
}

/// A person's machine: an own HOME, TMPDIR and PATH.
struct Machine {
    root: tempfile::TempDir,
}

impl Machine {
    /// With the usual small programs and these downloaders.
    fn with(downloaders: &[&str]) -> Self {
        let machine = Self::bare();
        for tool in TOOLS.iter().chain(downloaders) {
            machine.add(tool);
        }
        machine
    }

    fn bare() -> Self {
        let root = tempfile::tempdir().expect("a folder");
        for folder in ["home", "tmp", "tools"] {
            fs::create_dir(root.path().join(folder)).expect("a folder");
        }
        Self { root }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    /// Puts a program of the real machine on PATH.
    fn add(&self, tool: &str) {
        let path = std::env::var_os("PATH").expect("PATH");
        let real = std::env::split_paths(&path).map(|folder| folder.join(tool)).find(|file| file.is_file());
        let real = real.unwrap_or_else(|| panic!("{tool} is missing here: scripts/setup installs it"));
        symlink(real, self.at("tools").join(tool)).expect("a link");
    }

    fn program(&self, path: &str, text: &str) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, text).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("its mode");
    }

    fn command(&self, script: &Path) -> Command {
        let mut command = Command::new("/bin/sh");
        command.arg(script).env_clear().current_dir(self.at("home")).stdin(Stdio::null());
        command.env("HOME", self.at("home")).env("TMPDIR", self.at("tmp")).env("PATH", self.at("tools"));
        command
    }

    /// Runs install.sh; afterwards its temporary folder is gone, however it ended.
    fn install(&self, arguments: &[&str]) -> Ran {
        let ran = Ran::of(self.command(&script()).args(arguments));
        assert_eq!(names_in(&self.at("tmp")), [""; 0], "left in TMPDIR\n{}", ran.stderr);
        ran
    }

    fn install_from(&self, shelf: Shelf) -> Ran {
        self.install(&["--base-url", &shelf.serve(), "--target", TARGET])
    }
}

struct Ran {
    code: Option<i32>,
    stderr: String,
}

impl Ran {
    fn of(command: &mut Command) -> Self {
        let Output { status, stdout, stderr } = command.output().expect("sh runs");
        assert_eq!(String::from_utf8_lossy(&stdout), "", "talk belongs to stderr");
        Self { code: status.code(), stderr: String::from_utf8_lossy(&stderr).into_owned() }
    }

    fn is(&self, code: i32, words: &str) {
        assert_eq!(self.code, Some(code), "{}", self.stderr);
        assert!(self.stderr.contains(words), "no {words:?} in:\n{}", self.stderr);
    }
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("install.sh")
}

fn names_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

fn sha256(bytes: &[u8]) -> String {
    let mut child =
        Command::new("sha256sum").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("sha256sum runs");
    child.stdin.take().expect("its input").write_all(bytes).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    String::from_utf8_lossy(&output.stdout).chars().take(64).collect()
}

/// A release archive around `program`, made by `tar` with some more arguments.
fn archive(program: &[u8], more: &[&str]) -> Vec<u8> {
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path().join(FOLDER);
    fs::create_dir(&folder).expect("a folder");
    fs::write(folder.join("pryx"), program).expect("a file");
    fs::write(folder.join("README.md"), "read me").expect("a file");
    fs::write(place.path().join("evil"), "evil").expect("a file");
    symlink("/etc/passwd", folder.join("LICENSE-MIT")).expect("a link");
    let output = Command::new("tar")
        .args(["-cP", "--use-compress-program=gzip -1", "-C"])
        .arg(place.path())
        .args([&format!("{FOLDER}/pryx"), &format!("{FOLDER}/README.md")])
        .args(more)
        .output()
        .expect("tar runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// An archive whose program only tells its version.
fn small_archive(more: &[&str]) -> Vec<u8> {
    archive(b"#!/bin/sh\necho pryx 9.9.9\n", more)
}

#[test]
fn a_release_is_installed_and_runs() {
    let program = fs::read(env!("CARGO_BIN_EXE_pryx")).expect("the program");
    let machine = Machine::with(&["curl"]);
    machine.install_from(Shelf::with(archive(&program, &[]))).is(0, "is not on your PATH");
    let installed = machine.at("home/.local/bin/pryx");
    assert_eq!(fs::read(&installed).expect("it is there"), program);
    let output = Command::new(&installed).arg("--version").output().expect("it runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("pryx {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn curl_or_wget_alone_is_enough() {
    for downloader in ["curl", "wget"] {
        let machine = Machine::with(&[downloader]);
        machine.install_from(Shelf::with(small_archive(&[]))).is(0, "installed pryx 9.9.9");
        assert_eq!(names_in(&machine.at("home/.local/bin")), ["pryx"]);
    }
    let machine = Machine::with(&[]);
    machine.install_from(Shelf::with(small_archive(&[]))).is(3, "neither curl nor wget");
}

#[test]
fn without_a_checksum_program_nothing_is_installed() {
    let machine = Machine::with(&["curl"]);
    fs::remove_file(machine.at("tools/sha256sum")).expect("it was there");
    machine.install_from(Shelf::with(small_archive(&[]))).is(3, "the checksum is never skipped");
    assert_eq!(names_in(&machine.at("home")), [""; 0]);
}

/// Installs with both downloaders from a shelf that `spoil` has spoilt: what was there before must stay.
fn is_refused(shelf: Shelf, code: i32, words: &str) {
    for downloader in ["curl", "wget"] {
        let machine = Machine::with(&[downloader]);
        machine.program("home/.local/bin/pryx", "the old one");
        machine.install_from(shelf.clone()).is(code, words);
        assert_eq!(fs::read_to_string(machine.at("home/.local/bin/pryx")).expect("the old one"), "the old one");
        assert_eq!(names_in(&machine.at("home/.local/bin")), ["pryx"]);
        assert_eq!(names_in(&machine.at("home")), [".local"]);
        assert!(!machine.at("evil").exists());
    }
}

#[test]
fn a_wrong_checksum_is_refused() {
    let mut shelf = Shelf::with(small_archive(&[]));
    shelf.put("/SHA256SUMS", format!("{}  {ARCHIVE}\n", "0".repeat(64)).into_bytes());
    is_refused(shelf, 4, "the checksum of");
}

#[test]
fn missing_sums_are_refused() {
    let mut shelf = Shelf::with(small_archive(&[]));
    shelf.files.remove("/SHA256SUMS");
    is_refused(shelf, 1, "cannot fetch");
    for sums in
        ["", "not a sum\n", "<html>sign in first</html>\n", "abc  pryx-9.9.9-x86_64-unknown-linux-musl.tar.gz\n"]
    {
        let mut shelf = Shelf::with(small_archive(&[]));
        shelf.put("/SHA256SUMS", sums.as_bytes().to_vec());
        is_refused(shelf, 4, "names no archive");
    }
}

#[test]
fn a_missing_archive_is_told() {
    let mut shelf = Shelf::with(small_archive(&[]));
    shelf.files.remove(&format!("/{ARCHIVE}"));
    is_refused(shelf, 1, "cannot fetch");
}

#[test]
fn a_cut_archive_is_refused() {
    let whole = small_archive(&[]);
    is_refused(Shelf::with(whole[..whole.len() - 20].to_vec()), 4, "the archive is damaged");
    is_refused(Shelf { hangs_up: true, ..Shelf::with(whole) }, 1, "cannot fetch");
}

#[test]
fn an_archive_with_strange_entries_is_refused() {
    for strange in ["../evil", "/tmp/evil", "evil", &format!("{FOLDER}/../../evil"), &format!("{FOLDER}/extra")] {
        let transform = format!("--transform=s,^evil$,{strange},");
        is_refused(Shelf::with(small_archive(&[&transform, "evil"])), 4, "which no pryx archive does");
    }
    is_refused(Shelf::with(small_archive(&[&format!("{FOLDER}/LICENSE-MIT")])), 4, "a link or a device");
    let twice = format!("{FOLDER}/pryx");
    is_refused(Shelf::with(small_archive(&["--hard-dereference", &twice])), 4, "nothing was installed");
}

#[test]
fn a_program_that_does_not_run_replaces_nothing() {
    is_refused(Shelf::with(archive(b"#!/bin/sh\nexit 1\n", &[])), 1, "does not run on this machine");
}

#[test]
fn several_versions_need_a_choice() {
    let mut shelf = Shelf::with(small_archive(&[]));
    let mut sums = shelf.files["/SHA256SUMS"].clone();
    sums.extend(format!("{}  pryx-9.9.10-{TARGET}.tar.gz\n", "0".repeat(64)).into_bytes());
    shelf.put("/SHA256SUMS", sums);
    let (machine, address) = (Machine::with(&["curl"]), shelf.serve());
    machine.install(&["--base-url", &address, "--target", TARGET]).is(2, "--version");
    machine.install(&["--base-url", &address, "--target", TARGET, "--version", "9.9.9"]).is(0, "installed pryx 9.9.9");
}

#[test]
fn wrong_usage_is_told() {
    let machine = Machine::with(&["curl"]);
    machine.install(&[]).is(2, "no public release address yet");
    machine.install(&["--base-url", "http://203.0.113.1/pryx"]).is(2, "not encrypted");
    machine.install(&["--base-url", "http://localhost.example/pryx"]).is(2, "not encrypted");
    machine.install(&["--base-url", "ftp://127.0.0.1/"]).is(2, "no http or https address");
    machine.install(&["--prefix"]).is(2, "needs a value");
    machine.install(&["--purge"]).is(2, "goes with --uninstall");
    machine.install(&["--frobnicate"]).is(2, "unknown argument");
}

#[test]
fn a_cut_script_does_nothing() {
    let machine = Machine::with(&["curl"]);
    let address = Shelf::with(small_archive(&[])).serve();
    let text = fs::read(script()).expect("install.sh");
    let whole = text.len() - 1;
    let cuts = (0..whole).step_by(211).chain(whole - 20..whole);
    for cut in cuts {
        fs::write(machine.at("cut.sh"), &text[..cut]).expect("a file");
        let mut command = machine.command(&machine.at("cut.sh"));
        let output = command.args(["--base-url", &address, "--target", TARGET]).output().expect("sh runs");
        assert_eq!(names_in(&machine.at("home")), [""; 0], "cut at {cut}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(names_in(&machine.at("tmp")), [""; 0], "cut at {cut}");
    }
    fs::write(machine.at("cut.sh"), &text[..whole]).expect("a file");
    Ran::of(machine.command(&machine.at("cut.sh")).args(["--base-url", &address, "--target", TARGET]))
        .is(0, "installed");
}

#[test]
fn uninstall_keeps_the_data_unless_told() {
    let machine = Machine::with(&[]);
    machine.program("home/.local/bin/pryx", "");
    machine.program("home/.cargo/bin/pryx", "");
    machine.program("home/.pryx/config.toml", "");
    machine.install(&["--uninstall"]).is(0, "was kept");
    assert!(!machine.at("home/.local/bin/pryx").exists() && !machine.at("home/.cargo/bin/pryx").exists());
    assert!(machine.at("home/.pryx/config.toml").exists());
    machine.install(&["--uninstall", "--purge"]).is(0, "not installed");
    assert!(!machine.at("home/.pryx").exists());
    machine.install(&["--uninstall", "--purge"]).is(0, "no data");
}

#[test]
fn purge_removes_nothing_but_pryx_data() {
    let machine = Machine::with(&[]);
    machine.program("home/photos/cat.png", "");
    machine.program("home/config.toml", "");
    for (home, words) in [
        (machine.at("home/photos"), "does not look like"),
        (machine.at("home"), "is your home"),
        (PathBuf::from("photos"), "only an absolute path"),
    ] {
        Ran::of(machine.command(&script()).args(["--uninstall", "--purge"]).env("PRYX_HOME", home)).is(2, words);
    }
    assert!(machine.at("home/photos/cat.png").exists() && machine.at("home/config.toml").exists());
}

/// A clone with a `cargo` that takes no time: what counts here is where the program goes.
fn clone_on(machine: &Machine) -> PathBuf {
    let clone = machine.at("clone");
    fs::create_dir(&clone).expect("a folder");
    fs::copy(script(), clone.join("install.sh")).expect("a copy");
    fs::write(clone.join("Cargo.toml"), "[package]\nname = \"pryx\"\n").expect("a file");
    machine.program(
        "home/.cargo/bin/cargo",
        "#!/bin/sh\ncase $1 in\n build) mkdir -p target/release; printf '#!/bin/sh\\necho pryx 9.9.9\\n' > target/release/pryx;;\n \
         metadata) printf '{\"x\":1,\"target_directory\":\"%s/target\",\"version\":1}' \"$PWD\" ;;\nesac\n",
    );
    machine.program("tools/cc", "#!/bin/sh\n");
    clone.join("install.sh")
}

#[test]
fn from_source_goes_where_the_shell_finds_it() {
    let order: [(&str, &[&str], &str); 4] = [
        ("home/.local/bin", &["tools", "home/.cargo/bin", "home/.local/bin"], "installed pryx 9.9.9"),
        ("home/.cargo/bin", &["tools", "home/.cargo/bin"], "installed pryx 9.9.9"),
        ("home/.local/bin", &["tools"], "export PATH="),
        ("chosen", &["tools", "home/.cargo/bin", "home/.local/bin"], "chosen is not on your PATH"),
    ];
    for (place, folders, words) in order {
        let machine = Machine::with(&[]);
        let script = clone_on(&machine);
        let path = std::env::join_paths(folders.iter().map(|folder| machine.at(folder))).expect("a PATH");
        let mut command = machine.command(&script);
        command.arg("--from-source").env("PATH", path);
        if place == "chosen" {
            command.env("PRYX_INSTALL_DIR", machine.at("chosen"));
        }
        Ran::of(&mut command).is(0, words);
        assert!(machine.at(place).join("pryx").is_file(), "not in {place}");
    }
}

#[test]
fn from_source_names_what_is_missing() {
    let machine = Machine::with(&[]);
    let script = clone_on(&machine);
    fs::remove_file(machine.at("tools/cc")).expect("it was there");
    Ran::of(machine.command(&script).arg("--from-source")).is(3, "a C compiler is missing");
    fs::remove_file(machine.at("home/.cargo/bin/cargo")).expect("it was there");
    Ran::of(machine.command(&script).arg("--from-source")).is(3, "cargo is missing");
    fs::remove_file(machine.at("clone/Cargo.toml")).expect("it was there");
    Ran::of(machine.command(&script).arg("--from-source")).is(2, "works in a clone");
}
