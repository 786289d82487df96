//! What a decision of the gate costs: plans and rulings under a policy with 200 rules, and the time from a model's call to
//! the question on the client's side of the socket. `cargo bench --bench gate`.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark talks, and stops at what it can't measure"
)]

use pryx_hands::gate::{Choice, Policies, Policy, Surroundings, plan_shell};
use pryx_ipc::{CallTool, Client, Event, Hello, PROTOCOL_VERSION, Update};
use pryx_terms::{CallKey, SessionId};
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const PRYX: &str = env!("CARGO_BIN_EXE_pryx");

/// Rounds over all commands.
const ROUNDS: usize = 400;

/// Questions that are asked through the socket.
const QUESTIONS: usize = 200;

/// What people and models run, in a directory with a few files.
const COMMANDS: &[&str] = &[
    "ls -la",
    "cat notes.txt | sort | uniq -c | sort -rn | head",
    "grep -rn TODO src",
    "find . -name '*.rs' | xargs wc -l",
    "for f in *.txt; do wc -l \"$f\"; done",
    "git status --short",
    "cargo test --workspace 2>&1 | tail -n 40",
    "cd src && make -j4 all",
    "docker ps --format '{{.Names}}'",
    "rm -rf build",
    "timeout 60 sh -c 'npm ci && npm test'",
    "ps aux --sort=-%mem | head -n 11",
    "curl -s https://example.com/ | jq .name",
    "echo done > out.txt",
    "python3 -c 'print(1)'",
    "if command -v ss >/dev/null; then ss -ltn; else netstat -an; fi",
];

fn main() {
    let dir = tempfile::Builder::new().prefix("pb").tempdir_in("/tmp").expect("a directory");
    let work = dir.path().join("work");
    std::fs::create_dir_all(work.join("src")).expect("a directory");
    for n in 0..50 {
        std::fs::write(work.join(format!("src/file{n}.rs")), "fn main() {}\n").expect("a file");
        std::fs::write(work.join(format!("note{n}.txt")), "x\n").expect("a file");
    }
    decisions(dir.path(), &work);
    questions(dir.path(), &work);
}

/// 120 patterns that allow, 50 that ask, 30 that deny.
fn policy() -> String {
    let mut text = "name: big\nmode: workspace\ntools:\n".to_owned();
    for (list, count) in [("allowed", 120), ("ask", 50), ("denied", 30)] {
        let _ = write!(text, "  {list}:\n    - shell.exec:\n        commands:\n");
        for n in 0..count {
            let _ = writeln!(text, "          - \"program{list}{n} sub{n} --option{n}=* *\"");
        }
    }
    text
}

fn decisions(dir: &Path, work: &Path) {
    let folder = dir.join("policies");
    std::fs::create_dir_all(&folder).expect("a directory");
    std::fs::write(folder.join("big.yaml"), policy()).expect("a policy");
    let policies = Policies::new(Policy::builtin(Some(dir), &[]), &folder, "workspace");
    let choice = Choice { name: "big".to_owned(), dir: Some(work.to_owned()) };
    assert!(policies.rules(&choice).fault().is_none(), "the policy can't be read");
    let path = std::env::var("PATH").unwrap_or_default();
    let around = Surroundings { path, home: Some(dir.to_owned()), terminal: None };
    let shell = ["/bin/bash".to_owned(), "-c".to_owned()];
    let (mut plans, mut rulings, mut both) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS + 10 {
        for command in COMMANDS {
            let start = Instant::now();
            let plan = plan_shell("shell.exec", command, &shell, work, &around);
            let planned = start.elapsed();
            let ruling = policies.rules(&choice).judge(&plan).ruling;
            let ruled = start.elapsed();
            assert!(!ruling.reason.is_empty());
            if round >= 10 {
                plans.push(planned);
                rulings.push(ruled - planned);
                both.push(ruled);
            }
        }
    }
    println!("{} decisions about {} commands, 200 rules:", both.len(), COMMANDS.len());
    row("plan (parse, look up programs and files)", plans);
    row("ruling (rules of the file and of the mode)", rulings);
    row("decision, both together", both);
}

fn questions(dir: &Path, work: &Path) {
    let home = dir.join("home");
    let pryx = |args: &[&str]| {
        let mut command = Command::new(PRYX);
        command.args(args).env("PRYX_HOME", &home).env("HOME", dir).current_dir(work);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().expect("pryx runs")
    };
    // It starts the daemon.
    assert!(pryx(&["ps"]).success(), "the hands don't start");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let socket = pryx_hands::socket_path(&home.join("run"));
    let times = runtime.block_on(async {
        let hello = Hello { protocol: PROTOCOL_VERSION, client: "bench".to_owned(), version: String::new() };
        let (client, _) = Client::connect(&socket, hello).await.expect("a connection");
        let mut times = Vec::new();
        for n in 0..QUESTIONS + 5 {
            let call = CallTool {
                key: CallKey::generate(),
                session: SessionId::parse("bench").expect("an id"),
                tool: "shell.exec".to_owned(),
                arguments: serde_json::json!({"command": format!("make target{n} && rm -rf build{n}")}),
                cwd: work.to_owned(),
                env: Default::default(),
                can_ask: true,
            };
            let start = Instant::now();
            let mut running = client.start(call).await.expect("a call");
            match running.next().await.expect("an event") {
                Update::Event(Event::ApprovalNeeded(_)) => {}
                other => panic!("no question: {other:?}"),
            }
            if n >= 5 {
                times.push(start.elapsed());
            }
            running.cancel().await.expect("a cancellation");
            while running.next().await.is_ok() {}
        }
        times
    });
    println!("{QUESTIONS} questions, from the call to the card's content at the client:");
    row("call to question (plan, ruling, two rows on disk)", times);
    assert!(pryx(&["hands", "stop", "--all"]).success(), "the hands don't stop");
}

fn row(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |share: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an index"
        )]
        let index = ((times.len() - 1) as f64 * share) as usize;
        times[index].as_secs_f64() * 1000.0
    };
    println!("{what:<50} median {:>7.3} ms   p99 {:>7.3} ms   longest {:>7.3} ms", at(0.5), at(0.99), at(1.0));
}
