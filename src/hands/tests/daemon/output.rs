//! What goes in and out: every byte, in order, at any speed.

use crate::Test;
use crate::world::*;
use pryx_ipc::{ErrorCode, Event, Exec, Follow, FollowFrom, InputPart, ReadLog, Resize, SendInput, Stdin, Update};
use pryx_terms::{CallKey, JobId, Outcome, Stream, StreamBytes};
use std::io::BufRead;
use std::time::Duration;

pub const TESTS: &[Test] = &[
    ("output::a_flood_is_kept_whole", a_flood_is_kept_whole),
    ("output::bytes_are_not_changed", bytes_are_not_changed),
    ("output::streams_are_kept_apart", streams_are_kept_apart),
    ("output::piped_input_arrives_whole", piped_input_arrives_whole),
    ("output::input_that_is_sent_again_is_typed_once", input_that_is_sent_again_is_typed_once),
    ("output::the_same_call_again_tells_what_is_missing", the_same_call_again_tells_what_is_missing),
    ("output::input_keeps_its_order", input_keeps_its_order),
    ("output::a_command_that_never_reads_blocks_nobody", a_command_that_never_reads_blocks_nobody),
    ("output::a_slow_follower_misses_nothing", a_slow_follower_misses_nothing),
    ("output::follow_can_stop_at_the_present_end", follow_can_stop_at_the_present_end),
    ("output::a_terminal_has_size_and_control_keys", a_terminal_has_size_and_control_keys),
];

/// Resident memory in KiB.
fn memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmHWM:"));
    line.and_then(|l| l.split_whitespace().nth(1)?.parse().ok()).unwrap_or(0)
}

fn a_flood_is_kept_whole() {
    const BYTES: u64 = 100_000_000;
    let world = World::new();
    let script = format!("yes 0123456789abcdef | head -c {BYTES}; sleep 0.2");
    let job = block(async {
        let client = world.client().await;
        client.call(detached(sh(&script))).await.unwrap().job
    });
    let keeper = u32::try_from(world.keeper(&job.id)).unwrap();
    let mut peak = 0;
    wait_until("the keeper has ended", || {
        peak = peak.max(memory(keeper));
        !lives(i32::try_from(keeper).unwrap())
    });
    let log = std::fs::File::open(world.home.join("jobs").join(job.id.as_str()).join("log")).unwrap();
    assert_eq!(log.metadata().unwrap().len(), BYTES);
    let mut log = std::io::BufReader::with_capacity(17 * 4096, log);
    let line = b"0123456789abcdef\n";
    let expected: Vec<u8> = line.iter().copied().cycle().take(line.len() * 4096).collect();
    loop {
        let part = log.fill_buf().unwrap();
        if part.is_empty() {
            break;
        }
        let length = part.len();
        assert!(part == &expected[..length]);
        log.consume(length);
    }
    let daemon = memory(world.daemon.as_ref().unwrap().id());
    if cfg!(target_os = "linux") {
        assert!(peak > 0 && peak < 64 * 1024, "keeper: {peak} KiB");
        assert!(daemon > 0 && daemon < 64 * 1024, "daemon: {daemon} KiB");
    }
}

fn bytes_are_not_changed() {
    let world = World::new();
    let copy = world.home.join("copy");
    let script = format!("head -c 1000000 /dev/urandom | tee {}", copy.display());
    for tty in [false, true] {
        // On a terminal the output modes would turn line feeds into two bytes; a raw one does not.
        let script = if tty { format!("stty raw; {script}") } else { script.clone() };
        block(async {
            let client = world.client().await;
            let command = if tty { on_tty(sh(&script)) } else { sh(&script) };
            let job = client.call(command).await.unwrap().job;
            let original = std::fs::read(&copy).unwrap();
            assert_eq!(original.len(), 1_000_000);
            assert!(world.log(&job.id) == original, "tty: {tty}");
            let (followed, _) = output(&client, &job.id).await;
            assert!(followed == original, "followed, tty: {tty}");
        });
    }
    let job = block(async { world.client().await.call(on_tty(sh("printf 'a\\nb\\n'"))).await.unwrap().job });
    assert_eq!(world.log(&job.id), b"a\r\nb\r\n");
}

