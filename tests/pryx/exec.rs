//! `pryx exec`: a person's own command, with its exact exit code and every byte.

use super::env::{TestEnv, is_alive, signal, wait_until};
use super::pty::Screen;
use rustix::process::Signal;
use std::time::{Duration, Instant};

/// Ctrl-C takes effect within a second; `cargo bench --bench overhead` measures it. Here it must only not be a wait for
/// something else (a grace time, a log that is hashed, the rest of the output), on a machine however slow.
const PROMPT: Duration = Duration::from_secs(10);

/// How long what was told to end may take to be gone.
const SOON: Duration = Duration::from_secs(5);

fn sh(script: &str) -> [&str; 5] {
    ["exec", "--", "sh", "-c", script]
}

#[test]
fn the_exit_code_is_the_commands_own() {
    let env = TestEnv::new();
    for code in [0, 1, 2, 7, 120, 124, 126, 127, 130, 255] {
        env.pryx(sh(&format!("exit {code}"))).run().assert_code(code);
    }
}

#[test]
fn a_signal_is_128_and_its_number() {
    let env = TestEnv::new();
    for signal in [1, 2, 3, 6, 9, 11, 13, 15] {
        env.pryx(sh(&format!("kill -{signal} $$"))).run().assert_code(128 + signal);
    }
}

#[test]
fn what_can_not_be_started_has_the_shells_codes_and_words() {
    let env = TestEnv::new();
    let missing = env.pryx(["exec", "--", "no-such-program-anywhere"]).run();
    missing.assert_code(127).assert_says("error: no-such-program-anywhere");
    std::fs::write(env.file("plain"), "text").expect("a file");
    env.pryx(["exec", "--", "./plain"]).run().assert_code(126).assert_says("error: ./plain");
    env.pryx(["exec", "--", "/"]).run().assert_code(126).assert_says("error: /");
    env.pryx(["exec"]).run().assert_code(2);
}

#[test]
fn into_a_pipe_stdout_and_stderr_stay_apart_byte_for_byte() {
    let env = TestEnv::new();
    let done = env.pryx(sh(r"printf 'a\000b\377\r\n\033[1mno end'; printf 'talk\001' >&2")).run();
    done.assert_code(0);
    assert_eq!(done.stdout, b"a\0b\xff\r\n\x1b[1mno end");
    assert_eq!(done.stderr, b"talk\x01");
}

#[test]
fn a_command_without_output_prints_nothing() {
    let env = TestEnv::new();
    let done = env.pryx(["exec", "--", "true"]).run();
    done.assert_code(0).assert_out("");
    assert_eq!(done.err(), "");
}

/// More than any buffer or frame on the way, and no text.
#[test]
fn every_byte_of_a_big_output_arrives() {
    let env = TestEnv::new();
    let mut state = 1_u64;
    let bytes: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56).to_le_bytes()[0]
    })
    .take(20_000_000)
    .collect();
    std::fs::write(env.file("big"), &bytes).expect("a file");
    let done = env.pryx(sh("cat big; exit 3")).run();
    done_is(&done.stdout, &bytes);
    assert_eq!(done.code(), Some(3));
    let done = env.pryx(sh("cat big >&2; head -c 1000 big")).run();
    done_is(&done.stderr, &bytes);
    done_is(&done.stdout, &bytes[..1000]);
    let log = env.pryx(["log", "--raw"]).run();
    done_is(&log.stdout, &bytes[..1000]);
    done_is(&log.stderr, &bytes);
}

#[track_caller]
fn done_is(found: &[u8], wanted: &[u8]) {
    assert_eq!(found.len(), wanted.len(), "bytes are missing or too many");
    assert!(found == wanted, "bytes differ");
}

#[test]
fn stdin_reaches_the_command_with_its_end() {
    let env = TestEnv::new();
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[1]).collect();
    let done = env.pryx(["exec", "--", "cat"]).stdin(bytes.clone()).run();
    done.assert_code(0);
    done_is(&done.stdout, &bytes);
    env.pryx(sh("cat; echo end")).stdin("").run().assert_out("end\n");
}

