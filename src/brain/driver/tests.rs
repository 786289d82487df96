//! Whole turns: a model behind HTTP, hands behind the real protocol, a store on disk.

use super::*;
use crate::event::ToolEnd;
use crate::message::Api;
use crate::model::ProviderConfig;
use crate::providers::stub::{self, STREAM_HEAD, Say, Server, stream};
use crate::providers::{Candidate, Patience, Route};
use futures_util::FutureExt;
use pryx_ipc::{
    ApprovalNeeded, ApprovalResolved, Blob, CallTool, CallToolReply, Client, Done, ErrorCode, Event as HandsEvent,
    Handler, Hello, HelloReply, Interrupt, JobStarted, ListToolsReply, PROTOCOL_VERSION, Peer, Reply, Request,
    RequestContext, WireError, serve_connection,
};
use pryx_terms::{
    Actor, Approval, Excerpt, JobId, JobRecord, JobState, Outcome, Plan, Refusal, Resolution, RuleRef, Ruling, Secret,
    Stream, Timestamp, ToolResult, ToolSpec, Verdict,
};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Mutex;
use tokio::sync::{oneshot, watch};

mod prefix;
mod spans;
mod tools;

/// No step of these tests takes longer unless something hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// Hands that act out what the command says.
#[derive(Default)]
struct Play {
    /// Kills the hands of each connection, when sent or dropped.
    connections: Mutex<Vec<oneshot::Sender<()>>>,
    /// Each call's key and command, in the order they came.
    calls: Mutex<Vec<(CallKey, String)>>,
    answers: Mutex<BTreeMap<String, oneshot::Sender<Answer>>>,
    /// Tools besides the shell, and the names of those that were called.
    more_tools: Mutex<Vec<ToolSpec>>,
    tools: Mutex<Vec<String>>,
}

impl Handler for Play {
    fn hello(&self) -> HelloReply {
        HelloReply { protocol: PROTOCOL_VERSION, version: "9".into(), pid: 1, machine: None }
    }

    async fn handle(self: Arc<Self>, request: Request, context: RequestContext) -> Result<Reply, WireError> {
        match request {
            Request::ListTools(_) => {
                let parameters = json!({"type": "object"});
                let spec = ToolSpec { name: "shell.exec".into(), description: "Runs a command.".into(), parameters };
                let mut tools = vec![spec];
                tools.extend(self.more_tools.lock().unwrap().clone());
                Ok(Reply::ListTools(ListToolsReply { tools }))
            }
            Request::ResolveApproval(resolve) => {
                let waiting = self.answers.lock().unwrap().remove(resolve.approval.as_str());
                let waiting = waiting.ok_or_else(|| WireError::new(ErrorCode::NotFound, "no such question"))?;
                let _ = waiting.send(resolve.answer);
                Ok(Reply::ResolveApproval(Done {}))
            }
            Request::CallTool(call) => {
                let result = self.call(call, context).await?;
                Ok(Reply::CallTool(Box::new(CallToolReply { result })))
            }
            other => Err(WireError::new(ErrorCode::Machine, format!("{} is not in the play", other.name()))),
        }
    }
}