fn streams_are_kept_apart() {
    let world = World::new();
    block(async {
        let client = world.client().await;
        let job = client.call(sh("echo out; echo err >&2; echo out2")).await.unwrap().job;
        let read = |stream| ReadLog { job: "last".to_owned(), stream, offset: 0, limit: 100 };
        for (stream, text) in [(Stream::Stdout, "out\nout2\n"), (Stream::Stderr, "err\n")] {
            let reply = client.call(read(Some(stream))).await.unwrap();
            assert!(reply.at_end);
            assert_eq!(String::from_utf8(reply.data.0).unwrap(), text);
        }
        assert_eq!(error_code(client.call(read(Some(Stream::Tty))).await), ErrorCode::NotFound);
        let part = ReadLog { job: job.id.to_string(), stream: None, offset: 4, limit: 3 };
        let part = client.call(part).await.unwrap();
        assert_eq!((part.data.0.as_slice(), part.at_end, part.offset), (&b"out"[..], false, 4));
        let beyond = ReadLog { job: job.id.to_string(), stream: None, offset: u64::MAX, limit: u32::MAX };
        assert!(client.call(beyond).await.unwrap().data.0.is_empty());
    });
}

fn input(job: &JobId, data: &[u8], eof: bool) -> SendInput {
    SendInput { job: job.to_string(), data: blob(data), eof, part: None, window: false }
}

