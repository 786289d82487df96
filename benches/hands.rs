//! What the hands cost and how fast they stop, beside peers measured in the same run: `cargo bench --bench hands`.
//!
//! Stopping, a hundred jobs at once, ten thousand ended ones, memory and wake-ups of idle hands, and one command to its
//! output: with pryx, pueue (add, wait, log), tmux (send-keys, wait-for, capture-pane), script, and a plain shell.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a benchmark talks, and stops at what it can't measure")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Runs of each kind; the median counts.
const RUNS: usize = 20;

/// Jobs at once.
const MANY: usize = 100;

/// Ended jobs in a list.
const ENDED: usize = 10_000;

/// How long idle processes are watched.
const WATCHED: Duration = Duration::from_secs(10);

/// Nothing here takes so long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// Between two looks for a condition that nothing announces.
const GLANCE: Duration = Duration::from_millis(2);

const PRYX: &str = env!("CARGO_BIN_EXE_pryx");

fn main() {
    let home = tempfile::tempdir().expect("a directory");
    let bench = Bench { home: home.path().to_owned() };
    println!("median of {RUNS} runs each");
    bench.stops();
    bench.peers();
    bench.many();
    bench.long_list();
    bench.idle();
    let _ = bench.pryx(&["hands", "stop", "--all", "--kept"]).output();
}

struct Bench {
    home: PathBuf,
}