impl Play {
    async fn call(&self, call: CallTool, context: RequestContext) -> Result<ToolResult, WireError> {
        let command = call.arguments["command"].as_str().unwrap_or_default().to_owned();
        self.tools.lock().unwrap().push(call.tool.clone());
        let mut interrupted = context.interrupted.clone();
        let times = {
            let mut calls = self.calls.lock().unwrap();
            calls.push((call.key.clone(), command.clone()));
            calls.iter().filter(|(key, _)| *key == call.key).count()
        };
        if command == "rm"
            && let Some(refused) = self.ask(&call, &context).await
        {
            return Ok(refused);
        }
        if command == "nonsense" {
            return Err(WireError::new(ErrorCode::BadData, "no such option").hint("see --help"));
        }
        context.send(HandsEvent::JobStarted(Box::new(JobStarted { job: job(None) }))).await;
        match command.as_str() {
            "sleep" => match interrupted.wait().await {
                Interrupt::Cancelled => return Ok(ran(Outcome::Signaled { signal: 15 }, "")),
                _ => return Err(WireError::new(ErrorCode::ShuttingDown, "ending")),
            },
            "deaf" => std::future::pending().await,
            // Whoever asked first is gone before it ends; whoever asks again sees its end.
            "outlive" if times == 1 => std::future::pending().await,
            "outlive" => {
                context.send(output(0, "half and half")).await;
                return Ok(ran(Outcome::Exited { code: 0 }, "half and half"));
            }
            "flood" => loop {
                tokio::select! {
                    biased;
                    why = interrupted.wait() => {
                        assert_eq!(why, Interrupt::Cancelled);
                        return Err(WireError::new(ErrorCode::Cancelled, "cancelled"));
                    }
                    sent = context.send(output(0, &"y\n".repeat(4096))) => assert!(sent),
                }
            },
            "crash" => {
                context.send(output(0, "half ")).await;
                if times == 1 {
                    tokio::time::sleep(Duration::from_millis(30)).await;
                    self.connections.lock().unwrap().clear();
                    return std::future::pending().await;
                }
                context.send(output(5, "and half")).await;
                return Ok(ran(Outcome::Exited { code: 0 }, "half and half"));
            }
            _ => {}
        }
        context.send(output(0, "a.txt\r\n")).await;
        Ok(ran(Outcome::Exited { code: 0 }, "a.txt\n"))
    }

    /// Asks as the gate would; gives the refusal, if that is what it comes to.
    async fn ask(&self, call: &CallTool, context: &RequestContext) -> Option<ToolResult> {
        let approval = approval();
        if !call.can_ask {
            return Some(ToolResult::Refused { refusal: Refusal::NobodyToAsk, ruling: approval.ruling });
        }
        let (answer, answered) = oneshot::channel();
        self.answers.lock().unwrap().insert(approval.id.as_str().into(), answer);
        let needed = ApprovalNeeded { approval: approval.clone() };
        context.send(HandsEvent::ApprovalNeeded(Box::new(needed))).await;
        let answer = answered.await.unwrap();
        let resolved = ApprovalResolved { approval: approval.id, resolution: Resolution::Person { answer } };
        context.send(HandsEvent::ApprovalResolved(resolved)).await;
        (answer == Answer::No).then_some(ToolResult::Refused { refusal: Refusal::Person, ruling: approval.ruling })
    }

    fn connector(self: &Arc<Self>) -> Connect {
        let play = Arc::clone(self);
        Box::new(move || {
            let play = Arc::clone(&play);
            async move {
                let (ours, theirs) = tokio::io::duplex(64 * 1024);
                let (kill, killed) = oneshot::channel();
                play.connections.lock().unwrap().push(kill);
                let handler = Arc::clone(&play);
                // A runtime for itself, so that killing it leaves nothing behind, as with a process.
                std::thread::spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                    let (_keep, stopped) = watch::channel(false);
                    let (reader, writer) = tokio::io::split(theirs);
                    runtime.block_on(async {
                        tokio::select! {
                            () = serve_connection(reader, writer, Peer { pid: None }, handler, stopped) => {}
                            _ = killed => {}
                        }
                    });
                });
                let (reader, writer) = tokio::io::split(ours);
                let hello = Hello { protocol: PROTOCOL_VERSION, client: "test".into(), version: String::new() };
                Ok(Client::over(reader, writer, hello).await.unwrap().0)
            }
            .boxed()
        })
    }
}

fn job(outcome: Option<Outcome>) -> JobRecord {
    let at: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
    JobRecord {
        id: JobId::parse("j1").unwrap(),
        command: "play".into(),
        cwd: "/tmp".into(),
        actor: Actor::Agent { session: None },
        session: None,
        terminal: None,
        within: None,
        tag: None,
        by_hand: false,
        waited_ms: None,
        keep: false,
        sandbox: None,
        started: at,
        state: match outcome {
            None => JobState::Running { pid: 7 },
            Some(outcome) => JobState::Ended { outcome, ended: at, survivors: Vec::new(), stopped: None, seen: None },
        },
        output: Vec::new(),
    }
}

