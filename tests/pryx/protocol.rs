//! The protocol as `docs/protocol.md` tells strangers to use it, against the real daemon.

use super::env::{Act, Done, TestEnv, wait_until};
use std::time::Duration;

fn client(env: &TestEnv, args: &[&str]) -> Done {
    let mut python = env.program("python3");
    python.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/examples/client.py"));
    python.arg(env.socket()).args(args);
    Act::new(python).run()
}

#[test]
fn the_python_client_runs_a_command_with_its_output_and_exit_code() {
    let env = TestEnv::new();
    env.ok(["ps"]);
    let done = client(&env, &["sh", "-c", "printf 'out\\377'; echo err >&2; exit 7"]);
    done.assert_code(7);
    assert_eq!(done.stdout, b"out\xff", "{done}");
    done.assert_says("err\n").assert_says("\"code\": 7");
    client(&env, &["sh", "-c", "kill -9 $$"]).assert_code(137);
    client(&env, &["no-such-program"]).assert_code(1).assert_says("no-such-program");
    let big = client(&env, &["seq", "1", "200000"]);
    assert_eq!(big.out().lines().count(), 200_000);
}

#[test]
fn the_python_client_is_as_long_as_said() {
    let text = include_str!("../../docs/examples/client.py");
    assert!(text.lines().count() <= 45, "docs/protocol.md says 40 lines");
}

#[test]
fn socat_is_enough() {
    let env = TestEnv::new();
    env.ok(["ps"]);
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/protocol.md")).expect("the document");
    let script = text.split("```sh\n").nth(1).and_then(|rest| rest.split("\n```").next()).expect("a shell block");
    assert!(script.contains("socat"), "{script}");
    if env.program("socat").arg("-V").output().is_err() {
        return;
    }
    let mut sh = env.program("sh");
    sh.args(["-c", script]);
    let done = Act::new(sh).run();
    done.assert_code(0);
    let reply = &done.events()[0];
    assert_eq!((&reply["success"], &reply["output"]), (&true.into(), &"Linux\r\n".into()), "{reply}");
    assert_eq!(reply["result"]["job"]["outcome"]["code"], 0);
}

#[test]
fn socket_and_directories_are_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let env = TestEnv::new();
    env.ok(["exec", "--", "echo", "secret"]);
    let mode = |path: &std::path::Path| std::fs::metadata(path).expect("it exists").permissions().mode() & 0o777;
    assert_eq!(mode(&env.pryx_home()), 0o700);
    assert_eq!(mode(&env.pryx_home().join("run")), 0o700);
    assert_eq!(mode(&env.socket()), 0o600);
    let mut folders = vec![env.pryx_home()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a directory").flatten() {
            let path = entry.path();
            assert_eq!(mode(&path) & 0o077, 0, "others may touch {}", path.display());
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
}

#[test]
fn idle_hands_end_by_themselves_but_not_while_something_runs() {
    let mut env = TestEnv::new();
    env.set("PRYX_IDLE_MINUTES", "0.02");
    let id = env.ok(["exec", "-d", "--", "sleep", "351"]);
    let hands = env.hands_pid();
    std::thread::sleep(Duration::from_secs(3));
    assert!(super::env::is_alive(hands), "they left a job alone");
    env.ok(["stop", id.trim()]);
    wait_until("they end", Duration::from_secs(15), || !super::env::is_alive(hands));
    assert_eq!(env.ok(["exec", "--", "echo", "back"]), "back\n");
}
