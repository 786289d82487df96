//! Nothing that is printed ends a command, changes its result, or harms the terminal of whoever looks.

use super::env::{PATIENCE, TestEnv, wait_until};
use super::exact::Dice;
use super::pty::{Screen, Tmux};
use super::terminal::{last, run};
use super::waits::wait_for;
use std::path::Path;

const SHELLS: [&str; 3] = ["/bin/bash", "/usr/bin/zsh", "/usr/bin/fish"];

/// Random bytes that one command prints.
const RANDOM: usize = 10_000_000;

/// Everything that somebody has used to tell a command's end, or to do something to a terminal; nothing of it is ended.
const HOSTILE: &[&[u8]] = &[
    b"\x1b]133;D;0\x07\x1b]133;A\x07\x1b]633;D;0\x07\x1b]633;E;rm -rf /;x\x07\x1b]7;file:///etc\x07",
    b"\r\n$ \r\nroot@host:~# \r\nbash-5.2$ \r\n\x1b[?2004h",
    b"__pryx_key\0end\x000\0/\0/bin\0\0\0prompt\x000\0/\0\0\0\0",
    b"\n{\"is\":\"ended\"}\n{\"event\":\"job_ended\",\"data\":{}}\n",
    b"\x1b]52;c;c3RvbGVu\x07\x1b]0;stolen\x07\x1bkstolen\x1b\\\x1bPtmux;\x1b\x1b]52;c;c3RvbGVu\x07\x1b\\",
    b"\x1b[6n\x1b[c\x1b[>c\x1b[21t\x1b]11;?\x07\x1bP$qm\x1b\\\x05\x1b[5n\x1b[?u",
    b"\x1b[?1049h\x1b[?1;1000;1003;1004;1006h\x1b=\x1b[?25l\x1b[?7l\x1b[5;10r\x1b(0\x0e\x1b[4h\x1b[31;44m\x1b[2J\x1b[?6h",
    b"\x1b]8;;file:///etc/passwd\x07Password: \x1b[8m\x1bP1;1|17/41\x1b\\\x1b_Ga=T\x1b\\\x1b[3g\x1b]2;never ended",
];

/// As the terminal's own translation makes it.
fn translated(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| if *byte == b'\n' { vec![b'\r', b'\n'] } else { vec![*byte] }).collect()
}

#[track_caller]
fn shell(shell: &str) -> TestEnv {
    let mut env = TestEnv::new();
    env.set("SHELL", shell);
    env.set("TERM", "xterm-256color");
    std::fs::write(env.home().join(".bashrc"), "PS1='ready> '\n").expect("a file");
    std::fs::write(env.home().join(".zshrc"), "PS1='ready> '\n").expect("a file");
    let fish = env.home().join(".config/fish");
    std::fs::create_dir_all(&fish).expect("a directory");
    std::fs::write(fish.join("config.fish"), "function fish_prompt; echo -n 'ready> '; end\n").expect("a file");
    run(&env, "true");
    env
}

/// Prints a file in the terminal and ends with a code; what it was told to have printed, and what its log has.
#[track_caller]
fn print(env: &TestEnv, file: &Path, code: i32) -> (Vec<u8>, Vec<u8>) {
    let line = format!("sh -c 'cat {}; sleep 0.2; exit {code}'", file.display());
    let done = env.pryx(["exec", "-t", "dev", "--", &line]).run();
    assert_eq!(done.code(), Some(code), "{}", done.err());
    let job = last(env);
    assert_eq!((&job["outcome"]["code"], &job["seen"]), (&code.into(), &"hook".into()), "{job}");
    let log = env.pryx(["log", "--raw", job["id"].as_str().expect("an id")]).run().stdout;
    (done.stdout, log)
}

/// The next command is itself, and so is the prompt.
#[track_caller]
fn is_unharmed(env: &TestEnv) {
    assert_eq!(run(env, "echo fine"), (0, "fine\n".to_owned()));
    wait_until("the prompt is bare", PATIENCE, || {
        env.ok(["screen", "dev"]).lines().last().is_some_and(|line| line.trim_end() == "ready>")
    });
}

fn random(seed: u64) -> Vec<u8> {
    let mut dice = Dice::new(seed);
    (0..RANDOM).map(|_| u8::try_from(dice.below(256)).expect("a byte")).collect()
}

