//! Stopping: fast, complete, and nobody else's processes.

use crate::Test;
use crate::world::*;
use pryx_ipc::{Client, ErrorCode, Exec, Stop, StopTarget};
use pryx_terms::{JobRecord, JobState, Outcome};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub const TESTS: &[Test] = &[
    ("stops::whatever_runs_ends_at_once", whatever_runs_ends_at_once),
    ("stops::one_that_ignores_term_is_killed", one_that_ignores_term_is_killed),
    ("stops::nothing_is_left_of_a_forking_tree", nothing_is_left_of_a_forking_tree),
    ("stops::foreign_processes_are_not_touched", foreign_processes_are_not_touched),
    ("stops::a_cancelled_request_stops_its_command", a_cancelled_request_stops_its_command),
    ("stops::a_client_that_hangs_up_stops_nothing", a_client_that_hangs_up_stops_nothing),
    ("stops::an_interactive_shell_is_hung_up_on", an_interactive_shell_is_hung_up_on),
];

async fn stop(client: &Client, job: &JobRecord, grace_ms: u64) -> JobRecord {
    let target = StopTarget::Job { job: job.id.to_string() };
    let mut reply = client.call(Stop { target, grace_ms, by: "test".to_owned() }).await.unwrap();
    assert_eq!(reply.stopped.len(), 1);
    reply.stopped.remove(0)
}

fn signal_of(job: &JobRecord) -> Option<String> {
    match &job.state {
        JobState::Ended { stopped, .. } => stopped.as_ref().map(|s| s.signal.clone()),
        JobState::Running { .. } => None,
    }
}

fn whatever_runs_ends_at_once() {
    let world = World::new();
    let cases: [(&str, Exec); 4] = [
        ("a busy loop", sh("echo go; while :; do :; done")),
        ("a flood", on_tty(sh("echo go; exec yes"))),
        ("a stopped process", sh("echo go; kill -STOP $$; sleep 300")),
        ("a raw terminal", on_tty(sh("stty raw -echo; echo go; sleep 300"))),
    ];
    block(async {
        let client = world.client().await;
        for (what, command) in cases {
            let job = client.call(detached(command)).await.unwrap().job;
            until_printed(&client, &job.id, "go").await;
            let before = Instant::now();
            let record = stop(&client, &job, 5000).await;
            // The grace is 5 s: less means that it needed none of it.
            assert!(before.elapsed() < Duration::from_secs(3), "{what} took {:?}", before.elapsed());
            assert_eq!(record.outcome(), Some(&Outcome::Signaled { signal: 15 }), "{what}");
            assert_eq!(signal_of(&record).as_deref(), Some("TERM"), "{what}");
        }
    });
}

fn one_that_ignores_term_is_killed() {
    let world = World::new();
    block(async {
        let client = world.client().await;
        let script = "trap '' TERM; setsid bash -c \"trap '' TERM; echo go; exec sleep 311.5\" & wait; sleep 312.5";
        let job = client.call(detached(sh(script))).await.unwrap().job;
        until_printed(&client, &job.id, "go").await;
        let record = stop(&client, &job, 100).await;
        assert_eq!(record.outcome(), Some(&Outcome::Signaled { signal: 9 }));
        assert_eq!(signal_of(&record).as_deref(), Some("KILL"));
        assert!(marked("sleep 311.5").is_empty() && marked("sleep 312.5").is_empty());
    });
}

fn nothing_is_left_of_a_forking_tree() {
    let world = World::new();
    // Each process replaces itself by two that left session and parent, ignoring what they can; at most 64 at once.
    let script = r#"
        f='[ "$(pgrep -fc FORKTREE)" -gt 64 ] && sleep 0.05; trap "" TERM HUP; setsid nohup bash -c "$F" FORKTREE & setsid nohup bash -c "$F" FORKTREE & sleep 0.02'
        export F="$f"; echo go; bash -c "$F" FORKTREE; sleep 300"#;
    block(async {
        let client = world.client().await;
        for round in 0..10 {
            let job = client.call(detached(sh(script))).await.unwrap().job;
            until_printed(&client, &job.id, "go").await;
            wait_until("the tree has grown", || marked("FORKTREE").len() > 4);
            stop(&client, &job, [0, 50][round % 2]).await;
            assert!(marked("FORKTREE").is_empty(), "round {round}: {:?}", marked("FORKTREE"));
            assert!(live(&client).await.is_empty());
        }
    });
}

