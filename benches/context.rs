//! Long work in a small window, and what a request is made of: `cargo bench --bench context`.
//!
//! A session of 400 messages with large outputs, ten processes one after the other, against a server that reads 32,768 tokens
//! and refuses what is longer; then a session of 50 turns, and what of it a cache that keeps every prefix would have held; then
//! the bytes that a turn with one command sends, beside what others send.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a benchmark talks, and stops at what it can't measure")]

use serde_json::{Value, json};
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Instant;

const PRYX: &str = env!("CARGO_BIN_EXE_pryx");

/// Tokens that the server reads at once.
const WINDOW: usize = 32_768;

/// Bytes that are a token to it.
const BYTES_PER_TOKEN: usize = 4;

/// Turns and messages of the long session: a request, calls with their results, an answer.
const TURNS: usize = 10;
const CALLS_PER_TURN: usize = 19;

/// Bytes that others send for the same turn: start, one `echo hello`, answer. Prompt and tools, both requests together.
/// Measured on 2026-11-20, each in its newest release, against a server on the same machine that answers at once.
const OTHERS: [(&str, u32); 10] = [
    ("llm", 800),
    ("aichat", 900),
    ("shell-gpt", 2_000),
    ("open-interpreter", 17_000),
    ("opencode (3 requests)", 63_000),
    ("openclaw", 78_000),
    ("gemini-cli (3 requests)", 94_000),
    ("claude code", 97_000),
    ("zeroclaw", 100_000),
    ("codex", 108_000),
];

fn main() {
    let home = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(home.path().join("p")).expect("a home");
    let lines: String = (0..60_000).map(|n| format!("{n}: a line of a long file, as logs have them\n")).collect();
    std::fs::write(home.path().join("long.txt"), lines).expect("a file");
    long(home.path());
    cached(home.path());
    small(home.path());
    run(home.path(), "127.0.0.1:1", &["hands", "stop", "--all"]);
}

/// 400 messages.
fn long(home: &Path) {
    let server = Server::start(|_, count| {
        if count % (CALLS_PER_TURN + 1) == CALLS_PER_TURN {
            return says("This part is read.");
        }
        calls("fs_read", &json!({"path": "long.txt", "line": count * 200 + 1, "lines": 200}))
    });
    std::fs::write(home.join("p/config.toml"), format!("schema = 1\n[providers.openai]\ncontext = {WINDOW}\n"))
        .expect("settings");
    let start = Instant::now();
    for turn in 0..TURNS {
        let request = format!("read part {turn}");
        let args: &[&str] = if turn == 0 { &[&request] } else { &["-c", &request] };
        assert!(run(home, &server.address, args), "turn {turn} failed");
    }
    let took = start.elapsed();
    let seen = server.seen.lock().expect("what was seen");
    println!(
        "{} messages, {} KiB of results, window of {WINDOW} tokens: {} requests, {} refused, {} summaries, largest {} tokens, {:.1} s",
        TURNS * (2 * CALLS_PER_TURN + 2),
        TURNS * CALLS_PER_TURN * 10,
        seen.requests,
        seen.refused,
        seen.summaries,
        seen.largest,
        took.as_secs_f64()
    );
}

/// 50 turns.
fn cached(home: &Path) {
    let server = Server::start(|_, count| says(&format!("Answer {count}, in a few words.")));
    std::fs::write(home.join("p/config.toml"), "schema = 1\n").expect("settings");
    for turn in 0..50 {
        let request = format!("question {turn} of many");
        let args: &[&str] = if turn == 0 { &[&request] } else { &["-c", &request] };
        assert!(run(home, &server.address, args), "turn {turn} failed");
    }
    let seen = server.seen.lock().expect("what was seen");
    let percent = 100.0 * seen.known as f64 / seen.sent.max(1) as f64;
    println!("50 turns: {} KiB sent, {percent:.1} % of it known from the request before", seen.sent / 1024);
}

