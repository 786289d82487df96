//! What pryx costs, beside the floor and a peer measured in the same run: `cargo bench --bench overhead`.
//!
//! Every row is whole processes, started in turn (A B A B …), and the ratio is taken pair by pair, so that a machine
//! whose speed drifts doesn't favour either. The floor of a turn is this program itself, run as `floor`: plain HTTP
//! and one subprocess, nothing else.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark talks, and stops at what it can't measure"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Pairs per row after two that warm up.
const PAIRS: usize = 30;

const PRYX: &str = env!("CARGO_BIN_EXE_pryx");

fn main() {
    if std::env::args().nth(1).as_deref() == Some("floor") {
        floor(&std::env::args().nth(2).expect("an address"));
        return;
    }
    let home = tempfile::tempdir().expect("a directory");
    let bench =
        Bench { home: home.path().to_owned(), address: stub(), tmux: format!("pryx-bench-{}", std::process::id()) };
    bench.run();
}

struct Bench {
    home: PathBuf,
    address: String,
    tmux: String,
}

impl Bench {
    fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(args).env_clear().current_dir(&self.home);
        command.env("HOME", &self.home).env("PRYX_HOME", self.home.join("p"));
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("OPENAI_BASE_URL", format!("http://{}/v1", self.address)).env("OPENAI_API_KEY", "bench");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn pryx(&self, args: &[&str]) -> Command {
        self.command(PRYX, args)
    }

    fn sh(&self) -> Command {
        self.command("sh", &["-c", "true"])
    }

    fn run(&self) {
        println!("median of {PAIRS} pairs; ratio = median over pairs of A/B");
        row("pryx --version", || time(&mut self.pryx(&["--version"])), "sh -c true", || time(&mut self.sh()));
        self.cold();
        let exec = || time(&mut self.pryx(&["exec", "--", "true"]));
        row("pryx exec -- true (warm)", exec, "sh -c true", || time(&mut self.sh()));
        let held = || time(&mut self.pryx(&["exec", "--mode", "workspace", "--", "true"]));
        row("… --mode workspace -- true", held, "pryx exec -- true (warm)", exec);
        if self.tmux(&["-f", "/dev/null", "new-session", "-d"]).status().is_ok_and(|s| s.success()) {
            row("pryx exec -- true (warm)", exec, "tmux run-shell true", || {
                time(&mut self.tmux(&["run-shell", "true"]))
            });
            let _ = self.tmux(&["kill-server"]).status();
        } else {
            println!("tmux is not there: no row for it");
        }
        let own = std::env::current_exe().expect("this program");
        let own = own.to_str().expect("a path in UTF-8");
        row(
            "pryx run, one tool call",
            || time(&mut self.pryx(&["run", "--model", "openai/bench", "say hello"])),
            "floor: HTTP and a subprocess",
            || time(&mut self.command(own, &["floor", &self.address])),
        );
        self.stop();
        self.memory();
        let _ = self.pryx(&["hands", "stop", "--all"]).status();
    }

    fn tmux(&self, args: &[&str]) -> Command {
        let mut command = self.command("tmux", &["-L", &self.tmux]);
        command.args(args);
        command
    }

    fn cold(&self) {
        let mut times = Vec::new();
        for _ in 0..10 {
            let _ = self.pryx(&["hands", "stop", "--all"]).status();
            times.push(time(&mut self.pryx(&["exec", "--", "true"])));
        }
        println!(
            "{:<28} {:>9}   (daemon started by it; 10 runs)",
            "pryx exec -- true (cold)",
            show(median(&mut times))
        );
    }

    /// From SIGINT to the end of `pryx exec`, its command gone.
    fn stop(&self) {
        for (what, argv) in [("a silent command", ["sleep", "300"]), ("a flood", ["yes", "y"])] {
            let mut times = Vec::new();
            for _ in 0..10 {
                let mut command = self.pryx(&["exec", "--"]);
                let mut child = command.args(argv).stdout(Stdio::piped()).spawn().expect("pryx");
                self.wait_for_job();
                if argv[0] == "yes" {
                    let mut first = [0; 4096];
                    child.stdout.as_mut().expect("a pipe").read_exact(&mut first).expect("output");
                    std::thread::spawn({
                        let mut rest = child.stdout.take().expect("a pipe");
                        move || std::io::copy(&mut rest, &mut std::io::sink())
                    });
                }
                let start = Instant::now();
                let _ = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
                let _ = child.wait();
                times.push(start.elapsed());
            }
            println!("{:<28} {:>9}   (10 runs)", format!("Ctrl-C ends {what}"), show(median(&mut times)));
        }
    }

