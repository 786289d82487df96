//! The wire, byte for byte: each file in `golden/` is one line of the protocol. Encoding a value must give the file,
//! decoding the file must give the value. `UPDATE_GOLDEN=1` writes the files anew: then read the diff, because what
//! changed there changed for every client in the field.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so by failing")]

use pryx_ipc::{
    Action, ApprovalNeeded, ApprovalResolved, AuditBreak, AuditLine, Blob, CallTool, CallToolReply, Cancel, ChangeCall,
    ChooseMode, ChooseModeReply, CloseWindows, CloseWindowsReply, Done, ErrorCode, Event, Exec, ExecReply, Explain,
    ExplainReply, Follow, FollowFrom, FollowReply, FromServer, GrantAlways, GrantAlwaysReply, Hello, HelloReply,
    InputPart, Inside, Io, JobEnded, JobHeld, JobListing, JobResumed, JobStarted, ListApprovals, ListApprovalsReply,
    ListChanges, ListChangesReply, ListGrants, ListGrantsReply, ListJobs, ListJobsReply, ListTools, ListToolsReply,
    LogMatch, LogPosition, Machine, OfferGrant, OfferGrantReply, OlderReply, Output, PlainReply, ReadAudit,
    ReadAuditReply, ReadLog, ReadLogReply, ReadTiming, ReadTimingReply, Reply, Request, Resize, ResolveApproval,
    RevokeGrant, Screen, ScreenFormat, ScreenReply, SearchLog, SearchLogReply, SendInput, SendKeys, Shutdown, Status,
    StatusReply, Stdin, Stop, StopReply, StopTarget, TerminalHeld, TimingEvent, Undo, UndoEnd, UndoReply, UndoTarget,
    UndoneChange, Until, VerifyAudit, VerifyAuditReply, Wait, WaitEnd, WaitReply, WireError, WritePolicy,
    WritePolicyReply, decode_from_server, decode_request, encode_event, encode_reply, encode_request,
};
use pryx_terms::{
    Access, Activity, Actor, Answer, Approval, ApprovalId, Area, CallKey, ChangeId, Confinement, Contacts, Excerpt,
    ExplainedPart, Explanation, FileChange, FileDiff, FileState, Grant, GrantId, GrantOffer, GrantScope, GrantSubject,
    GrantTerms, JobId, JobRecord, JobState, Live, Outcome, Plan, Program, Reach, Refusal, Resolution, RuleRef, Ruling,
    Seen, SessionId, StopCause, StopReason, Stream, StreamBytes, TerminalName, Timestamp, ToolResult, ToolSpec,
    Verdict,
};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// Compares one line with its file, or writes the file when asked to; gives back what the file holds.
fn golden(name: &str, line: &[u8]) -> Vec<u8> {
    let path = folder().join(format!("{name}.json"));
    if std::env::var_os("UPDATE_GOLDEN").is_some_and(|v| v == "1") {
        std::fs::write(&path, line).unwrap();
    }
    let file = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}; UPDATE_GOLDEN=1 makes it", path.display()));
    let (shown, wanted) = (String::from_utf8_lossy(line), String::from_utf8_lossy(&file));
    assert_eq!(shown, wanted, "{name}: the wire changed");
    file
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + seconds).unwrap()
}

fn key() -> CallKey {
    CallKey::parse("k3yk3yk3yk3yk3yk3yk3").unwrap()
}

fn session() -> SessionId {
    SessionId::parse("s3ss10ns3ss1").unwrap()
}

fn running() -> JobRecord {
    JobRecord {
        id: JobId::parse("j0bj0b1").unwrap(),
        command: "make -j2".into(),
        cwd: "/home/me/p".into(),
        actor: Actor::Person,
        session: None,
        terminal: None,
        within: None,
        tag: None,
        by_hand: false,
        waited_ms: None,
        keep: false,
        sandbox: None,
        started: at(0),
        state: JobState::Running { pid: 4711 },
        output: vec![StreamBytes { stream: Stream::Tty, bytes: 12 }],
    }
}

fn ended(outcome: Outcome) -> JobRecord {
    JobRecord {
        state: JobState::Ended { outcome, ended: at(3), survivors: vec![], stopped: None, seen: None },
        output: vec![
            StreamBytes { stream: Stream::Stdout, bytes: 5_000_000_000 },
            StreamBytes { stream: Stream::Stderr, bytes: 0 },
        ],
        ..running()
    }
}

fn stopped() -> JobRecord {
    let cause = StopCause { reason: StopReason::Timeout, by: "pryx exec --timeout".into(), signal: "KILL".into() };
    JobRecord {
        actor: Actor::Agent { session: Some(session()) },
        session: Some(session()),
        terminal: Some(TerminalName::parse("build").unwrap()),
        state: JobState::Ended {
            outcome: Outcome::Signaled { signal: 9 },
            ended: at(3),
            survivors: vec![4712, 4713],
            stopped: Some(cause),
            seen: Some(Seen::Waitpid),
        },
        ..running()
    }
}

