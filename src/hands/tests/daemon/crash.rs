//! What is left when something dies: the daemon, a keeper, both; and what a repeated request does then.

use crate::Test;
use crate::world::*;
use pryx_hands::{lock_path, metadata_path};
use pryx_ipc::{ErrorCode, ListJobs, Shutdown};
use pryx_terms::Outcome;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::Duration;

pub const TESTS: &[Test] = &[
    ("crash::a_killed_daemon_loses_nothing", a_killed_daemon_loses_nothing),
    ("crash::an_end_without_a_daemon_is_read_back", an_end_without_a_daemon_is_read_back),
    ("crash::a_killed_keeper_is_told_as_lost", a_killed_keeper_is_told_as_lost),
    ("crash::a_repeated_request_runs_once", a_repeated_request_runs_once),
    ("crash::there_is_one_daemon", there_is_one_daemon),
    ("crash::a_dead_socket_is_replaced", a_dead_socket_is_replaced),
    ("crash::an_idle_daemon_ends", an_idle_daemon_ends),
    ("crash::shutdown_leaves_jobs_running", shutdown_leaves_jobs_running),
    ("crash::directories_are_private", directories_are_private),
];

fn kill(pid: i32) {
    assert!(Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success());
}

fn a_killed_daemon_loses_nothing() {
    let mut world = World::new();
    for round in 0..5 {
        let command = sh("for i in $(seq 1 400); do echo line $i; sleep 0.002; done; exit 42");
        let again = command.clone();
        let job = block(async {
            let client = world.client().await;
            let mut call = client.start(command).await.unwrap();
            loop {
                if let pryx_ipc::Event::Output(output) = next_event(&mut call).await {
                    break output.job;
                }
            }
        });
        world.kill_daemon();
        world.restart();
        block(async {
            let client = world.client().await;
            let (bytes, record) = output(&client, &job).await;
            let expected: String = (1..=400).map(|i| format!("line {i}\n")).collect();
            assert_eq!(String::from_utf8(bytes).unwrap(), expected, "round {round}");
            assert_eq!(record.outcome(), Some(&Outcome::Exited { code: 42 }));
            let reply = client.call(again).await.unwrap();
            assert_eq!(reply.job.id, job, "the same key runs nothing new");
            let all = client.call(ListJobs { all: true, limit: 100, tag: None, after: None }).await.unwrap().jobs;
            assert_eq!(all.len(), round + 1);
        });
    }
}

fn an_end_without_a_daemon_is_read_back() {
    let mut world = World::new();
    let job = block(async {
        let client = world.client().await;
        client.call(detached(sh("sleep 0.3; echo late; exit 9"))).await.unwrap().job
    });
    let keeper = world.keeper(&job.id);
    world.kill_daemon();
    wait_until("the keeper ends", || !lives(keeper));
    world.restart();
    block(async {
        let client = world.client().await;
        let all = client.call(ListJobs { all: true, limit: 10, tag: None, after: None }).await.unwrap().jobs;
        assert_eq!(all[0].job.outcome(), Some(&Outcome::Exited { code: 9 }));
        assert_eq!((all[0].job.total_bytes(), world.log(&job.id)), (5, b"late\n".to_vec()));
    });
}

fn a_killed_keeper_is_told_as_lost() {
    let mut world = World::new();
    for daemon_too in [false, true] {
        let job = block(async {
            let client = world.client().await;
            let script = "setsid sleep 341.5 & echo go; sleep 342.5";
            let job = client.call(detached(sh(script))).await.unwrap().job;
            until_printed(&client, &job.id, "go").await;
            job
        });
        let keeper = world.keeper(&job.id);
        if daemon_too {
            world.kill_daemon();
        }
        kill(keeper);
        if daemon_too {
            world.restart();
        }
        block(async {
            let client = world.client().await;
            let (bytes, record) = output(&client, &job.id).await;
            assert_eq!(bytes, b"go\n");
            assert!(matches!(record.outcome(), Some(Outcome::Lost { .. })), "{record:?}");
        });
        wait_until("what it started is gone", || marked("sleep 341.5").is_empty() && marked("sleep 342.5").is_empty());
    }
}