    fn wait_for_job(&self) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            let listed = self.pryx(&["ps", "--json"]).stdout(Stdio::piped()).output().expect("a list");
            if listed.stdout.len() > 4 {
                return;
            }
        }
        panic!("the job did not start");
    }

    fn memory(&self) {
        let metadata = std::fs::read_to_string(self.home.join("p/run/metadata.json")).unwrap_or_default();
        let pid = serde_json::from_str::<serde_json::Value>(&metadata).ok().and_then(|m| m["pid"].as_u64());
        let status = pid.and_then(|pid| std::fs::read_to_string(format!("/proc/{pid}/status")).ok());
        let kib = |name: &str| {
            let line = status.as_ref()?.lines().find(|l| l.starts_with(name))?;
            line.split_whitespace().nth(1)?.parse::<u64>().ok()
        };
        match kib("VmRSS:") {
            Some(rss) => println!(
                "idle hands after the runs: {:.1} MiB resident ({:.1} MiB of it anonymous)",
                rss as f64 / 1024.0,
                kib("RssAnon:").unwrap_or(0) as f64 / 1024.0
            ),
            None => println!("idle hands: memory can't be read here"),
        }
    }
}

fn time(command: &mut Command) -> Duration {
    let start = Instant::now();
    let status = command.status().expect("it starts");
    let took = start.elapsed();
    assert!(status.success(), "{command:?} ended with {status}");
    took
}

fn row(a: &str, mut run_a: impl FnMut() -> Duration, b: &str, mut run_b: impl FnMut() -> Duration) {
    for _ in 0..2 {
        run_a();
        run_b();
    }
    let (mut times_a, mut times_b, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        let (ta, tb) = (run_a(), run_b());
        ratios.push(Duration::from_secs_f64(ta.as_secs_f64() / tb.as_secs_f64()));
        times_a.push(ta);
        times_b.push(tb);
    }
    let ratio = median(&mut ratios).as_secs_f64();
    println!(
        "{a:<28} {:>9}   {b:<28} {:>9}   ratio {ratio:.1}",
        show(median(&mut times_a)),
        show(median(&mut times_b))
    );
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn show(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}

/// A provider that answers at once: a tool call to a request without a tool's result, else a text.
fn stub() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || serve(stream));
        }
    });
    address
}

fn serve(mut stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let mut reader = BufReader::new(stream.try_clone().expect("a socket"));
    while let Some(body) = read_message(&mut reader) {
        let delta = if String::from_utf8_lossy(&body).contains(r#""role":"tool""#) {
            r#"{"content":"done"},"finish_reason":"stop""#
        } else {
            r#"{"tool_calls":[{"index":0,"id":"c1","type":"function","function":{"name":"shell_exec","arguments":"{\"command\":\"echo hello\"}"}}]},"finish_reason":"tool_calls""#
        };
        let sse = format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{delta}}}]}}\n\ndata: [DONE]\n\n");
        let answer =
            format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {}\r\n\r\n{sse}", sse.len());
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// The body of an HTTP message with a content-length; nothing at the end of the connection.
fn read_message(reader: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(body)
}

/// The least that does a turn: ask, run what is asked for, tell the result, print the answer.
fn floor(address: &str) {
    let mut stream = TcpStream::connect(address).expect("the stub");
    let mut reader = BufReader::new(stream.try_clone().expect("a socket"));
    let mut ask = |body: String| {
        let head =
            format!("POST /v1/chat/completions HTTP/1.1\r\nhost: {address}\r\ncontent-length: {}\r\n\r\n", body.len());
        // In one write: two would wait for each other's acknowledgement.
        stream.write_all((head + &body).as_bytes()).expect("a request");
        read_message(&mut reader).expect("an answer")
    };
    let call = ask(r#"{"messages":[{"role":"user","content":"say hello"}]}"#.to_owned());
    assert!(String::from_utf8_lossy(&call).contains("echo hello"));
    let output = Command::new("sh").args(["-c", "echo hello"]).output().expect("a shell");
    let result =
        serde_json::json!({"messages": [{"role": "tool", "content": String::from_utf8_lossy(&output.stdout)}]});
    let text = ask(result.to_string());
    std::io::stdout().write_all(&text).expect("stdout");
}
