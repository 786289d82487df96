//! What jobs printed, read back: parts of it, lines that match, and what a model is shown of it.

use super::env::{Act, Done, PATIENCE, PRYX, TestEnv, wait_until};
use std::path::Path;

/// Runs a script on pipes to its end; the job's id.
#[track_caller]
fn ran(env: &TestEnv, script: &str) -> String {
    let id = env.ok(["exec", "-d", "--", "sh", "-c", script]).trim().to_owned();
    env.ok(["log", "-f", &id]);
    id
}

/// Runs a script on a terminal to its end; the job's id.
#[track_caller]
fn ran_on_tty(env: &TestEnv, script: &str) -> String {
    let id = env.ok(["exec", "-d", "--tty", "--", "sh", "-c", script]).trim().to_owned();
    env.ok(["log", "-f", &id]);
    id
}

fn log(env: &TestEnv, args: &[&str]) -> Done {
    env.pryx(["log"].iter().chain(args)).run()
}

#[test]
fn a_log_can_be_read_in_parts() {
    let env = TestEnv::new();
    let id = ran(&env, "seq 1 30000; echo to stderr >&2; echo more >&2");
    let whole: String = (1..=30_000).map(|n| format!("{n}\n")).collect();
    log(&env, &[&id, "--since", "168000"]).assert_out(&whole[168_000..]);
    log(&env, &[&id, "--since", "999999"]).assert_code(0).assert_out("");
    log(&env, &[&id, "--head", "3"]).assert_code(0).assert_out("1\n2\n3\n");
    log(&env, &[&id, "--head", "0"]).assert_code(0).assert_out("");
    log(&env, &[&id, "--head", "20000"]).assert_out(&whole[..whole.find("20001\n").expect("it is there")]);
    log(&env, &[&id, "--since", "2", "--head", "2"]).assert_out("2\n3\n");
    log(&env, &[&id, "--tail", "2"]).assert_out("29999\n30000\n");
    log(&env, &[&id, "--stderr"]).assert_out("to stderr\nmore\n");
    log(&env, &[&id, "--stderr", "--tail", "1"]).assert_out("more\n");
    log(&env, &[&id, "--head", "1", "--tail", "1"]).assert_code(2);
    let tty = ran_on_tty(&env, "echo x");
    log(&env, &[&tty, "--stderr"]).assert_code(1).assert_one_clear_error();
}

#[test]
fn grep_tells_line_offset_and_text() {
    let env = TestEnv::new();
    let id = ran(&env, r"seq 1 2000; printf 'bad \377 \033[31mred\033[0m\trow\nlast 7'; echo err 7 >&2");
    log(&env, &[&id, "--grep", "^19[12]$"]).assert_code(0).assert_out("191:652:191\n192:656:192\n");
    log(&env, &[&id, "--grep", "red\trow"]).assert_out("2001:8893:bad \u{fffd} red\trow\n");
    log(&env, &[&id, "--grep", "7$", "--tail", "1"]).assert_out("2002:8916:last 7\n");
    log(&env, &[&id, "--grep", "7$", "--head", "2"]).assert_out("7:12:7\n17:39:17\n");
    log(&env, &[&id, "--grep", "^2$", "--since", "2"]).assert_out("2:2:2\n");
    log(&env, &[&id, "--grep", "^20$", "--since", "48"]).assert_out("20:48:20\n");
    log(&env, &[&id, "--grep", "7", "--stderr"]).assert_out("1:0:err 7\n");
    log(&env, &[&id, "--grep", "nowhere"]).assert_code(1).assert_out("");
    log(&env, &[&id, "--grep", "("]).assert_code(2).assert_one_clear_error();
    log(&env, &[&id, "--grep", "(x{1000}){1000}"]).assert_code(2).assert_one_clear_error();
    let many = log(&env, &[&id, "--grep", "."]);
    assert_eq!(many.out().lines().count(), 2002, "more than one answer holds");
    let first = env.pryx(["--json", "log", &id, "--grep", "^3$"]).run().events();
    assert_eq!(first, [serde_json::json!({"line": 3, "offset": 4, "text": "3"})]);
}