#[test]
fn a_command_that_reads_nothing_ends_while_stdin_stays_open() {
    let env = TestEnv::new();
    env.pryx(["exec", "--", "echo", "hi"]).open_stdin().within(Duration::from_secs(10)).run().assert_out("hi\n");
}

#[test]
fn input_may_come_late_and_in_pieces() {
    use std::io::Write;
    let env = TestEnv::new();
    let mut running = env.pryx(sh("read a; echo got $a; read b; echo got $b")).open_stdin().start();
    let mut stdin = running.stdin.take().expect("a pipe");
    stdin.write_all(b"one\n").expect("it reads");
    running.wait_for_out("got one\n");
    stdin.write_all(b"two\n").expect("it reads");
    running.wait().assert_code(0).assert_out("got one\ngot two\n");
}

#[test]
fn arguments_arrive_as_they_were_given() {
    let env = TestEnv::new();
    let args = ["", " ", "a b", "$HOME", "*", "--json", "-n", "line\nline", "quote'\"", "grün ✓", "\\"];
    let script = "import sys; sys.stdout.write('\\0'.join(sys.argv[1:]))";
    let done = env.pryx(["exec", "--", "python3", "-c", script].iter().chain(&args)).run();
    done.assert_code(0).assert_out(&args.join("\0"));
}

#[test]
fn directory_and_environment_are_the_callers_but_for_keys_and_loader_hooks() {
    let env = TestEnv::new();
    let done = env
        .pryx(["exec", "--", "env"])
        .var("MINE", "yes")
        .var("OPENAI_API_KEY", "sk-secret")
        .var("ANTHROPIC_API_KEY", "sk-secret")
        .var("LD_PRELOAD", "")
        .run();
    done.assert_code(0);
    let out = done.out();
    assert!(out.contains("\nMINE=yes\n") || out.starts_with("MINE=yes\n"), "{out}");
    assert!(!out.contains("sk-secret") && !out.contains("LD_PRELOAD"), "{out}");
    assert!(!out.contains("MIMALLOC"), "what the hands are started with is not the command's: {out}");
    let done = env.pryx(["exec", "--", "pwd"]).dir("/usr/share").run();
    done.assert_out("/usr/share\n");
    env.pryx(["-C", "/usr", "exec", "--", "pwd"]).run().assert_out("/usr\n");
}

#[test]
fn a_child_left_in_the_background_is_not_waited_for_but_stays_listed() {
    let env = TestEnv::new();
    let done = env.pryx(sh("sleep 301 & echo hi")).run();
    done.assert_code(0).assert_out("hi\n");
    assert!(done.took < Duration::from_secs(10), "it waited for the child: {:?}", done.took);
    let left = env.running("sleep 301");
    assert_eq!(left.len(), 1, "the child is alive");
    let jobs = env.json(["ps", "--all"]);
    assert_eq!(jobs[0]["survivors"], serde_json::json!(left), "{jobs}");
    env.ok(["stop", "last"]);
    wait_until("the child is gone", SOON, || !is_alive(left[0]));
}

#[test]
fn a_time_limit_ends_everything_with_124() {
    let env = TestEnv::new();
    let start = Instant::now();
    let done = env.pryx(["exec", "--timeout", "500ms", "--", "sh", "-c", "echo begun; setsid sleep 302; true"]).run();
    done.assert_code(124).assert_out("begun\n");
    assert!(start.elapsed() < Duration::from_secs(10));
    wait_until("nothing of it runs", SOON, || env.running("sleep 302").is_empty());
    let jobs = env.json(["ps", "--all"]);
    assert_eq!(jobs[0]["stopped"]["reason"], "timeout", "{jobs}");
    env.pryx(["exec", "--timeout", "30s", "--", "true"]).run().assert_code(0);
    env.pryx(["exec", "--timeout", "soon", "--", "true"]).run().assert_code(2);
}

