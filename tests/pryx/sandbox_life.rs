//! Life in the sandbox: everyday work goes on, what fails says why it may, and where the kernel can't hold anything that
//! is said instead.

use super::env::{Act, Done, PRYX, TestEnv, wait_until};
use super::pty::Screen;
use super::stub::{Chunking, Format, Stub, Turn};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Runs a script in the sandbox of a mode.
fn held(env: &TestEnv, mode: &str, script: &str) -> Done {
    env.pryx(["exec", "--mode", mode, "--no-tty", "--", "bash", "-euc", script]).within(Duration::from_secs(100)).run()
}

fn is_there(program: &str) -> bool {
    ["/usr/bin", "/usr/local/bin", "/bin"].iter().any(|dir| Path::new(dir).join(program).is_file())
}

#[test]
fn git_works_in_the_sandbox() {
    let env = TestEnv::outside_tmp();
    std::fs::write(env.home().join(".gitconfig"), "[user]\nname = N\nemail = n@example.org\n").expect("a file");
    let done = held(
        &env,
        "workspace",
        "git init -q . && echo a >a && git add a && git commit -qm one && echo b >>a && git diff --stat && git stash -q \
         && git stash pop -q && git checkout -qb other && git commit -qam two && git log --oneline | wc -l && git status",
    );
    done.assert_code(0);
    assert!(done.out().contains("\n2\n") && done.out().contains("1 file changed"), "{done}");
    let done = held(&env, "read-only", "git status --short; git log --oneline; git diff HEAD~1 --stat");
    done.assert_code(0);
    held(&env, "read-only", "git commit --allow-empty -qm three").assert_code(128);
}

#[test]
fn shells_compilers_and_temporary_files_work_in_the_sandbox() {
    let env = TestEnv::outside_tmp();
    held(
        &env,
        "workspace",
        "t=$(mktemp -d); echo x >$t/x; rm -r $t; cat <<E >here\nyes\nE\ndiff here <(echo yes); mkdir d; mv here d/; \
         cp -r d e; ln -s d f; chmod +x d/here; echo err >/dev/stderr; echo out >/dev/stdout; : </dev/tty || true; \
         ls / ~ >/dev/null; ps aux >/dev/null; df -h >/dev/null; mkfifo p; (echo through >p &) ; cat p",
    )
    .assert_code(0)
    .assert_out("out\nthrough\n")
    .assert_says("err\n");
    if is_there("gcc") && is_there("make") {
        std::fs::write(env.file("m.c"), "int main(){return 0;}").expect("a file");
        std::fs::write(env.file("Makefile"), "m: m.c\n\tgcc -pipe -o m m.c\n").expect("a file");
        held(&env, "workspace", "make && ./m").assert_code(0);
    }
    let python = "import multiprocessing, subprocess, tempfile, threading, socket, asyncio\n\
         print(multiprocessing.get_context('fork').Pool(2).map(abs, [1, -2]))\n\
         tempfile.TemporaryFile(); subprocess.check_call(['true']); socket.socketpair(); asyncio.run(asyncio.sleep(0))";
    env.pryx(["exec", "--mode", "workspace", "--no-tty", "--", "python3", "-c", python]).run().assert_code(0);
}

/// Commands get a terminal as without it, with its name.
#[test]
fn a_terminal_works_in_the_sandbox() {
    let env = TestEnv::outside_tmp();
    let script = "stty size; test -t 1; echo a >/dev/tty; t=$(readlink /proc/self/fd/2); echo b >$t; tput cols >/dev/null; stty -echo <&1";
    let done = env
        .pryx([
            "exec",
            "--mode",
            "workspace",
            "--tty",
            "--",
            "bash",
            "-euc",
            &script.replace("stty size", "stty size <&1"),
        ])
        .run();
    done.assert_code(0);
    assert!(done.out().contains("a\r\nb\r\n") || done.out().contains("a\nb\n"), "{done}");
}

#[test]
fn cargo_builds_and_tests_in_the_sandbox() {
    let cargo = PathBuf::from(env!("CARGO"));
    let env = TestEnv::outside_tmp();
    let home = env.home().join(".cargo");
    std::fs::create_dir_all(home.join("registry")).expect("a directory");
    let path = format!("{}:/usr/bin:/bin", cargo.parent().expect("its directory").display());
    // One small crate, linked once: what is tried is that a build finds its places, not the compiler.
    let script = format!(
        "export PATH={path} CARGO_PROFILE_TEST_DEBUG=0; cargo new -q --lib k --vcs none; cd k; \
         cargo test --lib --offline 2>&1"
    );
    let done = held(&env, "workspace", &script);
    done.assert_code(0);
    assert!(done.out().contains("test tests::it_works ... ok"), "{done}");
}