#[test]
fn grep_follows_until_the_end() {
    let env = TestEnv::new();
    assert!(env.program("mkfifo").args(["first", "second"]).status().expect("mkfifo runs").success());
    let script =
        "echo error one; printf err; read x <first; echo or two; echo fine; read x <second; printf 'error three'";
    let id = env.ok(["exec", "-d", "--", "sh", "-c", script]).trim().to_owned();
    let following = env.pryx(["log", &id, "-f", "--grep", "^error"]).start();
    following.wait_for_out("1:0:error one\n");
    std::fs::write(env.file("first"), "\n").expect("it reads");
    following.wait_for_out("2:10:error two\n");
    std::fs::write(env.file("second"), "\n").expect("it reads");
    following.wait().assert_code(0).assert_out("1:0:error one\n2:10:error two\n4:25:error three\n");
}

/// The header and the events of an asciicast.
#[track_caller]
fn cast(text: &str) -> (serde_json::Value, Vec<(f64, String, String)>) {
    let mut lines = text.lines().map(|l| serde_json::from_str::<serde_json::Value>(l).expect("a line of JSON"));
    let header = lines.next().expect("a header");
    let event = |e: serde_json::Value| {
        let text = |at: usize| e[at].as_str().expect("a text").to_owned();
        (e[0].as_f64().expect("a time"), text(1), text(2))
    };
    (header, lines.map(event).collect())
}

#[test]
fn a_replay_has_every_byte_at_its_time() {
    let env = TestEnv::new();
    assert!(env.program("mkfifo").arg("go").status().expect("mkfifo runs").success());
    let script = r"printf 'gr\303'; sleep 0.4; printf '\274n\n'; read x <go; echo end";
    let id = env.ok(["exec", "-d", "--tty", "--", "sh", "-c", script]).trim().to_owned();
    let following = env.pryx(["log", "-f", &id]).start();
    following.wait_for_out("gr\u{fc}n");
    let so_far = env.pryx(["replay", &id, "--speed", "100"]).run();
    so_far.assert_code(0).assert_out("gr\u{fc}n\r\n").assert_says("still runs");
    std::fs::write(env.file("go"), "\n").expect("it reads");
    let whole = following.wait().out();
    let (header, events) = cast(&env.ok(["replay", &id, "--export", "-"]));
    assert_eq!((&header["version"], &header["width"], &header["height"]), (&2.into(), &80.into(), &24.into()));
    assert!(header["timestamp"].is_i64() && header["command"].as_str().is_some_and(|c| c.contains("printf")));
    let text: String = events.iter().filter(|e| e.1 == "o").map(|e| e.2.as_str()).collect();
    assert_eq!(text, whole);
    assert!(events.is_sorted_by(|a, b| a.0 <= b.0), "{events:?}");
    let at = |text: &str| events.iter().find(|e| e.2.contains(text)).expect("it was printed").0;
    assert!(at("\u{fc}n") - at("gr") >= 0.35, "{events:?}");
    // Played, it takes the time it took, divided by the speed.
    let played = env.pryx(["replay", &id, "--speed", "2"]).run();
    played.assert_code(0).assert_out(&whole);
    assert!(played.took.as_secs_f64() >= events.last().expect("events").0 / 2.0, "{played}");
    env.pryx(["replay", &id, "--export", "file.cast"]).run().assert_code(0).assert_out("");
    let text = std::fs::read_to_string(env.file("file.cast")).expect("a file");
    assert_eq!(cast(&text).1, events);
    env.pryx(["replay", &id, "--export", "file.cast"]).run().assert_code(1).assert_one_clear_error();
    env.pryx(["replay", &id, "--speed", "0"]).run().assert_code(2);
}

