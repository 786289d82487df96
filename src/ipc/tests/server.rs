//! The server's and the client's half over a real socket: greeting, order, cancellation, limits, bad input, the end.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on says so by failing"
)]

use proptest::prelude::*;
use pryx_ipc::{
    Blob, Call, Client, ClientError, ErrorCode, Event, Exec, ExecReply, Frames, Handler, Hello, HelloReply, Interrupt,
    Io, ListToolsReply, MAX_FRAME, Output, PROTOCOL_VERSION, Peer, Reply, Request, RequestContext, SendInput, Status,
    StatusReply, Stdin, Update, WireError, decode_from_server, decode_request, listen, serve, serve_connection,
};
use pryx_terms::{Actor, CallKey, JobId, JobRecord, JobState, Outcome, Stream, Timestamp, ToolSpec};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

/// No step of these tests takes longer unless something hangs.
const PATIENCE: Duration = Duration::from_secs(20);

async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("waited too long: {what}"))
}

/// Acts out what the program's name says.
struct Actress {
    /// A name for each `wait`, `flood` and `gate` that has begun.
    begun: mpsc::UnboundedSender<String>,
    /// Why each `wait` ended.
    interrupts: mpsc::UnboundedSender<Interrupt>,
    /// `gate` passes once for each permit.
    gate: Semaphore,
    /// How many `gate` were at work at once.
    at_once: AtomicUsize,
    typed: Mutex<Vec<String>>,
    connections: watch::Sender<usize>,
}

impl Handler for Actress {
    fn hello(&self) -> HelloReply {
        HelloReply { protocol: PROTOCOL_VERSION, version: "9.9".into(), pid: std::process::id(), machine: None }
    }

    async fn handle(self: Arc<Self>, request: Request, context: RequestContext) -> Result<Reply, WireError> {
        match request {
            Request::Status(_) => Ok(Reply::Status(StatusReply {
                version: "9.9".into(),
                pid: context.peer.pid.unwrap_or(0),
                uptime_s: 0,
                running_jobs: 0,
                connections: 0,
                home: PathBuf::from("/"),
                sandbox: None,
                you: None,
            })),
            Request::ListTools(_) => {
                let description = "x".repeat(2 * MAX_FRAME);
                let tool = ToolSpec { name: "big".into(), description, parameters: Value::Null };
                Ok(Reply::ListTools(ListToolsReply { tools: vec![tool] }))
            }
            Request::SendInput(input) => {
                // Whoever comes first takes longest: only a lane keeps them in order.
                let turns = 200_usize.saturating_sub(self.typed.lock().unwrap().len() * 10);
                for _ in 0..turns {
                    tokio::task::yield_now().await;
                }
                self.typed.lock().unwrap().push(String::from_utf8(input.data.0).unwrap());
                Ok(Reply::SendInput(pryx_ipc::Done {}))
            }
            Request::Exec(exec) => self.act(&exec, &context).await,
            other => Err(WireError::new(ErrorCode::Machine, format!("{} is not in the play", other.name()))),
        }
    }

    fn connections(&self, now: usize) {
        self.connections.send_replace(now);
    }
}

impl Actress {
    async fn act(&self, exec: &Exec, context: &RequestContext) -> Result<Reply, WireError> {
        let _ = self.begun.send(exec.argv[0].clone());
        let mut interrupted = context.interrupted.clone();
        match exec.argv[0].as_str() {
            "wait" => {
                let why = interrupted.wait().await;
                let _ = self.interrupts.send(why);
                match why {
                    Interrupt::Cancelled => return Err(WireError::new(ErrorCode::Cancelled, "cancelled")),
                    Interrupt::ShuttingDown => return Err(WireError::new(ErrorCode::ShuttingDown, "ending")),
                    Interrupt::HungUp => {}
                }
            }
            "flood" => loop {
                tokio::select! {
                    sent = context.send(output(&"y\n".repeat(8 * 1024))) => if !sent { break },
                    why = interrupted.wait() => {
                        let _ = self.interrupts.send(why);
                        return Err(WireError::new(ErrorCode::Cancelled, "cancelled"));
                    }
                }
            },
            "gate" => {
                self.at_once.fetch_add(1, Ordering::SeqCst);
                self.gate.acquire().await.unwrap().forget();
            }
            text => {
                context.send(output(text)).await;
            }
        }
        Ok(Reply::Exec(Box::new(ExecReply { job: job() })))
    }
}

