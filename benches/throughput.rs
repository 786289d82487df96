//! How fast output reaches the log, whole: `cargo bench --bench throughput`. A job prints 1 GiB (or `PRYX_BENCH_MB`) on a
//! terminal and on pipes; beside it, in the same run, a bare reader of such a terminal or pipe that keeps nothing.
//!
//! The printing program is this one, run as `produce MIB`. Every log is read back and its SHA-256 compared.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a benchmark talks, and stops at what it can't measure")]

use rustix::pty::OpenptFlags;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Runs of each kind; the median counts.
const RUNS: usize = 3;

/// What the printing program writes at once.
const CHUNK: usize = 64 * 1024;

/// Between two looks at the memory of hands and keeper.
const GLANCE: Duration = Duration::from_millis(20);

const PRYX: &str = env!("CARGO_BIN_EXE_pryx");

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if args.get(1).is_some_and(|word| word == "produce") {
        produce(args[2].parse().expect("a number of MiB"), &mut std::io::stdout());
        return;
    }
    let mib = std::env::var("PRYX_BENCH_MB").ok().and_then(|text| text.parse().ok()).unwrap_or(1024);
    let home = tempfile::tempdir().expect("a directory");
    let bench = Bench { home: home.path().to_owned(), mib };
    println!("{mib} MiB printed; median of {RUNS} runs each, in turn");
    bench.row("terminal", "--tty", on_terminal, true);
    bench.row("pipes", "--no-tty", on_pipe, false);
    let _ = bench.pryx(&["hands", "stop", "--all"]).output();
}

/// Lines of 64 bytes, no two chunks alike.
fn produce(mib: usize, out: &mut impl Write) {
    for number in 0..mib * 1024 * 1024 / CHUNK {
        let line = format!("{number:<63}\n");
        // A reader that has gone is the other side's failure.
        if out.write_all(line.repeat(CHUNK / 64).as_bytes()).is_err() {
            return;
        }
    }
}

/// Hashes what is written to it, as a terminal would translate it or as it is.
struct Hash {
    state: Sha256,
    translate: bool,
    bytes: u64,
}

impl Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let translated;
        let shown = if self.translate {
            translated = String::from_utf8_lossy(bytes).replace('\n', "\r\n");
            translated.as_bytes()
        } else {
            bytes
        };
        self.state.update(shown);
        self.bytes += shown.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn producer(mib: usize) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["produce", &mib.to_string()]).stdin(Stdio::null()).stderr(Stdio::null());
    command
}

fn drain(mut source: impl Read) -> u64 {
    let (mut buffer, mut bytes) = (vec![0; CHUNK], 0);
    // A terminal whose last user has gone gives an error, a pipe gives nothing: both are the end.
    while let Ok(count @ 1..) = source.read(&mut buffer) {
        bytes += count as u64;
    }
    bytes
}

fn timed(mut child: Child, source: impl Read) -> (Duration, u64) {
    let start = Instant::now();
    let bytes = drain(source);
    let took = start.elapsed();
    assert!(child.wait().expect("it ends").success());
    (took, bytes)
}

fn on_terminal(mib: usize) -> (Duration, u64) {
    let master = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    rustix::pty::grantpt(&master).and_then(|()| rustix::pty::unlockpt(&master)).expect("a terminal");
    let name = rustix::pty::ptsname(&master, Vec::new()).expect("a name");
    let slave = File::options().read(true).write(true).open(name.to_str().expect("a path")).expect("its other side");
    let mut command = producer(mib);
    let child = command.stdout(slave).spawn().expect("it starts");
    drop(command);
    timed(child, File::from(master))
}

fn on_pipe(mib: usize) -> (Duration, u64) {
    let mut child = producer(mib).stdout(Stdio::piped()).spawn().expect("it starts");
    let pipe = child.stdout.take().expect("a pipe");
    timed(child, pipe)
}

struct Bench {
    home: PathBuf,
    mib: usize,
}

