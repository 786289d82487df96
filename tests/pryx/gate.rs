//! Nothing that changes anything runs without a person's yes, and no way around that works: each is tried here.

use super::env::{PATIENCE, PRYX, TestEnv, wait_until};
use super::pty::Screen;
use super::stub::{Chunking, Format, Reply, Stub, Turn};
use rusqlite::Connection;
use std::time::Duration;

/// A provider that says these things, as the model of an environment.
pub fn model<R: Into<Reply>>(env: &mut TestEnv, script: impl IntoIterator<Item = R>) -> Stub {
    let stub = Stub::start(Format::Anthropic, Chunking::Whole, script);
    stub.serve(env);
    stub
}

/// The audit log: kind, actor, body.
#[track_caller]
pub fn audit(env: &TestEnv) -> Vec<(String, String, String)> {
    let database = Connection::open(env.pryx_home().join("hands.db")).expect("the hands' database");
    let mut statement = database.prepare("SELECT kind, actor, body FROM audit ORDER BY seq").expect("a query");
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).expect("rows");
    rows.map(|row| row.expect("a row")).collect()
}

#[track_caller]
fn kinds(env: &TestEnv) -> Vec<String> {
    audit(env).into_iter().map(|(kind, ..)| kind).filter(|kind| kind != "mode").collect()
}

/// The one question that waits.
#[track_caller]
pub fn question(env: &TestEnv) -> String {
    let mut id = None;
    wait_until("a question waits", PATIENCE, || {
        id = env.json(["approvals"])[0]["id"].as_str().map(str::to_owned);
        id.is_some()
    });
    id.unwrap_or_default()
}

#[test]
fn without_a_person_what_must_be_asked_does_not_run() {
    let mut env = TestEnv::new();
    let stub = model(&mut env, [Turn::runs("truncate -s0 made"), Turn::says("I could not.")]);
    let done = env.pryx(["make it"]).run();
    done.assert_code(121).assert_out("I could not.\n");
    done.assert_says("nobody can be asked").assert_says("pryx exec").assert_says("→");
    assert!(!env.file("made").exists());
    assert!(stub.tool_results().concat().contains("Not run"), "{:?}", stub.tool_results());
    assert!(env.json(["ps", "-a"]).as_array().is_some_and(Vec::is_empty));
    let kinds = kinds(&env);
    assert!(kinds.contains(&"ruling".into()) && kinds.contains(&"refused".into()), "{kinds:?}");
    assert!(!kinds.contains(&"started".into()), "{kinds:?}");
}

#[test]
fn a_yes_runs_exactly_what_was_shown() {
    let mut env = TestEnv::new();
    let _stub = model(&mut env, [Turn::runs("truncate -s0 made"), Turn::says("It is there.")]);
    let mut screen = Screen::pryx(&env, &["make it"]);
    screen.wait_for("? truncate -s0 made");
    screen.wait_for("[y] yes");
    assert!(!env.file("made").exists());
    // Enter, space and the like are no answer, and neither is a y among other keys.
    screen.keys("\r \u{1b}x yes y");
    screen.wait_for("(one key: y, s, a, e, x, n or q)");
    assert!(!env.file("made").exists());
    screen.keys("y");
    screen.wait_for("It is there.");
    screen.assert_code(0);
    assert!(env.file("made").exists());
    assert_eq!(kinds(&env), ["ruling", "approval", "approval", "started", "ended"].map(String::from));
}

#[test]
fn a_no_runs_nothing_and_ends_with_120() {
    let mut env = TestEnv::new();
    let stub = model(&mut env, [Turn::runs("truncate -s0 made"), Turn::says("As you like.")]);
    let mut screen = Screen::pryx(&env, &["make it"]);
    screen.wait_for("[n] no");
    screen.keys("n");
    screen.wait_for("As you like.");
    screen.assert_code(120);
    assert!(!env.file("made").exists());
    assert_eq!(stub.received().len(), 2, "the model hears of it");
}