fn output(text: &str) -> Event {
    Event::Output(Output { job: job().id, stream: Stream::Stdout, offset: 0, data: Blob(text.into()) })
}

fn job() -> JobRecord {
    let outcome = Outcome::Exited { code: 0 };
    JobRecord {
        id: JobId::parse("j0bj0b1").unwrap(),
        command: "play".into(),
        cwd: "/".into(),
        actor: Actor::Person,
        session: None,
        terminal: None,
        within: None,
        tag: None,
        by_hand: false,
        waited_ms: None,
        keep: false,
        sandbox: None,
        started: Timestamp::UNIX_EPOCH,
        state: JobState::Ended { outcome, ended: Timestamp::UNIX_EPOCH, survivors: vec![], stopped: None, seen: None },
        output: vec![],
    }
}

fn exec(program: &str) -> Exec {
    Exec {
        key: CallKey::generate(),
        argv: vec![program.into()],
        cwd: "/".into(),
        env: Default::default(),
        io: Io::Pipes,
        stdin: Stdin::Null,
        timeout_ms: None,
        detach: false,
        terminal: None,
        tag: None,
        keep: false,
        mode: None,
        have: Vec::new(),
        inside: None,
    }
}

fn greeting() -> Hello {
    Hello { protocol: PROTOCOL_VERSION, client: "test".into(), version: String::new() }
}

struct Stage {
    socket: PathBuf,
    actress: Arc<Actress>,
    begun: mpsc::UnboundedReceiver<String>,
    interrupts: mpsc::UnboundedReceiver<Interrupt>,
    connections: watch::Receiver<usize>,
    shutdown: Option<oneshot::Sender<()>>,
    server: tokio::task::JoinHandle<()>,
    _folder: tempfile::TempDir,
}

fn actress() -> (Arc<Actress>, mpsc::UnboundedReceiver<String>, mpsc::UnboundedReceiver<Interrupt>) {
    let ((begun, begun_seen), (interrupts, interrupts_seen)) = (mpsc::unbounded_channel(), mpsc::unbounded_channel());
    let actress = Actress {
        begun,
        interrupts,
        gate: Semaphore::new(0),
        at_once: AtomicUsize::new(0),
        typed: Mutex::default(),
        connections: watch::channel(0).0,
    };
    (Arc::new(actress), begun_seen, interrupts_seen)
}

impl Stage {
    fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("s");
        let (actress, begun, interrupts) = actress();
        let listener = listen(&socket).unwrap();
        let (shutdown, ended) = oneshot::channel();
        let server = tokio::spawn(serve(listener, Arc::clone(&actress), async {
            let _ = ended.await;
        }));
        let connections = actress.connections.subscribe();
        Self { socket, actress, begun, interrupts, connections, shutdown: Some(shutdown), server, _folder: folder }
    }

    async fn client(&self) -> Client {
        soon("hello", Client::connect(&self.socket, greeting())).await.unwrap().0
    }

    async fn raw(&self) -> Raw {
        Raw::over(UnixStream::connect(&self.socket).await.unwrap())
    }

    async fn begun(&mut self, name: &str) {
        assert_eq!(soon("a command begins", self.begun.recv()).await.as_deref(), Some(name));
    }

    async fn interrupt(&mut self) -> Interrupt {
        soon("an interrupt", self.interrupts.recv()).await.unwrap()
    }
}

/// A client that says what it likes.
struct Raw {
    lines: tokio::io::Lines<BufReader<Box<dyn AsyncRead + Unpin + Send>>>,
    writer: Box<dyn AsyncWrite + Unpin + Send>,
}

impl Raw {
    fn over(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        Self {
            lines: BufReader::new(Box::new(reader) as Box<dyn AsyncRead + Unpin + Send>).lines(),
            writer: Box::new(writer),
        }
    }