fn ran(outcome: Outcome, printed: &str) -> ToolResult {
    let total_bytes = printed.len() as u64;
    let output = Excerpt { head: printed.into(), tail: String::new(), omitted_bytes: 0, total_bytes };
    ToolResult::Ran { job: Box::new(job(Some(outcome))), output }
}

fn output(offset: u64, text: &str) -> HandsEvent {
    let job = JobId::parse("j1").unwrap();
    HandsEvent::Output(pryx_ipc::Output { job, stream: Stream::Tty, offset, data: Blob(text.into()) })
}

fn approval() -> Approval {
    let at: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
    let plan = Plan {
        tool: "shell.exec".into(),
        command: "rm".into(),
        argv: vec!["rm".into()],
        cwd: "/tmp".into(),
        programs: Vec::new(),
        files: Vec::new(),
        touches: Vec::new(),
        sets: Vec::new(),
        open: Vec::new(),
        diff: None,
    };
    let rule = RuleRef { name: "unknown-program".into(), source: "built in".into() };
    Approval {
        id: ApprovalId::parse("q1").unwrap(),
        session: None,
        plan_hash: plan.hash(),
        plan,
        ruling: Ruling { verdict: Verdict::Ask, rule, reason: "not known to only read".into() },
        sandbox: None,
        asked: at,
        expires: at,
    }
}

fn says(words: &str) -> Say {
    let chunk = json!({"choices": [{"delta": {"content": words}, "finish_reason": "stop"}]});
    stream(&format!("data: {chunk}\n\ndata: [DONE]\n\n"))
}

fn runs(command: &str) -> Say {
    let arguments = json!({ "command": command }).to_string();
    let call = json!({"index": 0, "id": "c", "function": {"name": "shell_exec", "arguments": arguments}});
    let chunk = json!({"choices": [{"delta": {"tool_calls": [call]}, "finish_reason": "tool_calls"}]});
    stream(&format!("data: {chunk}\n\ndata: [DONE]\n\n"))
}

/// A session with everything around it.
struct Scene {
    folder: tempfile::TempDir,
    play: Arc<Play>,
    server: Server,
    brain: Brain,
    events: mpsc::Receiver<Event>,
    ops: (mpsc::Sender<Op>, mpsc::Receiver<Op>),
}

fn setup(answerer: Answerer, interactive: bool) -> Setup {
    Setup {
        surface: "test".into(),
        model: "openai/stub".parse().unwrap(),
        answerer,
        surroundings: Surroundings {
            os: "Linux".into(),
            host: None,
            cwd: "/tmp".into(),
            shell: "bash".into(),
            date: "2026-11-20".into(),
            interactive,
        },
        env: BTreeMap::new(),
    }
}

fn http(server: &Server) -> Answerer {
    let config = ProviderConfig {
        name: "openai".into(),
        api: Api::OpenAiChat,
        base_url: server.address.clone(),
        key: Some(Secret::new("sk-secret".into())),
        key_source: "OPENAI_API_KEY".into(),
        limits: Default::default(),
    };
    let candidate = Candidate { model: "openai/stub".parse().unwrap(), provider: config, info: Default::default() };
    let patience = Patience { retry: Duration::from_millis(1), ..Patience::default() };
    Answerer::Http(Route {
        candidates: vec![candidate],
        patience,
        traffic: Arc::default(),
        redact: false,
        chosen: None,
    })
}

impl Scene {
    async fn open(script: Vec<Say>, interactive: bool) -> Self {
        Self::with(script, interactive, 1024).await
    }