fn ruling(verdict: Verdict) -> Ruling {
    Ruling {
        verdict,
        rule: RuleRef { name: "unknown-program".into(), source: "built in".into() },
        reason: "make can change anything".into(),
    }
}

fn approval() -> Approval {
    let plan = Plan {
        tool: "shell.exec".into(),
        command: "make > out".into(),
        argv: vec!["bash".into(), "-c".into(), "make > out".into()],
        cwd: "/home/me/p".into(),
        programs: vec![
            Program { name: "make".into(), path: Some("/usr/bin/make".into()), args: vec![], unsure: vec![] },
            Program { name: "missing".into(), path: None, args: vec!["$X".into()], unsure: vec![0] },
        ],
        files: vec![Access::Write { path: "out".into() }, Access::Read { path: "in".into() }],
        touches: vec![],
        sets: vec![],
        open: vec!["$X is not known before the run".into()],
        diff: None,
    };
    Approval {
        id: ApprovalId::parse("appr0v3").unwrap(),
        session: Some(session()),
        plan_hash: plan.hash(),
        plan,
        ruling: ruling(Verdict::Ask),
        sandbox: Some(Confinement::by("workspace+network", None)),
        asked: at(0),
        expires: at(300),
    }
}

fn exec() -> Exec {
    Exec {
        key: key(),
        argv: vec!["make".into(), "-j2".into()],
        cwd: "/home/me/p".into(),
        env: BTreeMap::from([("LANG".into(), "C.UTF-8".into())]),
        io: Io::Tty { rows: 24, cols: 80 },
        stdin: Stdin::Inherit,
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

fn had() -> Vec<StreamBytes> {
    vec![StreamBytes { stream: Stream::Stdout, bytes: 4096 }, StreamBytes { stream: Stream::Stderr, bytes: 0 }]
}

fn search() -> Request {
    SearchLog {
        job: "last".into(),
        stream: None,
        pattern: "x+".into(),
        offset: 0,
        line: None,
        limit: 100,
        whole_lines: false,
    }
    .into()
}

fn wait(until: Until) -> Request {
    Wait { job: "j0bj0b1".into(), until, timeout_ms: Some(60_000) }.into()
}

fn change() -> FileChange {
    let state = |digit: &str, bytes, mode| FileState { sha256: digit.repeat(64), bytes, mode };
    FileChange {
        id: ChangeId::parse("ch4nge1").unwrap(),
        at: at(0),
        session: Some(session()),
        tool: "fs.edit".into(),
        path: "/home/me/p/a.rs".into(),
        before: Some(state("a", 12, Some(0o644))),
        after: Some(state("b", 14, Some(0o644))),
        undone: None,
        undoes: None,
    }
}

fn undone() -> UndoReply {
    let diff = FileDiff {
        before: Some("b".repeat(64)),
        after: Some("a".repeat(64)),
        added: 1,
        removed: 1,
        text: "@@ -1 +1 @@\n-new\n+old\n".into(),
    };
    let by = ChangeId::parse("ch4nge2").unwrap();
    let made = FileChange { before: None, after: None, undone: Some(at(9)), undoes: Some(by.clone()), ..change() };
    let end = |end| UndoneChange { change: change(), end };
    UndoReply {
        changes: vec![
            end(UndoEnd::Done { by, diff: diff.clone() }),
            UndoneChange { change: made, end: UndoEnd::Already },
            end(UndoEnd::Changed { diff }),
            end(UndoEnd::Failed { message: "its copy can't be used".into() }),
        ],
    }
}

fn requests() -> Vec<(&'static str, Request)> {
    let job = || "j0bj0b1".to_owned();
    let mut requests = vec![
        ("hello", Hello { protocol: 1, client: "my-script".into(), version: "1.2".into() }.into()),
        ("status", Status {}.into()),
        ("list_tools", ListTools {}.into()),
        (
            "call_tool",
            CallTool {
                key: key(),
                session: session(),
                tool: "shell.exec".into(),
                arguments: json!({"command": "ls"}),
                cwd: "/home/me/p".into(),
                env: BTreeMap::new(),
                can_ask: true,
            }
            .into(),
        ),
        ("exec", exec().into()),
        ("exec.have", Exec { io: Io::Pipes, have: had(), ..exec() }.into()),
        ("exec.pipes", Exec { io: Io::Pipes, stdin: Stdin::Pipe, timeout_ms: Some(30_000), ..exec() }.into()),
        (
            "exec.inside",
            Exec {
                inside: Some(Inside {
                    terminal: TerminalName::parse("dev").unwrap(),
                    enter: true,
                    set: [("A".to_owned(), "b".to_owned())].into(),
                }),
                ..exec()
            }
            .into(),
        ),
        (
            "exec.terminal",
            Exec {
                argv: vec!["bash".into()],
                stdin: Stdin::Null,
                detach: true,
                terminal: Some(TerminalName::parse("build").unwrap()),
                ..exec()
            }
            .into(),
        ),
        ("list_jobs", ListJobs { all: true, limit: 20, tag: None, after: None }.into()),
        ("list_jobs.after", ListJobs { all: true, limit: 20, tag: None, after: Some(running().id) }.into()),
        ("read_log", ReadLog { job: job(), stream: Some(Stream::Stderr), offset: 100, limit: 65_536 }.into()),
        ("read_log.default_stream", ReadLog { job: "last".into(), stream: None, offset: 0, limit: 65_536 }.into()),
        ("search_log", search()),
        ("read_timing", ReadTiming { job: job(), stream: None, skip: 4096 }.into()),
        (
            "search_log.from",
            SearchLog {
                job: job(),
                stream: Some(Stream::Stderr),
                pattern: "(?i)error".into(),
                offset: 4096,
                line: Some(70),
                limit: 20,
                whole_lines: true,
            }
            .into(),
        ),
        ("follow", Follow { job: job(), from: FollowFrom::Start, stream: None, until_end: true, view: false }.into()),
        (
            "follow.offset",
            Follow {
                job: job(),
                from: FollowFrom::Offset { offset: 4096 },
                stream: None,
                until_end: true,
                view: false,
            }
            .into(),
        ),
        (
            "follow.tail",
            Follow {
                job: job(),
                from: FollowFrom::Tail { bytes: 1024 },
                stream: Some(Stream::Stdout),
                until_end: false,
                view: false,
            }
            .into(),
        ),
        (
            "follow.view",
            Follow { job: job(), from: FollowFrom::Tail { bytes: 1024 }, stream: None, until_end: true, view: true }
                .into(),
        ),
        (
            "follow.have",
            Follow { job: job(), from: FollowFrom::Have { have: had() }, stream: None, until_end: true, view: false }
                .into(),
        ),
        (
            "send_input",
            SendInput { job: job(), data: Blob(b"y\n".to_vec()), eof: false, part: None, window: false }.into(),
        ),
        (
            "send_input.part",
            SendInput {
                job: job(),
                data: Blob(b"y\n".to_vec()),
                eof: false,
                part: Some(InputPart { key: key(), offset: 7 }),
                window: true,
            }
            .into(),
        ),
        (
            "send_input.bytes",
            SendInput { job: job(), data: Blob(vec![0xff, 0x00]), eof: true, part: None, window: false }.into(),
        ),
        ("send_keys", SendKeys { job: job(), text: Blob(b"C-c is text".to_vec()), keys: vec!["Enter".into()] }.into()),
        ("screen", Screen { job: job(), format: ScreenFormat::Text }.into()),
        ("screen.svg", Screen { job: job(), format: ScreenFormat::Svg }.into()),
        ("wait", wait(Until::Exit)),
        ("wait.match", wait(Until::Match { pattern: "^ready".into() })),
        ("wait.silence", wait(Until::Silence { ms: 10_000 })),
        ("wait.port", wait(Until::Port { port: 8080 })),
        ("wait.prompt", wait(Until::Prompt)),
        ("wait.window", wait(Until::Window { more_than: 1 })),
        ("close_windows", CloseWindows { job: job() }.into()),
        ("resize", Resize { job: job(), rows: 50, cols: 132 }.into()),
        ("stop", Stop { target: StopTarget::Job { job: job() }, grace_ms: 2000, by: "my-script".into() }.into()),
        ("stop.all", Stop { target: StopTarget::All { kept: false }, grace_ms: 0, by: "my-script".into() }.into()),
        ("list_approvals", ListApprovals {}.into()),
        ("resolve_approval", ResolveApproval { approval: approval().id, answer: Answer::Once }.into()),
        ("resolve_approval.session", ResolveApproval { approval: approval().id, answer: Answer::Session }.into()),
        ("resolve_approval.no", ResolveApproval { approval: approval().id, answer: Answer::No }.into()),
        ("list_changes", ListChanges { session: None }.into()),
        ("list_changes.session", ListChanges { session: Some("s3ss".into()) }.into()),
        ("undo", Undo { target: UndoTarget::Last, force: false }.into()),
        ("undo.change", Undo { target: UndoTarget::Change { change: "ch4nge1".into() }, force: true }.into()),
        ("undo.session", Undo { target: UndoTarget::Session { session: "s3ss".into() }, force: false }.into()),
        ("cancel", Cancel { request: 7 }.into()),
        ("shutdown", Shutdown { stop_jobs: true, kept: false }.into()),
        ("shutdown.kept", Shutdown { stop_jobs: true, kept: true }.into()),
    ];
    requests.extend(gate_requests());
    requests
}

fn terms() -> GrantTerms {
    GrantTerms { pattern: Some("make *".into()), everywhere: true, session: true, seconds: Some(86_400), uses: Some(5) }
}

fn gate_requests() -> Vec<(&'static str, Request)> {
    let approval = || approval().id;
    let explain = Explain {
        command: "make > out".into(),
        cwd: "/home/me/p".into(),
        env: BTreeMap::from([("HOME".into(), "/home/me".into())]),
        mode: Some("workspace".into()),
        session: None,
    };
    let read =
        ReadAudit { session: Some(session()), job: None, row: None, since: Some(at(0)), limit: 100, before: None };
    vec![
        (
            "choose_mode",
            ChooseMode { session: session(), mode: "read-only".into(), workspace: Some("/w".into()) }.into(),
        ),
        ("explain", explain.into()),
        ("offer_grant", OfferGrant { approval: approval(), terms: GrantTerms::default() }.into()),
        ("grant", GrantAlways { approval: approval(), terms: terms() }.into()),
        ("change_call", ChangeCall { approval: approval(), command: "make".into() }.into()),
        ("list_grants", ListGrants {}.into()),
        ("revoke_grant", RevokeGrant { grant: grant().id }.into()),
        ("write_policy", WritePolicy { name: "mine".into(), text: "name: mine\n".into() }.into()),
        ("read_audit", read.into()),
        (
            "read_audit.row",
            ReadAudit { session: None, job: None, row: Some(3), since: None, limit: 100, before: None }.into(),
        ),
        ("verify_audit", VerifyAudit {}.into()),
    ]
}

fn grant() -> Grant {
    Grant {
        id: GrantId::parse("gr4nt01").unwrap(),
        tool: "shell.exec".into(),
        subject: GrantSubject::Commands { patterns: vec!["make *".into()] },
        scope: GrantScope::Workspace { root: "/home/me/p".into() },
        session: None,
        made: at(0),
        expires: Some(at(300)),
        uses_left: Some(5),
        used: 1,
        made_for: "make > out".into(),
    }
}

#[test]
fn every_request_is_pinned_in_both_directions() {
    let requests = requests();
    for (name, request) in &requests {
        let line = encode_request(Some(7), request).unwrap();
        let file = golden(&format!("request.{name}"), &line);
        let back = decode_request(&file);
        assert_eq!((back.id, back.request.as_ref()), (Some(7), Ok(request)), "{name}");
    }
    let seen: BTreeSet<&str> = requests.iter().map(|(_, r)| r.name()).collect();
    assert_eq!(seen, Request::ACTIONS.iter().copied().collect(), "an action has no golden file");
}

#[test]
fn what_a_request_leaves_out_has_the_documented_default() {
    let short: &[(&str, Request)] = &[
        (r#"{"id":1,"action":"status"}"#, Status {}.into()),
        (
            r#"{"id":1,"action":"list_jobs","data":{}}"#,
            ListJobs { all: false, limit: 100, tag: None, after: None }.into(),
        ),
        (
            r#"{"id":1,"action":"read_log","data":{"job":"last"}}"#,
            ReadLog { job: "last".into(), stream: None, offset: 0, limit: 65_536 }.into(),
        ),
        (r#"{"id":1,"action":"search_log","data":{"job":"last","pattern":"x+"}}"#, search()),
        (
            r#"{"id":1,"action":"stop","data":{"target":"all"}}"#,
            Stop { target: StopTarget::All { kept: false }, grace_ms: 2000, by: "a client".into() }.into(),
        ),
        (
            r#"{"id":1,"action":"follow","data":{"job":"last","from":"start"}}"#,
            Follow { job: "last".into(), from: FollowFrom::Start, stream: None, until_end: true, view: false }.into(),
        ),
        (r#"{"id":1,"action":"shutdown"}"#, Shutdown::default().into()),
        (
            r#"{"id":1,"action":"exec","data":{"key":"k3yk3yk3yk3yk3yk3yk3","argv":["make","-j2"],"cwd":"/home/me/p","env":{"LANG":"C.UTF-8"}}}"#,
            exec().into(),
        ),
    ];
    for (line, wanted) in short {
        assert_eq!(decode_request(line.as_bytes()).request.as_ref(), Ok(wanted), "{line}");
    }
    let keyless = br#"{"id":1,"action":"exec","data":{"argv":["true"],"cwd":"/"}}"#;
    let keys = [decode_request(keyless), decode_request(keyless)].map(|incoming| match incoming.request {
        Ok(Request::Exec(exec)) => exec.key,
        other => panic!("{other:?}"),
    });
    assert_ne!(keys[0], keys[1], "an exec without a key must get one of its own");
}

/// A reply under its action's name, and how to read it back.
struct Case {
    name: &'static str,
    action: &'static str,
    reply: Reply,
    read: fn(&str) -> Reply,
}

macro_rules! case {
    ($name:expr, $action:ty, $wrap:expr, $value:expr) => {
        Case {
            name: $name,
            action: <$action>::NAME,
            reply: ($wrap)($value),
            read: |text| ($wrap)(serde_json::from_str::<<$action as Action>::Reply>(text).unwrap()),
        }
    };
}

fn gate_replies() -> Vec<Case> {
    let explanation = Explanation {
        policy: "workspace".into(),
        plan: approval().plan,
        ruling: ruling(Verdict::Ask),
        parts: vec![ExplainedPart { text: "make".into(), ruling: ruling(Verdict::Ask) }],
        reach: Reach {
            read: Area::Everything,
            hidden: vec!["/home/me/.ssh".into()],
            write: Area::Below { paths: vec!["/home/me/p".into()] },
            workspace: Some("/home/me/p".into()),
            contact: Contacts::Nothing,
        },
        changes: vec!["a yes on its card".into()],
    };
    let offer = GrantOffer {
        grant: grant(),
        wider: Some("make *".into()),
        matches: vec!["make".into()],
        misses: vec!["sudo make".into()],
    };
    let line = AuditLine {
        seq: 3,
        at: at(0).to_string(),
        kind: "started".into(),
        actor: "agent".into(),
        session: Some(session().to_string()),
        call: Some(key().to_string()),
        job: Some("j0bj0b1".into()),
        body: json!({"command": "make"}),
        hash: "00".into(),
    };
    let written = WritePolicyReply {
        file: "/home/me/.pryx/policies/mine.yaml".into(),
        backup: Some("/home/me/.pryx/policies/mine.yaml.bak".into()),
        warnings: vec!["line 3: shell.exec without commands allows every command".into()],
    };
    let broken = VerifyAuditReply { rows: 2, fault: Some(AuditBreak { seq: 3, what: "a row is missing here".into() }) };
    vec![
        case!(
            "choose_mode",
            ChooseMode,
            Reply::ChooseMode,
            ChooseModeReply { mode: "read-only".into(), workspace: Some("/w".into()) }
        ),
        case!("explain", Explain, |r| Reply::Explain(Box::new(r)), ExplainReply { explanation }),
        case!("offer_grant", OfferGrant, |r| Reply::OfferGrant(Box::new(r)), OfferGrantReply { offer }),
        case!("grant", GrantAlways, |r| Reply::GrantAlways(Box::new(r)), GrantAlwaysReply { grant: grant() }),
        case!("change_call", ChangeCall, Reply::ChangeCall, Done {}),
        case!("list_grants", ListGrants, Reply::ListGrants, ListGrantsReply { grants: vec![grant()] }),
        case!("revoke_grant", RevokeGrant, Reply::RevokeGrant, Done {}),
        case!("write_policy", WritePolicy, Reply::WritePolicy, written),
        case!("read_audit", ReadAudit, Reply::ReadAudit, ReadAuditReply { rows: vec![line] }),
        case!("verify_audit", VerifyAudit, Reply::VerifyAudit, VerifyAuditReply { rows: 3, fault: None }),
        case!("verify_audit.broken", VerifyAudit, Reply::VerifyAudit, broken),
    ]
}

fn tool_replies() -> Vec<Case> {
    fn wrap(reply: CallToolReply) -> Reply {
        Reply::CallTool(Box::new(reply))
    }
    let output = Excerpt { head: "a\n".into(), tail: "z\n".into(), omitted_bytes: 90, total_bytes: 94 };
    let refused = |refusal| ToolResult::Refused { refusal, ruling: ruling(Verdict::Deny) };
    [
        ("call_tool", ToolResult::Ran { job: Box::new(ended(Outcome::Exited { code: 2 })), output: output.clone() }),
        (
            "call_tool.waits",
            ToolResult::Waits { job: Box::new(running()), output: output.clone(), activity: Activity::NeedsSecret },
        ),
        ("call_tool.text", ToolResult::Text { text: "answer".into() }),
        ("call_tool.failed", ToolResult::Failed { message: "there is no tool \"x\"".into() }),
        ("call_tool.refused_policy", refused(Refusal::Policy)),
        ("call_tool.refused_nobody_to_ask", refused(Refusal::NobodyToAsk)),
        ("call_tool.refused_person", refused(Refusal::Person)),
        ("call_tool.refused_timeout", refused(Refusal::Timeout)),
        ("call_tool.refused_cancelled", refused(Refusal::Cancelled)),
        ("call_tool.refused_drift", refused(Refusal::Drift { what: "/usr/bin/make is another file".into() })),
    ]
    .into_iter()
    .map(|(name, result)| case!(name, CallTool, wrap, CallToolReply { result }))
    .collect()
}

fn exec_reply(job: JobRecord) -> Reply {
    Reply::Exec(Box::new(ExecReply { job }))
}

fn lives() -> JobListing {
    let live = Live {
        activity: Activity::NeedsSecret,
        since: at(2),
        held: None,
        person: false,
        waiting: 0,
        cpu_ms: Some(1_250),
        resident_bytes: Some(12_288),
        last_line: "Password:".into(),
    };
    JobListing { job: running(), live: Some(live), windows: 0 }
}

fn job_replies() -> Vec<Case> {
    fn exec(reply: ExecReply) -> Reply {
        exec_reply(reply.job)
    }
    fn log(reply: ReadLogReply) -> Reply {
        Reply::ReadLog(Box::new(reply))
    }
    let screen = ScreenReply {
        job: running(),
        rows: 24,
        cols: 80,
        cursor: Some((1, 0)),
        alternate: true,
        content: "top\n".into(),
    };
    fn drawn(reply: ScreenReply) -> Reply {
        Reply::Screen(Box::new(reply))
    }
    fn waited(reply: WaitReply) -> Reply {
        Reply::Wait(Box::new(reply))
    }
    fn follow(reply: FollowReply) -> Reply {
        Reply::Follow(Box::new(reply))
    }
    fn found(reply: SearchLogReply) -> Reply {
        Reply::SearchLog(Box::new(reply))
    }
    let search_reply = SearchLogReply {
        job: running(),
        stream: Stream::Tty,
        matches: vec![LogMatch { at: LogPosition { offset: 6, line: 2 }, text: "xx grün".into() }],
        next: LogPosition { offset: 16, line: 3 },
        at_end: true,
    };
    fn timing(reply: ReadTimingReply) -> Reply {
        Reply::ReadTiming(Box::new(reply))
    }
    let timing_reply = ReadTimingReply {
        job: running(),
        stream: Stream::Tty,
        events: vec![TimingEvent::Size { at_ms: 0, rows: 24, cols: 80 }, TimingEvent::Output { at_ms: 120, end: 12 }],
        at_end: true,
    };
    let read = |data, at_end| ReadLogReply { job: running(), stream: Stream::Tty, offset: 6, data: Blob(data), at_end };
    let lost = Outcome::Lost { reason: "its keeper is gone".into() };
    vec![
        case!("exec", Exec, exec, ExecReply { job: ended(Outcome::Exited { code: 0 }) }),
        case!("exec.running", Exec, exec, ExecReply { job: running() }),
        case!("exec.signaled", Exec, exec, ExecReply { job: ended(Outcome::Signaled { signal: 11 }) }),
        case!("exec.lost", Exec, exec, ExecReply { job: ended(lost) }),
        case!(
            "list_jobs",
            ListJobs,
            Reply::ListJobs,
            ListJobsReply { jobs: vec![lives(), JobListing { job: stopped(), live: None, windows: 0 }], more: true }
        ),
        case!("read_log", ReadLog, log, read("grün\n".into(), true)),
        case!("read_log.bytes", ReadLog, log, read(vec![0xff, 0xfe], false)),
        case!("search_log", SearchLog, found, search_reply),
        case!("read_timing", ReadTiming, timing, timing_reply),
        case!("follow.closed", Follow, follow, FollowReply { job: stopped(), closed: true }),
        case!("follow", Follow, follow, FollowReply { job: stopped(), closed: false }),
        case!("screen", Screen, drawn, screen),
        case!("wait", Wait, waited, WaitReply { end: WaitEnd::Met { what: Some("ready".into()) }, job: running() }),
        case!("wait.timeout", Wait, waited, WaitReply { end: WaitEnd::Timeout, job: running() }),
        case!("wait.ended", Wait, waited, WaitReply { end: WaitEnd::Ended, job: stopped() }),
        case!("stop", Stop, Reply::Stop, StopReply { stopped: vec![stopped()] }),
    ]
}

fn replies() -> Vec<Case> {
    let hello = HelloReply { protocol: 1, version: "0.1.0".into(), pid: 4242, machine: None };
    let machine = Machine {
        os: "linux".into(),
        system: "linux (Debian GNU/Linux 12), x86_64".into(),
        home: "/home/me".into(),
        shell: "/bin/bash".into(),
    };
    let status = StatusReply {
        version: "0.1.0".into(),
        pid: 4242,
        uptime_s: 86_400,
        running_jobs: 2,
        connections: 1,
        home: "/home/me/.pryx".into(),
        you: Some(Actor::Person),
        sandbox: Some(Confinement::by("Landlock 7, seccomp", None)),
    };
    let tool = ToolSpec {
        name: "shell.exec".into(),
        description: "Runs a command.".into(),
        parameters: json!({"type": "object"}),
    };
    let mut cases = vec![
        case!("hello.machine", Hello, Reply::Hello, HelloReply { machine: Some(machine), ..hello.clone() }),
        case!("hello", Hello, Reply::Hello, hello),
        case!("status", Status, Reply::Status, status),
        case!("list_tools", ListTools, Reply::ListTools, ListToolsReply { tools: vec![tool] }),
        case!("send_input", SendInput, Reply::SendInput, Done {}),
        case!("send_keys", SendKeys, Reply::SendKeys, Done {}),
        case!("close_windows", CloseWindows, Reply::CloseWindows, CloseWindowsReply { closed: 2 }),
        case!("resize", Resize, Reply::Resize, Done {}),
        case!(
            "list_approvals",
            ListApprovals,
            Reply::ListApprovals,
            ListApprovalsReply { approvals: vec![approval()] }
        ),
        case!("resolve_approval", ResolveApproval, Reply::ResolveApproval, Done {}),
        case!("list_changes", ListChanges, Reply::ListChanges, ListChangesReply { changes: vec![change()] }),
        case!("undo", Undo, |reply| Reply::Undo(Box::new(reply)), undone()),
        case!("cancel", Cancel, Reply::Cancel, Done {}),
        case!("shutdown", Shutdown, Reply::Shutdown, Done {}),
    ];
    cases.extend(tool_replies());
    cases.extend(job_replies());
    cases.extend(gate_replies());
    cases
}

#[test]
fn every_reply_is_pinned_in_both_directions() {
    let cases = replies();
    for Case { name, reply, read, .. } in &cases {
        let line = encode_reply(Some(7), &Ok(reply.clone())).unwrap();
        let file = golden(&format!("reply.{name}"), &line);
        let FromServer::Reply(back) = decode_from_server(&file).unwrap() else { panic!("{name}: no reply") };
        assert_eq!((back.id, &read(back.result.unwrap().get())), (7, reply), "{name}");
    }
    let seen: BTreeSet<&str> = cases.iter().map(|case| case.action).collect();
    assert_eq!(seen, Request::ACTIONS.iter().copied().collect(), "an action's reply has no golden file");
}

/// The event to pin after this one. A new variant doesn't compile until it has its place here.
fn next_event(event: Option<&Event>) -> Option<(&'static str, Event)> {
    let output =
        |data| Event::Output(Output { job: running().id, stream: Stream::Stdout, offset: 6, data: Blob(data) });
    Some(match event {
        None => ("job_started", Event::JobStarted(Box::new(JobStarted { job: running() }))),
        Some(Event::JobStarted(_)) => ("output", output(b"ok\n".to_vec())),
        Some(Event::Output(Output { data: Blob(data), .. })) if data.is_ascii() => ("output.bytes", output(vec![0xff])),
        Some(Event::Output(_)) => {
            ("job_held", Event::JobHeld(JobHeld { job: running().id, reason: "No space left on device".into() }))
        }
        Some(Event::JobHeld(_)) => ("job_resumed", Event::JobResumed(JobResumed { job: running().id })),
        Some(Event::JobResumed(_)) => {
            let held = TerminalHeld { job: running().id, person: true, running: None, command: None, waiting: 1 };
            ("terminal_held", Event::TerminalHeld(held))
        }
        Some(Event::TerminalHeld(TerminalHeld { person: true, .. })) => {
            let (job, running) = (running().id, Some(stopped().id));
            let command = Some("make test".to_owned());
            (
                "terminal_held.running",
                Event::TerminalHeld(TerminalHeld { job, person: false, running, command, waiting: 0 }),
            )
        }
        Some(Event::TerminalHeld(_)) => ("job_ended", Event::JobEnded(Box::new(JobEnded { job: stopped() }))),
        Some(Event::JobEnded(_)) => {
            ("approval_needed", Event::ApprovalNeeded(Box::new(ApprovalNeeded { approval: approval() })))
        }
        Some(Event::ApprovalNeeded(_)) => {
            ("approval_resolved", resolved(Resolution::Person { answer: Answer::Session }))
        }
        Some(Event::ApprovalResolved(ApprovalResolved { resolution, .. })) => match resolution {
            Resolution::Person { .. } => ("approval_resolved.timeout", resolved(Resolution::Timeout)),
            Resolution::Timeout => ("approval_resolved.cancelled", resolved(Resolution::Cancelled)),
            Resolution::Cancelled => return None,
        },
    })
}

fn resolved(resolution: Resolution) -> Event {
    Event::ApprovalResolved(ApprovalResolved { approval: approval().id, resolution })
}

#[test]
fn every_event_is_pinned_in_both_directions() {
    let mut last = None;
    while let Some((name, event)) = next_event(last.as_ref()) {
        let line = encode_event(7, 3, &event).unwrap();
        let file = golden(&format!("event.{name}"), &line);
        match decode_from_server(&file).unwrap() {
            FromServer::Event { request: 7, seq: 3, event: back } => assert_eq!(back, event, "{name}"),
            other => panic!("{name}: {other:?}"),
        }
        last = Some(event);
    }
}

/// The code to pin after this one. A new variant doesn't compile until it has its place here.
fn next_code(code: Option<ErrorCode>) -> Option<(&'static str, ErrorCode)> {
    Some(match code {
        None => ("bad_frame", ErrorCode::BadFrame),
        Some(ErrorCode::BadFrame) => ("frame_too_large", ErrorCode::FrameTooLarge),
        Some(ErrorCode::FrameTooLarge) => ("hello_required", ErrorCode::HelloRequired),
        Some(ErrorCode::HelloRequired) => ("version_mismatch", ErrorCode::VersionMismatch),
        Some(ErrorCode::VersionMismatch) => ("unknown_action", ErrorCode::UnknownAction),
        Some(ErrorCode::UnknownAction) => ("bad_data", ErrorCode::BadData),
        Some(ErrorCode::BadData) => ("not_found", ErrorCode::NotFound),
        Some(ErrorCode::NotFound) => ("refused", ErrorCode::Refused),
        Some(ErrorCode::Refused) => ("spawn_failed", ErrorCode::SpawnFailed),
        Some(ErrorCode::SpawnFailed) => ("cancelled", ErrorCode::Cancelled),
        Some(ErrorCode::Cancelled) => ("busy", ErrorCode::Busy),
        Some(ErrorCode::Busy) => ("shutting_down", ErrorCode::ShuttingDown),
        Some(ErrorCode::ShuttingDown) => ("machine", ErrorCode::Machine),
        Some(ErrorCode::Machine) => return None,
    })
}

#[test]
fn every_error_code_is_pinned_in_both_directions() {
    let mut last = None;
    while let Some((name, code)) = next_code(last) {
        let error = WireError::new(code, "what went wrong").hint("what to do");
        let file = golden(&format!("error.{name}"), &encode_reply(Some(7), &Err(error.clone())).unwrap());
        let FromServer::Reply(back) = decode_from_server(&file).unwrap() else { panic!("{name}: no reply") };
        assert_eq!((back.id, back.result.unwrap_err()), (7, error), "{name}");
        last = Some(code);
    }
    let stray = WireError::new(ErrorCode::FrameTooLarge, "what went wrong");
    let file = golden("error.stray", &encode_reply(None, &Err(stray.clone())).unwrap());
    assert!(matches!(decode_from_server(&file).unwrap(), FromServer::Broken(error) if error == stray));
}

#[test]
fn the_plain_form_is_pinned_in_both_directions() {
    let request = Request::from(exec());
    let file = golden("plain.request", &encode_request(None, &request).unwrap());
    let back = decode_request(&file);
    assert_eq!((back.id, back.request.as_ref()), (None, Ok(&request)));

    let done = PlainReply {
        success: true,
        output: Some("a\n".into()),
        error: None,
        result: Some(serde_json::to_value(exec_reply(ended(Outcome::Exited { code: 0 }))).unwrap()),
    };
    let failed = PlainReply { success: false, output: None, error: Some("no such job (see ps)".into()), result: None };
    for (name, reply) in [("plain.done", done), ("plain.failed", failed)] {
        let mut line = serde_json::to_vec(&reply).unwrap();
        line.push(b'\n');
        assert_eq!(serde_json::from_slice::<PlainReply>(&golden(name, &line)).unwrap(), reply);
    }
}

#[test]
fn the_answers_of_the_older_protocol_are_pinned() {
    let done = OlderReply { exit_code: Some(0), ..OlderReply::done("a\n".into(), true) };
    for (name, reply) in [("older.done", done), ("older.failed", OlderReply::failed("there is no session x", false))] {
        let mut line = serde_json::to_vec(&reply).unwrap();
        line.push(b'\n');
        assert_eq!(serde_json::from_slice::<OlderReply>(&golden(name, &line)).unwrap(), reply);
    }
}

#[test]
fn no_golden_file_is_left_behind() {
    let apart = ["error.stray", "plain.request", "plain.done", "plain.failed", "older.done", "older.failed"];
    let mut known: BTreeSet<String> = apart.map(file).into();
    known.extend(requests().iter().map(|(name, _)| file(&format!("request.{name}"))));
    known.extend(replies().iter().map(|case| file(&format!("reply.{}", case.name))));
    let mut event = None;
    while let Some((name, next)) = next_event(event.as_ref()) {
        known.insert(file(&format!("event.{name}")));
        event = Some(next);
    }
    let mut code = None;
    while let Some((name, next)) = next_code(code) {
        known.insert(file(&format!("error.{name}")));
        code = Some(next);
    }
    let found: BTreeSet<String> =
        std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(found, known);
}

fn file(name: &str) -> String {
    format!("{name}.json")
}