#[test]
fn only_looking_writes_to_its_own_directory_alone_and_that_is_gone_afterwards() {
    let env = TestEnv::outside_tmp();
    let script = "t=$(mktemp); echo x >$t; cat $t; echo $TMPDIR; echo y 2>/dev/null >/tmp/px-$$ || echo held; : 2>/dev/null >w || echo held";
    let done = held(&env, "read-only", script);
    done.assert_code(0);
    let text = done.out();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines[0], &lines[2..]), ("x", &["held", "held"][..]), "{done}");
    assert!(Path::new(lines[1]).starts_with(env.pryx_home()), "{done}");
    wait_until("its temporary files are gone", Duration::from_secs(10), || !Path::new(lines[1]).exists());
}

/// New rights are what the sandbox takes: a program that would get another user's says so.
#[test]
fn nobody_becomes_another_user_in_the_sandbox() {
    let env = TestEnv::outside_tmp();
    held(&env, "workspace", "grep NoNewPrivs:.1 /proc/self/status").assert_code(0);
    env.pryx(["exec", "--", "grep", "NoNewPrivs:.0", "/proc/self/status"]).run().assert_code(0);
}

#[test]
fn a_mode_that_is_none_is_refused() {
    let env = TestEnv::new();
    let done = env.pryx(["exec", "--mode", "cosy", "--", "true"]).run();
    assert_ne!(done.code(), Some(0));
    done.assert_says("cosy").assert_one_clear_error();
}

#[test]
fn the_model_is_told_that_the_sandbox_may_be_the_reason() {
    let mut env = TestEnv::outside_tmp();
    std::fs::create_dir_all(env.home().join("snap/app")).expect("a directory");
    std::fs::write(env.home().join("snap/app/state"), "a secret that the rules don't know by its name")
        .expect("a file");
    let script = [Turn::runs("ls nowhere"), Turn::runs("cat ~/snap/app/state"), Turn::says("So.")];
    let stub = Stub::start(Format::Anthropic, Chunking::Whole, script);
    stub.serve(&mut env);
    env.pryx(["look"]).run();
    let asked: Vec<String> = stub.received().iter().map(|request| request.body.to_string()).collect();
    assert!(asked[1].contains("No such file") && !asked[1].contains("may be the sandbox"), "{}", asked[1]);
    assert!(asked[2].contains("Permission denied") && asked[2].contains("may be the sandbox"), "{}", asked[2]);
    assert!(!asked[2].contains("don't know by its name"), "{}", asked[2]);
}

#[test]
fn doctor_proves_the_sandbox_by_trying() {
    let env = TestEnv::new();
    let checks = env.json(["doctor"]);
    let check =
        checks["checks"].as_array().expect("checks").iter().find(|c| c["name"] == "sandbox").expect("the check");
    assert_eq!(check["level"], "ok", "{check:#}");
    assert!(check["detail"].as_str().is_some_and(|d| d.contains("Landlock") && d.contains("could not")), "{check:#}");
}

/// The same binary on a kernel that has no Landlock: one whose calls a filter makes absent.
#[test]
fn where_the_kernel_holds_nothing_that_is_said() {
    use seccompiler::{SeccompAction, SeccompFilter, apply_filter};
    let mut env = TestEnv::new();
    let rules = [(libc::SYS_landlock_create_ruleset, vec![])].into_iter().collect();
    let absent = SeccompAction::Errno(libc::ENOSYS.cast_unsigned());
    let arch = std::env::consts::ARCH.try_into().expect("a known processor");
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, absent, arch).expect("a filter");
    let filter: seccompiler::BpfProgram = filter.try_into().expect("a program");
    let mut hands = env.program(PRYX);
    hands.args(["hands", "run"]);
    // SAFETY: a few system calls.
    unsafe { hands.pre_exec(move || apply_filter(&filter).map_err(std::io::Error::other)) };
    let hands = Act::new(hands).start();
    wait_until("they listen", Duration::from_secs(20), || env.socket().exists());
    let stub = Stub::start(
        Format::Anthropic,
        Chunking::Whole,
        [Turn::runs("cat /etc/hostname"), Turn::runs("touch made"), Turn::says("So.")],
    );
    stub.serve(&mut env);
    // What this mode lets run because it is held is asked here, and nobody is there.
    env.pryx(["look"]).run().assert_code(121).assert_says("nothing would hold it");
    assert!(!env.file("made").exists());
    let jobs = env.json(["ps", "-a"]);
    assert_eq!(jobs[0]["sandbox"]["profile"], "none", "{jobs:#}");
    assert!(jobs[0]["sandbox"]["note"].as_str().is_some_and(|note| note.contains("no Landlock")), "{jobs:#}");
    let done = env.pryx(["exec", "--mode", "workspace", "--", "true"]).run();
    assert_ne!(done.code(), Some(0), "who asks for a sandbox must not get a command without one");
    done.assert_says("no Landlock").assert_one_clear_error();
    let checks = env.json(["doctor"]);
    let check =
        checks["checks"].as_array().expect("checks").iter().find(|c| c["name"] == "sandbox").expect("the check");
    assert_eq!(check["level"], "warn", "{check:#}");
    env.ok(["hands", "stop", "--all"]);
    drop(hands.wait());
}