    async fn with(script: Vec<Say>, interactive: bool, room: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("brain.db")).unwrap();
        let (server, play) = (Server::start(script), Arc::<Play>::default());
        let (sender, events) = mpsc::channel(room);
        let setup = setup(http(&server), interactive);
        let brain = Brain::start(setup, store, play.connector(), sender).await.unwrap();
        Self { folder, play, server, brain, events, ops: mpsc::channel(8) }
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("brain.db")
    }

    /// Runs a turn; the surface does what `react` says to each event.
    async fn turn(&mut self, mut react: impl FnMut(&Event) -> Option<Op>) -> (Status, Vec<Event>) {
        let ask = Ask {
            request: "do it".into(),
            data: Vec::new(),
            images: Vec::new(),
            limit: None,
            steps: crate::MAX_STEPS,
            think: None,
        };
        let turn = self.brain.run_turn(ask, &mut self.ops.1);
        tokio::pin!(turn);
        let mut seen = Vec::new();
        let end = tokio::time::Instant::now() + PATIENCE;
        let status = loop {
            tokio::select! {
                status = &mut turn => break status.unwrap(),
                Some(event) = self.events.recv() => {
                    if let Some(op) = react(&event) {
                        self.ops.0.send(op).await.unwrap();
                    }
                    seen.push(event);
                }
                () = sleep_until(end) => panic!("the turn hangs after {:?}", names(&seen)),
            }
        };
        while let Ok(event) = self.events.try_recv() {
            seen.push(event);
        }
        (status, seen)
    }

    fn commands(&self) -> Vec<String> {
        self.play.calls.lock().unwrap().iter().map(|(_, command)| command.clone()).collect()
    }
}

fn names(events: &[Event]) -> Vec<String> {
    events.iter().map(|event| serde_json::to_value(event).unwrap()["event"].as_str().unwrap().to_owned()).collect()
}

fn tool_end(events: &[Event]) -> &ToolEnd {
    let mut ends = events.iter().filter_map(|event| match &event.payload {
        Payload::ToolComplete(complete) => Some(&complete.end),
        _ => None,
    });
    ends.next_back().unwrap()
}

fn stored(path: &Path) -> Vec<Value> {
    let connection = rusqlite::Connection::open(path).unwrap();
    let mut select = connection.prepare("SELECT event FROM events ORDER BY version").unwrap();
    let rows = select.query_map([], |row| row.get::<_, String>(0)).unwrap();
    rows.map(|row| serde_json::from_str(&row.unwrap()).unwrap()).collect()
}

fn cancel_at(wanted: &'static str) -> impl FnMut(&Event) -> Option<Op> {
    move |event| (names(std::slice::from_ref(event)) == [wanted]).then_some(Op::Cancel)
}

#[tokio::test]
async fn a_turn_with_a_command_is_kept_before_it_is_shown() {
    let mut scene = Scene::open(vec![runs("ls"), says("There is a.txt.")], true).await;
    let path = scene.database();
    let (status, events) = scene
        .turn(|event| {
            let last = stored(&path).last().unwrap()["version"].as_u64().unwrap();
            assert!(last >= event.version, "{} was shown before it was kept", event.version);
            None
        })
        .await;
    assert_eq!(status, Status::Done);
    let expected = [
        "session.started",
        "turn.started",
        "usage",
        "tool.request",
        "tool.executing",
        "tool.output",
        "tool.complete",
        "message.delta",
        "usage",
        "message",
        "turn.completed",
    ];
    assert_eq!(names(&events), expected);
    assert_eq!(events.iter().map(|event| event.version).collect::<Vec<_>>(), (1..=11).collect::<Vec<_>>());
    let Payload::ToolOutput(shown) = &events[5].payload else { panic!("{events:?}") };
    assert_eq!((shown.text.as_str(), shown.bytes), ("a.txt\r\n", 7));
    let kept = stored(&path);
    assert_eq!(kept.len(), 11);
    assert_eq!(kept[5]["payload"].get("text"), None, "the log has it");
    assert_eq!(kept[10], serde_json::to_value(&events[10]).unwrap());
    // The second request carries what the command printed, fenced.
    let requests = scene.server.requests();
    assert!(requests[1].contains("<data ") && requests[1].contains("a.txt"), "{}", requests[1]);
    assert!(!format!("{kept:?}").contains("sk-secret"));
}

#[tokio::test]
async fn a_session_goes_on_with_what_was_said() {
    let mut scene = Scene::open(vec![says("My name is Stub."), says("Stub, as I said.")], true).await;
    scene.turn(|_| None).await;
    assert_eq!(scene.turn(|_| None).await.0, Status::Done);
    assert!(scene.server.requests()[1].contains("My name is Stub."));
}