impl Bench {
    fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(args).env_clear().current_dir(&self.home).stdin(Stdio::null());
        command.env("HOME", &self.home).env("PRYX_HOME", self.home.join("p")).env("TERM", "xterm-256color");
        command.env("XDG_RUNTIME_DIR", &self.home).env("SHELL", "/bin/sh");
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
    }

    fn pryx(&self, args: &[&str]) -> Command {
        self.command(PRYX, args)
    }

    fn text(&self, args: &[&str]) -> String {
        said(&mut self.pryx(args))
    }

    fn json(&self, args: &[&str]) -> serde_json::Value {
        serde_json::from_str(&self.text(&[&["--json"], args].concat())).expect("JSON")
    }

    fn detached(&self, options: &[&str], argv: &[&str]) -> String {
        self.text(&[&["exec", "-d"], options, &["--"], argv].concat())
    }

    /// Any client's `stop`, as a whole process, until the job and all it started are gone.
    fn stops(&self) {
        let tty: &[&str] = &["--tty"];
        let cases: [(&str, &[&str], &[&str], &str); 4] = [
            ("a busy loop", &[], &["sh", "-c", "while :; do :; done"], "running"),
            ("a flood of yes", tty, &["yes"], "running"),
            ("a full-screen program", tty, &["vi", "-u", "NONE", "x"], "full_screen"),
            ("a stopped process", &[], &["sh", "-c", "kill -STOP $$; sleep 300"], "running"),
        ];
        for (name, options, argv, state) in cases {
            let mut times = Vec::new();
            for _ in 0..RUNS {
                let id = self.detached(options, argv);
                until(|| self.json(&["ps"])[0]["live"]["activity"] == state);
                times.push(time(&mut self.pryx(&["stop", &id])));
            }
            println!("stop {name:<24} {}", show(&mut times));
        }
    }

    /// One trivial command and its output, each as its users run it.
    fn peers(&self) {
        let mut ours = || time(&mut self.pryx(&["exec", "--", "echo", "hi"]));
        report("sh -c 'echo hi'", || time(&mut self.command("sh", &["-c", "echo hi"])));
        report("pryx exec -- echo hi", &mut ours);
        report("pryx exec --tty -- echo hi", || time(&mut self.pryx(&["exec", "--tty", "--", "echo", "hi"])));
        self.text(&["exec", "-t", "warm", "--", "true"]);
        report("pryx exec -t warm -- echo hi", || time(&mut self.pryx(&["exec", "-t", "warm", "--", "echo", "hi"])));
        self.text(&["stop", "warm"]);
        let script = ["-qec", "echo hi", "/dev/null"];
        if self.command("script", &["--version"]).output().is_ok() {
            report("script -qec 'echo hi'", || time(&mut self.command("script", &script)));
        } else {
            println!("script is not there: no row for it");
        }
        self.tmux();
        match Pueue::start(self) {
            Some(pueue) => report("pueue add, wait, log", || pueue.run()),
            None => println!("pueue is not there (cargo install pueue): no row for it"),
        }
    }

    fn tmux(&self) {
        let name = format!("pryx-bench-{}", std::process::id());
        let tmux = |args: &[&str]| self.command("tmux", &[&["-L", &name, "-f", "/dev/null"], args].concat());
        if !tmux(&["new-session", "-d", "-x", "80", "-y", "24", "sh"]).status().is_ok_and(|s| s.success()) {
            println!("tmux is not there: no row for it");
            return;
        }
        report("tmux send-keys, wait-for, capture-pane", || {
            let start = Instant::now();
            said(&mut tmux(&["send-keys", &format!("echo hi; tmux -L {name} wait-for -S done"), "Enter"]));
            said(&mut tmux(&["wait-for", "done"]));
            said(&mut tmux(&["capture-pane", "-p"]));
            start.elapsed()
        });
        let _ = tmux(&["kill-server"]).status();
    }

    fn many(&self) {
        let start = Instant::now();
        let started: Vec<Child> = (0..MANY)
            .map(|_| self.pryx(&["exec", "-d", "--", "sleep", "300"]).stdout(Stdio::null()).spawn().expect("pryx"))
            .collect();
        for mut child in started {
            assert!(child.wait().expect("its end").success());
        }
        println!("{MANY} jobs started by {MANY} clients at once: {} in all", ms(start.elapsed()));
        assert_eq!(self.json(&["ps"]).as_array().map(Vec::len), Some(MANY));
        report("ps of them", || time(&mut self.pryx(&["ps"])));
        let (hands, keepers) = (self.hands(), self.keepers());
        let resident: f64 = keepers.iter().map(|pid| resident(*pid, "VmRSS:")).sum();
        let own: f64 = keepers.iter().map(|pid| crate::resident(*pid, "RssAnon:")).sum();
        println!(
            "hands with {MANY} jobs: {:.1} MiB resident; a keeper: {:.1} MiB, {:.2} MiB of it its own",
            crate::resident(hands, "VmRSS:"),
            resident / keepers.len() as f64,
            own / keepers.len() as f64
        );
        let start = Instant::now();
        self.text(&["stop", "--all"]);
        println!("stop --all of {MANY} jobs: {}", ms(start.elapsed()));
    }

    /// Rows as they would be after months of use.
    fn long_list(&self) {
        let database = rusqlite::Connection::open(self.home.join("p/hands.db")).expect("the database");
        database.busy_timeout(PATIENCE).expect("patience");
        let row = "INSERT INTO jobs SELECT printf('b%06d', value), ?1 - value * 1000, 0, NULL, NULL, NULL, \
                   json_set(record, '$.id', printf('b%06d', value), '$.started', \
                   strftime('%Y-%m-%dT%H:%M:%SZ', ?1 / 1000 - value, 'unixepoch')) \
                   FROM generate_series_of, (SELECT record FROM jobs WHERE running = 0 LIMIT 1)";
        let series = format!(
            "WITH RECURSIVE generate_series_of(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM generate_series_of \
             WHERE value < {ENDED}) {row}"
        );
        let now = jiff::Timestamp::now().as_millisecond();
        let rows = database.execute(&series, [now]).expect("rows");
        assert_eq!(rows, ENDED);
        let limit = ENDED.to_string();
        let wanted = self.json(&["ps", "--all", "-l", &limit]);
        assert_eq!(wanted.as_array().map(Vec::len), Some(ENDED));
        report(&format!("ps --all, the newest 100 of {ENDED}"), || time(&mut self.pryx(&["ps", "--all"])));
        report(&format!("ps --all -l {ENDED}"), || time(&mut self.pryx(&["ps", "--all", "-l", &limit])));
        report(&format!("ps --all -l {ENDED} --json"), || {
            time(&mut self.pryx(&["ps", "--all", "-l", &limit, "--json"]))
        });
    }

    /// Memory and wake-ups, with nothing to do but a silent job on a terminal and one on pipes.
    fn idle(&self) {
        let used = resident(self.hands(), "VmRSS:");
        self.text(&["hands", "stop", "--all", "--kept"]);
        self.text(&["exec", "--", "true"]);
        let fresh = self.hands();
        println!(
            "idle hands: {:.1} MiB resident ({:.1} MiB of it their own); after all of the above {used:.1} MiB",
            resident(fresh, "VmRSS:"),
            resident(fresh, "RssAnon:")
        );
        let before = switches(fresh);
        std::thread::sleep(WATCHED);
        println!("idle hands: {} wake-ups in {} s", switches(fresh).saturating_sub(before), WATCHED.as_secs());
        for options in [&[][..], &["--tty"]] {
            self.detached(options, &["sleep", "300"]);
            let keeper = self.keepers()[0];
            let before = (switches(fresh), switches(keeper));
            std::thread::sleep(WATCHED);
            let kind = options.first().map_or("pipes", |_| "a terminal");
            println!(
                "with a silent job on {kind}: hands {}, keeper {} wake-ups in its first {} s",
                // The threads that are there are counted: one that ended takes its number along.
                switches(fresh).saturating_sub(before.0),
                switches(keeper).saturating_sub(before.1),
                WATCHED.as_secs()
            );
            self.text(&["stop", "--all"]);
        }
    }

    fn hands(&self) -> u64 {
        self.json(&["hands", "status"])["pid"].as_u64().expect("a process id")
    }

    /// The keepers of the jobs that run.
    fn keepers(&self) -> Vec<u64> {
        let jobs = self.json(&["ps"]);
        let of = |job: &serde_json::Value| {
            let record = self.home.join("p/jobs").join(job["id"].as_str()?).join("record.json");
            serde_json::from_slice::<serde_json::Value>(&std::fs::read(record).ok()?).ok()?["keeper"].as_u64()
        };
        jobs.as_array().into_iter().flatten().filter_map(of).collect()
    }
}

