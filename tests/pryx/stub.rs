//! A model's provider that is none: a real HTTP/1.1 server on this machine that speaks the streaming formats of Anthropic
//! Messages and OpenAI Chat Completions, says what a script tells it, is as strict as the real ones about what it is
//! sent, and can fail in every way that they do.

mod counting;
mod wire;

use counting::Counter;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The key it wants. No test may find it anywhere but in the header.
pub const KEY: &str = "sk-test-9f2c1d7e55aa";

/// Which format it speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Anthropic,
    OpenAi,
}

/// Both, for tests that must hold for each.
pub const BOTH: [Format; 2] = [Format::Anthropic, Format::OpenAi];

/// What the model says and does in one answer.
#[derive(Debug, Clone, Default)]
pub struct Turn {
    pub text: Vec<String>,
    /// Tool name as the wire has it, and arguments.
    pub calls: Vec<(String, Value)>,
    /// Tokens in and out.
    pub usage: Option<(u64, u64)>,
    /// Whether it ran into the limit of its output.
    pub cut: bool,
    /// What the model thinks first. It's handed out signed, and wanted back unchanged.
    pub thought: Option<String>,
    /// Tokens of the request that were read from the cache, and written to it.
    pub cached: Option<(u64, u64)>,
}

impl Turn {
    /// An answer in pieces of a few characters.
    pub fn says(text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect();
        Self { text: chars.chunks(7).map(String::from_iter).collect(), usage: Some((11, 7)), ..Self::default() }
    }

    /// A shell command.
    pub fn runs(command: &str) -> Self {
        Self { usage: Some((11, 7)), ..Self::default() }.and_runs(command)
    }

    /// What it thinks before.
    pub fn thinking(self, thought: &str) -> Self {
        Self { thought: Some(thought.to_owned()), ..self }
    }

    /// One more shell command in the same answer.
    pub fn and_runs(self, command: &str) -> Self {
        self.and_calls("shell_exec", json!({ "command": command }))
    }

    /// Any tool.
    pub fn and_calls(mut self, tool: &str, arguments: Value) -> Self {
        self.calls.push((tool.to_owned(), arguments));
        self
    }
}

/// What comes of a request.
#[derive(Debug, Clone)]
pub enum Reply {
    Turn(Turn),
    /// An error as the provider would word it: status and headers besides.
    Status(u16, Vec<(&'static str, &'static str)>),
    /// A page of something between, with status 200.
    Html,
    /// The stream ends before the answer does, the connection with it.
    Truncated(Turn),
    /// A piece of the stream is no JSON.
    Malformed,
    /// An error event in the midst of a stream.
    ErrorEvent,
    /// Takes the request and says nothing.
    Silent,
    /// Begins to answer and then says nothing.
    Stalled(Turn),
    /// Takes the request and resets the connection.
    Reset,
    /// Each event after a pause.
    Slow(Turn, Duration),
}

impl From<Turn> for Reply {
    fn from(turn: Turn) -> Self {
        Self::Turn(turn)
    }
}

/// How a stream is cut into writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chunking {
    /// So many bytes per write, through events, lines and characters alike.
    Bytes(usize),
    /// Everything at once.
    Whole,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Received {
    pub path: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: Value,
}

#[derive(Default)]
struct State {
    script: VecDeque<Reply>,
    received: Vec<Received>,
    streams: Vec<TcpStream>,
    counter: Option<Counter>,
}