/// Lets an agent run a command with a person's yes; its record, and what it printed.
#[track_caller]
fn with_a_yes(env: &mut TestEnv, command: &str, card: &str) -> (serde_json::Value, String) {
    let stub = Stub::start(Format::Anthropic, Chunking::Whole, [Turn::runs(command), Turn::says("It ended.")]);
    stub.serve(env);
    let mut screen = Screen::pryx(env, &["do it"]);
    screen.wait_for("[y] yes");
    assert!(screen.text().contains(card), "{}", screen.text());
    screen.keys("y");
    screen.wait_for("It ended.");
    screen.wait();
    let job = env.json(["ps", "-a"])[0].clone();
    let log = env.ok(["log", job["id"].as_str().expect("an id")]);
    (job, log)
}

#[test]
fn a_yes_to_what_nobody_knows_opens_the_network_and_no_secrets() {
    let mut env = TestEnv::outside_tmp();
    std::fs::create_dir(env.home().join(".ssh")).expect("a directory");
    std::fs::write(env.home().join(".ssh/id"), "the key").expect("a key");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let script = format!(
        "exec 3<>/dev/tcp/127.0.0.1/{} && echo connected\ncat ~/.ssh/id || echo hidden\n\
         echo x >~/out || echo kept\necho x >in && echo wrote\n",
        listener.local_addr().expect("a port").port()
    );
    std::fs::write(env.file("script.sh"), script).expect("a script");
    let (job, log) = with_a_yes(&mut env, "bash script.sh", "sandbox workspace+network");
    assert_eq!(job["sandbox"]["profile"], "workspace+network", "{job:#}");
    for word in ["connected", "hidden", "kept", "wrote"] {
        assert!(log.contains(word), "{word}: {log}");
    }
    assert!(!log.contains("the key") && !env.home().join("out").exists(), "{log}");
}

#[test]
fn a_yes_to_a_file_elsewhere_is_enough_to_write_it() {
    let mut env = TestEnv::outside_tmp();
    std::fs::create_dir(env.home().join("other")).expect("a directory");
    std::fs::write(env.file("a"), "a").expect("a file");
    let (job, log) = with_a_yes(&mut env, "cp a ~/other/a", "sandbox workspace+");
    assert!(env.home().join("other/a").exists(), "{log}");
    assert!(job["sandbox"]["profile"].as_str().is_some_and(|name| name.contains("+files")), "{job:#}");
    // Beside secrets there is no border to draw: the card says that none will be.
    let (job, log) = with_a_yes(&mut env, "cp a ~/a", "sandbox none");
    assert!(env.home().join("a").exists(), "{log}");
    assert_eq!(job["sandbox"]["profile"], "none", "{job:#}");
}

#[test]
fn what_can_not_work_in_a_sandbox_runs_outside_and_the_card_says_so() {
    let mut env = TestEnv::outside_tmp();
    let (job, _) = with_a_yes(&mut env, "sudo -n true", "sandbox none: sudo acts with another user's rights");
    assert_eq!(job["sandbox"]["profile"], "none", "{job:#}");
}

