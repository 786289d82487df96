//! No self-approval: everything that only a person may do is tried by a command of the agent, through pryx and through the
//! socket, in the sandbox and outside of it, whatever it sets or unsets and however it leaves its parents. Nothing of it
//! happens.

use super::env::{PATIENCE, PRYX, TestEnv, wait_until};
use super::gate::model;
use super::pty::Screen;
use super::stub::{Chunking, Format, Stub, Turn};
use std::collections::BTreeMap;

/// Through the command line. `@ID@` is a question that waits, `@GRANT@` a grant, `@JOB@` a terminal of the person's.
const COMMANDS: &[&str] = &[
    "approve @ID@",
    "approve @ID@ --session",
    "deny @ID@",
    "grants list",
    "grants revoke @GRANT@",
    "grants revoke --all",
    "policy edit mine --from full.yaml",
    "policy edit other --from full.yaml",
    "model set offline",
    "undo",
    "undo --list",
    "audit",
    "audit verify",
    "trust --yes",
    "trust revoke",
    "auth set openai",
    "auth list",
    "auth remove anthropic",
    "auth remove --all",
    "budget set 900/day",
    "budget clear",
    "send own typed-by-the-agent --key Enter",
    "attach own",
    "log @JOB@",
    "screen own",
    "replay @JOB@",
    "stop own",
    "stop --all",
    "close own",
    "exec -- truncate -s0 @HOME@/made",
    "exec -d -- truncate -s0 @HOME@/made",
    "exec --mode full -- truncate -s0 @HOME@/made",
    "exec -t own -- truncate -s0 @HOME@/made",
    "hands stop",
    "hands stop --all",
];

/// The ways of calling it: what stands before the command, and around it.
const WAYS: &[(&str, &str)] = &[
    ("plain", ""),
    ("without variables", "env -i HOME=$HOME PATH=$PATH"),
    ("as no job", "env -u PRYX_JOB -u PRYX_HOME"),
    ("as another job", "env PRYX_JOB=@JOB@"),
    ("in a session of its own", "setsid -w"),
    ("orphaned", "orphan"),
];