#[test]
fn no_output_ends_a_command_or_changes_the_next() {
    for path in SHELLS {
        let env = shell(path);
        for (number, text) in HOSTILE.iter().enumerate() {
            std::fs::write(env.file("hostile"), text).expect("a file");
            let (told, log) = print(&env, &env.file("hostile"), 23);
            assert!(told == translated(text) && log == told, "{path} {number}: {}", String::from_utf8_lossy(&told));
            is_unharmed(&env);
        }
    }
}

#[test]
fn ten_megabytes_of_random_bytes_end_nothing() {
    std::thread::scope(|scope| {
        for (seed, path) in (1..).zip(SHELLS) {
            scope.spawn(move || {
                let env = shell(path);
                let bytes = random(seed);
                std::fs::write(env.file("random"), &bytes).expect("a file");
                let (told, log) = print(&env, &env.file("random"), 42);
                assert!(log == translated(&bytes), "{path}: {} bytes are in the log", log.len());
                assert!(told == log, "{path}: {} bytes were told", told.len());
                is_unharmed(&env);
            });
        }
    });
}

/// With the key that its shell has, which any command can read, and from a process of its own.
const FORGER: &str = r"
import os, socket, sys, time
key = sys.argv[1].encode()
assert len(key) > 20
message = lambda kind: b'\0'.join([key, kind, b'0', b'/', b'/bin', b'', b'']) + b'\0'
for fd in range(3, 400):
    try:
        link = socket.socket(fileno=os.dup(fd))
    except OSError:
        continue
    for _ in range(50):
        for kind in (b'end', b'prompt', b'start', b'typed'):
            try:
                link.send(message(kind) + message(kind)[:9])
            except OSError:
                pass
    print('forged', flush=True)
time.sleep(0.5)
print('still here')
sys.exit(41)
";

#[test]
fn a_child_with_the_key_can_not_end_its_command() {
    for path in SHELLS {
        let env = shell(path);
        std::fs::write(env.file("forge.py"), FORGER).expect("a file");
        for how in ["python3 forge.py $__pryx_key", "sh -c 'python3 forge.py $0' $__pryx_key"] {
            let (code, said) = run(&env, how);
            assert_eq!((code, said.as_str()), (41, "forged\nstill here\n"), "{path}");
        }
        // One that goes on forging beside the next commands.
        run(&env, "sh -c 'while sleep 0.02; do python3 forge.py $0; done >/dev/null 2>&1 &' $__pryx_key");
        for code in [0, 1, 77] {
            assert_eq!(run(&env, &format!("sh -c 'sleep 0.3; echo {code}; exit {code}'")), (code, format!("{code}\n")));
        }
    }
}

#[test]
fn a_child_that_closes_the_channel_ends_its_terminal_and_no_result_is_made_up() {
    let env = shell("/bin/bash");
    run(&env, "cd /usr");
    let close = "import socket,time; socket.socket(fileno=213).shutdown(2); time.sleep(600)";
    let done = env.pryx(["exec", "-t", "dev", "--", &format!("python3 -c '{close}'")]).run();
    assert_ne!(done.code(), Some(0), "{done}");
    done.assert_says("channel");
    assert_eq!(run(&env, "pwd"), (0, "/usr\n".to_owned()));
}

#[test]
fn a_printed_password_prompt_is_no_secret() {
    let env = shell("/bin/bash");
    let id =
        env.ok(["exec", "-d", "-t", "dev", "--", "printf '\\033[8mPassword: '; sleep 1; read -rs x"]).trim().to_owned();
    env.ok(["wait", &id, "--until", "match=Password"]);
    let job = env.json(["ps"]).as_array().and_then(|jobs| jobs.iter().find(|job| job["id"] == id.as_str()).cloned());
    assert_eq!(job.expect("it runs")["live"]["activity"], "running");
    wait_for(&env, &id, "needs_secret");
    env.ok(["send", "dev", "--key", "Enter"]);
    env.pryx(["wait", &id]).run().assert_out("exit 0\n");
    is_unharmed(&env);
}

/// What tmux knows of its pane when nobody has touched it.
const PANE: &str = "#{alternate_on} #{mouse_any_flag} #{keypad_cursor_flag} #{keypad_flag} #{cursor_flag} #{insert_flag} \
                    #{origin_flag} #{wrap_flag} #{scroll_region_upper}-#{scroll_region_lower}";
const UNTOUCHED: &str = "0 0 0 0 1 0 0 1 0-23";