fn piped_input_arrives_whole() {
    let world = World::new();
    let data: Vec<u8> = (0..1_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for tty in [false, true] {
        let copy = world.home.join("input");
        let mut command = detached(exec(&["sh", "-c", &format!("cat > {}", copy.display())]));
        command.stdin = Stdin::Pipe;
        let command = if tty { on_tty(command) } else { command };
        block(async {
            let client = world.client().await;
            let job = client.call(command).await.unwrap().job;
            for piece in data.chunks(300_000) {
                client.call(input(&job.id, piece, false)).await.unwrap();
            }
            client.call(input(&job.id, b"", true)).await.unwrap();
            let (_, record) = output(&client, &job.id).await;
            assert_eq!(record.outcome(), Some(&Outcome::Exited { code: 0 }));
            assert!(std::fs::read(&copy).unwrap() == data, "tty: {tty}");
            let late = error_code(client.call(input(&job.id, b"x", false)).await);
            assert_eq!(late, ErrorCode::NotFound, "it has ended");
        });
    }
}

fn input_that_is_sent_again_is_typed_once() {
    let world = World::new();
    let mut command = detached(exec(&["cat"]));
    command.stdin = Stdin::Pipe;
    block(async {
        let client = world.client().await;
        let job = client.call(command).await.unwrap().job;
        let key = CallKey::generate();
        let part = |offset| Some(InputPart { key: key.clone(), offset });
        for (offset, text) in [(0, "one "), (0, "one "), (2, "e two "), (4, "two "), (8, "three"), (8, "three")] {
            let again = SendInput { part: part(offset), ..input(&job.id, text.as_bytes(), false) };
            client.call(again).await.unwrap();
        }
        // Somebody else's bytes are somebody else's.
        client.call(SendInput { part: None, ..input(&job.id, b"!", false) }).await.unwrap();
        for _ in 0..2 {
            client.call(SendInput { part: part(13), ..input(&job.id, b"", true) }).await.unwrap();
        }
        let (seen, _) = output(&client, &job.id).await;
        assert_eq!(String::from_utf8_lossy(&seen), "one two three!");
    });
}

fn the_same_call_again_tells_what_is_missing() {
    let world = World::new();
    block(async {
        let call = sh("printf 123456789; printf abc >&2");
        let client = world.client().await;
        let first = client.call(call.clone()).await.unwrap().job;
        let stdout = StreamBytes { stream: Stream::Stdout, bytes: 4 };
        let again = Exec { have: vec![stdout], ..call };
        let mut call = world.client().await.start(again).await.unwrap();
        let mut told = [Vec::new(), Vec::new()];
        let reply = loop {
            match call.next().await.unwrap() {
                Update::Event(Event::Output(output)) => {
                    told[usize::from(output.stream == Stream::Stderr)].extend(output.data.0);
                }
                Update::Event(_) => {}
                Update::Reply(reply) => break reply,
            }
        };
        assert_eq!(reply.job.id, first.id, "it ran twice");
        assert_eq!(told, [b"56789".to_vec(), b"abc".to_vec()]);
    });
}

fn input_keeps_its_order() {
    let world = World::new();
    let mut command = detached(exec(&["cat"]));
    command.stdin = Stdin::Pipe;
    block(async {
        let client = world.client().await;
        let job = client.call(command).await.unwrap().job;
        let mut expected: Vec<u8> = Vec::new();
        // Sent without waiting in between, a few at a time: the connection holds only so many.
        for round in 0..40 {
            let mut calls = Vec::new();
            for number in 0..25 {
                let line = format!("line {round} {number}\n");
                expected.extend(line.as_bytes());
                calls.push(client.start(input(&job.id, line.as_bytes(), false)).await.unwrap());
            }
            for mut call in calls {
                assert!(matches!(call.next().await.unwrap(), Update::Reply(_)));
            }
        }
        client.call(input(&job.id, b"", true)).await.unwrap();
        assert_eq!(output(&client, &job.id).await.0, expected);
    });
}

fn a_command_that_never_reads_blocks_nobody() {
    let world = World::new();
    let mut command = detached(exec(&["sleep", "300"]));
    command.stdin = Stdin::Pipe;
    block(async {
        let client = world.client().await;
        let job = client.call(command).await.unwrap().job;
        // More than pipe and queue hold: its sender waits.
        let mut stuck = client.start(input(&job.id, &vec![b'x'; 700_000], false)).await.unwrap();
        let waits = tokio::time::timeout(Duration::from_millis(300), stuck.next()).await;
        assert!(waits.is_err(), "it was taken: {waits:?}");
        assert_eq!(live(&client).await.len(), 1, "the hands answer");
        let stop = pryx_ipc::Stop {
            target: pryx_ipc::StopTarget::Job { job: job.id.to_string() },
            grace_ms: 1000,
            by: "test".to_owned(),
        };
        client.call(stop).await.unwrap();
        let answer = stuck.next().await;
        assert!(answer.is_err(), "typed into nothing: {answer:?}");
        let nothing = client.call(detached(exec(&["sleep", "300"]))).await.unwrap().job;
        assert_eq!(error_code(client.call(input(&nothing.id, b"x", false)).await), ErrorCode::BadData);
    });
}

fn a_slow_follower_misses_nothing() {
    const BYTES: usize = 4_000_000;
    let world = World::new();
    block(async {
        let (slow, fast) = (world.client().await, world.client().await);
        let job = fast.call(detached(sh(&format!("yes abcdefg | head -c {BYTES}")))).await.unwrap().job;
        let follow =
            Follow { job: job.id.to_string(), from: FollowFrom::Start, stream: None, until_end: true, view: false };
        // Asks for everything, takes one event, and then nothing while the command runs to its end.
        let mut call = slow.start(follow).await.unwrap();
        let Event::Output(first) = next_event(&mut call).await else { panic!() };
        let (all, _) = output(&fast, &job.id).await;
        assert_eq!(all.len(), BYTES);
        let mut seen = first.data.0;
        loop {
            match call.next().await.unwrap() {
                Update::Event(Event::Output(output)) => {
                    assert_eq!(output.offset, seen.len() as u64);
                    seen.extend(output.data.0);
                }
                Update::Event(_) => {}
                Update::Reply(_) => break,
            }
        }
        assert!(seen == all);
    });
}

fn follow_can_stop_at_the_present_end() {
    let world = World::new();
    block(async {
        let client = world.client().await;
        let job = client.call(detached(sh("printf 'gr\\303\\274\\303'; sleep 300"))).await.unwrap().job;
        until_printed(&client, &job.id, "grü").await;
        for (from, expected) in [
            (FollowFrom::Start, &b"gr\xc3\xbc\xc3"[..]),
            (FollowFrom::Offset { offset: 2 }, &b"\xc3\xbc\xc3"[..]),
            (FollowFrom::Tail { bytes: 1 }, &b"\xc3"[..]),
        ] {
            let mut call = client
                .start(Follow {
                    job: job.id.to_string(),
                    from: from.clone(),
                    stream: None,
                    until_end: false,
                    view: false,
                })
                .await
                .unwrap();
            let mut seen = Vec::new();
            while let Update::Event(event) = call.next().await.unwrap() {
                let Event::Output(output) = event else { panic!("{event:?}") };
                seen.extend(output.data.0);
            }
            assert_eq!(seen, expected, "{from:?}");
        }
    });
}

fn a_terminal_has_size_and_control_keys() {
    let world = World::new();
    block(async {
        let client = world.client().await;
        // The word after it says that stty has been waited for: a shell ignores a Ctrl-C that its child survives.
        let script = "trap 'stty size; echo sized' WINCH; echo ready; while :; do :; done";
        let job = client.call(detached(on_tty(sh(script)))).await.unwrap().job;
        until_printed(&client, &job.id, "ready").await;
        client.call(Resize { job: job.id.to_string(), rows: 41, cols: 97 }).await.unwrap();
        until_printed(&client, &job.id, "41 97\r\nsized").await;
        client.call(input(&job.id, b"\x03", false)).await.unwrap();
        let (_, record) = output(&client, &job.id).await;
        assert_eq!(record.outcome(), Some(&Outcome::Signaled { signal: 2 }), "Ctrl-C");

        // Job control: a shell, a command stopped with Ctrl-Z and brought back.
        let shell = client.call(detached(on_tty(exec(&["bash", "--norc", "-i"])))).await.unwrap().job;
        let in_state = |state: &str| {
            let listing = std::process::Command::new("ps").args(["-eo", "stat=,args="]).output().unwrap();
            let listing = String::from_utf8_lossy(&listing.stdout).into_owned();
            // The tests may run at another priority (N, <).
            let plain = |line: &str| line.replace(['N', '<'], "");
            listing.lines().any(|line| plain(line).starts_with(state) && line.ends_with(" sleep 305.5"))
        };
        // Each step waits for the one before: a control key discards what was typed and not read yet.
        client.call(input(&shell.id, b"sleep 305.5\n", false)).await.unwrap();
        wait_until("it runs in the foreground", || in_state("S+"));
        client.call(input(&shell.id, b"\x1a", false)).await.unwrap();
        wait_until("Ctrl-Z has stopped it", || in_state("T"));
        until_printed(&client, &shell.id, "Stopped").await;
        client.call(input(&shell.id, b"fg\n", false)).await.unwrap();
        wait_until("it runs in the foreground again", || in_state("S+"));
        client.call(input(&shell.id, b"\x03", false)).await.unwrap();
        wait_until("Ctrl-C has ended it", || marked("sleep 305.5").is_empty());
        client.call(input(&shell.id, b"exit 5\n", false)).await.unwrap();
        let (_, record) = output(&client, &shell.id).await;
        assert_eq!(record.outcome(), Some(&Outcome::Exited { code: 5 }));
    });
}
