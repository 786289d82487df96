//! How commands end: codes, signals, starts that fail, time limits, children that outlive their parent.

use crate::Test;
use crate::world::*;
use pryx_ipc::{ErrorCode, ListJobs, Stop, StopTarget};
use pryx_terms::{JobState, Outcome, StopReason};
use std::time::Instant;

pub const TESTS: &[Test] = &[
    ("ends::exit_codes_are_exact", exit_codes_are_exact),
    ("ends::signals_are_named", signals_are_named),
    ("ends::a_start_that_fails_says_why", a_start_that_fails_says_why),
    ("ends::a_background_child_does_not_hold_up_the_end", a_background_child_does_not_hold_up_the_end),
    ("ends::time_limits_end_a_command", time_limits_end_a_command),
    ("ends::a_command_gets_three_descriptors", a_command_gets_three_descriptors),
    ("ends::job_references", job_references),
];

fn exit_codes_are_exact() {
    let world = World::new();
    for tty in [false, true] {
        for code in [0_u8, 1, 2, 7, 100, 126, 127, 128, 130, 137, 254, 255] {
            let job = block(async {
                let command = sh(&format!("exit {code}"));
                let command = if tty { on_tty(command) } else { command };
                world.client().await.call(command).await.unwrap().job
            });
            assert_eq!(job.outcome(), Some(&Outcome::Exited { code }));
        }
    }
}

fn signals_are_named() {
    let world = World::new();
    for (name, signal) in [("TERM", 15), ("KILL", 9), ("SEGV", 11), ("INT", 2), ("HUP", 1), ("PIPE", 13)] {
        let job = world.exec(&["sh", "-c", &format!("kill -{name} $$")]);
        assert_eq!(job.outcome(), Some(&Outcome::Signaled { signal }), "{name}");
    }
}

fn a_start_that_fails_says_why() {
    let world = World::new();
    block(async {
        let client = world.client().await;
        for (argv, cwd, word) in [
            (&["no-such-program-anywhere"][..], "/tmp", "No such file"),
            (&["/etc/passwd"], "/tmp", "ermission denied"),
            (&["true"], "/no/such/directory", "/no/such/directory"),
            (&["true"], "/etc/passwd", "Not a directory"),
        ] {
            let mut command = exec(argv);
            command.cwd = cwd.into();
            let key = command.key.clone();
            let mut again = exec(argv);
            again.cwd = cwd.into();
            again.key = key;
            let error = client.call(command).await.unwrap_err();
            assert!(error.to_string().contains(word), "{error}");
            assert_eq!(error_code(client.call(again).await), ErrorCode::SpawnFailed, "the same key, the same answer");
        }
        let all = client.call(ListJobs { all: true, limit: 100, tag: None, after: None }).await.unwrap().jobs;
        assert_eq!(all.len(), 4, "one row per try, none for a repetition");
        assert!(
            all.iter().all(|listed| matches!(listed.job.outcome(), Some(Outcome::Lost { .. }))),
            "no code is made up"
        );
        assert!(live(&client).await.is_empty());
    });
}

fn a_background_child_does_not_hold_up_the_end() {
    let world = World::new();
    for tty in [false, true] {
        let before = Instant::now();
        let script = "sleep 301.5 & setsid sleep 302.5 & (setsid nohup sleep 303.5 &) ; \
                      while [ \"$(ps -eo args= | grep -c '^sleep 30[123][.]5')\" -lt 3 ]; do :; done; echo hi";
        block(async {
            let client = world.client().await;
            let command = if tty { on_tty(sh(script)) } else { sh(script) };
            let job = client.call(command).await.unwrap().job;
            assert!(before.elapsed() < PATIENCE);
            let JobState::Ended { outcome, survivors, .. } = &job.state else { panic!("{job:?}") };
            assert_eq!(outcome, &Outcome::Exited { code: 0 });
            assert_eq!(survivors.len(), 3, "{job:?}");
            assert!(survivors.iter().all(|pid| lives(i32::try_from(*pid).unwrap())));
            assert!(String::from_utf8_lossy(&world.log(&job.id)).ends_with(if tty { "hi\r\n" } else { "hi\n" }));
            assert_eq!(live(&client).await.len(), 1, "still owned and listed");
            let target = StopTarget::Job { job: job.id.to_string() };
            client.call(Stop { target, grace_ms: 1000, by: "test".to_owned() }).await.unwrap();
            assert!(live(&client).await.is_empty());
        });
        for seconds in ["301.5", "302.5", "303.5"] {
            assert!(marked(&format!("sleep {seconds}")).is_empty(), "sleep {seconds} was left");
        }
    }
}

fn time_limits_end_a_command() {
    let world = World::new();
    let mut command = sh("echo begun; sleep 300");
    command.timeout_ms = Some(200);
    let job = block(async { world.client().await.call(command).await.unwrap().job });
    let JobState::Ended { outcome, stopped, survivors, .. } = job.state else { panic!() };
    assert_eq!(outcome, Outcome::Signaled { signal: 15 });
    assert_eq!(stopped.map(|s| (s.reason, s.signal)), Some((StopReason::Timeout, "TERM".to_owned())));
    assert!(survivors.is_empty());
}

/// A descriptor that the daemon's starter left open must not reach commands.
fn a_command_gets_three_descriptors() {
    let mut world = World::new();
    world.kill_daemon();
    let inner = world.command(PATIENCE * 20);
    let exe = inner.get_program().to_owned();
    let arguments: Vec<_> = inner.get_args().map(ToOwned::to_owned).collect();
    let mut outer = std::process::Command::new("sh");
    outer.args(["-c", "exec 7</etc/passwd 8>&1; exec \"$@\"", "sh"]).arg(exe).args(arguments);
    outer.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::piped());
    let mut child = outer.spawn().unwrap();
    let mut line = String::new();
    let mut reader = std::io::BufReader::new(child.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut reader, &mut line).unwrap();
    world.daemon = Some(child);
    // The shell's own listing is done by a builtin, so no descriptor of `ls` is in it.
    let script =
        "for fd in /proc/self/fd/* /dev/fd/*; do [ -e \"$fd\" ] && echo \"${fd##*/}\"; done | sort -un | tr '\\n' ' '";
    for tty in [false, true] {
        let job = block(async {
            let command = if tty { on_tty(exec(&["sh", "-c", script])) } else { exec(&["sh", "-c", script]) };
            world.client().await.call(command).await.unwrap().job
        });
        let open = String::from_utf8_lossy(&world.log(&job.id)).into_owned();
        let numbers: Vec<&str> = open.split_whitespace().collect();
        assert!(!numbers.contains(&"7") && !numbers.contains(&"8"), "{open}");
        // The glob itself reads the directory through one descriptor.
        assert!(numbers.starts_with(&["0", "1", "2"]) && numbers.len() <= 4, "{open}");
    }
}

fn job_references() {
    let world = World::new();
    block(async {
        let client = world.client().await;
        let one = client.call(exec(&["true"])).await.unwrap().job;
        let stop =
            |job: &str| Stop { target: StopTarget::Job { job: job.to_owned() }, grace_ms: 0, by: "test".to_owned() };
        for name in [one.id.as_str(), &one.id.as_str()[..5], "last"] {
            assert!(client.call(stop(name)).await.unwrap().stopped.is_empty(), "{name}");
        }
        for name in ["", "z", "nosuch1", "../..", "last "] {
            assert_eq!(error_code(client.call(stop(name)).await), ErrorCode::NotFound, "{name:?}");
        }
    });
}