#[test]
fn keys_typed_before_the_question_are_no_answer() {
    let mut env = TestEnv::new();
    let slow = Reply::Slow(Turn::runs("truncate -s0 made"), Duration::from_millis(100));
    let _stub = model(&mut env, [slow, Turn::says("As you like.").into()]);
    let mut screen = Screen::pryx(&env, &["make it"]);
    screen.keys("yyyy\ryyyy");
    screen.wait_for("[n] no");
    screen.keys("n");
    screen.assert_code(120);
    assert!(!env.file("made").exists());
}

#[test]
fn yes_for_the_session_covers_the_same_command_and_no_other() {
    let mut env = TestEnv::new();
    let script = [
        Turn::runs("truncate -s0 made"),
        Turn::runs("truncate -s0 made"),
        Turn::runs("truncate -s0 made other"),
        Turn::says("That was all."),
    ];
    let _stub = model(&mut env, script);
    let mut screen = Screen::pryx(&env, &["make it"]);
    screen.wait_for("[s] yes");
    screen.keys("s");
    screen.wait_for("? truncate -s0 made other");
    screen.wait_for("[n] no");
    screen.keys("n");
    screen.wait_for("That was all.");
    screen.wait();
    assert_eq!(screen.text().matches("? truncate -s0 made").count(), 2, "{}", screen.text());
    assert!(!env.file("other").exists());
    assert_eq!(env.json(["ps", "-a"]).as_array().map(Vec::len), Some(2));
}

#[test]
fn a_question_can_be_answered_from_another_terminal() {
    for (answer, code, made) in [("approve", 0, true), ("deny", 120, false)] {
        let mut env = TestEnv::new();
        let _stub = model(&mut env, [Turn::runs("truncate -s0 made"), Turn::says("Well.")]);
        let mut screen = Screen::pryx(&env, &["make it"]);
        screen.wait_for("[y] yes");
        let id = question(&env);
        assert!(env.ok(["approvals"]).contains("truncate -s0 made"));
        env.ok([answer, &id]);
        screen.wait_for("Well.");
        screen.assert_code(code);
        assert_eq!(env.file("made").exists(), made);
        env.pryx([answer, &id]).run().assert_code(1).assert_says("already ended");
    }
}

#[test]
fn a_question_nobody_answers_is_a_no() {
    let mut env = TestEnv::new();
    env.set("PRYX_APPROVAL_MINUTES", "0.02");
    let _stub = model(&mut env, [Turn::runs("truncate -s0 made"), Turn::says("Nobody was there.")]);
    let mut screen = Screen::pryx(&env, &["make it"]);
    screen.wait_for("[y] yes");
    screen.wait_for("Nobody was there.");
    screen.assert_code(120);
    assert!(!env.file("made").exists());
}

/// Both would be refused by the system too; the question is whether they get that far.
#[test]
fn what_is_forbidden_is_not_even_asked() {
    for command in ["pryx approve abc1234", "mkfs.ext4 /dev/sdzz9", "sh -c 'pryx  approve abc1234'"] {
        let mut env = TestEnv::new();
        let _stub = model(&mut env, [Turn::runs(command), Turn::says("No.")]);
        let mut screen = Screen::pryx(&env, &["do it"]);
        screen.wait_for("forbidden");
        screen.wait_for("No.");
        screen.assert_code(121);
        assert!(!screen.text().contains("[y]"), "{}", screen.text());
        assert!(env.json(["ps", "-a"]).as_array().is_some_and(Vec::is_empty), "{command} ran");
    }
}