#[tokio::test]
async fn a_question_is_answered_through_the_surface() {
    for (answer, expected) in [(Answer::Once, Status::Done), (Answer::No, Status::Declined)] {
        let mut scene = Scene::open(vec![runs("rm"), says("so be it")], true).await;
        let react = |event: &Event| match &event.payload {
            Payload::ApprovalNeeded(needed) => Some(Op::Resolve { approval: needed.approval.id.clone(), answer }),
            _ => None,
        };
        let (status, events) = scene.turn(react).await;
        assert_eq!(status, expected);
        assert!(names(&events).contains(&"approval.resolved".to_owned()));
        assert_eq!(matches!(tool_end(&events), ToolEnd::Ran(_)), answer == Answer::Once);
    }
}

#[tokio::test]
async fn without_anybody_to_ask_it_is_blocked() {
    let mut scene = Scene::open(vec![runs("rm"), says("I may not.")], false).await;
    let (status, events) = scene.turn(|_| None).await;
    assert_eq!(status, Status::Blocked);
    assert!(matches!(tool_end(&events), ToolEnd::Refused { refusal: Refusal::NobodyToAsk, .. }));
}

#[tokio::test]
async fn what_the_hands_refuse_is_told_to_the_model() {
    let mut scene = Scene::open(vec![runs("nonsense"), says("I see.")], true).await;
    assert_eq!(scene.turn(|_| None).await.0, Status::Done);
    assert!(scene.server.requests()[1].contains("no such option: see --help"));
}

#[tokio::test]
async fn cancel_stops_a_command_and_tells_its_true_end() {
    let mut scene = Scene::open(vec![runs("sleep")], true).await;
    let (status, events) = scene.turn(cancel_at("tool.executing")).await;
    assert_eq!(status, Status::Interrupted);
    assert!(matches!(tool_end(&events), ToolEnd::Ran(end) if end.signal == Some(15)), "{events:?}");
}

#[tokio::test]
async fn cancel_does_not_wait_for_what_will_not_end() {
    for command in ["deaf", "flood"] {
        let mut scene = Scene::open(vec![runs(command)], true).await;
        let mut cancelled = None;
        let mut react = cancel_at("tool.executing");
        let (status, events) = scene
            .turn(|event| {
                let op = react(event);
                cancelled = cancelled.or(op.is_some().then(Instant::now));
                op
            })
            .await;
        assert!(cancelled.unwrap().elapsed() < Duration::from_secs(2), "{command}");
        assert_eq!((status, tool_end(&events)), (Status::Interrupted, &ToolEnd::Cancelled), "{command}");
    }
}

#[tokio::test]
async fn cancel_while_the_model_is_silent() {
    let begun = [STREAM_HEAD, "data: {\"choices\":[{\"delta\":{\"content\":\"Well\"}}]}\n\n"].concat();
    let mut scene = Scene::open(vec![Say::Hang(begun.into()), says("second")], true).await;
    assert_eq!(scene.turn(cancel_at("message.delta")).await.0, Status::Interrupted);
    assert_eq!(scene.turn(|_| None).await.0, Status::Done);
}

#[tokio::test]
async fn a_surface_that_is_gone_stops_its_turn() {
    let mut scene = Scene::open(vec![runs("sleep")], true).await;
    let (sender, mut ops) = mpsc::channel(1);
    drop(sender);
    scene.events.close();
    let ask = Ask {
        request: "do it".into(),
        data: Vec::new(),
        images: Vec::new(),
        limit: None,
        steps: crate::MAX_STEPS,
        think: None,
    };
    let status = tokio::time::timeout(PATIENCE, scene.brain.run_turn(ask, &mut ops)).await.unwrap().unwrap();
    assert_eq!(status, Status::Interrupted);
    assert_eq!(stored(&scene.database()).last().unwrap()["payload"]["status"], "interrupted");
}

