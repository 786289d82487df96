//! Programs that start other programs: looked into where their arguments say which, open where they don't.
//!
//! The contract with the policy: a program of [`is_wrapper`] has put what it starts into the plan, or a question.

use super::feeds::{self, Handed};
use super::words::Dialect;
use super::{Arg, Invocation, Planner};

/// How a plain wrapper's own arguments look before the command begins.
struct Shape {
    name: &'static str,
    /// Short options without a value, as letters.
    flags: &'static str,
    /// Short options with a value, attached or in the next argument.
    values: &'static str,
    /// Long options, with or without `=value`; those that take the next argument are not among them.
    long: &'static [&'static str],
    /// Operands before the command (the duration of `timeout`).
    operands: usize,
}

const SHAPES: &[Shape] = &[
    Shape {
        name: "timeout",
        flags: "fpv",
        values: "ks",
        long: &["--foreground", "--preserve-status", "--verbose", "--kill-after", "--signal"],
        operands: 1,
    },
    Shape { name: "nohup", flags: "", values: "", long: &[], operands: 0 },
    Shape { name: "nice", flags: "", values: "n", long: &["--adjustment"], operands: 0 },
    Shape { name: "ionice", flags: "t", values: "cn", long: &["--class", "--classdata", "--ignore"], operands: 0 },
    Shape { name: "stdbuf", flags: "", values: "ioe", long: &["--input", "--output", "--error"], operands: 0 },
    Shape { name: "time", flags: "pv", values: "f", long: &["--portability", "--verbose", "--format"], operands: 0 },
    Shape { name: "setsid", flags: "fwc", values: "", long: &["--fork", "--wait", "--ctty"], operands: 0 },
    Shape { name: "builtin", flags: "", values: "", long: &[], operands: 0 },
    Shape {
        name: "xargs",
        flags: "0rtx",
        values: "nPILdsE",
        long: &["--null", "--no-run-if-empty", "--verbose", "--max-args", "--max-procs", "--replace", "--delimiter"],
        operands: 0,
    },
    Shape { name: "sudo", flags: "nEHSkbiA", values: "ugp", long: &["--non-interactive", "--user"], operands: 0 },
    Shape { name: "doas", flags: "nL", values: "u", long: &[], operands: 0 },
];

/// Shells, whose `-c` is looked into.
const SHELLS: &[&str] = &["sh", "bash", "dash", "ash", "zsh", "ksh", "fish", "csh", "tcsh", "mksh", "rbash", "nu"];

/// Interpreters: what their text does is not understood here.
const INTERPRETERS: &[&str] = &[
    "python",
    "python2",
    "python3",
    "perl",
    "ruby",
    "node",
    "nodejs",
    "php",
    "lua",
    "luajit",
    "tclsh",
    "osascript",
    "deno",
    "bun",
    "pwsh",
    "powershell",
    "Rscript",
    "ghci",
    "expect",
    "gdb",
    "busybox",
    "toybox",
];

/// Whether the planner answers for what this program starts, so that its own arguments need no rule.
pub(in crate::gate) fn is_wrapper(name: &str) -> bool {
    let plain = matches!(name, "env" | "command" | "exec") || SHELLS.contains(&name);
    plain || SHAPES.iter().any(|shape| shape.name == name && !matches!(name, "sudo" | "doas"))
}

/// Whether a program does whatever its arguments or its input say: shells, interpreters, wrappers, and what acts with
/// another user's rights or on another machine. Nobody could tell what a pattern of it would allow.
pub(in crate::gate) fn runs_anything(name: &str) -> bool {
    const OTHERS: &[&str] = &[
        "eval",
        "source",
        ".",
        "su",
        "pkexec",
        "run0",
        "runuser",
        "ssh",
        "sshpass",
        "chroot",
        "unshare",
        "nsenter",
        "setpriv",
        "sg",
        "newgrp",
        "parallel",
        "watch",
        "script",
        "screen",
        "tmux",
        "awk",
        "gawk",
        "mawk",
        "nawk",
        "find",
        "npx",
        "bunx",
        "uvx",
        "pipx",
        "vi",
        "vim",
        "nvim",
        "emacs",
        "ed",
        "ex",
        "nano",
        "systemd-run",
        "at",
        "batch",
        "crontab",
        "strace",
        "ltrace",
        "flock",
        "socat",
        "nc",
        "ncat",
        "netcat",
        "docker",
        "podman",
        "kubectl",
        "dd",
        "trap",
        "alias",
        "coproc",
        "busybox",
        "toybox",
        "ld.so",
        "rlwrap",
        "unbuffer",
        "dbus-run-session",
        "xvfb-run",
        "proot",
        "fakeroot",
        "pryx",
    ];
    let name = base(name);
    is_wrapper(name) || is_interpreter(name) || OTHERS.contains(&name) || SHAPES.iter().any(|shape| shape.name == name)
}

