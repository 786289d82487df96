//! What an agent's command may not do, however it tries.

use crate::Test;
use crate::world::*;
use pryx_ipc::{Call, CallTool, Client, ErrorCode, Event, ListApprovals, ResolveApproval, Update};
use pryx_terms::{Answer, CallKey, JobRecord, Outcome, Refusal, Resolution, SessionId, ToolResult};
use std::path::PathBuf;

pub const TESTS: &[Test] = &[
    ("gate::a_question_is_asked_and_answered", a_question_is_asked_and_answered),
    ("gate::without_a_person_the_answer_is_no", without_a_person_the_answer_is_no),
    ("gate::an_agents_command_has_an_agents_rights", an_agents_command_has_an_agents_rights),
    ("gate::killing_its_keeper_gains_an_agent_nothing", killing_its_keeper_gains_an_agent_nothing),
    ("gate::a_question_outlives_a_daemon", a_question_outlives_a_daemon),
    ("gate::bad_arguments_are_told", bad_arguments_are_told),
    ("gate::a_session_reads_its_own_jobs_only", a_session_reads_its_own_jobs_only),
    ("gate::a_models_environment_holds_no_keys", a_models_environment_holds_no_keys),
];

fn call(command: &str) -> CallTool {
    CallTool {
        key: CallKey::generate(),
        session: SessionId::parse("s1").unwrap(),
        tool: "shell.exec".to_owned(),
        arguments: serde_json::json!({"command": command}),
        cwd: PathBuf::from("/tmp"),
        env: [("OPENAI_API_KEY", "k"), ("MY_SECRET", "s"), ("LANG", "C")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into(),
        can_ask: true,
    }
}

/// Says yes to whatever is asked; gives back the result and what was told on the way.
async fn allowed(client: &Client, call: CallTool) -> (ToolResult, Vec<Event>) {
    let running = client.start(call).await.unwrap();
    to_the_end(client, running).await
}

async fn to_the_end(client: &Client, mut running: Call<CallTool>) -> (ToolResult, Vec<Event>) {
    let mut told = Vec::new();
    loop {
        match running.next().await.unwrap() {
            Update::Event(event) => {
                if let Event::ApprovalNeeded(needed) = &event {
                    let answer = ResolveApproval { approval: needed.approval.id.clone(), answer: Answer::Once };
                    client.call(answer).await.unwrap();
                }
                told.push(event);
            }
            Update::Reply(reply) => return (reply.result, told),
        }
    }
}

fn ran(result: ToolResult) -> (JobRecord, String) {
    match result {
        ToolResult::Ran { job, output } => (*job, output.head),
        other => panic!("it did not run: {other:?}"),
    }
}

/// Something that no rule lets through unasked.
fn asked(world: &World, what: &str) -> String {
    format!("{} __client {} {what}", std::env::current_exe().unwrap().display(), world.socket().display())
}

fn a_question_is_asked_and_answered() {
    let world = World::new();
    block(async {
        let client = world.client().await;
        let request = call("touch /tmp/.pryx-test-touched; printf '\\033[31mred\\033[0m\\n'; exit 3");
        let (result, told) = allowed(&client, request.clone()).await;
        let kinds: Vec<&str> = told
            .iter()
            .map(|event| match event {
                Event::ApprovalNeeded(_) => "needed",
                Event::ApprovalResolved(_) => "resolved",
                Event::JobStarted(_) => "started",
                Event::Output(_) => "output",
                Event::JobHeld(_) | Event::JobResumed(_) | Event::TerminalHeld(_) => "held",
                Event::JobEnded(_) => "ended",
            })
            .collect();
        assert_eq!(kinds, ["needed", "resolved", "started", "output", "ended"]);
        let (job, text) = ran(result.clone());
        assert_eq!((job.outcome(), text.as_str()), (Some(&Outcome::Exited { code: 3 }), "red\n"));
        assert_eq!(client.call(request.clone()).await.unwrap().result, result, "the kept answer");

        let mut no = request;
        no.key = CallKey::generate();
        let mut running = client.start(no).await.unwrap();
        let Event::ApprovalNeeded(needed) = next_event(&mut running).await else { panic!() };
        assert_eq!(client.call(ListApprovals {}).await.unwrap().approvals.len(), 1);
        client.call(ResolveApproval { approval: needed.approval.id, answer: Answer::No }).await.unwrap();
        let Event::ApprovalResolved(resolved) = next_event(&mut running).await else { panic!() };
        assert_eq!(resolved.resolution, Resolution::Person { answer: Answer::No });
        let (result, _) = to_the_end(&client, running).await;
        assert!(matches!(result, ToolResult::Refused { refusal: Refusal::Person, .. }), "{result:?}");
    });
    std::fs::remove_file("/tmp/.pryx-test-touched").unwrap();
}

fn without_a_person_the_answer_is_no() {
    let world = World::new();
    block(async {
        let client = world.client().await;
        let mut request = call(&asked(&world, "shutdown"));
        request.can_ask = false;
        let result = client.call(request).await.unwrap().result;
        assert!(matches!(result, ToolResult::Refused { refusal: Refusal::NobodyToAsk, .. }), "{result:?}");

        let running = client.start(call(&asked(&world, "shutdown"))).await.unwrap();
        let mut running = running;
        next_event(&mut running).await;
        running.cancel().await.unwrap();
        let code = loop {
            match running.next().await {
                Ok(Update::Event(_)) => {}
                other => break error_code(other),
            }
        };
        assert_eq!(code, ErrorCode::Cancelled);
        assert!(client.call(ListApprovals {}).await.unwrap().approvals.is_empty(), "withdrawn with its call");
    });
}

fn an_agents_command_has_an_agents_rights() {
    let world = World::new();
    block(async {
        let client = world.client().await;
        let persons = client.call(detached(exec(&["sleep", "351.5"]))).await.unwrap().job;
        let mut waiting = client.start(call("touch /tmp/never-allowed")).await.unwrap();
        let Event::ApprovalNeeded(needed) = next_event(&mut waiting).await else { panic!() };
        let question = needed.approval.id;
        let client_of = |what: &str| asked(&world, what);
        for what in [
            "shutdown".to_owned(),
            format!("stop {}", persons.id),
            format!("approve {question}"),
            "exec touch /tmp/never-allowed".to_owned(),
        ] {
            for command in [
                client_of(&what),
                // From a daemonised process that left session and parents behind.
                format!(
                    "(setsid nohup sh -c 'sleep 0.2; {} > /tmp/.pryx-test-out' &); sleep 1; cat /tmp/.pryx-test-out; rm -f /tmp/.pryx-test-out",
                    client_of(&what)
                ),
            ] {
                let (_, text) = ran(allowed(&client, call(&command)).await.0);
                assert!(text.contains("answer: Refused"), "{what}: {text}");
            }
        }
        assert!(lives(i32::try_from(pid_of(&persons)).unwrap()));
        assert_eq!(client.call(ListApprovals {}).await.unwrap().approvals.len(), 1, "unanswered");
        assert!(!std::path::Path::new("/tmp/never-allowed").exists());
        // The same from the person's own command is the person's act.
        let own = client.call(sh(&client_of("exec true"))).await.unwrap().job;
        assert_eq!(world.log(&own.id), b"answer: done\n");
    });
}

fn pid_of(job: &JobRecord) -> u32 {
    match job.state {
        pryx_terms::JobState::Running { pid } => pid,
        pryx_terms::JobState::Ended { .. } => panic!("it has ended"),
    }
}

fn killing_its_keeper_gains_an_agent_nothing() {
    let world = World::new();
    block(async {
        let client = world.client().await;
        let out = world.home.join("out");
        // Its environment is cleared and it has a session of its own, so that nothing marks it.
        let inner = format!("kill -9 $K; {} > {}; true", asked(&world, "shutdown"), out.display());
        // `kill` in plain sight keeps it out of the sandbox, where it could not signal its keeper at all.
        let command = format!(
            "kill -0 1; K=$(echo $(ps -o ppid= -p $$)); env -i K=$K setsid sh -c '{inner}' & wait; sleep 361.5"
        );
        let (result, _) = allowed(&client, call(&command)).await;
        assert!(matches!(ran(result).0.outcome(), Some(Outcome::Lost { .. })));
        if cfg!(target_os = "linux") {
            wait_until("it got its answer", || std::fs::read_to_string(&out).is_ok_and(|text| text.contains("answer")));
            assert_eq!(std::fs::read_to_string(&out).unwrap(), "answer: Refused\n");
        }
        assert!(live(&client).await.is_empty());
    });
}

fn a_question_outlives_a_daemon() {
    let mut world = World::new();
    let request = call("touch /tmp/.pryx-test-again; echo touched; rm /tmp/.pryx-test-again");
    let first = block(async {
        let client = world.client().await;
        let mut running = client.start(request.clone()).await.unwrap();
        let Event::ApprovalNeeded(needed) = next_event(&mut running).await else { panic!() };
        needed.approval.id
    });
    world.kill_daemon();
    world.restart();
    block(async {
        let client = world.client().await;
        let waiting = client.call(ListApprovals {}).await.unwrap().approvals;
        assert_eq!(waiting.iter().map(|a| &a.id).collect::<Vec<_>>(), [&first]);
        // Answered while nobody waits for it; the repeated call then runs without asking again.
        client.call(ResolveApproval { approval: first, answer: Answer::Once }).await.unwrap();
        let (result, told) = allowed(&client, request).await;
        assert!(!told.iter().any(|event| matches!(event, Event::ApprovalNeeded(_))), "{told:?}");
        assert_eq!(ran(result).1, "touched\n");
    });
}

fn bad_arguments_are_told() {
    let world = World::new();
    block(async {
        let client = world.client().await;
        for (tool, arguments) in [
            ("shell.exec", serde_json::json!({})),
            ("shell.exec", serde_json::json!({"command": " "})),
            ("shell.exec", serde_json::json!({"command": "true", "timeout_s": 0})),
            ("shell.exec", serde_json::json!({"command": "true", "cwd": "/no/such"})),
            ("shell.exec", serde_json::json!({"command": "true", "approved": true})),
            ("shell.read", serde_json::json!({"job": "nosuch"})),
            ("shell.magic", serde_json::json!({})),
        ] {
            let mut request = call("");
            request.tool = tool.to_owned();
            request.arguments = arguments;
            let result = client.call(request.clone()).await.unwrap().result;
            assert!(matches!(result, ToolResult::Failed { .. }), "{request:?}: {result:?}");
        }
    });
}

fn a_models_environment_holds_no_keys() {
    let world = World::new();
    block(async {
        let client = world.client().await;
        let (_, text) = ran(allowed(&client, call("env")).await.0);
        assert!(text.contains("PRYX_JOB=") && text.contains("PAGER=cat") && text.contains("LANG=C"), "{text}");
        assert!(!text.contains("OPENAI") && !text.contains("MY_SECRET"), "{text}");
    });
}

fn a_session_reads_its_own_jobs_only() {
    let world = World::new();
    block(async {
        let client = world.client().await;
        let (job, _) = ran(allowed(&client, call("seq 1 100000 | cat; true")).await.0);
        let read = |session: &str, arguments: serde_json::Value| {
            let mut request = call("");
            request.session = SessionId::parse(session).unwrap();
            request.tool = "shell.read".to_owned();
            request.arguments = arguments;
            request
        };
        let own = read("s1", serde_json::json!({"job": job.id.as_str(), "offset": 3, "limit": 6}));
        let ToolResult::Text { text } = client.call(own).await.unwrap().result else { panic!() };
        let total = job.total_bytes();
        assert_eq!(text, format!("[job {}, exit 0: bytes 3 to 9 of {total} of its output]\n2\n3\n", job.id));
        let tail = read("s1", serde_json::json!({"job": "last", "tail": 8}));
        let ToolResult::Text { text } = client.call(tail).await.unwrap().result else { panic!() };
        assert!(text.ends_with("]\n100000\n"), "{text}");
        let mut foreign = read("s2", serde_json::json!({"job": job.id.as_str()}));
        foreign.can_ask = false;
        let result = client.call(foreign).await.unwrap().result;
        assert!(matches!(result, ToolResult::Refused { refusal: Refusal::NobodyToAsk, .. }), "{result:?}");
    });
}