#[test]
fn an_end_that_was_not_the_commands_own_is_told_in_one_line() {
    let env = TestEnv::new();
    let told = |done: &super::env::Done, words: &str| {
        done.assert_says(words);
        assert_eq!(done.err().lines().count(), 1, "{done}");
    };
    told(&env.pryx(["exec", "--timeout", "200ms", "--", "sleep", "307"]).run(), "its time was up");
    told(&env.pryx(sh("kill -9 $$")).run(), "signal 9");
    let running = env.pryx(sh("echo ready; exec sleep 307")).start();
    running.wait_for_out("ready");
    env.ok(["stop", "last"]);
    told(running.wait().assert_code(143), "SIGTERM");
    for script in ["kill -2 $$", "kill -13 $$", "exit 3"] {
        assert_eq!(env.pryx(sh(script)).run().err(), "", "{script}");
    }
    let quiet = env.pryx(["-q", "exec", "--timeout", "200ms", "--", "sleep", "307"]).run();
    assert_eq!(quiet.assert_code(124).err(), "");
}

#[test]
fn ctrl_c_ends_the_command_within_a_second_with_130() {
    let env = TestEnv::new();
    for script in ["echo ready; sleep 303", "trap '' INT TERM; echo ready; while :; do sleep 303; done"] {
        let running = env.pryx(sh(script)).start();
        running.wait_for_out("ready");
        let pressed = Instant::now();
        running.interrupt();
        running.wait().assert_code(130);
        assert!(pressed.elapsed() < PROMPT, "{script}: {:?}", pressed.elapsed());
        wait_until("nothing of it runs", SOON, || env.running("sleep 303").is_empty());
    }
}

/// A flood on the way out must not hold up the way in.
#[test]
fn ctrl_c_ends_a_flood_within_a_second() {
    let env = TestEnv::new();
    let running = env.pryx(["exec", "--", "yes"]).start();
    running.wait_for_out("y\ny\n");
    let pressed = Instant::now();
    running.interrupt();
    let done = running.wait();
    done.assert_code(130);
    assert!(done.ended - pressed < PROMPT, "{:?}", done.ended - pressed);
    wait_until("yes is gone", SOON, || env.running("yes").is_empty());
}

#[test]
fn sigterm_ends_the_command_too() {
    let env = TestEnv::new();
    let running = env.pryx(sh("echo ready; sleep 304")).start();
    running.wait_for_out("ready");
    signal(running.pid(), Signal::TERM);
    running.wait().assert_code(143);
    wait_until("nothing of it runs", SOON, || env.running("sleep 304").is_empty());
}

#[test]
fn a_reader_that_goes_away_ends_the_command() {
    let env = TestEnv::new();
    let forever = "while echo y; do sleep 0.01; done; exec sleep 306";
    let script = format!("{} exec -- sh -c '{forever}'; echo $? >code", super::env::PRYX);
    let output = env.program("bash").args(["-c", &format!("({script}) | head -n 2")]).output().expect("bash runs");
    assert_eq!(output.stdout, b"y\ny\n");
    wait_until("the command ends", SOON, || std::fs::read_to_string(env.file("code")).is_ok_and(|c| c.ends_with('\n')));
    assert_eq!(std::fs::read_to_string(env.file("code")).expect("a code"), "141\n");
    wait_until("the command is gone", SOON, || env.running("sleep 306").is_empty());
}

#[test]
fn detached_it_returns_at_once_and_goes_on() {
    let env = TestEnv::new();
    let made = env.program("mkfifo").arg("go").status().expect("mkfifo runs");
    assert!(made.success());
    let id = env.ok(["exec", "-d", "--", "sh", "-c", "echo begun; read x <go; echo $x; exit 9"]);
    let id = id.trim();
    assert_eq!(env.json(["ps"])[0]["id"], id);
    std::fs::write(env.file("go"), "word\n").expect("it reads");
    env.pryx(["log", "-f", id]).run().assert_code(0).assert_out("begun\nword\n");
    assert_eq!(env.json(["ps", "--all"])[0]["outcome"]["code"], 9);
}