fn base(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

impl Planner<'_> {
    /// What a program would start in turn.
    pub(super) fn look_into(&mut self, invocation: &Invocation) {
        let name = base(&invocation.name);
        match name {
            "env" => self.env(invocation),
            "command" => self.command_builtin(invocation),
            "exec" => self.exec(invocation),
            "find" => self.find(invocation),
            "git" => self.repository(&invocation.args),
            "cargo" | "rustc" | "rustup" => self.toolchain(name),
            "npm" | "npx" | "yarn" | "yarnpkg" | "pnpm" | "corepack" => self.package_settings(name),
            name if SHELLS.contains(&name) && asks_for_version(&["--version"], &invocation.args) => {}
            name if SHELLS.contains(&name) => self.shell(name, &invocation.args),
            name if is_interpreter(name) && !asks_for_version(&["--version", "-V", "-v"], &invocation.args) => {
                self.ask(format!("what the program that {name} runs would do"));
            }
            name => {
                if let Some(shape) = SHAPES.iter().find(|shape| shape.name == name) {
                    self.plain(shape, invocation);
                }
            }
        }
    }

    fn start(&mut self, invocation: &Invocation, command: &[Arg], shell: Option<Dialect>) {
        match command {
            [] => self.ask(format!("what {} starts", invocation.name)),
            [first, ..] if first.unsure => self.ask(format!("which program {} stands for", first.text)),
            [first, rest @ ..] => {
                let inner = Invocation { name: first.text.clone(), args: rest.to_vec(), shell };
                self.deeper(|planner| planner.command(inner));
            }
        }
    }

    fn plain(&mut self, shape: &Shape, invocation: &Invocation) {
        let Some(mut command) = skip_options(shape, &invocation.args) else {
            return self.ask(format!("an option of {}", shape.name));
        };
        if command.iter().take(shape.operands).any(|arg| arg.unsure) || command.len() < shape.operands {
            return self.ask(format!("what {} starts", shape.name));
        }
        command = &command[shape.operands..];
        match shape.name {
            "xargs" => {
                let command_length = command.len();
                let mut command = command.to_vec();
                if command.is_empty() {
                    command.push(Arg::known("echo"));
                }
                let options = &invocation.args[..invocation.args.len() - command_length];
                let handed = self.reads.take().and_then(|feed| feeds::handed(options, &feed));
                if let Some(handed) = handed {
                    return self.hand_over(invocation, &command, handed);
                }
                // What arrives on its input: in place of a mark, or as one more argument.
                for mark in replaced_marks(&invocation.args) {
                    if command[0].text.contains(&mark) {
                        return self.ask("which program xargs starts");
                    }
                    command.iter_mut().filter(|arg| arg.text.contains(&mark)).for_each(|arg| arg.unsure = true);
                }
                command.push(Arg::unknown("<input>"));
                self.start(invocation, &command, None);
            }
            "nohup" => {
                for path in self.places("nohup.out") {
                    self.files.push(pryx_terms::Access::Add { path });
                }
                self.start(invocation, command, None);
            }
            "builtin" => self.start(invocation, command, invocation.shell),
            // `sudo -k`, `sudo -l`: nothing is started, and sudo itself is asked anyway.
            "sudo" | "doas" if command.is_empty() => {}
            _ => self.start(invocation, command, None),
        }
    }

    /// The commands that xargs starts with names that are known.
    fn hand_over(&mut self, invocation: &Invocation, command: &[Arg], handed: Handed) {
        let known = |names: &[String]| names.iter().map(|name| Arg::known(name)).collect::<Vec<_>>();
        match handed {
            Handed::Together(names) => self.start(invocation, &[command, &known(&names)].concat(), None),
            Handed::Each(names, None) => {
                for name in &names {
                    self.start(invocation, &[command, &[Arg::known(name)]].concat(), None);
                }
            }
            Handed::Each(_, Some(mark)) if command[0].text.contains(&mark) => self.ask("which program xargs starts"),
            Handed::Each(names, Some(mark)) => {
                for name in &names {
                    self.start(invocation, &filled(command, &mark, name), None);
                }
            }
        }
    }

    fn env(&mut self, invocation: &Invocation) {
        let mut args: &[Arg] = &invocation.args;
        while let [first, rest @ ..] = args {
            let text = first.text.as_str();
            if first.unsure {
                return self.ask(format!("what env makes of {text}"));
            }
            args = match (text, rest) {
                ("-i" | "-" | "--ignore-environment" | "-0" | "--null" | "--", rest) => rest,
                ("-u", [name, rest @ ..]) if !name.unsure => {
                    self.sets_for_command(&name.text);
                    rest
                }
                _ if text.starts_with("--unset=") => {
                    self.sets_for_command(&text["--unset=".len()..]);
                    rest
                }
                _ if text.starts_with('-') => return self.ask(format!("what env {text} does")),
                _ if text.contains('=') => {
                    self.sets_for_command(text.split('=').next().unwrap_or_default());
                    rest
                }
                _ => break,
            };
        }
        if !args.is_empty() {
            self.start(invocation, args, None);
        }
    }

    fn command_builtin(&mut self, invocation: &Invocation) {
        match invocation.args.as_slice() {
            [] => {}
            [first, ..] if !first.unsure && matches!(first.text.as_str(), "-v" | "-V") => {}
            [first, rest @ ..] if !first.unsure && matches!(first.text.as_str(), "-p" | "--") => {
                if first.text == "-p" {
                    self.ask("command -p looks for programs elsewhere");
                }
                self.start(invocation, rest, invocation.shell);
            }
            args if args[0].text.starts_with('-') => self.ask("an option of command"),
            args => self.start(invocation, args, invocation.shell),
        }
    }

    fn exec(&mut self, invocation: &Invocation) {
        match invocation.args.as_slice() {
            [] => self.ask("exec moves the output of what follows"),
            args if args[0].text.starts_with('-') => self.ask("an option of exec"),
            args => self.start(invocation, args, None),
        }
    }

    /// The commands of `-exec`, `-execdir`, `-ok`, `-okdir`; other actions are the policy's business.
    fn find(&mut self, invocation: &Invocation) {
        let mut args: &[Arg] = &invocation.args;
        while let Some(start) = args.iter().position(|arg| is_find_action(&arg.text)) {
            let rest = &args[start + 1..];
            let Some(end) = rest.iter().position(|arg| arg.text == ";" || arg.text == "+") else {
                return self.ask("where the command that find starts ends");
            };
            let mut command = rest[..end].to_vec();
            let before = &invocation.args[..invocation.args.len() - args.len() + start];
            let together = rest.get(end).is_some_and(|arg| arg.text == "+");
            let names = (args[start].text == "-exec").then(|| self.names_of_find(before)).flatten();
            match names {
                Some(names) if together && command.last().is_some_and(|arg| arg.text == "{}") => {
                    command.pop();
                    command.extend(names.iter().map(|name| Arg::known(name)));
                    self.start(invocation, &command, None);
                }
                Some(names) if !together && names.len() <= feeds::MOST_EACH && !command.is_empty() => {
                    let clear = !command[0].text.contains("{}");
                    for name in names.iter().filter(|_| clear) {
                        self.start(invocation, &filled(&command, "{}", name), None);
                    }
                    if !clear {
                        self.ask("which program find starts");
                    }
                }
                _ => {
                    command.iter_mut().filter(|arg| arg.text.contains("{}")).for_each(|arg| arg.unsure = true);
                    self.start(invocation, &command, None);
                }
            }
            args = &rest[end..];
        }
    }

    /// What find would find with what stands before its action.
    fn names_of_find(&self, before: &[Arg]) -> Option<Vec<String>> {
        let [dir] = self.dirs.as_slice() else { return None };
        if before.iter().any(|arg| arg.unsure || is_find_action(&arg.text)) {
            return None;
        }
        let before: Vec<&str> = before.iter().map(|arg| arg.text.as_str()).collect();
        feeds::found(&before, dir).filter(|names| !names.is_empty())
    }

    fn shell(&mut self, name: &str, args: &[Arg]) {
        let mut args = args.iter();
        for arg in args.by_ref() {
            let letters = arg.text.strip_prefix('-').unwrap_or_default();
            if arg.unsure || letters.is_empty() || !letters.chars().all(|c| "ceux".contains(c)) {
                return self.ask(format!("what {name} {} runs", arg.text));
            }
            if letters.contains('c') {
                break;
            }
        }
        match (args.next(), Dialect::of(name)) {
            (Some(script), Some(dialect)) if !script.unsure && !script.text.starts_with(['-', '+']) => {
                // Variables of loops stay with the shell that loops.
                let bound = std::mem::take(&mut self.bound);
                self.script(&script.text, dialect);
                self.bound = bound;
            }
            (Some(script), _) if script.unsure => self.ask(format!("which text {name} runs")),
            (Some(_), _) => self.ask(format!("what {name} runs")),
            (None, _) => self.ask(format!("{name} runs what it gets on its input")),
        }
    }
}