impl Bench {
    fn pryx(&self, args: &[&str]) -> Command {
        let mut command = Command::new(PRYX);
        command.args(args).env_clear().current_dir(&self.home).stdin(Stdio::null());
        command.env("HOME", &self.home).env("PRYX_HOME", self.home.join("p"));
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
    }

    fn text(&self, args: &[&str]) -> String {
        let output = self.pryx(args).output().expect("it starts");
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text").trim().to_owned()
    }

    fn row(&self, name: &str, flag: &str, bare: fn(usize) -> (Duration, u64), translate: bool) {
        let mut wanted = Hash { state: Sha256::new(), translate, bytes: 0 };
        produce(self.mib, &mut wanted);
        let (total, wanted) = (wanted.bytes, wanted.state.finalize());
        let (mut theirs, mut ours, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        let mut memory = Memory::default();
        for _ in 0..RUNS {
            let (bare_took, bare_bytes) = bare(self.mib);
            assert_eq!(bare_bytes, total, "the bare reader missed something");
            let (took, id) = self.job(flag, &mut memory);
            assert!(self.hash(&id, &mut memory) == wanted.as_slice(), "the log differs from what was printed");
            theirs.push(speed(total, bare_took));
            ours.push(speed(total, took));
            ratios.push(bare_took.as_secs_f64() / took.as_secs_f64());
        }
        println!(
            "{name:<9} job {:>6.0} MB/s   bare reader {:>6.0} MB/s   ratio {:.2}   SHA-256 equal   most memory: hands {:.1} MiB, keeper {:.1} MiB",
            median(&mut ours),
            median(&mut theirs),
            median(&mut ratios),
            memory.hands,
            memory.keeper
        );
    }

    /// Runs the job to its end: how long it ran, and its id.
    fn job(&self, flag: &str, memory: &mut Memory) -> (Duration, String) {
        let own = std::env::current_exe().expect("this program");
        let own = own.to_str().expect("a path in UTF-8");
        let id = self.text(&["exec", "-d", flag, "--", own, "produce", &self.mib.to_string()]);
        let mut waiting =
            self.pryx(&["wait", &id]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
        let record = self.home.join("p/jobs").join(&id).join("record.json");
        while waiting.try_wait().expect("its state").is_none() {
            memory.look(&self.home, &record);
            std::thread::sleep(GLANCE);
        }
        let jobs: serde_json::Value =
            serde_json::from_str(&self.text(&["--json", "ps", "--all", "-l", "1"])).expect("JSON");
        let at = |name: &str| jobs[0][name].as_str().and_then(|t| t.parse::<jiff::Timestamp>().ok()).expect("a time");
        (Duration::try_from(at("ended").duration_since(at("started"))).expect("a duration"), id)
    }

    fn hash(&self, id: &str, memory: &mut Memory) -> Vec<u8> {
        let mut command = self.pryx(&["log", id]);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
        let mut pipe = child.stdout.take().expect("a pipe");
        let (mut hash, mut buffer) = (Sha256::new(), vec![0; CHUNK]);
        while let Ok(count @ 1..) = pipe.read(&mut buffer) {
            hash.update(&buffer[..count]);
        }
        memory.look(&self.home, Path::new("/"));
        assert!(child.wait().expect("it ends").success());
        hash.finalize().to_vec()
    }
}

/// The most that was resident, in MiB.
#[derive(Default)]
struct Memory {
    hands: f64,
    keeper: f64,
}

impl Memory {
    fn look(&mut self, home: &Path, record: &Path) {
        let number = |file: &Path, name: &str| {
            let text = std::fs::read_to_string(file).ok()?;
            serde_json::from_str::<serde_json::Value>(&text).ok()?[name].as_u64()
        };
        if let Some(pid) = number(&home.join("p/run/metadata.json"), "pid") {
            self.hands = self.hands.max(most_resident(pid));
        }
        if let Some(pid) = number(record, "keeper") {
            self.keeper = self.keeper.max(most_resident(pid));
        }
    }
}

fn most_resident(pid: u64) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

fn speed(bytes: u64, took: Duration) -> f64 {
    bytes as f64 / 1e6 / took.as_secs_f64()
}

fn median(numbers: &mut [f64]) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}