#[test]
fn many_at_once_start_the_hands_once() {
    let env = TestEnv::new();
    let running: Vec<_> =
        (0..12).map(|n| env.pryx(["exec", "--", "sh", "-c", &format!("echo {n}; exit {n}")]).start()).collect();
    for (n, running) in running.into_iter().enumerate() {
        let done = running.wait();
        done.assert_code(i32::try_from(n).expect("a small number")).assert_out(&format!("{n}\n"));
    }
    assert_eq!(env.running("hands run").len(), 1, "{:?}", env.processes());
}

#[test]
fn the_hands_do_not_hold_on_to_the_callers_directory_or_terminal() {
    let env = TestEnv::new();
    env.ok(["exec", "--", "true"]);
    let pid = env.hands_pid();
    assert_eq!(std::fs::read_link(format!("/proc/{pid}/cwd")).expect("a directory"), std::path::Path::new("/"));
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("a process");
    let fields: Vec<&str> = stat.rsplit(") ").next().expect("fields").split(' ').collect();
    assert_eq!(fields[4], "0", "it has a controlling terminal");
}

#[test]
fn what_is_no_text_is_refused_in_words() {
    use std::os::unix::ffi::OsStrExt;
    let env = TestEnv::new();
    let bad = std::ffi::OsStr::from_bytes(b"\xff");
    let args = ["exec", "--", "echo"].map(std::ffi::OsStr::new);
    env.pryx(args.iter().copied().chain([bad])).run().assert_code(2);
}

#[test]
fn json_gives_the_protocols_events() {
    let env = TestEnv::new();
    let done = env.pryx(["--json", "exec", "--", "sh", "-c", "echo out; echo err >&2; exit 4"]).run();
    done.assert_code(4);
    let events = done.events();
    let names: Vec<_> = events.iter().map(|e| e["event"].as_str().unwrap_or_default()).collect();
    assert_eq!(names.first(), Some(&"job_started"), "{events:#?}");
    assert_eq!(names.last(), Some(&"job_ended"), "{events:#?}");
    let printed = |stream: &str| -> String {
        let of = events.iter().filter(|e| e["event"] == "output" && e["data"]["stream"] == stream);
        of.map(|e| e["data"]["data"].as_str().unwrap_or_default()).collect()
    };
    assert_eq!((printed("stdout"), printed("stderr")), ("out\n".into(), "err\n".into()));
    assert_eq!(events.last().expect("an end")["data"]["job"]["outcome"]["code"], 4);
}

#[test]
fn a_start_is_told_as_a_start_however_short_the_command_is() {
    let env = TestEnv::new();
    for _ in 0..10 {
        let events = env.pryx(["--json", "exec", "--", "true"]).run().events();
        let job = &events[0]["data"]["job"];
        assert_eq!((&job["state"], &job["outcome"]), (&"running".into(), &serde_json::Value::Null), "{job}");
        assert!(job["pid"].as_u64().is_some_and(|pid| pid > 1), "{job}");
    }
}

#[test]
fn on_a_terminal_the_command_has_a_terminal_of_the_same_size() {
    let env = TestEnv::new();
    let script = "test -t 0 && test -t 1 && test -t 2 && stty size; read x; echo got \"$x\"; \
                  trap 'stty size' WINCH; read y; exit 6";
    let mut screen = Screen::pryx(&env, &sh(script));
    screen.wait_for("24 80");
    screen.keys("words\r");
    screen.wait_for("got words");
    screen.resize(40, 132);
    screen.wait_for("40 132");
    screen.keys("\r");
    screen.assert_code(6);
}