/// What `xargs -I MARK` replaces by its input. Looked for everywhere: a mark too many only makes more unknown.
fn replaced_marks(args: &[Arg]) -> Vec<String> {
    let mut marks = Vec::new();
    for (index, arg) in args.iter().enumerate() {
        if let Some(at) = arg.text.strip_prefix('-').and_then(|_| arg.text.find('I')) {
            let attached = &arg.text[at + 1..];
            let next = args.get(index + 1).map_or("{}", |next| next.text.as_str());
            marks.push(if attached.is_empty() { next } else { attached }.to_owned());
        }
        if let Some(value) = arg.text.strip_prefix("--replace") {
            marks.push(value.strip_prefix('=').filter(|mark| !mark.is_empty()).unwrap_or("{}").to_owned());
        }
    }
    marks
}

/// A command with a name in the place of a mark.
fn filled(command: &[Arg], mark: &str, name: &str) -> Vec<Arg> {
    let fill = |arg: &Arg| Arg { text: arg.text.replace(mark, name), unsure: arg.unsure };
    command.iter().map(fill).collect()
}

fn is_find_action(text: &str) -> bool {
    matches!(text, "-exec" | "-execdir" | "-ok" | "-okdir")
}

fn is_interpreter(name: &str) -> bool {
    let unversioned = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    INTERPRETERS.contains(&name) || INTERPRETERS.contains(&unversioned)
}

