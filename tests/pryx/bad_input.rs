//! What goes wrong around pryx: each gets one clear sentence and what to do; nothing hangs, nothing is lost.

use super::env::{Done, TestEnv, wait_until};
use super::stub::{BOTH, Chunking, Format, Reply, Stub, Turn};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::{Duration, Instant};

/// How long what was told may take to have happened.
const SOON: Duration = Duration::from_secs(10);

fn connect(env: &TestEnv) -> UnixStream {
    env.ok(["exec", "--", "true"]);
    let stream = UnixStream::connect(env.socket()).expect("the hands listen");
    stream.set_read_timeout(Some(SOON)).expect("a deadline");
    stream
}

fn line(stream: &UnixStream) -> serde_json::Value {
    let mut text = String::new();
    BufReader::new(stream).read_line(&mut text).expect("a line");
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text:?}"))
}

#[test]
fn malformed_frames_are_answered_and_the_daemon_goes_on() {
    let env = TestEnv::new();
    let mut stream = connect(&env);
    for bad in [&b"nonsense\n"[..], b"{\"id\": \n", b"\xff\xfe\x00\n", b"[]\n", b"{\"action\": \"fly\"}\n"] {
        stream.write_all(bad).expect("it reads");
        assert_eq!(line(&stream)["success"], false);
    }
    let again = line_after(&mut stream, "{\"action\": \"status\"}\n");
    assert_eq!(again["success"], true, "{again}");
    env.ok(["exec", "--", "true"]);
}

fn line_after(stream: &mut UnixStream, request: &str) -> serde_json::Value {
    stream.write_all(request.as_bytes()).expect("it reads");
    line(stream)
}

#[test]
fn an_oversized_frame_ends_its_connection_alone() {
    let env = TestEnv::new();
    let mut stream = connect(&env);
    let pid = env.hands_pid();
    let _ = stream.write_all(&vec![b'x'; 3 * 1024 * 1024]);
    assert_eq!(line(&stream)["error"]["code"], "frame_too_large");
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert_eq!(env.hands_pid(), pid);
}

#[test]
fn a_client_that_hangs_up_mid_request_leaves_its_job_running() {
    let env = TestEnv::new();
    let mut stream = connect(&env);
    let request = format!(
        "{{\"action\": \"exec\", \"data\": {{\"argv\": [\"sleep\", \"341\"], \"cwd\": {:?}}}}}\n",
        env.work().display().to_string()
    );
    stream.write_all(request.as_bytes()).expect("it reads");
    wait_until("the job runs", SOON, || !env.running("sleep 341").is_empty());
    drop(stream);
    env.ok(["exec", "--", "true"]);
    let jobs = env.json(["ps"]);
    assert_eq!(jobs[0]["command"], "sleep 341", "{jobs}");
    env.ok(["stop", jobs[0]["id"].as_str().expect("an id")]);
}

/// Something else sits where the hands should be.
fn impostor(env: &TestEnv, answer: &'static str) {
    std::fs::create_dir_all(env.pryx_home().join("run")).expect("the directory");
    let listener = UnixListener::bind(env.socket()).expect("the socket");
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for mut stream in listener.incoming().flatten() {
            let mut text = String::new();
            if answer.is_empty() {
                held.push(stream);
            } else if BufReader::new(&stream).read_line(&mut text).is_ok() {
                let _ = stream.write_all(answer.as_bytes());
            }
        }
    });
}

#[test]
fn hands_of_another_version_are_named_with_the_command_that_helps() {
    let env = TestEnv::new();
    impostor(
        &env,
        "{\"id\":1,\"success\":false,\"error\":{\"code\":\"version_mismatch\",\"message\":\"these hands are pryx 9.9.9 and \
         speak protocol 7, the client speaks 1\",\"hint\":\"run `pryx hands stop`: the next command starts hands of its own \
         version, running jobs go on\",\"retryable\":false}}\n",
    );
    let done = env.pryx(["ps"]).run();
    done.assert_code(1).assert_one_clear_error().assert_says("9.9.9").assert_says("pryx hands stop");
}

#[test]
fn whatever_else_is_at_the_socket_nothing_hangs() {
    for answer in ["HTTP/1.1 400 Bad Request\r\n\r\n", "\n\n\n", ""] {
        let env = TestEnv::new();
        impostor(&env, answer);
        let done = env.pryx(["ps"]).run();
        done.assert_code(1).assert_one_clear_error();
        assert!(env.socket().exists(), "a live socket was removed");
    }
}