fn a_repeated_request_runs_once() {
    let world = World::new();
    let traces = world.home.join("traces");
    let command = sh(&format!("echo x >> {}; sleep 0.2; echo out", traces.display()));
    block(async {
        let (one, two) = (world.client().await, world.client().await);
        let (first, second) = tokio::join!(one.call(command.clone()), two.call(command.clone()));
        let (first, second) = (first.unwrap().job, second.unwrap().job);
        assert_eq!(first.id, second.id);
        let third = one.call(command.clone()).await.unwrap().job;
        assert_eq!((third.id, third.state), (first.id, first.state));
        assert_eq!(std::fs::read_to_string(&traces).unwrap(), "x\n");
        let mut other = sh("echo something else");
        other.key = command.key.clone();
        assert_eq!(error_code(one.call(other).await), ErrorCode::BadData);
    });
}

fn there_is_one_daemon() {
    let world = World::new();
    let mut second = world.start(Duration::from_secs(5));
    assert_eq!(second.wait().unwrap().code(), Some(i32::from(TAKEN)));
    assert_eq!(world.exec(&["true"]).outcome(), Some(&Outcome::Exited { code: 0 }), "the first still serves");
    let holder = std::fs::read_to_string(lock_path(&world.run)).unwrap();
    assert_eq!(holder.trim(), world.daemon.as_ref().unwrap().id().to_string());
}

fn a_dead_socket_is_replaced() {
    let mut world = World::new();
    world.kill_daemon();
    assert!(world.socket().exists(), "a crash leaves it");
    world.restart();
    assert_eq!(world.exec(&["true"]).outcome(), Some(&Outcome::Exited { code: 0 }));
}

fn an_idle_daemon_ends() {
    let mut world = World::with_idle(Duration::from_millis(300));
    let job = block(async {
        let client = world.client().await;
        client.call(detached(exec(&["sleep", "1"]))).await.unwrap().job
    });
    let mut daemon = world.daemon.take().unwrap();
    let code = daemon.wait().unwrap().code();
    assert_eq!(code, Some(0));
    let record = std::fs::read_to_string(world.home.join("jobs").join(job.id.as_str()).join("record.json")).unwrap();
    assert!(record.contains("\"ended\""), "it ended before its job: {record}");
    assert!(!world.socket().exists() && !metadata_path(&world.run).exists(), "it tidies up");
}

fn shutdown_leaves_jobs_running() {
    let mut world = World::new();
    let job = block(async {
        let client = world.client().await;
        let mut waiting = client.start(sh("echo go; sleep 0.5; exit 4")).await.unwrap();
        let job = loop {
            if let pryx_ipc::Event::Output(output) = next_event(&mut waiting).await {
                break output.job;
            }
        };
        client.call(Shutdown::default()).await.unwrap();
        let code = loop {
            match waiting.next().await {
                Ok(pryx_ipc::Update::Event(_)) => {}
                other => break error_code(other),
            }
        };
        assert_eq!(code, ErrorCode::ShuttingDown);
        job
    });
    assert_eq!(world.daemon.take().unwrap().wait().unwrap().code(), Some(0));
    world.restart();
    let (_, record) = block(async { output(&world.client().await, &job).await });
    assert_eq!(record.outcome(), Some(&Outcome::Exited { code: 4 }));
}

fn directories_are_private() {
    let mut world = World::new();
    let job = world.exec(&["true"]);
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let dir = world.home.join("jobs").join(job.id.as_str());
    for path in [&world.home, &world.run, &world.home.join("jobs"), &world.run.join("k"), &dir] {
        assert_eq!(mode(path), 0o700, "{}", path.display());
    }
    for path in [dir.join("log"), dir.join("record.json"), world.home.join("hands.log"), metadata_path(&world.run)] {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    world.kill_daemon();
    std::fs::set_permissions(&world.run, std::fs::Permissions::from_mode(0o755)).unwrap();
    world.restart();
    assert_eq!(mode(&world.run), 0o700, "what was too open is closed");
    world.kill_daemon();
    let elsewhere = world.run.with_file_name("elsewhere");
    std::fs::rename(&world.run, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &world.run).unwrap();
    assert_eq!(world.start(Duration::from_secs(5)).wait().unwrap().code(), Some(1), "a link is refused");
}