/// Which of the options really only show a version is the policy's to know.
fn asks_for_version(options: &[&str], args: &[Arg]) -> bool {
    matches!(args, [only] if !only.unsure && options.contains(&only.text.as_str()))
}

/// What follows a wrapper's own options; nothing when one of them is not known.
fn skip_options<'b>(shape: &Shape, mut args: &'b [Arg]) -> Option<&'b [Arg]> {
    while let [first, rest @ ..] = args {
        let text = first.text.as_str();
        if first.unsure && text.starts_with('-') {
            return None;
        }
        if text == "--" {
            return Some(rest);
        }
        if !text.starts_with('-') || text == "-" {
            return Some(args);
        }
        if text.starts_with("--") {
            let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
            let takes_value = !matches!(
                name,
                "--foreground"
                    | "--preserve-status"
                    | "--verbose"
                    | "--ignore"
                    | "--portability"
                    | "--fork"
                    | "--wait"
                    | "--ctty"
                    | "--null"
                    | "--no-run-if-empty"
                    | "--non-interactive"
                    | "--replace"
            );
            if !shape.long.contains(&name) || (takes_value && value.is_none()) {
                return None;
            }
            args = rest;
            continue;
        }
        args = skip_short(shape, &text[1..], rest)?;
    }
    Some(args)
}

/// After a cluster of short options.
fn skip_short<'b>(shape: &Shape, letters: &str, rest: &'b [Arg]) -> Option<&'b [Arg]> {
    // `nice -5`
    if shape.name == "nice" && letters.chars().all(|c| c.is_ascii_digit()) {
        return Some(rest);
    }
    for (at, letter) in letters.char_indices() {
        if shape.values.contains(letter) {
            let attached = at + letter.len_utf8() < letters.len();
            return if attached {
                Some(rest)
            } else {
                rest.split_first().filter(|(value, _)| !value.unsure).map(|(_, rest)| rest)
            };
        }
        if !shape.flags.contains(letter) {
            return None;
        }
    }
    Some(rest)
}