#[test]
fn a_flood_is_replayed_whole_and_its_times_stay_small() {
    let env = TestEnv::new();
    let id = ran(&env, "seq 1 500000");
    let (header, events) = cast(&env.ok(["replay", &id, "--export", "-"]));
    assert_eq!(header["version"], 2);
    let text: String = events.iter().map(|e| e.2.as_str()).collect();
    assert!(text == env.ok(["log", &id]), "the recording differs from the log");
    let times = env.pryx_home().join("jobs").join(&id).join("log.times");
    assert!(std::fs::metadata(times).expect("times").len() < 20_000);
}

/// A job's directory.
fn dir(env: &TestEnv, id: &str) -> std::path::PathBuf {
    env.pryx_home().join("jobs").join(id)
}

#[test]
fn a_compressed_log_reads_like_any_other() {
    let env = TestEnv::new();
    let script = "seq 1 400000; echo error at the end; seq 1 30000 >&2";
    let id = env.ok(["exec", "-d", "--", "sh", "-c", script]).trim().to_owned();
    let reads: &[&[&str]] = &[
        &["log", &id],
        &["log", &id, "--stderr"],
        &["log", &id, "--since", "1048570", "--head", "5"],
        &["log", &id, "--tail", "2"],
        &["log", &id, "--grep", "(^2|error).*[0d]$"],
        &["replay", &id, "--export", "-"],
    ];
    // What the follower gets comes from the log as the keeper wrote it.
    let followed = env.pryx(["log", "-f", &id]).run().stdout;
    wait_until("the log is compressed", PATIENCE, || {
        let names = [("log", false), ("log.err", false), ("log.zst", true), ("log.err.zst", true)];
        names.iter().all(|(name, there)| dir(&env, &id).join(name).exists() == *there)
    });
    let packed = reads.iter().map(|args| env.pryx(*args).run());
    let packed: Vec<Vec<u8>> = packed.map(|done| done.assert_code(0).stdout.clone()).collect();
    assert!(packed[0].len() > 2_500_000 && packed[0] == followed[..packed[0].len()], "the bytes differ");
    assert!(std::fs::metadata(dir(&env, &id).join("log.zst")).expect("a log").len() < 1_000_000);
    // The same again from a plain file.
    for name in ["log", "log.err"] {
        let stream: &[&str] = if name == "log" { &["log", &id] } else { &["log", &id, "--stderr"] };
        let bytes = env.pryx(stream).run().stdout;
        std::fs::write(dir(&env, &id).join(name), bytes).expect("a log");
        std::fs::remove_file(dir(&env, &id).join(format!("{name}.zst"))).expect("a log");
    }
    for (args, packed) in reads.iter().zip(&packed) {
        assert!(env.pryx(*args).run().stdout == *packed, "{args:?} gave something else");
    }
}

#[test]
fn old_logs_go_and_running_and_kept_ones_stay() {
    let env = TestEnv::new();
    std::fs::create_dir_all(env.pryx_home()).expect("a home");
    let settings = "[logs]\nmax_age_days = 3\nkeep_last = 1\n";
    std::fs::write(env.pryx_home().join("config.toml"), settings).expect("settings");
    let kept = env.ok(["exec", "-d", "--keep", "--", "seq", "1", "20000"]).trim().to_owned();
    env.ok(["log", "-f", &kept]);
    let running = env.ok(["exec", "-d", "--", "sh", "-c", "seq 1 20000; exec sleep 341"]).trim().to_owned();
    let (old, young) = (ran(&env, "echo old"), ran(&env, "echo young"));
    let newest = ran(&env, "echo newest");
    env.ok(["hands", "stop"]);
    for (id, age) in [(&kept, "9 days ago"), (&running, "9 days ago"), (&old, "4 days ago"), (&young, "2 days ago")] {
        let record = dir(&env, id).join("record.json");
        assert!(env.program("touch").args(["-d", age]).arg(record).status().expect("touch runs").success());
    }
    env.ok(["ps"]);
    wait_until("the old log is gone", PATIENCE, || !dir(&env, &old).exists());
    for id in [&kept, &running, &young, &newest] {
        assert!(dir(&env, id).exists(), "{id}");
    }
    assert!(dir(&env, &running).join("log").exists() && dir(&env, &kept).join("log").exists());
    let gone = log(&env, &[&old]);
    gone.assert_code(1).assert_one_clear_error().assert_says("no longer kept");
    assert!(env.ok(["ps", "--all"]).contains(&old), "its row stays");
    log(&env, &[&young]).assert_out("young\n");
    assert!(env.pryx(["doctor"]).run().out().contains("logs"));
}