#[test]
fn a_settings_file_with_an_error_is_refused_with_line_and_column_and_left_alone() {
    for (text, place) in [
        ("schema = 1\nmodel = unquoted\n", ":2:9"),
        ("schema = 1\n\n[hands]\nidle_minuets = 3\n", ":4:1"),
        ("model = 5\n", ":1:9"),
        ("schema = 99\n", "99"),
        ("[hands]\nidle_minutes = -1\n", "idle_minutes"),
    ] {
        let env = TestEnv::new();
        std::fs::create_dir(env.pryx_home()).expect("a home");
        let file = env.pryx_home().join("config.toml");
        std::fs::write(&file, text).expect("settings");
        for args in [&["ps"][..], &["hello"], &["exec", "--", "true"]] {
            let done = env.pryx(args).without("PRYX_IDLE_MINUTES").run();
            done.assert_code(2).assert_says(place);
            assert_eq!(done.err().matches("error:").count(), 1, "{done}");
        }
        assert_eq!(std::fs::read_to_string(&file).expect("settings"), text, "the file was changed");
        let doctor = env.pryx(["doctor"]).without("PRYX_IDLE_MINUTES").run();
        assert_ne!(doctor.code(), Some(0), "{doctor}");
        assert!(doctor.out().contains(place), "{doctor}");
    }
}

#[test]
fn a_home_that_can_not_be_written_is_said_so() {
    let env = TestEnv::new();
    std::fs::write(env.file("file"), "x").expect("a file");
    for home in ["/proc/nowhere", "/dev/null/x", &env.file("file").display().to_string()] {
        for args in [&["ps"][..], &["exec", "--", "true"], &["what is using port 8080?"]] {
            let done = env.pryx(args).var("PRYX_HOME", home).run();
            done.assert_code(1).assert_one_clear_error().assert_says(home).assert_says("PRYX_HOME");
        }
    }
}

#[test]
fn a_home_may_be_a_link_to_another_disk() {
    let env = TestEnv::new();
    let (real, link) = (env.file("elsewhere"), env.file("link"));
    std::fs::create_dir(&real).expect("a directory");
    std::os::unix::fs::symlink(&real, &link).expect("a link");
    env.pryx(["exec", "--", "echo", "hi"]).var("PRYX_HOME", &link).run().assert_code(0).assert_out("hi\n");
    assert!(real.join("hands.db").exists());
    env.pryx(["hands", "stop", "--all"]).var("PRYX_HOME", &link).run().assert_code(0);
}

#[test]
fn a_relative_home_is_refused() {
    let env = TestEnv::new();
    for home in ["p", "./p", "../p"] {
        for args in [&["ps"][..], &["exec", "--", "true"], &["hands"], &["what is using port 8080?"]] {
            let done = env.pryx(args).var("PRYX_HOME", home).run();
            done.assert_code(2).assert_says("PRYX_HOME").assert_says("absolute");
        }
    }
    assert_eq!(std::fs::read_dir(env.work()).expect("a directory").count(), 0, "something was made");
    assert!(env.processes().is_empty(), "hands were started");
}

#[test]
fn a_slip_of_the_pen_is_no_request() {
    let env = TestEnv::new();
    for (slip, meant) in [("lgo", "pryx log"), ("stpo", "pryx stop"), ("sessons", "pryx sessions")] {
        let done = env.pryx([slip]).run();
        done.assert_code(2).assert_one_clear_error().assert_says(meant).assert_says(&format!("pryx run {slip}"));
    }
    assert!(!env.pryx_home().join("brain.db").exists(), "a session was begun");
    for (words, meant) in [
        (&["sesions", "list"][..], "pryx sessions list"),
        (&["lgo", "last"], "pryx log last"),
        (&["status"], "pryx hands status"),
        (&["kill", "abc"], "pryx stop abc"),
        (&["uninstall"], "pryx --help"),
        (&["/clear"], "pryx --help"),
    ] {
        let done = env.pryx(words).run();
        done.assert_code(2).assert_one_clear_error().assert_says(meant);
    }
    assert_eq!(env.ok(["version"]), env.ok(["--version"]));
    assert!(env.ok(["help", "stop"]).contains("--grace"));
    assert_eq!(env.ok(["help"]), env.ok(["-h"]));
    assert!(!env.pryx_home().join("brain.db").exists(), "a session was begun");
    // Sentences go through.
    for words in [&["lists are what?"][..], &["kill", "what", "uses", "8080"], &["lost", "files"]] {
        let done = env.pryx(words).run();
        assert!(!done.err().contains("there is no command"), "{done}");
    }
}