#[test]
fn ports_and_directories_of_the_settings_are_open_and_no_others() {
    let env = TestEnv::outside_tmp();
    let (open, shut) = (std::net::TcpListener::bind("127.0.0.1:0"), std::net::TcpListener::bind("127.0.0.1:0"));
    let (open, shut) = (open.expect("a port"), shut.expect("a port"));
    let port = |listener: &std::net::TcpListener| listener.local_addr().expect("a port").port();
    std::fs::create_dir(env.home().join("cache")).expect("a directory");
    std::fs::create_dir_all(env.pryx_home()).expect("a directory");
    let settings = format!("[sandbox]\nwritable = [\"~/cache\"]\nports = [{}]\n", port(&open));
    std::fs::write(env.pryx_home().join("config.toml"), settings).expect("settings");
    held(&env, "workspace", &format!("exec 3<>/dev/tcp/127.0.0.1/{}; echo x >~/cache/x", port(&open))).assert_code(0);
    for shut in [
        format!("exec 3<>/dev/tcp/127.0.0.1/{}", port(&shut)),
        format!("echo x >/dev/udp/127.0.0.1/{}", port(&open)),
        "echo x >~/x".to_owned(),
        "python3 -c 'import socket; socket.socket(2,1,262)'".to_owned(),
        // A port that the kernel picks, and TCP's ways to connect without `connect`.
        "python3 -c 'import socket; socket.socket(2,1).listen()'".to_owned(),
        fast("s.sendto(b\"x\",0x20000000,a)", port(&shut)),
        fast("s.sendmsg([b\"x\"],[],0x20000000,a)", port(&shut)),
        fast("s.setsockopt(6,30,1)", port(&shut)),
    ] {
        if shut.starts_with("python3") && !shut.contains("262") {
            env.pryx(["exec", "--no-tty", "--", "bash", "-c", &shut]).run().assert_code(0);
        }
        assert_ne!(held(&env, "workspace", &shut).code(), Some(0), "{shut}");
    }
}

fn fast(call: &str, port: u16) -> String {
    format!("python3 -c 'import socket; s=socket.socket(2,1); a=(\"127.0.0.1\",{port}); {call}'")
}

/// What a compiler made earlier it takes for true, so a command in a sandbox must not change what a person's own builds
/// find; it has a place of its own, which the same workspace's next command finds and others don't.
#[test]
fn builds_keep_what_they_make_apart_from_the_persons() {
    let env = TestEnv::outside_tmp();
    let theirs = [".cache/go-build", ".cache/ccache", ".ccache", ".cache/sccache", ".cache/zig"];
    let code = [".cache/deno", ".cache/node/corepack", ".cache/bazel", ".cargo/registry", ".npm", "go/pkg/mod"];
    for place in theirs.iter().chain(&code) {
        std::fs::create_dir_all(env.home().join(place)).expect("a directory");
        let script = format!("echo x >~/{place}/x");
        env.pryx(["exec", "--no-tty", "--", "bash", "-c", &script]).run().assert_code(0);
        assert_ne!(held(&env, "workspace", &script).code(), Some(0), "{place}");
        assert_ne!(held(&env, "workspace", &format!("rm ~/{place}/x")).code(), Some(0), "{place}");
    }
    let made = "for place in $GOCACHE $CCACHE_DIR $SCCACHE_DIR $ZIG_GLOBAL_CACHE_DIR; do mkdir -p $place && echo made >$place/x || exit; done";
    held(&env, "workspace", made).assert_code(0);
    held(&env, "workspace", "cat $GOCACHE/x $CCACHE_DIR/x $SCCACHE_DIR/x $ZIG_GLOBAL_CACHE_DIR/x")
        .assert_code(0)
        .assert_out("made\nmade\nmade\nmade\n");
    let own = held(&env, "workspace", "printf %s $GOCACHE");
    let other = env.home().join("other");
    std::fs::create_dir(&other).expect("a directory");
    let script = format!("! cat {0}/x && ! echo x >{0}/x && test $GOCACHE != {0}", own.out());
    let mut command = env.program(super::env::PRYX);
    command.current_dir(&other).args(["exec", "--no-tty", "--mode", "workspace", "--", "bash", "-c", &script]);
    Act::new(command).run().assert_code(0);
    // Whose place a command may write anyway stays where it is.
    let mut command = env.program(super::env::PRYX);
    command.args([
        "exec",
        "--no-tty",
        "--mode",
        "workspace",
        "--env",
        "GOCACHE=/tmp/kept",
        "--",
        "printenv",
        "GOCACHE",
    ]);
    Act::new(command).run().assert_code(0).assert_out("/tmp/kept\n");
}