#[test]
fn a_disguised_command_is_asked_all_the_same() {
    let disguises = [
        "cat /etc/hosts > made",
        "ls; rm made",
        "ls && rm made",
        "ls | tee made",
        "echo $(rm made)",
        "`rm made`",
        "timeout 9 rm made",
        "env X=1 rm made",
        "find . -maxdepth 0 -exec rm made {} +",
        "bash -c 'rm made'",
        "echo rm made | sh",
        "ls &\nrm made",
        "t=rm; $t made",
        "x() { rm made; }; x",
        "sort /etc/hosts -o made",
        "sed -n 'w made' /etc/hosts",
        "awk 'BEGIN{print > \"made\"}'",
        "xargs rm made </dev/null",
        "nice rm made",
        "'r'\"m\" made",
        "\\rm made",
        "/usr/bin/rm made",
        "python3 -c 'open(\"made\",\"w\")'",
        "ls >made 2>&1",
        "ls <(rm made)",
        "cat <<E >made\nx\nE",
        "git -c core.pager='rm made' log",
        "unterminated 'rm made",
    ];
    let mut env = TestEnv::new();
    std::fs::write(env.file("made"), "precious").expect("a file");
    // Each in a session of its own: within one, the brain itself passes on no second dress of a refused command.
    let script: Vec<Turn> = disguises.iter().flat_map(|c| [Turn::runs(c), Turn::says("It did not run.")]).collect();
    let stub = model(&mut env, script);
    for disguise in disguises {
        let done = env.pryx(["try"]).run();
        done.assert_code(121).assert_out("It did not run.\n").assert_says("nobody can be asked");
        assert_eq!(std::fs::read_to_string(env.file("made")).expect("the file"), "precious", "{disguise}");
    }
    assert_eq!(stub.unsaid(), 0);
    let jobs = env.json(["ps", "-a"]);
    assert!(jobs.as_array().is_some_and(Vec::is_empty), "{jobs:#}");
}

#[test]
fn a_persons_own_command_is_recorded_not_asked() {
    let env = TestEnv::new();
    env.ok(["exec", "--", "touch", "made"]);
    assert!(env.file("made").exists());
    let rows = audit(&env);
    assert_eq!(kinds(&env), ["ruling", "started", "ended"]);
    assert!(rows.iter().all(|(_, actor, _)| actor.contains("person")), "{rows:?}");
    assert!(rows[0].2.contains("touch"), "{rows:?}");
}

#[test]
fn every_command_that_ran_is_in_the_audit_log() {
    let mut env = TestEnv::new();
    let _stub = model(&mut env, [Turn::runs("ls").and_runs("pwd"), Turn::says("done")]);
    env.ok(["look"]);
    env.ok(["exec", "--", "true"]);
    let jobs = env.json(["ps", "-a"]);
    let database = Connection::open(env.pryx_home().join("hands.db")).expect("the hands' database");
    for job in jobs.as_array().expect("jobs") {
        let id = job["id"].as_str().expect("an id");
        let rows: i64 = database
            .query_row("SELECT count(*) FROM audit WHERE job = ?1 AND kind IN ('started', 'ended')", [id], |r| r.get(0))
            .expect("a count");
        assert_eq!(rows, 2, "job {id}");
    }
}

#[test]
fn the_audit_log_can_not_be_rewritten_by_accident() {
    let env = TestEnv::new();
    env.ok(["exec", "--", "true"]);
    let database = Connection::open(env.pryx_home().join("hands.db")).expect("the hands' database");
    for statement in ["UPDATE audit SET actor = 'x'", "DELETE FROM audit"] {
        assert!(database.execute(statement, []).is_err(), "{statement} was let through");
    }
}

/// What the job with that command printed.
#[track_caller]
pub fn log_of(env: &TestEnv, command: &str) -> String {
    let jobs = env.json(["ps", "-a"]);
    let mut all = jobs.as_array().expect("jobs").iter();
    let job = all.find(|job| job["command"].as_str().is_some_and(|c| c.contains(command))).expect("the job");
    env.ok(["log", job["id"].as_str().expect("an id")])
}

/// A script outside of the sandbox, which could not reach the hands at all: `kill` keeps it there. What holds it then is
/// that the hands know whose it is.
pub const UNHELD: &str = "kill -0 1; bash script.sh";

/// Runs a script as the agent's command, with the person's yes to the script itself.
#[track_caller]
pub fn as_agent(env: &mut TestEnv, script: &str) -> String {
    std::fs::write(env.file("script.sh"), script).expect("a script");
    let _stub = model(env, [Turn::runs(UNHELD), Turn::says("It ended.")]);
    let mut screen = Screen::pryx(env, &["run the script"]);
    screen.wait_for("[y] yes");
    screen.keys("y");
    screen.wait_for("It ended.");
    screen.wait();
    screen.text()
}