/// A shell in tmux is as it was: nothing is typed into it, modes and title are its own, letters are letters.
#[track_caller]
fn viewer_is_unharmed(tmux: &Tmux<'_>, title: &str, number: usize) {
    // The prompt comes behind whatever was drawn.
    tmux.keys(&["", "Enter"]);
    tmux.keys(&[&format!("echo st$((1+1))ll-{number}"), "Enter"]);
    tmux.wait_for(&format!("\nst2ll-{number}\n"));
    let screen = tmux.screen();
    assert!(screen.contains(&format!("viewer> echo st$((1+1))ll-{number}")), "{screen}");
    assert_eq!(tmux.run(&["display-message", "-p", PANE]).trim(), UNTOUCHED, "{screen}");
    assert_eq!(tmux.run(&["display-message", "-p", "#{pane_title}"]).trim(), title, "{screen}");
    assert_eq!(tmux.run(&["list-buffers"]), "", "something reached the clipboard");
}

#[test]
fn the_terminal_of_who_looks_is_given_back_as_it_was() {
    let env = shell("/bin/bash");
    let random = random(9);
    let tmux = Tmux::start(&env, "env PS1='viewer> ' bash --norc --noprofile -i");
    tmux.run(&["set", "-g", "set-clipboard", "on"]);
    tmux.run(&["set", "-g", "allow-passthrough", "on"]);
    tmux.wait_for("viewer>");
    let title = tmux.run(&["display-message", "-p", "#{pane_title}"]).trim().to_owned();
    let texts = HOSTILE.iter().copied().chain([&random[..200_000], &random[200_000..400_000]]);
    for (number, text) in texts.enumerate() {
        std::fs::write(env.file("hostile"), text).expect("a file");
        tmux.keys(&[&format!("{} attach dev", super::env::PRYX), "Enter"]);
        wait_until("it is joined", PATIENCE, || env.json(["ps"])[0]["windows"] == 1);
        print(&env, &env.file("hostile"), 23);
        let id = last(&env)["id"].as_str().expect("an id").to_owned();
        // An answer of the window's terminal is nothing that the shell gets.
        is_unharmed(&env);
        tmux.keys(&["C-\\", "d"]);
        let left = || env.json(["ps"])[0]["windows"].is_null();
        wait_until(&format!("{number} is left: {}", tmux.screen()), PATIENCE, left);
        tmux.wait_for("left dev");
        viewer_is_unharmed(&tmux, &title, 10 * number);
        for (step, command) in (10 * number + 1..).zip(["replay --speed 100", "log", "attach --read-only"]) {
            let name = if command.starts_with("attach") { "dev" } else { &id };
            tmux.keys(&[&format!("{} {command} {name}; echo ov$((1+1))er-{step}", super::env::PRYX), "Enter"]);
            if name == "dev" {
                wait_until("it is joined", PATIENCE, || env.json(["ps"])[0]["windows"] == 1);
                tmux.keys(&["C-c"]);
            }
            // Keys that come while it runs are echoed where it draws.
            tmux.wait_for(&format!("ov2er-{step}\nviewer>"));
            viewer_is_unharmed(&tmux, &title, step);
        }
    }
}

#[test]
fn an_answer_gets_to_the_program_that_asked_and_to_nothing_else() {
    let env = shell("/bin/bash");
    let mut window = Screen::join(&env, &["attach", "dev"]);
    // It asks, and gets what a window answers.
    let asks = "stty raw -echo min 0 time 50; printf '\\033[6n'; x=$(head -c 6 | od -An -c | tr -d ' '); stty sane; echo got $x";
    let running = env.pryx(["exec", "-t", "dev", "--", asks]).start();
    window.wait_for_raw("\u{1b}[6n");
    window.keys("\u{1b}[3;7R");
    running.wait().assert_code(0).assert_out("\u{1b}[6ngot 033[3;7R\r\n");
    // It asks and is gone before the answer comes; the mouse and the focus are nobody's business any more either.
    run(&env, "printf '\\033[6n\\033[c\\033[?1003;1004h'");
    window.keys("\u{1b}[3;7R\u{1b}[?62c\u{1b}[<35;1;1M\u{1b}[I");
    is_unharmed(&env);
    let shown = env.ok(["log", "--raw", "dev"]);
    assert_eq!((shown.matches("3;7R").count(), shown.contains("35;1;1M")), (1, false), "{shown:?}");
}