#[test]
fn a_pipe_into_a_terminal_is_refused_at_once() {
    let env = TestEnv::new();
    let done = env.pryx(["exec", "-t", "dev", "--", "cat"]).stdin("hello\n").run();
    done.assert_code(2).assert_one_clear_error().assert_says("/dev/null");
    assert_eq!(env.ok(["exec", "-t", "dev", "--", "echo", "fine"]).trim(), "fine");
    assert_eq!(env.pryx(["exec", "--", "cat"]).stdin("hello\n").run().out(), "hello\n");
}

#[test]
fn lists_that_are_cut_say_so() {
    let env = TestEnv::new();
    for _ in 0..3 {
        env.ok(["exec", "--", "true"]);
    }
    for args in [&["ps", "--all"][..], &["audit"]] {
        let cut = env.pryx(args.iter().chain(&["--json", "-l", "2"])).run();
        cut.assert_code(0).assert_says("--limit 0");
        let all = env.pryx(args.iter().chain(&["--json", "-l", "0"])).run();
        assert!(all.out().len() > cut.out().len() && all.err().is_empty(), "{all}");
    }
}

#[test]
fn no_home_is_said_so() {
    let env = TestEnv::new();
    let done = env.pryx(["ps"]).without("PRYX_HOME").without("HOME").run();
    done.assert_code(1).assert_one_clear_error().assert_says("HOME");
    env.pryx(["--help"]).without("PRYX_HOME").without("HOME").run().assert_code(0);
}

#[test]
fn a_very_deep_home_still_has_its_socket() {
    let env = TestEnv::new();
    let deep = env.home().join("x".repeat(100)).join("y".repeat(100));
    std::fs::create_dir_all(&deep).expect("a deep directory");
    let done = env.pryx(["exec", "--", "echo", "hi"]).var("PRYX_HOME", &deep).run();
    done.assert_code(0).assert_out("hi\n");
    env.pryx(["hands", "stop", "--all"]).var("PRYX_HOME", &deep).run().assert_code(0);
}