#[test]
fn an_agents_job_is_the_agent_however_it_calls_pryx() {
    let mut env = TestEnv::at_home();
    let script = format!(
        "P={PRYX}\n\
         $P exec -- truncate -s0 made; echo code1=$?\n\
         setsid $P exec -- truncate -s0 made; echo code2=$?\n\
         env -i HOME=$HOME PATH=$PATH $P exec -- truncate -s0 made; echo code3=$?\n\
         (setsid nohup sh -c \"$P exec -- truncate -s0 made; echo code4=\\$? >late\" >/dev/null 2>&1 &)\n\
         $P exec -d -- truncate -s0 made; echo code5=$?\n\
         $P exec -- ls / >/dev/null; echo code6=$?\n\
         while [ ! -s late ]; do sleep 0.05; done; cat late\n"
    );
    let shown = as_agent(&mut env, &script);
    let log = log_of(&env, "script.");
    for number in [1, 2, 3, 4, 5] {
        assert!(log.contains(&format!("code{number}=121")), "{log}\n{shown}");
    }
    assert!(log.contains("code6=0"), "looking is allowed to it as to the model: {log}");
    assert!(!env.file("made").exists());
    let refused: Vec<_> = audit(&env).into_iter().filter(|(kind, ..)| kind == "refused").collect();
    assert!(refused.len() >= 5 && refused.iter().all(|(_, actor, _)| actor.contains("agent")), "{refused:?}");
}

#[test]
fn an_agents_job_can_not_reach_through_the_socket_either() {
    let mut env = TestEnv::at_home();
    let socket = env.socket();
    let script = format!(
        "import json, socket\n\
         def ask(action, **data):\n\
         \x20   s = socket.socket(socket.AF_UNIX); s.connect({:?}); f = s.makefile('rw')\n\
         \x20   f.write(json.dumps({{'action': action, 'data': data}}) + '\\n'); f.flush()\n\
         \x20   reply = json.loads(f.readline()); print(action, reply['success'], flush=True)\n\
         ask('exec', argv=['truncate', '-s0', 'made'], cwd='{}')\n\
         ask('stop', target='all')\n\
         ask('shutdown')\n\
         ask('list_jobs')\n",
        socket.display().to_string(),
        env.work().display()
    );
    std::fs::write(env.file("script.py"), script).expect("a script");
    as_agent(&mut env, "exec python3 script.py");
    let log = log_of(&env, "script.");
    for action in ["exec", "stop", "shutdown"] {
        assert!(log.contains(&format!("{action} False")), "{log}");
    }
    assert!(log.contains("list_jobs True"), "{log}");
    assert!(!env.file("made").exists());
}

#[test]
fn an_agents_job_can_not_read_the_persons_jobs_over_the_socket() {
    let mut env = TestEnv::at_home();
    let theirs = env.ok(["exec", "-d", "--tty", "--", "sh", "-c", "echo can''ary; exec sleep 317"]);
    env.ok(["wait", "last", "--until", "match=canary"]);
    let script = format!(
        "import json, socket\n\
         def ask(action, **data):\n\
         \x20   s = socket.socket(socket.AF_UNIX); s.connect({:?}); f = s.makefile('rw')\n\
         \x20   f.write(json.dumps({{'action': action, 'data': data}}) + '\\n'); f.flush()\n\
         \x20   line = f.readline(); print(action, json.loads(line)['success'], 'canary' in line, flush=True)\n\
         job = '{}'\n\
         ask('read_log', job=job)\n\
         ask('follow', job=job, until_end=False)\n\
         ask('search_log', job=job, pattern='c.*')\n\
         ask('read_timing', job=job)\n\
         ask('screen', job=job)\n\
         ask('wait', job=job, until='match', pattern='c.*')\n\
         ask('send_input', job=job, data='x')\n\
         ask('send_keys', job=job, text='x')\n\
         ask('stop', target='job', job=job)\n\
         ask('list_jobs')\n",
        env.socket().display().to_string(),
        theirs.trim()
    );
    std::fs::write(env.file("script.py"), script).expect("a script");
    as_agent(&mut env, "exec python3 script.py");
    let log = log_of(&env, "script.");
    for action in
        ["read_log", "follow", "search_log", "read_timing", "screen", "wait", "send_input", "send_keys", "stop"]
    {
        assert!(log.contains(&format!("{action} False False")), "{action}: {log}");
    }
    assert!(log.contains("list_jobs True False"), "that it is there may be known, what it printed not: {log}");
    assert_eq!(env.running("sleep 317").len(), 1);
}