#[test]
fn on_a_terminal_ctrl_c_is_the_commands_to_handle() {
    let env = TestEnv::new();
    let mut screen = Screen::pryx(&env, &sh("trap 'echo caught; exit 5' INT; echo ready; read x; echo unreached"));
    screen.wait_for("ready");
    screen.keys("\u{3}");
    screen.wait_for("caught");
    screen.assert_code(5);
    let mut screen = Screen::pryx(&env, &sh("echo ready; exec sleep 305"));
    screen.wait_for("ready");
    screen.keys("\u{3}");
    screen.assert_code(130);
}

#[test]
fn ctrl_d_and_ctrl_z_work_on_the_terminal() {
    let env = TestEnv::new();
    let mut screen = Screen::pryx(&env, &["exec", "--", "sh", "-c", "echo ready; cat; echo ended"]);
    screen.wait_for("ready");
    // A key that comes while the shell starts cat (vfork) would stop cat alone, and no parent would be told.
    env.ok(["wait", "last", "--until", "prompt"]);
    // Nothing here could bring a stopped command back, so it isn't left stopped.
    screen.keys("\u{1a}");
    screen.wait_for("^Z");
    screen.keys("\u{4}");
    screen.wait_for("ended");
    screen.assert_code(0);
}

#[test]
fn the_persons_terminal_is_left_as_it_was() {
    let env = TestEnv::new();
    let pryx = super::env::PRYX;
    let script =
        format!("stty -g >before; {pryx} exec -- sh -c 'stty raw -echo; kill -9 $$'; stty -g >after; echo over");
    let mut bash = env.program("bash");
    bash.args(["-c", &script]);
    let mut screen = Screen::start(bash);
    screen.wait_for("over");
    screen.assert_code(0);
    let read = |name: &str| std::fs::read_to_string(env.file(name)).expect("what stty said");
    assert_eq!(read("before"), read("after"));
}

#[test]
fn a_stopped_full_screen_program_gives_the_terminal_back() {
    let env = TestEnv::new();
    let pryx = super::env::PRYX;
    for window in ["exec -- vi -u NONE x", "attach last"] {
        if window.starts_with("attach") {
            let mut env = env.program(pryx);
            env.args(["exec", "-d", "--tty", "--", "vi", "-u", "NONE", "x"]).env("TERM", "xterm-256color");
            assert!(env.status().is_ok_and(|started| started.success()));
        }
        let mut bash = env.program("bash");
        bash.args(["-c", &format!("stty -g >before; {pryx} {window}; stty -g >after; echo over")]);
        let mut screen = Screen::start(bash);
        let alternate = ["\u{1b}[?1049h", "\u{1b}[?1049l"];
        wait_until("it is on the other screen", super::env::PATIENCE, || {
            screen.last_of(&alternate) == Some(alternate[0])
        });
        // At SIGTERM an editor would tidy up by itself.
        env.ok(["stop", "--grace", "0", "last"]);
        screen.wait_for("over");
        screen.assert_code(0);
        assert_eq!(
            screen.last_of(&alternate),
            Some(alternate[1]),
            "{window}: the screen is not the person's own again"
        );
        let read = |name: &str| std::fs::read_to_string(env.file(name)).expect("what stty said");
        assert_eq!(read("before"), read("after"), "{window}");
    }
}

#[test]
fn in_the_background_of_a_shell_it_neither_stops_nor_steals_keys() {
    let env = TestEnv::new();
    let mut bash = env.program("bash");
    bash.args(["--norc", "--noprofile", "-i"]).env("PS1", "ready> ");
    let mut screen = Screen::start(bash);
    screen.wait_for("ready> ");
    assert!(env.program("mkfifo").arg("go").status().expect("mkfifo runs").success());
    screen.keys(&format!("{} exec -- sh -c 'echo be\"\"gun; read x <go; echo do\"\"ne' &\r", super::env::PRYX));
    screen.wait_for("begun");
    screen.keys("echo key\"\"s\r");
    screen.wait_for("keys");
    screen.keys("jobs; echo x >go\r");
    screen.wait_for("Running");
    screen.wait_for("done");
    screen.keys("wait; exit\r");
    screen.assert_code(0);
    assert!(!screen.text().contains("Stopped"), "{}", screen.text());
}