    async fn say(&mut self, line: impl AsRef<[u8]>) {
        self.writer.write_all(line.as_ref()).await.unwrap();
        self.writer.write_all(b"\n").await.unwrap();
    }

    async fn hears(&mut self) -> Value {
        let line = soon("a line from the server", self.lines.next_line()).await.unwrap().expect("the server hung up");
        serde_json::from_str(&line).unwrap()
    }

    async fn greet(&mut self) {
        self.say(
            json!({"id": 0, "action": "hello", "data": {"protocol": PROTOCOL_VERSION, "client": "raw"}}).to_string(),
        )
        .await;
        assert_eq!(self.hears().await["success"], true);
    }

    async fn hears_the_end(&mut self) {
        let end = soon("the server hangs up", self.lines.next_line()).await;
        assert!(matches!(&end, Ok(None) | Err(_)), "{end:?}");
    }
}

fn code(reply: &Value) -> &str {
    reply["error"]["code"].as_str().unwrap_or_else(|| panic!("no error: {reply}"))
}

fn ask(id: u64, program: &str) -> String {
    json!({"id": id, "action": "exec", "data": {"argv": [program], "cwd": "/"}}).to_string()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_socket_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let stage = Stage::open();
    let mode = std::fs::metadata(&stage.socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "{mode:o}");
}

#[tokio::test]
async fn the_server_knows_who_it_talks_to() {
    let stage = Stage::open();
    let reply = stage.client().await.call(Status {}).await.unwrap();
    assert_eq!(reply.pid, std::process::id());
}