#[test]
fn an_agents_job_can_not_answer_questions() {
    let mut env = TestEnv::at_home();
    let script = format!(
        "P={PRYX}\n\
         while :; do id=$($P approvals --json | grep -o '\"id\":\"[^\"]*' | head -n1 | cut -d'\"' -f4); [ -n \"$id\" ] && break; done\n\
         $P approve $id; echo code1=$?\n\
         setsid env -i HOME=$HOME PATH=$PATH $P approve --session $id; echo code2=$?\n\
         $P deny $id; echo code3=$?\n"
    );
    std::fs::write(env.file("script.sh"), script).expect("a script");
    let stub = model(&mut env, [Turn::runs(UNHELD), Turn::says("It ended.")]);
    let mut accomplice = Screen::pryx(&env, &["run the script"]);
    accomplice.wait_for("[y] yes");
    accomplice.keys("y");
    wait_until("the accomplice waits", PATIENCE, || !env.running("script.sh").is_empty());
    let other =
        Stub::start(Format::OpenAi, Chunking::Whole, [Turn::runs("truncate -s0 made"), Turn::says("No, then.")]);
    other.serve(&mut env);
    let mut screen = Screen::pryx(&env, &["--model", "openai/x", "make it"]);
    screen.wait_for("[y] yes");
    accomplice.wait_for("It ended.");
    accomplice.assert_code(0);
    assert!(screen.running(), "the question was answered: {}", screen.text());
    screen.keys("n");
    screen.assert_code(120);
    assert!(!env.file("made").exists());
    let log = log_of(&env, "script.");
    for number in [1, 2, 3] {
        assert!(!log.contains(&format!("code{number}=0")) && log.contains(&format!("code{number}=")), "{log}");
    }
    drop(stub);
}

#[test]
fn what_changed_since_the_yes_does_not_run() {
    let mut env = TestEnv::new();
    for (name, word) in [("one.sh", "one"), ("two.sh", "two")] {
        std::fs::write(env.file(name), format!("#!/bin/sh\ntouch {word}\n")).expect("a script");
        std::fs::set_permissions(env.file(name), std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("a mode");
    }
    let link = env.file("run.sh");
    std::os::unix::fs::symlink("one.sh", &link).expect("a link");
    let _stub = model(&mut env, [Turn::runs("./run.sh"), Turn::says("It changed.")]);
    let mut screen = Screen::pryx(&env, &["run it"]);
    screen.wait_for("one.sh");
    screen.wait_for("[y] yes");
    std::fs::remove_file(&link).expect("the link");
    std::os::unix::fs::symlink("two.sh", &link).expect("another link");
    screen.keys("y");
    screen.wait_for("changed since");
    screen.assert_code(121);
    assert!(!env.file("one").exists() && !env.file("two").exists());
}

#[test]
fn a_card_can_not_be_dressed_up() {
    let mut env = TestEnv::new();
    let command = "truncate -s0 made # \u{1b}[2K\u{202e}ls\u{200b}\r  runs    /bin/ls";
    let _stub = model(&mut env, [Turn::runs(command), Turn::says("Hm.")]);
    let mut screen = Screen::pryx(&env, &["look"]);
    screen.wait_for("[y] yes");
    let shown = screen.text();
    assert!(!shown.contains('\u{202e}') && !shown.contains('\u{200b}'), "{shown:?}");
    assert!(shown.contains("truncate -s0 made"), "{shown}");
    screen.keys("n");
    screen.wait();
    assert!(!env.file("made").exists());
}