/// A pueue daemon of its own.
struct Pueue<'a> {
    bench: &'a Bench,
    config: String,
    daemon: Child,
}

impl<'a> Pueue<'a> {
    fn start(bench: &'a Bench) -> Option<Self> {
        let home = bench.home.join("pueue");
        std::fs::create_dir(&home).ok()?;
        let config = home.join("pueue.yml");
        std::fs::write(&config, format!("shared:\n  pueue_directory: {0}\n  runtime_directory: {0}\n", home.display()))
            .ok()?;
        let config = config.to_str()?.to_owned();
        let mut command = bench.command("pueued", &["-c", &config]);
        let daemon = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
        let pueue = Self { bench, config, daemon };
        until(|| pueue.command(&["status"]).output().is_ok_and(|output| output.status.success()));
        Some(pueue)
    }

    fn command(&self, args: &[&str]) -> Command {
        self.bench.command("pueue", &[&["-c", &self.config], args].concat())
    }

    fn run(&self) -> Duration {
        let start = Instant::now();
        let id = said(&mut self.command(&["add", "--print-task-id", "--", "echo", "hi"]));
        said(&mut self.command(&["wait", "--quiet", &id]));
        assert!(said(&mut self.command(&["log", "--json", &id])).contains("hi"));
        start.elapsed()
    }
}

impl Drop for Pueue<'_> {
    fn drop(&mut self) {
        let _ = self.command(&["shutdown"]).output();
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

fn run(command: &mut Command) -> Output {
    let output = command.output().expect("it starts");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn said(command: &mut Command) -> String {
    String::from_utf8_lossy(&run(command).stdout).trim().to_owned()
}

fn time(command: &mut Command) -> Duration {
    let start = Instant::now();
    run(command);
    start.elapsed()
}

fn until(holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "it never came true");
        std::thread::sleep(GLANCE);
    }
}

fn report(name: &str, mut once: impl FnMut() -> Duration) {
    once();
    let mut times: Vec<Duration> = (0..RUNS).map(|_| once()).collect();
    println!("{name:<40} {}", show(&mut times));
}

fn show(times: &mut [Duration]) -> String {
    times.sort();
    let at = |part: usize| ms(times[times.len() * part / 100]);
    format!("{:>10}   (90 %: {})", at(50), at(90))
}

fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

/// A line of `/proc/PID/status`, in MiB; 0 where there is none.
fn resident(pid: u64, name: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

/// How often a process came to run, over all its threads.
fn switches(pid: u64) -> u64 {
    let tasks =
        std::fs::read_dir(Path::new("/proc").join(pid.to_string()).join("task")).into_iter().flatten().flatten();
    let of = |task: std::fs::DirEntry| {
        let status = std::fs::read_to_string(task.path().join("status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        line.and_then(|rest| rest.trim().parse::<u64>().ok()).unwrap_or(0)
    };
    tasks.map(of).sum()
}