#[tokio::test]
async fn a_request_before_hello_is_told_to_greet() {
    let stage = Stage::open();
    let mut raw = stage.raw().await;
    raw.say(r#"{"id": 5, "action": "status"}"#).await;
    let reply = raw.hears().await;
    assert_eq!((code(&reply), &reply["id"]), ("hello_required", &json!(5)));
    assert!(reply["error"]["hint"].as_str().unwrap().contains("hello"), "{reply}");
    raw.greet().await;
    raw.say(r#"{"id": 6, "action": "status"}"#).await;
    assert_eq!(raw.hears().await["success"], true);
}

#[tokio::test]
async fn another_version_is_told_in_words_what_to_run() {
    let stage = Stage::open();
    let hello = Hello { protocol: PROTOCOL_VERSION + 1, ..greeting() };
    let Err(ClientError::Answer(error)) = Client::connect(&stage.socket, hello).await else { panic!("was let in") };
    assert_eq!(error.code, ErrorCode::VersionMismatch);
    assert!(error.message.contains("9.9") && error.message.contains(&(PROTOCOL_VERSION + 1).to_string()), "{error}");
    assert!(error.hint.unwrap().contains("pryx hands stop"));

    let mut raw = stage.raw().await;
    raw.say(r#"{"id": 1, "action": "hello", "data": {"protocol": 99, "client": "x"}}"#).await;
    assert_eq!(code(&raw.hears().await), "version_mismatch");
    raw.say(r#"{"id": 2, "action": "status"}"#).await;
    assert_eq!(code(&raw.hears().await), "hello_required");
}

#[tokio::test]
async fn bad_lines_are_answered_and_the_connection_goes_on() {
    let stage = Stage::open();
    let mut raw = stage.raw().await;
    raw.greet().await;
    let cases: &[(&[u8], Value, &str)] = &[
        (br#"{"id": 1, "action": "fly", "data": {}}"#, json!(1), "unknown_action"),
        (br#"{"id": 2, "action": "exec", "data": {"argv": "ls"}}"#, json!(2), "bad_data"),
        (br#"{"id": 3, "action": "cancel", "data": {"request": -1}}"#, json!(3), "bad_data"),
        (br#"{"id": 4, "action": "cancel", "data": {"request": 77}}"#, json!(4), "not_found"),
        (br#"{"id": 5}"#, json!(5), "bad_frame"),
    ];
    for (line, id, wanted) in cases {
        raw.say(line).await;
        let reply = raw.hears().await;
        assert_eq!((&reply["id"], code(&reply)), (id, *wanted), "{}", String::from_utf8_lossy(line));
        assert!(!reply["error"]["message"].as_str().unwrap().is_empty());
    }
    // Where no id can be made out, the answer is of the plain form.
    for line in
        [&b"{"[..], b"no json", b"[1, \"status\", {}]", b"7", b"{\"id\": \"x\", \"action\": \"status\"}", b"\xff\xfe"]
    {
        raw.say(line).await;
        let reply = raw.hears().await;
        assert_eq!(reply["success"], false, "{}", String::from_utf8_lossy(line));
        assert!(reply["error"].as_str().unwrap().contains("that line is no request"), "{reply}");
    }
    raw.say(b"").await;
    raw.say(r#"{"id": 9, "action": "status"}"#).await;
    assert_eq!(raw.hears().await["id"], 9, "an empty line gets no answer");
}

#[tokio::test]
async fn a_line_that_cannot_be_read_is_not_repeated() {
    let stage = Stage::open();
    let mut raw = stage.raw().await;
    raw.say(r#"{"id": 1, "action": 5, "data": {"password": "hunter2"}}"#).await;
    raw.say(r#"{"password": "hunter2", "#).await;
    for _ in 0..2 {
        let reply = raw.hears().await.to_string();
        assert!(!reply.contains("hunter2"), "{reply}");
    }
}

#[tokio::test]
async fn an_endless_line_is_told_so_and_cut_off() {
    let stage = Stage::open();
    let mut raw = stage.raw().await;
    raw.greet().await;
    // The server may hang up before it has read everything.
    let _ = raw.writer.write_all(&vec![b'x'; MAX_FRAME + 70_000]).await;
    let reply = raw.hears().await;
    assert_eq!(code(&reply), "frame_too_large");
    assert!(reply["error"]["message"].as_str().unwrap().contains(&MAX_FRAME.to_string()), "{reply}");
    raw.hears_the_end().await;
    assert!(stage.client().await.call(Status {}).await.is_ok(), "others must not notice");
}

#[tokio::test]
async fn a_request_of_the_limit_passes() {
    let stage = Stage::open();
    let mut raw = stage.raw().await;
    raw.greet().await;
    let mut line = br#"{"id": 1, "action": "status", "data": {"padding": ""#.to_vec();
    line.resize(MAX_FRAME - 3, b'x');
    line.extend_from_slice(b"\"}}");
    assert_eq!(line.len(), MAX_FRAME);
    raw.say(line).await;
    assert_eq!(raw.hears().await["success"], true);
}

#[tokio::test]
async fn a_client_is_told_when_its_request_is_too_long() {
    let stage = Stage::open();
    let client = stage.client().await;
    let Err(ClientError::Answer(error)) = client.call(exec(&"x".repeat(MAX_FRAME))).await else {
        panic!("it was sent")
    };
    assert_eq!(error.code, ErrorCode::FrameTooLarge);
    assert!(client.call(Status {}).await.is_ok(), "the connection must stay of use");
}

#[tokio::test]
async fn a_reply_that_fits_no_frame_becomes_an_error() {
    let stage = Stage::open();
    let client = stage.client().await;
    let Err(ClientError::Answer(error)) = soon("a reply", client.call(pryx_ipc::ListTools {})).await else {
        panic!("no error")
    };
    assert_eq!(error.code, ErrorCode::FrameTooLarge);
    assert!(client.call(Status {}).await.is_ok());
    let mut raw = stage.raw().await;
    raw.say(r#"{"action": "list_tools"}"#).await;
    assert_eq!(raw.hears().await["success"], false);
}

#[tokio::test]
async fn events_come_before_the_reply_and_are_counted() {
    let stage = Stage::open();
    let mut raw = stage.raw().await;
    raw.greet().await;
    for (id, seq) in [(1, 1), (2, 2)] {
        raw.say(ask(id, "hi")).await;
        let event = raw.hears().await;
        assert_eq!((&event["event"], &event["seq"], &event["request"]), (&json!("output"), &json!(seq), &json!(id)));
        assert_eq!(event["data"]["data"], "hi");
        assert_eq!(raw.hears().await["id"], id);
    }
}

#[tokio::test]
async fn cancel_ends_that_request_alone() {
    let mut stage = Stage::open();
    let client = stage.client().await;
    let mut first = client.start(exec("wait")).await.unwrap();
    stage.begun("wait").await;
    let mut second = client.start(exec("wait")).await.unwrap();
    stage.begun("wait").await;
    first.cancel().await.unwrap();
    assert_eq!(stage.interrupt().await, Interrupt::Cancelled);
    let Err(ClientError::Answer(error)) = soon("the reply", first.next()).await else { panic!("not cancelled") };
    assert_eq!(error.code, ErrorCode::Cancelled);
    second.cancel().await.unwrap();
    assert!(soon("the reply", second.next()).await.is_err());
    first.cancel().await.unwrap();
    assert!(client.call(Status {}).await.is_ok(), "cancelling what has ended must do nothing");
}

/// Ctrl-C while a command floods and nobody takes its events.
#[tokio::test]
async fn cancel_gets_through_a_flood() {
    let mut stage = Stage::open();
    let client = stage.client().await;
    let mut call = client.start(exec("flood")).await.unwrap();
    stage.begun("flood").await;
    soon("cancel is sent", call.cancel()).await.unwrap();
    let end = soon("the flood ends", async {
        loop {
            match call.next().await {
                Ok(Update::Event(_)) => {}
                Ok(Update::Reply(_)) => panic!("the flood ended by itself"),
                Err(end) => return end,
            }
        }
    })
    .await;
    assert!(matches!(end, ClientError::Answer(e) if e.code == ErrorCode::Cancelled));
    assert_eq!(stage.interrupt().await, Interrupt::Cancelled);
}

#[tokio::test]
async fn a_client_that_hangs_up_mid_request_is_noticed_by_the_handler() {
    let mut stage = Stage::open();
    let mut raw = stage.raw().await;
    raw.greet().await;
    raw.say(ask(1, "wait")).await;
    stage.begun("wait").await;
    drop(raw);
    assert_eq!(stage.interrupt().await, Interrupt::HungUp);
    soon("the connection is counted off", stage.connections.wait_for(|now| *now == 0)).await.unwrap();
}

/// A program that has lost interest must not go on taking a flood.
#[tokio::test]
async fn a_client_that_is_dropped_hangs_up() {
    let mut stage = Stage::open();
    let client = stage.client().await;
    let call = client.start(exec("flood")).await.unwrap();
    stage.begun("flood").await;
    drop(client);
    assert_eq!(*stage.connections.borrow(), 1, "a call under way keeps its connection");
    drop(call);
    soon("the connection is counted off", stage.connections.wait_for(|now| *now == 0)).await.unwrap();
}

#[tokio::test]
async fn a_plain_client_that_hangs_up_is_noticed_too() {
    let mut stage = Stage::open();
    let mut raw = stage.raw().await;
    raw.say(r#"{"action": "exec", "data": {"argv": ["wait"], "cwd": "/"}}"#).await;
    stage.begun("wait").await;
    drop(raw);
    assert_eq!(stage.interrupt().await, Interrupt::HungUp);
}

#[tokio::test]
async fn half_a_line_before_hanging_up_does_nothing() {
    let mut stage = Stage::open();
    let mut raw = stage.raw().await;
    raw.greet().await;
    raw.writer.write_all(ask(1, "gate").as_bytes()).await.unwrap();
    drop(raw);
    soon("the connection is counted off", stage.connections.wait_for(|now| *now == 0)).await.unwrap();
    assert!(stage.begun.try_recv().is_err(), "a command without its newline ran");
}

#[tokio::test]
async fn hundreds_of_requests_run_at_once_and_each_gets_one_reply() {
    let mut stage = Stage::open();
    let mut clients = [stage.raw().await, stage.raw().await];
    for client in &mut clients {
        client.greet().await;
        for id in 1..=150 {
            client.say(ask(id, "gate")).await;
        }
    }
    for _ in 0..300 {
        stage.begun("gate").await;
    }
    assert_eq!(stage.actress.at_once.load(Ordering::SeqCst), 300);
    stage.actress.gate.add_permits(300);
    for client in &mut clients {
        let mut ids = Vec::new();
        for _ in 0..150 {
            let reply = client.hears().await;
            assert_eq!(reply["success"], true);
            ids.push(reply["id"].as_u64().unwrap());
        }
        ids.sort_unstable();
        assert!(ids.iter().copied().eq(1..=150), "{ids:?}");
    }
}

#[tokio::test]
async fn too_many_requests_on_one_connection_are_refused_not_held() {
    let stage = Stage::open();
    let mut raw = stage.raw().await;
    raw.greet().await;
    for id in 1..=300 {
        raw.say(ask(id, "gate")).await;
    }
    for id in 257..=300 {
        let reply = raw.hears().await;
        assert_eq!((code(&reply), &reply["id"], &reply["error"]["retryable"]), ("busy", &json!(id), &json!(true)));
    }
    stage.actress.gate.add_permits(300);
    for _ in 0..256 {
        assert_eq!(raw.hears().await["success"], true);
    }
    raw.say(ask(301, "hi")).await;
    assert_eq!(raw.hears().await["event"], "output", "there is room again");
}

#[tokio::test]
async fn an_id_under_way_is_not_taken_twice_but_is_free_after_its_reply() {
    let mut stage = Stage::open();
    let mut raw = stage.raw().await;
    raw.greet().await;
    raw.say(ask(1, "gate")).await;
    stage.begun("gate").await;
    raw.say(ask(1, "gate")).await;
    assert_eq!(code(&raw.hears().await), "bad_data");
    stage.actress.gate.add_permits(101);
    assert_eq!(raw.hears().await["success"], true);
    for _ in 0..100 {
        raw.say(ask(1, "gate")).await;
        assert_eq!(raw.hears().await["success"], true);
    }
}

#[tokio::test]
async fn input_arrives_in_the_order_it_was_sent() {
    let stage = Stage::open();
    let client = stage.client().await;
    let mut calls: Vec<Call<SendInput>> = Vec::new();
    for n in 0..20 {
        let input =
            SendInput { job: "x".into(), data: Blob(n.to_string().into()), eof: false, part: None, window: false };
        calls.push(client.start(input).await.unwrap());
    }
    for mut call in calls {
        assert!(matches!(soon("a reply", call.next()).await, Ok(Update::Reply(_))));
    }
    let typed = stage.actress.typed.lock().unwrap().clone();
    assert_eq!(typed, (0..20).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_plain_form_needs_no_hello_and_keeps_its_order() {
    let mut stage = Stage::open();
    let mut raw = stage.raw().await;
    raw.say(r#"{"action": "exec", "data": {"argv": ["gate"], "cwd": "/"}}"#).await;
    raw.say("nonsense").await;
    raw.say(r#"{"action": "exec", "data": {"argv": ["hi"], "cwd": "/"}}"#).await;
    raw.say(r#"{"action": "hello", "data": {"protocol": 1, "client": "x"}}"#).await;
    stage.begun("gate").await;
    stage.actress.gate.add_permits(1);
    let first = raw.hears().await;
    assert_eq!((&first["success"], &first["result"]["job"]["id"]), (&json!(true), &json!("j0bj0b1")));
    let second = raw.hears().await;
    assert_eq!((&second["success"], &second["output"]), (&json!(false), &Value::Null));
    let third = raw.hears().await;
    assert_eq!((&third["output"], &third["error"]), (&json!("hi"), &Value::Null));
    let fourth = raw.hears().await;
    assert!(fourth["error"].as_str().unwrap().contains("no hello"), "{fourth}");
}

#[tokio::test]
async fn the_older_protocol_has_its_answers_in_the_same_order() {
    let mut stage = Stage::open();
    let mut raw = stage.raw().await;
    raw.say(r#"{"action": "exec", "data": {"argv": ["gate"], "cwd": "/"}}"#).await;
    raw.say(r#"{"action": "check_session", "data": {"session": "a"}}"#).await;
    raw.say(r#"{"action": "capture", "data": {"lines": "many"}}"#).await;
    raw.say(r#"{"action": "execute"}"#).await;
    raw.say(r#"{"id": 1, "action": "capture", "data": {}}"#).await;
    let greeting_first = raw.hears().await;
    assert_eq!(
        greeting_first["error"]["code"], "unknown_action",
        "with an id it is no action of ours: {greeting_first}"
    );
    stage.begun("gate").await;
    stage.actress.gate.add_permits(1);
    assert_eq!(raw.hears().await["success"], true);
    for words in ["not spoken here", "number", "not spoken here"] {
        let reply = raw.hears().await;
        assert_eq!((&reply["success"], &reply["output"], &reply["exists"]), (&json!(false), &json!(""), &json!(false)));
        assert!(reply["error"].as_str().unwrap().contains(words), "{reply}");
    }
}

/// As `echo '…' | socat - UNIX-CONNECT:…` does it.
#[tokio::test]
async fn a_client_that_has_said_everything_still_hears_the_answer() {
    let stage = Stage::open();
    let mut raw = stage.raw().await;
    raw.say(r#"{"action": "exec", "data": {"argv": ["hi"], "cwd": "/"}}"#).await;
    raw.writer.shutdown().await.unwrap();
    assert_eq!(raw.hears().await["output"], "hi");
    raw.hears_the_end().await;
}

#[tokio::test]
async fn a_slow_reader_keeps_nobody_else_waiting() {
    let mut stage = Stage::open();
    let mut slow = stage.raw().await;
    slow.greet().await;
    slow.say(ask(1, "flood")).await;
    stage.begun("flood").await;
    let client = stage.client().await;
    let start = Instant::now();
    for _ in 0..50 {
        soon("a reply beside the flood", client.call(Status {})).await.unwrap();
    }
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    drop(slow);
    soon("the flood is given up", stage.connections.wait_for(|now| *now == 1)).await.unwrap();
}

#[tokio::test]
async fn shutdown_tells_all_and_waits_for_their_last_words() {
    let mut stage = Stage::open();
    let client = stage.client().await;
    let mut call = client.start(exec("wait")).await.unwrap();
    stage.begun("wait").await;
    stage.shutdown.take().unwrap().send(()).unwrap();
    assert_eq!(stage.interrupt().await, Interrupt::ShuttingDown);
    let Err(ClientError::Answer(error)) = soon("the last reply", call.next()).await else { panic!("no last words") };
    assert_eq!((error.code, error.retryable), (ErrorCode::ShuttingDown, true));
    soon("the server ends", &mut stage.server).await.unwrap();
    let refused = soon("a later call", client.call(Status {})).await;
    assert!(matches!(refused, Err(ClientError::Lost)), "{refused:?}");
    let gone = Client::connect(&stage.socket, greeting()).await.map(|_| ());
    assert!(matches!(gone, Err(ClientError::Unreachable { .. })), "{gone:?}");
}

/// A handler that doesn't listen can't keep the server alive.
#[tokio::test]
async fn shutdown_does_not_wait_for_ever() {
    let mut stage = Stage::open();
    let client = stage.client().await;
    let _call = client.start(exec("gate")).await.unwrap();
    stage.begun("gate").await;
    stage.shutdown.take().unwrap().send(()).unwrap();
    soon("the server ends", &mut stage.server).await.unwrap();
}

#[tokio::test]
async fn a_call_on_a_dead_connection_fails_at_once() {
    let (near, far) = tokio::io::duplex(4096);
    let serving = tokio::spawn(async move {
        let mut raw = Raw::over(far);
        let _ = raw.lines.next_line().await;
        raw.say(r#"{"id":1,"success":true,"result":{"protocol":1,"version":"","pid":1}}"#).await;
        let _ = raw.lines.next_line().await;
    });
    let (reader, writer) = tokio::io::split(near);
    let client = Client::over(reader, writer, greeting()).await.unwrap().0;
    for _ in 0..3 {
        assert!(matches!(soon("an error", client.call(Status {})).await, Err(ClientError::Lost)));
    }
    drop(serving);
}

#[tokio::test]
async fn a_server_that_talks_nonsense_is_given_up() {
    for nonsense in [b"HTTP/1.1 400 Bad Request\n".to_vec(), vec![b'x'; 2 * MAX_FRAME], b"{\"id\":1}\n".to_vec()] {
        let (near, mut far) = tokio::io::duplex(64 * 1024);
        tokio::spawn(async move {
            let _ = far.write_all(&nonsense).await;
            let mut rest = Vec::new();
            let _ = far.read_to_end(&mut rest).await;
        });
        let (reader, writer) = tokio::io::split(near);
        let greeted = soon("the greeting fails", Client::over(reader, writer, greeting())).await;
        assert!(greeted.is_err());
    }
}

/// Time is not waited for but moved.
#[tokio::test(start_paused = true)]
async fn a_peer_that_says_nothing_whole_is_dropped_after_the_deadline() {
    for said in [&b""[..], b"{\"id\": 1, ", b"\n\n"] {
        let (near, far) = tokio::io::duplex(4096);
        let (reader, writer) = tokio::io::split(far);
        let (_keep, stopped) = watch::channel(false);
        let peer = Peer { pid: None };
        let serving = tokio::spawn(serve_connection(reader, writer, peer, actress().0, stopped));
        let mut raw = Raw::over(near);
        raw.writer.write_all(said).await.unwrap();
        let start = tokio::time::Instant::now();
        assert!(raw.lines.next_line().await.unwrap().is_none());
        assert_eq!(start.elapsed(), pryx_ipc::HELLO_DEADLINE);
        serving.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_has_greeted_may_be_silent_for_as_long_as_it_likes() {
    let (near, far) = tokio::io::duplex(4096);
    let (reader, writer) = tokio::io::split(far);
    let (_keep, stopped) = watch::channel(false);
    tokio::spawn(serve_connection(reader, writer, Peer { pid: None }, actress().0, stopped));
    let mut raw = Raw::over(near);
    raw.greet().await;
    tokio::time::advance(Duration::from_secs(24 * 3600)).await;
    raw.say(r#"{"id": 1, "action": "status"}"#).await;
    assert_eq!(raw.hears().await["success"], true);
}

/// Lines that are nearly right find more than noise does.
fn nearly_a_line() -> impl Strategy<Value = Vec<u8>> {
    let golden: Vec<Vec<u8>> = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden"))
        .unwrap()
        .map(|entry| std::fs::read(entry.unwrap().path()).unwrap())
        .collect();
    let damaged = (prop::sample::select(golden), any::<prop::sample::Index>(), any::<u8>(), 0_usize..4).prop_map(
        |(mut line, at, byte, how)| {
            let at = at.index(line.len());
            match how {
                0 => line[at] = byte,
                1 => line.insert(at, byte),
                2 => line.truncate(at),
                _ => drop(line.remove(at)),
            }
            line
        },
    );
    prop_oneof![damaged, prop::collection::vec(any::<u8>(), 0..300)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_line_makes_a_reader_panic(line in nearly_a_line()) {
        if let Err(error) = decode_request(&line).request {
            prop_assert!(!error.message.is_empty());
        }
        let _ = decode_from_server(&line);
    }

    #[test]
    fn any_chunking_of_any_bytes_gives_the_lines(bytes in prop::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..400), sizes in prop::collection::vec(1_usize..50, 1..50)) {
        let mut frames = Frames::default();
        let (mut rest, mut lines) = (bytes.as_slice(), Vec::new());
        for size in sizes.iter().cycle() {
            if rest.is_empty() { break }
            let (chunk, left) = rest.split_at((*size).min(rest.len()));
            rest = left;
            frames.push(chunk);
            while let Some(line) = frames.next_line().unwrap() { lines.push(line.to_vec()); }
        }
        let mut wanted: Vec<&[u8]> = bytes.split(|b| *b == b'\n').collect();
        let tail = wanted.pop().unwrap();
        let wanted: Vec<&[u8]> = wanted.into_iter().map(|l| l.strip_suffix(b"\r").unwrap_or(l)).collect();
        prop_assert_eq!(lines, wanted);
        prop_assert_eq!(frames.is_partial(), !tail.is_empty());
    }

    #[test]
    fn any_bytes_survive_the_wire(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let input = Request::from(SendInput { job: "x".into(), data: Blob(bytes), eof: false, part: None, window: false });
        let line = pryx_ipc::encode_request(Some(1), &input).unwrap();
        prop_assert_eq!(decode_request(&line).request, Ok(input));
    }
}