fn foreign_processes_are_not_touched() {
    let world = World::new();
    let mut sleep = Command::new("sleep");
    let mut stranger = Stranger(sleep.arg("321.5").stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap());
    block(async {
        let client = world.client().await;
        let kept = client.call(detached(sh("echo go; sleep 322.5"))).await.unwrap().job;
        until_printed(&client, &kept.id, "go").await;
        let job = client.call(detached(sh("sleep 323.5 & echo go; wait"))).await.unwrap().job;
        until_printed(&client, &job.id, "go").await;
        stop(&client, &job, 0).await;
        assert!(marked("sleep 323.5").is_empty());
        assert!(!marked("sleep 322.5").is_empty(), "the other job");
    });
    assert!(stranger.0.try_wait().unwrap().is_none(), "a stranger was killed");
}

struct Stranger(Child);

impl Drop for Stranger {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn a_cancelled_request_stops_its_command() {
    let world = World::new();
    block(async {
        let client = world.client().await;
        let mut call = client.start(sh("trap '' TERM; echo go; sleep 331.5")).await.unwrap();
        let job = loop {
            match next_event(&mut call).await {
                pryx_ipc::Event::Output(output) => break output.job,
                _ => continue,
            }
        };
        let before = Instant::now();
        call.cancel().await.unwrap();
        let mut ended = None;
        let code = loop {
            match call.next().await {
                Ok(pryx_ipc::Update::Event(pryx_ipc::Event::JobEnded(event))) => ended = Some(event.job),
                Ok(pryx_ipc::Update::Event(_)) => {}
                other => break error_code(other),
            }
        };
        assert_eq!(code, ErrorCode::Cancelled);
        let ended = ended.expect("the record comes as an event");
        assert_eq!((ended.id.clone(), ended.outcome()), (job, Some(&Outcome::Signaled { signal: 9 })));
        assert!(before.elapsed() < Duration::from_secs(3));
        assert!(marked("sleep 331.5").is_empty());
    });
}

fn a_client_that_hangs_up_stops_nothing() {
    let world = World::new();
    let command = sh("echo go; sleep 0.4; echo done; exit 3");
    let key = command.key.clone();
    let job = block(async {
        let client = world.client().await;
        let mut call = client.start(command.clone()).await.unwrap();
        loop {
            if let pryx_ipc::Event::Output(output) = next_event(&mut call).await {
                break output.job;
            }
        }
    });
    // The runtime is gone, and with it the connection.
    block(async {
        let client = world.client().await;
        let again = Exec { key, ..command };
        let reply = client.call(again).await.unwrap();
        assert_eq!((reply.job.id.clone(), reply.job.outcome()), (job, Some(&Outcome::Exited { code: 3 })));
        assert_eq!(world.log(&reply.job.id), b"go\ndone\n");
    });
}

fn an_interactive_shell_is_hung_up_on() {
    let world = World::new();
    block(async {
        let client = world.client().await;
        let mut command = detached(on_tty(exec(&["bash", "--norc", "-i"])));
        command.env.insert("PS1".to_owned(), "ready> ".to_owned());
        command.terminal = Some("work".parse().unwrap());
        let job = client.call(command.clone()).await.unwrap().job;
        until_printed(&client, &job.id, "ready>").await;
        command.key = pryx_terms::CallKey::generate();
        assert_eq!(error_code(client.call(command).await), ErrorCode::BadData, "the name is taken");
        let before = Instant::now();
        let target = StopTarget::Job { job: "work".to_owned() };
        client.call(Stop { target, grace_ms: 20_000, by: "test".to_owned() }).await.unwrap();
        assert!(before.elapsed() < Duration::from_secs(10), "it waited for the grace");
        assert!(live(&client).await.is_empty());
    });
}