/// The provider. Ends with its last test.
pub struct Stub {
    format: Format,
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    ending: Arc<AtomicBool>,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Stub {
    /// Starts one that gives these replies, one per request.
    pub fn start<R: Into<Reply>>(format: Format, chunking: Chunking, script: impl IntoIterator<Item = R>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let script = script.into_iter().map(Into::into).collect();
        let state = Arc::new(Mutex::new(State { script, ..State::default() }));
        let ending = Arc::new(AtomicBool::new(false));
        let (served, ended) = (Arc::clone(&state), Arc::clone(&ending));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let _ = stream.set_nodelay(true);
                lock(&served).streams.extend(stream.try_clone());
                let state = Arc::clone(&served);
                // A client that goes away in the middle is what some tests are about.
                std::thread::spawn(move || drop(Connection { format, chunking, state, stream }.serve()));
            }
        });
        Self { format, address, state, ending }
    }

    /// Makes it count tokens as a provider does, cache prefixes, and refuse what is longer than its window. Requests for
    /// a summary are answered beside the script.
    pub fn reading(self, window: u64) -> Self {
        lock(&self.state).counter = Some(Counter::new(window, self.format == Format::Anthropic));
        self
    }

    /// What it counted, and how many summaries it wrote.
    pub fn counter(&self) -> Counter {
        lock(&self.state).counter.clone().expect("a stub that counts")
    }

    /// The variables that lead pryx here.
    pub fn variables(&self) -> [(&'static str, String); 2] {
        match self.format {
            Format::Anthropic => {
                [("ANTHROPIC_BASE_URL", format!("http://{}", self.address)), ("ANTHROPIC_API_KEY", KEY.to_owned())]
            }
            Format::OpenAi => {
                [("OPENAI_BASE_URL", format!("http://{}/v1", self.address)), ("OPENAI_API_KEY", KEY.to_owned())]
            }
        }
    }

    /// Makes it the model of an environment.
    pub fn serve(&self, env: &mut super::env::TestEnv) {
        for (name, value) in self.variables() {
            env.set(name, value);
        }
    }

    /// What was asked so far.
    pub fn received(&self) -> Vec<Received> {
        lock(&self.state).received.clone()
    }

    /// The replies that nobody has asked for yet.
    pub fn unsaid(&self) -> usize {
        lock(&self.state).script.len()
    }

    /// The results of tools that the last request carries, as the model would read them.
    pub fn tool_results(&self) -> Vec<String> {
        let received = self.received();
        let Some(last) = received.last() else { return Vec::new() };
        wire::tool_results(self.format, &last.body)
    }

    /// Those of all requests, in order.
    pub fn all_tool_results(&self) -> Vec<String> {
        self.received().iter().flat_map(|request| wire::tool_results(self.format, &request.body)).collect()
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::SeqCst);
        for stream in &lock(&self.state).streams {
            let _ = stream.shutdown(Shutdown::Both);
        }
        // Wakes the listener, which then sees that it is over.
        let _ = TcpStream::connect(self.address);
    }
}

struct Connection {
    format: Format,
    chunking: Chunking,
    state: Arc<Mutex<State>>,
    stream: TcpStream,
}

impl Connection {
    fn serve(&mut self) -> std::io::Result<()> {
        let mut reader = BufReader::new(self.stream.try_clone()?);
        while let Some(request) = read_request(&mut reader)? {
            let mut complaint = wire::complaint(self.format, &request);
            let reply = {
                let mut state = lock(&self.state);
                let counted = state.counter.as_mut().map(|counter| counter.take(&request.body));
                let mut summary = None;
                match counted {
                    Some(Err(words)) => complaint = complaint.or(Some((400, words))),
                    Some(Ok(counted)) => summary = counted.summary.clone().map(|text| Reply::from(Turn::says(&text))),
                    None => {}
                }
                state.received.push(request);
                let reply = match (&complaint, summary) {
                    (Some(_), _) => None,
                    (None, Some(summary)) => Some(summary),
                    (None, None) => state.script.pop_front(),
                };
                reply.map(|reply| match (reply, &state.counter) {
                    (Reply::Turn(turn), Some(counter)) => Reply::Turn(counter.counted(turn)),
                    (reply, _) => reply,
                })
            };
            match (complaint, reply) {
                (Some((status, words)), _) => self.error(status, &[], &words)?,
                (None, None) => self.error(418, &[], "the script has no more replies")?,
                (None, Some(reply)) => {
                    if !self.play(reply)? {
                        return Ok(());
                    }
                }
            }
        }
        self.stream.shutdown(Shutdown::Both)
    }