/// One turn with one command.
fn small(home: &Path) {
    let server =
        Server::start(
            |_, count| {
                if count == 0 { calls("shell_exec", &json!({"command": "echo hello"})) } else { says("done") }
            },
        );
    assert!(run(home, &server.address, &["say hello"]), "the turn failed");
    let seen = server.seen.lock().expect("what was seen");
    println!("a turn with one command, bytes of its {} requests: pryx {}", seen.requests, seen.sent);
    for (name, bytes) in OTHERS {
        println!("  {name:<26} {bytes:>8}   {:>6.1} times as much", f64::from(bytes) / seen.sent as f64);
    }
}

fn run(home: &Path, address: &str, args: &[&str]) -> bool {
    let mut command = Command::new(PRYX);
    command.args(args).env_clear().current_dir(home).env("HOME", home).env("PRYX_HOME", home.join("p"));
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("PRYX_CATALOG_URL", "off");
    command.env("OPENAI_BASE_URL", format!("http://{address}/v1")).env("OPENAI_API_KEY", "bench");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().expect("pryx runs").success()
}

#[derive(Default)]
struct Seen {
    /// Requests that were answered by the script.
    requests: usize,
    refused: usize,
    summaries: usize,
    largest: usize,
    /// Bytes of all requests, and those that the request before began with.
    sent: usize,
    known: usize,
    prefixes: HashSet<u64>,
}

type Script = fn(&Value, usize) -> String;

/// A server that counts.
struct Server {
    address: String,
    seen: Arc<Mutex<Seen>>,
}

impl Server {
    fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let seen = Arc::<Mutex<Seen>>::default();
        let shared = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let seen = Arc::clone(&shared);
                std::thread::spawn(move || serve(stream, script, &seen));
            }
        });
        Self { address, seen }
    }
}

impl Seen {
    /// Takes a request; gives its place in the script, nothing when it's too long or for a summary.
    fn take(&mut self, body: &[u8], asked: &Value) -> Result<usize, bool> {
        let tokens = body.len() / BYTES_PER_TOKEN;
        if tokens > WINDOW {
            self.refused += 1;
            return Err(false);
        }
        self.largest = self.largest.max(tokens);
        let prompt = asked["messages"][0]["content"].as_str().unwrap_or_default();
        if prompt.starts_with("You summarize") {
            self.summaries += 1;
            return Err(true);
        }
        // In the order in which it's read: tools, then messages.
        let mut pieces = vec![asked["tools"].to_string()];
        pieces.extend(asked["messages"].as_array().into_iter().flatten().map(Value::to_string));
        let mut hasher = DefaultHasher::new();
        let mut is_known = true;
        for piece in &pieces {
            piece.hash(&mut hasher);
            is_known &= !self.prefixes.insert(hasher.finish());
            self.known += if is_known { piece.len() } else { 0 };
        }
        self.sent += body.len();
        self.requests += 1;
        Ok(self.requests - 1)
    }
}

fn serve(mut stream: TcpStream, script: Script, seen: &Mutex<Seen>) {
    let _ = stream.set_nodelay(true);
    let mut reader = BufReader::new(stream.try_clone().expect("a socket"));
    while let Some(body) = read_message(&mut reader) {
        let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
        let place = seen.lock().expect("what was seen").take(&body, &asked);
        let (status, kind, answer) = match place {
            Ok(count) => ("200 OK", "text/event-stream", script(&asked, count)),
            Err(true) => ("200 OK", "text/event-stream", says("Parts of a file were read.")),
            Err(false) => {
                let words = json!({"error": {"message": "maximum context length", "code": "context_length_exceeded"}});
                ("400 Bad Request", "application/json", words.to_string())
            }
        };
        let head = format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n", answer.len());
        if stream.write_all((head + &answer).as_bytes()).is_err() {
            return;
        }
    }
}

fn says(text: &str) -> String {
    events(&json!({"content": text}), "stop")
}

fn calls(tool: &str, arguments: &Value) -> String {
    let function = json!({"name": tool, "arguments": arguments.to_string()});
    events(&json!({"tool_calls": [{"index": 0, "id": "c", "type": "function", "function": function}]}), "tool_calls")
}

fn events(delta: &Value, finish: &str) -> String {
    let chunk = json!({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]});
    format!("data: {chunk}\n\ndata: [DONE]\n\n")
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