#[test]
fn a_working_directory_that_is_gone_is_said_so() {
    let env = TestEnv::new();
    let gone = env.file("gone");
    std::fs::create_dir(&gone).expect("a directory");
    let script = format!("rmdir {}; {} exec -- true", gone.display(), super::env::PRYX);
    let mut bash = env.program("bash");
    bash.args(["-c", &script]).current_dir(&gone);
    let output = bash.output().expect("bash runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("current directory"), "{said}");
    env.pryx(["-C", "/no/such/place", "ps"]).run().assert_code(2).assert_says("/no/such/place");
}

fn asked(format: Format, script: Vec<Reply>) -> (TestEnv, Stub, Done) {
    let mut env = TestEnv::new();
    let stub = Stub::start(format, Chunking::Bytes(7), script);
    stub.serve(&mut env);
    let done = env.pryx(["hello"]).run();
    (env, stub, done)
}

#[test]
fn what_the_provider_refuses_is_said_once_and_ends_with_122() {
    for format in BOTH {
        for (status, word) in [(401, "key"), (403, "ermission"), (404, "odel"), (400, "nternal")] {
            let (_env, stub, done) = asked(format, vec![Reply::Status(status, vec![])]);
            done.assert_code(122).assert_out("").assert_one_clear_error().assert_says(word);
            assert_eq!(stub.received().len(), 1, "{status} was tried again");
        }
    }
}

#[test]
fn a_wrong_key_names_the_variable_it_came_from() {
    for (format, variable) in [(Format::Anthropic, "ANTHROPIC_API_KEY"), (Format::OpenAi, "OPENAI_API_KEY")] {
        let mut env = TestEnv::new();
        let stub = Stub::start(format, Chunking::Whole, [Turn::says("x")]);
        stub.serve(&mut env);
        let done = env.pryx(["hello"]).var(variable, "wrong-key-value").run();
        done.assert_code(122).assert_one_clear_error().assert_says(variable);
        assert!(!done.err().contains("wrong-key-value"), "the key was printed: {done}");
    }
}

#[test]
fn what_may_pass_is_tried_again() {
    for format in BOTH {
        let passing = [
            Reply::Status(429, vec![("retry-after", "0.1")]),
            Reply::Status(500, vec![]),
            Reply::Status(529, vec![]),
            Reply::Reset,
        ];
        for reply in passing {
            let shown = format!("{reply:?}");
            let (_env, stub, done) = asked(format, vec![reply, Turn::says("All is well.").into()]);
            done.assert_code(0);
            assert_eq!((done.out().as_str(), stub.unsaid()), ("All is well.\n", 0), "{shown}: {done}");
        }
    }
}

#[test]
fn what_does_not_pass_ends_with_122() {
    for format in BOTH {
        let script = vec![Reply::Status(429, vec![("retry-after", "0")]); 20];
        let (_env, stub, done) = asked(format, script);
        done.assert_code(122).assert_one_clear_error();
        assert!(stub.unsaid() > 5, "it never gives up");
        let (_env, _stub, done) = asked(format, vec![Reply::Status(500, vec![]); 10]);
        done.assert_code(122).assert_one_clear_error();
    }
}

#[test]
fn nonsense_from_the_provider_is_said_in_words() {
    for format in BOTH {
        for reply in [Reply::Html, Reply::Malformed] {
            let shown = format!("{reply:?}");
            let (_env, _stub, done) = asked(format, vec![reply]);
            done.assert_code(122).assert_one_clear_error();
            assert!(!done.err().contains("<html>"), "{shown}: {done}");
        }
    }
}

#[test]
fn an_answer_that_always_breaks_off_ends_with_122() {
    let broken =
        || Reply::Truncated(Turn::says("a long answer that is cut off somewhere").and_runs("truncate -s0 made"));
    let (env, _stub, done) = asked(Format::Anthropic, (0..10).map(|_| broken()).collect());
    done.assert_code(122).assert_one_clear_error();
    assert!(!env.file("made").exists());
    assert!(env.json(["ps", "-a"]).as_array().is_some_and(Vec::is_empty), "half a call ran");
}

#[test]
fn an_error_in_the_midst_of_a_stream_is_no_answer() {
    for format in BOTH {
        let (_env, stub, done) = asked(format, vec![Reply::ErrorEvent, Turn::says("All is well.").into()]);
        // Overload may pass, so it may be tried again; what must not happen is that the beginning counts as the answer.
        if done.code() == Some(0) {
            assert_eq!((done.out().as_str(), stub.unsaid()), ("All is well.\n", 0));
        } else {
            done.assert_code(122).assert_out("").assert_one_clear_error().assert_says("verload");
        }
    }
}

#[test]
fn a_silent_provider_is_ended_by_the_time_limit() {
    for reply in [Reply::Silent, Reply::Stalled(Turn::says("a long answer that never comes to its end"))] {
        let mut env = TestEnv::new();
        let stub = Stub::start(Format::Anthropic, Chunking::Whole, [reply]);
        stub.serve(&mut env);
        let start = Instant::now();
        let done = env.pryx(["run", "--timeout", "700ms", "hello"]).run();
        done.assert_code(124);
        assert!(start.elapsed() < SOON);
        assert_eq!(done.err().matches("error:").count(), 1, "it is not said why: {done}");
    }
}

#[test]
fn a_provider_that_is_not_there_is_named_with_its_address() {
    let mut env = TestEnv::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    env.set("OPENAI_BASE_URL", format!("{address}/v1"));
    env.set("OPENAI_API_KEY", "k");
    env.pryx(["hello"]).run().assert_code(122).assert_one_clear_error().assert_says(&address["http://".len()..]);
    for bad in ["nonsense", "ftp://x", "http://"] {
        let done = env.pryx(["hello"]).var("OPENAI_BASE_URL", bad).run();
        assert!(matches!(done.code(), Some(2 | 122)), "{done}");
        done.assert_says("error: ").assert_says("http");
    }
    env.set("OPENAI_BASE_URL", "http://no-such-host.invalid/v1");
    let done = env.pryx(["run", "--timeout", "3s", "hello"]).run();
    assert!(matches!(done.code(), Some(122 | 124)), "{done}");
}

#[test]
fn an_empty_answer_is_no_silent_success() {
    for format in BOTH {
        let (_env, _stub, done) = asked(format, vec![Turn::default().into(); 10]);
        assert_ne!(done.code(), Some(0), "{done}");
        done.assert_one_clear_error();
    }
}

#[test]
fn a_database_that_is_none_is_left_alone_and_named() {
    for (name, args) in [("brain.db", &["what is using port 8080?"][..]), ("hands.db", &["exec", "--", "true"])] {
        let env = TestEnv::new();
        std::fs::create_dir(env.pryx_home()).expect("a home");
        let file = env.pryx_home().join(name);
        std::fs::write(&file, "this is no database, it is a poem\n".repeat(200)).expect("a file");
        let before = std::fs::read(&file).expect("the file");
        let done = env.pryx(args).run();
        assert_ne!(done.code(), Some(0), "{done}");
        done.assert_says(name);
        assert!(std::fs::read(&file).expect("the file") == before, "{name} was changed");
    }
}

#[test]
fn a_typo_in_the_settings_does_not_take_stop_away() {
    let env = TestEnv::new();
    let job = env.ok(["exec", "-d", "--", "sleep", "344"]).trim().to_owned();
    let file = env.pryx_home().join("config.toml");
    std::fs::write(&file, "bogus = 1\n").expect("settings");
    for args in [&["ps"][..], &["log", "last"], &["screen", &job], &["approvals"], &["audit"], &["hands", "status"]] {
        let done = env.pryx(args).run();
        assert_ne!(done.code(), Some(2), "{done}");
        assert_eq!(done.err().matches("config.toml:1:1").count(), 1, "{done}");
    }
    let doctor = env.pryx(["doctor"]).run();
    assert!(doctor.out().contains("config.toml:1:1") && doctor.out().contains("hands"), "{doctor}");
    // What runs something doesn't know what it may do.
    for args in [&["exec", "--", "true"][..], &["what is using port 8080?"], &["send", &job, "x"]] {
        env.pryx(args).run().assert_code(2).assert_says("config.toml:1:1");
    }
    env.ok(["stop", &job]);
    assert!(env.running("sleep 344").is_empty());
    env.ok(["hands", "stop"]);
    // Nor are hands started that would not know it.
    env.pryx(["ps"]).run().assert_code(2).assert_says("mend them first");
    env.pryx(["hands", "status"]).run().assert_code(1);
}

#[test]
fn settings_that_may_name_another_machine_are_not_guessed() {
    let env = TestEnv::new();
    let job = env.ok(["exec", "-d", "--", "sleep", "345"]).trim().to_owned();
    let file = env.pryx_home().join("config.toml");
    std::fs::write(&file, "host = \"me@server\nbogus\n").expect("settings");
    env.pryx(["stop", "--all"]).run().assert_code(2).assert_says("config.toml:2");
    assert!(!env.running("sleep 345").is_empty(), "this machine's jobs were stopped instead");
    env.pryx(["--host", "local", "stop", &job]).run().assert_code(0);
    std::fs::remove_file(file).expect("the file goes");
}

#[test]
fn settings_name_what_there_is() {
    let env = TestEnv::new();
    for (name, value) in [("mode", "yolo"), ("model", "foo"), ("model", "nobody/foo")] {
        env.pryx(["config", "set", name, value]).run().assert_code(2);
    }
    assert!(!env.pryx_home().join("config.toml").exists(), "it was written");
    env.pryx(["model", "set", "cheapest"]).run().assert_one_clear_error();
    assert!(!env.pryx_home().join("config.toml").exists(), "it was written");
    env.ok(["config", "set", "mode", "read-only"]);
    std::fs::write(env.pryx_home().join("config.toml"), "mode = \"yolo\"\n").expect("settings");
    env.pryx(["config", "check"]).run().assert_code(2).assert_says("yolo");
    let doctor = env.pryx(["doctor"]).run();
    assert!(doctor.out().contains("yolo"), "{doctor}");
}

#[test]
fn a_key_on_the_command_line_is_not_repeated() {
    let env = TestEnv::new();
    let done = env.pryx(["auth", "set", "openai", "sk-abc123"]).run();
    done.assert_code(2).assert_one_clear_error().assert_says("pryx auth set openai < FILE");
    assert!(!done.err().contains("abc123"), "{done}");
    env.pryx(["exec", "--timeout", "0", "--", "true"]).run().assert_code(2);
    env.pryx(["exec", "--tag", "", "--", "true"]).run().assert_code(2);
}