#[tokio::test]
async fn a_surface_that_takes_nothing_can_still_stop_the_turn() {
    let mut scene = Scene::with(vec![runs("flood")], true, 1).await;
    let ask = Ask {
        request: "do it".into(),
        data: Vec::new(),
        images: Vec::new(),
        limit: None,
        steps: crate::MAX_STEPS,
        think: None,
    };
    let (sender, mut ops) = mpsc::channel(1);
    let stop = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        sender.send(Op::Cancel).await.unwrap();
        Instant::now()
    };
    let (status, cancelled) = tokio::join!(tokio::time::timeout(PATIENCE, scene.brain.run_turn(ask, &mut ops)), stop);
    assert_eq!(status.unwrap().unwrap(), Status::Interrupted);
    assert!(cancelled.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_turn_has_only_the_time_it_was_given() {
    let mut scene = Scene::open(vec![runs("sleep")], true).await;
    let ask = Ask {
        request: "do it".into(),
        data: Vec::new(),
        images: Vec::new(),
        limit: Some(Duration::from_millis(150)),
        steps: crate::MAX_STEPS,
        think: None,
    };
    let status = tokio::time::timeout(PATIENCE, scene.brain.run_turn(ask, &mut scene.ops.1)).await.unwrap().unwrap();
    assert_eq!(status, Status::Timeout);
    let kept = stored(&scene.database());
    assert!(kept.iter().any(|event| event["payload"]["code"] == "turn_timeout"));
}

#[tokio::test]
async fn a_lost_connection_repeats_nothing() {
    let mut scene = Scene::open(vec![runs("crash"), says("done")], true).await;
    let (status, events) = scene.turn(|_| None).await;
    assert_eq!(status, Status::Done);
    let calls = scene.play.calls.lock().unwrap().clone();
    assert!(calls.len() == 2 && calls[0] == calls[1], "{calls:?}");
    let shown: String = events
        .iter()
        .filter_map(|event| match &event.payload {
            Payload::ToolOutput(output) => Some(output.text.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(shown, "half and half");
    assert_eq!(names(&events).iter().filter(|name| *name == "tool.executing").count(), 1);
}

#[tokio::test]
async fn hands_that_cannot_be_had() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("brain.db")).unwrap();
    let server = Server::start(Vec::new());
    let (sender, mut events) = mpsc::channel(64);
    let connect: Connect = Box::new(|| {
        let hint = Some("run `pryx doctor`".to_owned());
        let error = HandsError { code: "hands_unreachable".into(), message: "no hands".into(), hint };
        futures_util::future::ready(Err(error)).boxed()
    });
    let mut brain = Brain::start(setup(http(&server), true), store, connect, sender).await.unwrap();
    let (_keep, mut ops) = mpsc::channel(1);
    let ask = Ask {
        request: "do it".into(),
        data: Vec::new(),
        images: Vec::new(),
        limit: None,
        steps: crate::MAX_STEPS,
        think: None,
    };
    assert_eq!(brain.run_turn(ask, &mut ops).await.unwrap(), Status::HandsError);
    drop(brain);
    let mut seen = Vec::new();
    while let Some(event) = events.recv().await {
        seen.push(event);
    }
    assert!(seen.iter().any(|event| matches!(&event.payload, Payload::Error(report) if report.hint.is_some())));
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_provider_that_fails_says_what_to_do() {
    let mut scene = Scene::open(vec![stub::json("401 Unauthorized", "{}")], true).await;
    let (status, events) = scene.turn(|_| None).await;
    assert_eq!(status, Status::ProviderError);
    let report = events.iter().find_map(|event| match &event.payload {
        Payload::Error(report) => Some(report),
        _ => None,
    });
    let report = report.unwrap();
    assert_eq!(report.code, "unauthorized");
    assert!(report.hint.as_ref().unwrap().contains("OPENAI_API_KEY"));
    assert!(scene.commands().is_empty());
}

#[tokio::test]
async fn the_planner_answers_without_a_model() {
    let folder = tempfile::tempdir().unwrap();
    let play = Arc::<Play>::default();
    for (request, expected, connections) in
        [("write me a poem about crabs", Status::NothingToRun, 0), ("what is using port 8080?", Status::Done, 1)]
    {
        let store = Store::open(&folder.path().join("brain.db")).unwrap();
        let (sender, mut events) = mpsc::channel(64);
        let setup = setup(Answerer::Offline(Os::Linux), true);
        let mut brain = Brain::start(setup, store, play.connector(), sender).await.unwrap();
        let (_keep, mut ops) = mpsc::channel(1);
        let ask = Ask {
            request: request.into(),
            data: Vec::new(),
            images: Vec::new(),
            limit: None,
            steps: crate::MAX_STEPS,
            think: None,
        };
        assert_eq!(brain.run_turn(ask, &mut ops).await.unwrap(), expected);
        assert_eq!(play.connections.lock().unwrap().len(), connections, "the hands were called for nothing");
        drop(brain);
        let mut last = None;
        while let Some(event) = events.recv().await {
            if let Payload::MessageText(message) = event.payload {
                last = Some(message);
            }
        }
        let last = last.unwrap();
        assert!(last.answer && (expected == Status::NothingToRun || last.text == "a.txt"), "{last:?}");
    }
}

/// Opens the session again, as a new process would.
async fn again(scene: Scene, script: Vec<Say>) -> Scene {
    let Scene { folder, play, brain, .. } = scene;
    let session = brain.session().clone();
    drop(brain);
    let store = Store::open(&folder.path().join("brain.db")).unwrap();
    let server = Server::start(script);
    let (sender, events) = mpsc::channel(1024);
    let setup = setup(http(&server), true);
    let brain = Brain::resume(setup, &session, store, play.connector(), sender).await.unwrap();
    Scene { folder, play, server, brain, events, ops: mpsc::channel(8) }
}

/// Drops a turn at an event, as a kill would: what was kept until then is kept.
async fn kill_at(scene: &mut Scene, wanted: &str) {
    let ask = Ask {
        request: "do it".into(),
        data: Vec::new(),
        images: Vec::new(),
        limit: None,
        steps: crate::MAX_STEPS,
        think: None,
    };
    let turn = scene.brain.run_turn(ask, &mut scene.ops.1);
    tokio::pin!(turn);
    loop {
        tokio::select! {
            status = &mut turn => panic!("the turn ended: {status:?}"),
            Some(event) = scene.events.recv() => if names(&[event]) == [wanted] { return },
        }
    }
}

fn boundary(request: &str) -> String {
    let at = request.find("between <data ").unwrap() + "between <data ".len();
    request[at..].chars().take_while(char::is_ascii_alphanumeric).collect()
}

#[tokio::test]
async fn another_process_goes_on_with_the_same_words_behind_the_same_marks() {
    let mut scene = Scene::open(vec![runs("ls"), says("My name is Stub.")], true).await;
    scene.turn(|_| None).await;
    let before = scene.server.requests();
    let mut scene = again(scene, vec![says("Stub, as I said.")]).await;
    let (status, events) = scene.turn(|_| None).await;
    assert_eq!(status, Status::Done);
    assert_eq!(names(&events)[..2], ["session.resumed", "turn.started"]);
    assert_eq!(events[0].version, stored(&scene.database())[..].len() as u64 - events.len() as u64 + 1);
    let request = scene.server.requests().remove(0);
    assert_eq!(boundary(&request), boundary(&before[0]));
    // What was sent before is sent again byte for byte, which a provider's cache needs.
    let messages = |request: &str| {
        let body: Value = serde_json::from_str(&request[request.find("\r\n\r\n").unwrap() + 4..]).unwrap();
        body["messages"].as_array().unwrap().clone()
    };
    let (old, new) = (messages(&before[1]), messages(&request));
    assert_eq!(new[..old.len()], old[..]);
    assert!(request.contains("My name is Stub."));
}

#[tokio::test]
async fn a_session_is_gone_on_with_by_one_process_alone() {
    let scene = Scene::open(Vec::new(), true).await;
    let store = Store::open(&scene.database()).unwrap();
    let (sender, _events) = mpsc::channel(8);
    let second =
        Brain::resume(setup(http(&scene.server), true), scene.brain.session(), store, scene.play.connector(), sender);
    assert!(matches!(second.await.err(), Some(StoreError::InUse { .. })));
}

#[tokio::test]
async fn a_call_that_was_cut_off_is_asked_for_by_its_key_and_told_once() {
    let mut scene = Scene::open(vec![runs("outlive")], true).await;
    kill_at(&mut scene, "tool.executing").await;
    let mut scene = again(scene, vec![says("I see.")]).await;
    // The hands play on: the second time they know the key, they tell its end.
    let (status, events) = scene.turn(|_| None).await;
    assert_eq!(status, Status::Done);
    let keys: BTreeMap<CallKey, usize> =
        scene.play.calls.lock().unwrap().iter().fold(BTreeMap::new(), |mut keys, call| {
            *keys.entry(call.0.clone()).or_default() += 1;
            keys
        });
    assert_eq!(keys.len(), 1, "nothing but the old call, under its own key: {keys:?}");
    let ends: Vec<&Payload> =
        events.iter().map(|event| &event.payload).filter(|p| matches!(p, Payload::TurnCompleted(_))).collect();
    assert!(matches!(ends[0], Payload::TurnCompleted(end) if end.status == Status::Interrupted && end.steps == 1));
    assert_eq!(names(&events).iter().filter(|name| *name == "tool.complete").count(), 1);
    assert!(scene.server.requests()[0].contains("half and half"), "{}", scene.server.requests()[0]);
    // A third process finds nothing left to do.
    let mut scene = again(scene, vec![says("Yes.")]).await;
    let (_, events) = scene.turn(|_| None).await;
    assert_eq!(names(&events)[..2], ["session.resumed", "turn.started"]);
}

#[tokio::test]
async fn a_question_that_was_cut_off_is_asked_again() {
    let mut scene = Scene::open(vec![runs("rm")], true).await;
    kill_at(&mut scene, "approval.needed").await;
    let mut scene = again(scene, vec![says("I leave it.")]).await;
    let react = |event: &Event| match &event.payload {
        Payload::ApprovalNeeded(needed) => {
            Some(Op::Resolve { approval: needed.approval.id.clone(), answer: Answer::No })
        }
        _ => None,
    };
    let (status, events) = scene.turn(react).await;
    assert_eq!(status, Status::Done);
    assert!(matches!(tool_end(&events), ToolEnd::Refused { refusal: Refusal::Person, .. }));
}

#[tokio::test]
async fn a_cut_off_call_can_be_stopped_and_then_nothing_new_begins() {
    let mut scene = Scene::open(vec![runs("sleep")], true).await;
    kill_at(&mut scene, "tool.executing").await;
    let mut scene = again(scene, Vec::new()).await;
    let (status, events) = scene.turn(cancel_at("tool.executing")).await;
    assert_eq!(status, Status::Interrupted);
    assert!(!names(&events).contains(&"turn.started".to_owned()));
    assert!(matches!(tool_end(&events), ToolEnd::Ran(end) if end.signal == Some(15)), "{events:?}");
    assert!(scene.server.requests().is_empty());
}

#[tokio::test]
async fn without_hands_the_end_of_a_cut_off_call_is_unknown() {
    let mut scene = Scene::open(vec![runs("sleep")], true).await;
    kill_at(&mut scene, "tool.executing").await;
    let session = scene.brain.session().clone();
    let Scene { folder, brain, .. } = scene;
    drop(brain);
    let server = Server::start(Vec::new());
    let connect: Connect = Box::new(|| {
        let error = HandsError { code: "hands_unreachable".into(), message: "no hands".into(), hint: None };
        futures_util::future::ready(Err(error)).boxed()
    });
    let path = folder.path().join("brain.db");
    let (sender, _events) = mpsc::channel(64);
    let store = Store::open(&path).unwrap();
    let mut brain = Brain::resume(setup(http(&server), true), &session, store, connect, sender).await.unwrap();
    let (_keep, mut ops) = mpsc::channel(1);
    let ask = Ask {
        request: "and?".into(),
        data: Vec::new(),
        images: Vec::new(),
        limit: None,
        steps: crate::MAX_STEPS,
        think: None,
    };
    assert_eq!(brain.run_turn(ask, &mut ops).await.unwrap(), Status::HandsError);
    drop(brain);
    let history = Store::open(&path).unwrap().load(&session).unwrap().history;
    let told = serde_json::to_string(&history[2]).unwrap();
    assert!(told.contains("Unknown: ") && told.contains("job j1"), "{told}");
}