    /// Whether the connection goes on.
    fn play(&mut self, reply: Reply) -> std::io::Result<bool> {
        let events = |turn: &Turn| wire::stream(self.format, turn);
        match reply {
            Reply::Turn(turn) => self.chunked(&events(&turn).concat(), true)?,
            Reply::Slow(turn, pause) => {
                let events = events(&turn);
                self.head("text/event-stream")?;
                for event in events {
                    std::thread::sleep(pause);
                    self.chunk(event.as_bytes())?;
                }
                self.stream.write_all(b"0\r\n\r\n")?;
            }
            Reply::Truncated(turn) => {
                let all = events(&turn).concat();
                let cut = (0..=all.len() * 2 / 3).rev().find(|at| all.is_char_boundary(*at)).unwrap_or(0);
                self.chunked(&all[..cut], false)?;
                self.stream.shutdown(Shutdown::Both)?;
                return Ok(false);
            }
            Reply::Stalled(turn) => {
                let events = events(&turn);
                self.chunked(&events[..events.len() / 2].concat(), false)?;
                return self.wait_for_the_end();
            }
            Reply::Malformed => {
                let broken = "data: {\"type\": \"content_block_delta\", \"choices\": [{\n\n";
                self.chunked(
                    &format!("{}{broken}", events(&Turn::says("so far")).first().cloned().unwrap_or_default()),
                    true,
                )?;
            }
            Reply::ErrorEvent => {
                let first = events(&Turn::says("so far")).first().cloned().unwrap_or_default();
                self.chunked(&format!("{first}{}", wire::error_event(self.format)), true)?;
            }
            Reply::Status(status, headers) => self.error(status, &headers, wire::words(status))?,
            Reply::Html => {
                let page = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Hotel network</body></html>";
                let head =
                    format!("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\n\r\n", page.len());
                self.stream.write_all(format!("{head}{page}").as_bytes())?;
            }
            Reply::Silent => return self.wait_for_the_end(),
            Reply::Reset => {
                // With a linger of zero, closing sends a reset instead of a farewell. Every descriptor must go.
                rustix::net::sockopt::set_socket_linger(&self.stream, Some(Duration::ZERO))?;
                lock(&self.state).streams.clear();
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn wait_for_the_end(&mut self) -> std::io::Result<bool> {
        while self.stream.read(&mut [0; 1024])? > 0 {}
        self.stream.shutdown(Shutdown::Both)?;
        Ok(false)
    }

    fn head(&mut self, kind: &str) -> std::io::Result<()> {
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n");
        self.stream.write_all(head.as_bytes())
    }

    fn chunk(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(&[format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat())
    }

    fn chunked(&mut self, text: &str, whole: bool) -> std::io::Result<()> {
        self.head("text/event-stream")?;
        let size = match self.chunking {
            Chunking::Bytes(size) => size,
            Chunking::Whole => text.len().max(1),
        };
        for piece in text.as_bytes().chunks(size) {
            self.chunk(piece)?;
        }
        if whole { self.stream.write_all(b"0\r\n\r\n") } else { Ok(()) }
    }

    fn error(&mut self, status: u16, headers: &[(&str, &str)], words: &str) -> std::io::Result<()> {
        let body = wire::error_body(self.format, status, words).to_string();
        let mut head =
            format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        self.stream.write_all(format!("{head}\r\n{body}").as_bytes())
    }
}

fn read_request(reader: &mut BufReader<TcpStream>) -> std::io::Result<Option<Received>> {
    let mut first = String::new();
    if reader.read_line(&mut first)? == 0 {
        return Ok(None);
    }
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|l| l.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some(Received { path, headers, body: serde_json::from_slice(&body).unwrap_or(Value::Null) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(stub: &Stub, key: &str) -> String {
        let (path, header, body) = match stub.format {
            Format::Anthropic => {
                let body = json!({"model": "m", "max_tokens": 9, "stream": true,
                    "messages": [{"role": "user", "content": "hi"}]});
                ("/v1/messages", format!("x-api-key: {key}\r\nanthropic-version: 2023-06-01"), body)
            }
            Format::OpenAi => {
                let body = json!({"model": "m", "stream": true, "messages": [{"role": "user", "content": "hi"}]});
                ("/v1/chat/completions", format!("authorization: Bearer {key}"), body)
            }
        };
        let body = body.to_string();
        let mut stream = TcpStream::connect(stub.address).expect("a connection");
        let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\n{header}\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all(format!("{head}{body}").as_bytes()).expect("a request");
        // One that was reset already has no end to be told.
        let told = stream.shutdown(Shutdown::Write);
        assert!(told.is_ok() || told.is_err_and(|e| e.kind() == std::io::ErrorKind::NotConnected));
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a deadline");
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    #[test]
    fn the_stub_streams_wants_its_key_and_writes_everything_down() {
        for format in BOTH {
            let stub = Stub::start(format, Chunking::Whole, [Turn::says("grüße").and_runs("ls")]);
            assert!(ask(&stub, "wrong").starts_with("HTTP/1.1 401"));
            let answer = ask(&stub, KEY);
            assert!(answer.contains("text/event-stream") && answer.contains("shell_exec"), "{answer}");
            assert!(answer.ends_with("0\r\n\r\n"), "{answer}");
            assert_eq!(stub.received()[1].body["model"], "m");
            assert_eq!(stub.unsaid(), 0);
            assert!(ask(&stub, KEY).starts_with("HTTP/1.1 418"), "an unexpected request must fail");
        }
    }

    #[test]
    fn the_stub_fails_in_every_way() {
        let script = [
            Reply::Status(429, vec![("retry-after", "1")]),
            Reply::Html,
            Reply::Truncated(Turn::says("a long answer")),
            Reply::Malformed,
            Reply::Reset,
        ];
        let stub = Stub::start(Format::Anthropic, Chunking::Whole, script);
        let answers: Vec<String> = (0..5).map(|_| ask(&stub, KEY)).collect();
        assert!(answers[0].starts_with("HTTP/1.1 429") && answers[0].contains("retry-after: 1"));
        assert!(answers[1].contains("text/html"));
        assert!(!answers[2].contains("message_stop") && !answers[2].ends_with("0\r\n\r\n"), "{}", answers[2]);
        assert!(answers[3].contains("choices\": [{\n\n"));
        assert_eq!(answers[4], "");
    }
}