/// Through the socket.
const REQUESTS: &[(&str, &str)] = &[
    ("resolve_approval", r#"{"approval":"@ID@","answer":"once"}"#),
    ("grant", r#"{"approval":"@ID@","terms":{"session":true}}"#),
    ("offer_grant", r#"{"approval":"@ID@","terms":{}}"#),
    ("change_call", r#"{"approval":"@ID@","command":"true"}"#),
    ("revoke_grant", r#"{"grant":"@GRANT@"}"#),
    ("list_grants", "{}"),
    ("choose_mode", r#"{"session":"s3ss10ns3ss1","mode":"full"}"#),
    ("write_policy", r#"{"name":"mine","text":"name: mine\nmode: full\n"}"#),
    ("send_input", r#"{"job":"own","data":"typed-by-the-agent\n"}"#),
    ("send_keys", r#"{"job":"own","text":"typed-by-the-agent","keys":["Enter"]}"#),
    ("resize", r#"{"job":"own","rows":7,"cols":7}"#),
    ("close_windows", r#"{"job":"own"}"#),
    ("read_log", r#"{"job":"own"}"#),
    ("screen", r#"{"job":"own"}"#),
    ("follow", r#"{"job":"own","from":"start","until_end":false}"#),
    ("search_log", r#"{"job":"own","pattern":"c.*"}"#),
    ("undo", r#"{"target":"last"}"#),
    ("list_changes", "{}"),
    ("read_audit", r#"{"limit":10}"#),
    ("verify_audit", "{}"),
    ("stop", r#"{"target":"all"}"#),
    ("stop", r#"{"target":"job","job":"own"}"#),
    ("shutdown", r#"{"stop_jobs":true}"#),
];

/// What a process without rights of its own over the person's files may not do with them: tried in the sandbox alone, since
/// outside of it a command that a person allowed has the person's rights.
const FILES: &[&str] = &[
    "cat hands.db",
    "cat brain.db",
    "cat hands.log",
    "cat policies/mine.yaml",
    "cat keys.json keys.secret",
    "cat jobs/*/log",
    "echo x >>config.toml",
    "echo x >>trust.json",
    "echo x >policies/new.yaml",
    "rm hands.db",
    "mv policies elsewhere",
    "python3 -c 'import glob,socket; socket.socket(1).connect(glob.glob(\"run/k/*.sock\")[0])'",
    "kill -9 @HANDS@",
];

/// Makes every attempt in every way, and prints a line for each: `code` and what was said.
const SCRIPT: &str = r#"
import json, os, socket, subprocess
home = os.environ['PRYX_HOME']
job = os.environ['PRYX_JOB']
names = json.load(open('names.json'))
def fill(text):
    for name, value in names['fill'].items(): text = text.replace('@' + name + '@', value)
    return text
def shell(command, orphan=False):
    if not orphan:
        try:
            done = subprocess.run(['bash', '-c', command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=10)
        except subprocess.TimeoutExpired as late: return 2, b'it hangs ' + (late.stdout or b'')
        return done.returncode, done.stdout
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.setsid()
        if os.fork(): os._exit(0)
        os.setpgid(0, 0)
        code, out = shell('true; ' + command)
        os.write(writer, json.dumps([code, out.decode(errors='replace')[:2000]]).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    code, out = json.loads(os.fdopen(reader, 'rb').read())
    return code, out.encode()
def told(what, way, code, out):
    print('RESULT', json.dumps([what, way, code, out.decode(errors='replace')[:300]]), flush=True)
for command in names['commands']:
    for way, before in names['ways']:
        orphan = before == 'orphan'
        line = ('' if orphan else fill(before)) + ' ' + names['PRYX'] + ' ' + fill(command)
        told(command, way, *shell(line, orphan))
for action, data in names['requests']:
    s = socket.socket(socket.AF_UNIX); s.settimeout(10); s.connect(home + '/run/hands.sock'); f = s.makefile('rw')
    f.write(json.dumps({'action': action, 'data': json.loads(fill(data))}) + '\n'); f.flush()
    try: line = f.readline()
    except TimeoutError: line = json.dumps({'success': False, 'error': 'it hangs'})
    told(action, 'socket', 0 if json.loads(line)['success'] else 1, line.encode())
for command in names['files']:
    for before in ['', 'setsid -w ']:
        told(command, before, *shell('cd ' + home + ' && ' + before + "bash -c '" + fill(command).replace("'", "'\\''") + "'"))
print('THE END')
"#;

const POLICY: &str = "name: mine\nmode: read-only\n";

/// A person with all that there is to be had, and a question that waits.
struct World {
    env: TestEnv,
    names: BTreeMap<&'static str, serde_json::Value>,
}

impl World {
    fn new() -> Self {
        let mut env = TestEnv::outside_tmp();
        // Where it is without any variable: who unsets them all comes to the same place.
        env.unset("PRYX_HOME");
        std::fs::create_dir_all(env.file(".pryx")).expect("a directory");
        std::fs::write(env.file(".pryx/config.toml"), "model = \"anthropic/evil\"\n").expect("a folder's settings");
        std::fs::write(env.file("Makefile"), "all:\n\ttrue\n").expect("a makefile");
        std::fs::write(env.file("full.yaml"), "name: mine\nmode: full\n").expect("a policy");
        env.pryx(["policy", "edit", "mine", "--from", "-"]).stdin(POLICY).run().assert_code(0);
        env.pryx(["auth", "set", "anthropic"]).stdin("sk-ant-k4n4ry").run();
        env.pryx(["exec", "-t", "own", "--", "echo can''ary"]).run().assert_code(0);
        let _stub = model(&mut env, [Turn::runs("make"), Turn::says("Built.")]);
        let mut screen = Screen::pryx(&env, &["build"]);
        screen.wait_for("[a] always");
        screen.keys("a");
        screen.wait_for("[y] save");
        screen.keys("y");
        screen.wait_for("Built.");
        screen.wait();
        Self { env, names: BTreeMap::new() }
    }

    fn state(&self) -> String {
        let env = &self.env;
        let file = |name: &str| std::fs::read_to_string(env.pryx_home().join(name)).unwrap_or_default();
        format!(
            "{}{}{}{}{}{}{}",
            env.ok(["grants", "--json"]),
            env.ok(["trust", "list", "--json"]),
            env.json(["budget"]),
            env.json(["auth"])["kept"],
            env.json(["hands", "status"])["pid"],
            file("policies/mine.yaml"),
            file("config.toml"),
        )
    }

    /// Lets an agent run the script, with the person's yes to it, while a question of another one waits.
    fn attack(&mut self, command: &str, files: &[&str]) -> Vec<(String, String, i64, String)> {
        let env = &mut self.env;
        let jobs = env.json(["ps"]);
        let own = jobs.as_array().expect("jobs").iter().find(|job| job["terminal"] == "own").expect("the terminal");
        self.names.insert("JOB", own["id"].clone());
        self.names.insert("GRANT", env.json(["grants"])[0]["id"].clone());
        self.names.insert("HOME", env.home().display().to_string().into());
        self.names.insert("HANDS", env.json(["hands", "status"])["pid"].to_string().into());
        std::fs::write(env.file("script.py"), SCRIPT).expect("a script");
        let stub = model(env, [Turn::runs(command), Turn::says("It ended.")]);
        let mut attacker = Screen::pryx(env, &["run the script"]);
        attacker.wait_for("[y] yes");
        let other = Stub::start(Format::OpenAi, Chunking::Whole, [Turn::runs("truncate -s0 made"), Turn::says("No.")]);
        other.serve(env);
        let mut asked = Screen::pryx(env, &["--model", "openai/x", "make it"]);
        asked.wait_for("[y] yes");
        let waiting = env.json(["approvals"]);
        let id =
            waiting.as_array().expect("questions").iter().find(|one| one["plan"]["command"] == "truncate -s0 made");
        self.names.insert("ID", id.expect("the question")["id"].clone());
        let names = serde_json::json!({
            "fill": self.names, "commands": COMMANDS, "ways": WAYS, "requests": REQUESTS, "files": files, "PRYX": PRYX,
        });
        std::fs::write(env.file("names.json"), names.to_string()).expect("the names");
        attacker.keys("y");
        attacker.wait_for("It ended.");
        assert!(asked.running(), "the question was answered: {}", asked.text());
        asked.keys("n");
        asked.assert_code(120);
        attacker.wait();
        drop(stub);
        let text = super::gate::log_of(env, command);
        assert!(text.contains("THE END"), "{text}");
        let results = text.lines().filter_map(|line| line.strip_prefix("RESULT "));
        results.map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
    }
}

#[track_caller]
fn nothing_happens(command: &str, files: &[&str], profile: &str) {
    let mut world = World::new();
    let before = world.state();
    let results = world.attack(command, files);
    assert_eq!(results.len(), COMMANDS.len() * WAYS.len() + REQUESTS.len() + files.len() * 2);
    let through: Vec<_> = results.iter().filter(|(_, _, code, said)| *code == 0 || said.contains("canary")).collect();
    assert!(through.is_empty(), "these got through: {through:#?}");
    // Each was refused for what it is, not for a mistake in its words.
    let odd: Vec<_> = results
        .iter()
        .filter(
            |(_, way, code, said)| {
                if way == "socket" { !said.contains("refused") && !said.contains("agent") } else { *code == 2 }
            },
        )
        .collect();
    assert!(odd.is_empty(), "these failed for another reason: {odd:#?}");
    assert_eq!(world.state(), before);
    let env = &world.env;
    assert!(!env.home().join("made").exists() && !env.file("made").exists());
    let jobs = env.json(["ps", "-a"]);
    let job = jobs.as_array().expect("jobs").iter().find(|job| job["command"] == command).expect("the script's job");
    assert_eq!(job["sandbox"]["profile"], profile, "{job:#}");
    let typed = env.ok(["log", "own"]);
    assert!(typed.contains("canary") && !typed.contains("typed-by-the-agent"), "{typed}");
    env.ok(["audit", "verify"]);
}

#[test]
fn a_command_in_the_sandbox_approves_nothing_and_reads_no_file_of_pryx() {
    nothing_happens("python3 script.py", FILES, "workspace+network");
}

#[test]
fn a_command_outside_of_the_sandbox_approves_nothing() {
    nothing_happens("kill -0 1; python3 script.py", &[], "none");
}

/// The same attempts, by the person, work: the table is of things that can be done at all.
#[test]
fn the_person_can_do_what_the_agent_can_not() {
    let world = World::new();
    let env = &world.env;
    for words in [
        &["grants", "list"][..],
        &["policy", "edit", "mine", "--from", "full.yaml"],
        &["audit", "verify"],
        &["trust", "list"],
        &["budget", "set", "900/day"],
        &["send", "own", "typed", "--key", "Enter"],
        &["log", "own"],
        &["screen", "own"],
        &["exec", "--", "truncate", "-s0", "made"],
        &["grants", "revoke", "--all"],
        &["stop", "own"],
        &["hands", "stop"],
    ] {
        env.ok(words.iter().copied());
    }
    assert!(env.file("made").exists());
}

/// A process that an agent's job left behind is the agent's still when its job has ended and the hands were restarted.
#[test]
fn what_an_agents_job_left_behind_is_the_agents_under_later_hands_too() {
    for before in ["", "kill -0 1; "] {
        let mut env = TestEnv::outside_tmp();
        let script = format!(
            "env -i HOME=$HOME PATH=$PATH PRYX_HOME=$PRYX_HOME setsid -f bash -c 'until [ -e go ]; do sleep 0.05; done; \
             {PRYX} trust --yes >late 2>&1; echo code=$? >>late' >/dev/null 2>&1 </dev/null\necho left\n"
        );
        std::fs::create_dir_all(env.file(".pryx")).expect("a directory");
        std::fs::write(env.file(".pryx/config.toml"), "model = \"anthropic/evil\"\n").expect("a folder's settings");
        std::fs::write(env.file("script.sh"), script).expect("a script");
        let _stub = model(&mut env, [Turn::runs(&format!("{before}bash script.sh")), Turn::says("It ended.")]);
        let mut screen = Screen::pryx(&env, &["run it"]);
        screen.wait_for("[y] yes");
        screen.keys("y");
        screen.wait_for("It ended.");
        screen.wait();
        env.ok(["hands", "stop"]);
        env.ok(["ps"]);
        std::fs::write(env.file("go"), "").expect("a sign");
        let late = || std::fs::read_to_string(env.file("late")).unwrap_or_default();
        wait_until("it tried", PATIENCE, || late().contains("code="));
        assert!(late().contains("code=121"), "{before}: {}", late());
        assert_eq!(env.json(["trust", "list"]).as_array().map(Vec::len), Some(0));
    }
}

/// Nor does it help to stop the keeper, so that later hands can't ask it.
#[test]
fn an_agents_job_whose_keeper_is_silent_is_the_agents_still() {
    let mut env = TestEnv::outside_tmp();
    let script = format!(
        "env -i HOME=$HOME PATH=$PATH PRYX_HOME=$PRYX_HOME setsid -f bash -c '\
         until [ -e stop ]; do sleep 0.05; done; K=$(cut -d\" \" -f4 /proc/$$/stat); kill -STOP $K; echo $K >stopped; \
         until [ -e go ]; do sleep 0.05; done; {PRYX} trust --yes >late 2>&1; echo code=$? >>late; kill -CONT $K\
         ' >/dev/null 2>&1 </dev/null\necho left\n"
    );
    std::fs::create_dir_all(env.file(".pryx")).expect("a directory");
    std::fs::write(env.file(".pryx/config.toml"), "model = \"anthropic/evil\"\n").expect("a folder's settings");
    std::fs::write(env.file("script.sh"), script).expect("a script");
    let _stub = model(&mut env, [Turn::runs(super::gate::UNHELD), Turn::says("It ended.")]);
    let mut screen = Screen::pryx(&env, &["run it"]);
    screen.wait_for("[y] yes");
    screen.keys("y");
    screen.wait_for("It ended.");
    screen.wait();
    std::fs::write(env.file("stop"), "").expect("a sign");
    let read = |name: &str| std::fs::read_to_string(env.file(name)).unwrap_or_default();
    wait_until("the keeper is stopped", PATIENCE, || !read("stopped").trim().is_empty());
    let keeper = read("stopped").trim().to_owned();
    let line = std::fs::read_to_string(format!("/proc/{keeper}/cmdline")).expect("the keeper");
    assert!(line.contains("__keeper"), "{line}");
    env.ok(["hands", "stop"]);
    env.ok(["ps"]);
    std::fs::write(env.file("go"), "").expect("a sign");
    wait_until("it tried", PATIENCE, || read("late").contains("code="));
    assert!(read("late").contains("code=121"), "{}", read("late"));
}