/// A command in a mount namespace of its own, with a small file system at the jobs' place.
fn on_small_disk(env: &TestEnv, then: &str) -> std::process::Command {
    let mut command = env.program("unshare");
    let script = format!("mount -t tmpfs -o size=4m,mode=700 tmpfs \"$1\" && {then}");
    command.args(["-m", "sh", "-c", &script, "sh"]).arg(env.pryx_home().join("jobs")).arg(PRYX);
    command
}

#[test]
fn a_full_disk_holds_a_job_back_until_there_is_room() {
    let env = TestEnv::new();
    std::fs::create_dir_all(env.pryx_home().join("jobs")).expect("a directory");
    if !on_small_disk(&env, "true").output().is_ok_and(|done| done.status.success()) {
        eprintln!("skipped: this system lets nobody mount a small file system in a namespace");
        return;
    }
    let hands = Act::new(on_small_disk(&env, "exec \"$2\" hands")).start();
    wait_until("the hands listen", PATIENCE, || env.pryx(["hands", "status"]).run().code() == Some(0));
    // The same directory, as the hands see it.
    let jobs = env.pryx_home().join("jobs");
    let theirs = Path::new("/proc").join(hands.pid().to_string()).join("root").join(jobs.strip_prefix("/").expect("/"));
    std::fs::write(theirs.join("filler"), vec![0; 3 * 1024 * 1024]).expect("a large file");
    let id = env.ok(["exec", "-d", "--tty", "--", "sh", "-c", "seq 1 300000; echo done"]).trim().to_owned();
    wait_until("it is held back", PATIENCE, || env.json(["ps"])[0]["live"]["held"].is_string());
    let held = env.json(["ps"])[0].clone();
    assert!(
        held["state"] == "running" && held["live"]["held"].as_str().is_some_and(|why| why.contains("space")),
        "{held}"
    );
    assert!(env.ok(["ps"]).contains("held back"));
    let so_far = env.ok(["log", &id]).len();
    assert!((1..1024 * 1024 + 1).contains(&so_far), "{so_far} bytes");
    // Who follows is told, now and when it goes on.
    let following = env.pryx(["--json", "log", "-f", &id]).start();
    following.wait_for_out("job_held");
    let watching = env.pryx(["exec", "--", "sh", "-c", "seq 1 200000"]).start();
    wait_until("who waits is told", PATIENCE, || watching.err().contains("held back"));
    std::fs::remove_file(theirs.join("filler")).expect("it is there");
    let whole: String = (1..=300_000).map(|n| format!("{n}\r\n")).chain(["done\r\n".to_owned()]).collect();
    assert!(env.ok(["log", "-f", &id]) == whole, "bytes are missing, or came twice");
    let ended = env.json(["ps", "--all"])[1].clone();
    assert_eq!((&ended["outcome"]["code"], &ended["live"]["held"]), (&0.into(), &serde_json::Value::Null), "{ended}");
    let (events, watched) = (following.wait().events(), watching.wait());
    let at = |name: &str| events.iter().position(|event| event["event"] == name);
    assert!(at("job_held") < at("job_resumed") && at("job_resumed").is_some(), "{:?}", at("job_resumed"));
    watched.assert_code(0).assert_says("No space left on device").assert_says("goes on");
    assert_eq!(watched.stdout, (1..=200_000).map(|n| format!("{n}\n")).collect::<String>().as_bytes());
    let journal = std::fs::read_to_string(env.pryx_home().join("hands.log")).expect("the hands' log");
    assert!(journal.contains("held back") && journal.contains("goes on"), "{journal}");
    env.ok(["hands", "stop"]);
    hands.wait().assert_code(0);
}
