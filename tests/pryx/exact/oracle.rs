//! What the shell by itself says to the same commands. One process for all up to one that ends the shell, then the next.

use super::super::env::{Act, TestEnv};
use std::fmt::Write as _;
use std::path::Path;

/// A generated command.
#[derive(Debug, Clone)]
pub struct Case {
    pub text: String,
    /// It ends the shell.
    pub ends: bool,
    /// What it prints is compared too. Of jobs and errors a shell that is asked and one in a script speak differently.
    pub says: bool,
}

impl Case {
    pub fn of(text: impl Into<String>) -> Self {
        Self { text: text.into(), ends: false, says: false }
    }

    pub fn says(text: impl Into<String>) -> Self {
        Self { says: true, ..Self::of(text) }
    }

    pub fn ends(text: impl Into<String>) -> Self {
        Self { ends: true, ..Self::of(text) }
    }
}

/// A code and what was printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub code: i64,
    pub said: String,
}

/// Numbers from a seed (xorshift64*).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.max(1))
    }

    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).expect("31 bits") % limit
    }

    pub fn one_of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }
}

/// The same directories for both.
pub fn furnish(dir: &Path) {
    for sub in ["d0", "d1", "d2/deep"] {
        std::fs::create_dir_all(dir.join(sub)).expect("a directory");
    }
}

/// Asks the shell.
#[track_caller]
pub fn ask(env: &TestEnv, shell: &str, cases: &[Case]) -> Vec<Answer> {
    let dir = env.file("alone");
    furnish(&dir);
    let notes = env.file("notes");
    std::fs::create_dir_all(&notes).expect("a directory");
    for (number, case) in cases.iter().enumerate() {
        std::fs::write(notes.join(format!("c{number}")), &case.text).expect("a file");
    }
    let mut answers = Vec::new();
    let mut here = dir.clone();
    while answers.len() < cases.len() {
        let from = answers.len();
        let rest = &cases[from..];
        let count = rest.iter().position(|case| case.ends).map_or(rest.len(), |at| at + 1);
        let numbers = from..from + count;
        let script = if shell.ends_with("fish") { fish(&notes, numbers) } else { posix(shell, &notes, numbers) };
        let mut command = env.program(shell);
        match shell.rsplit('/').next() {
            Some("bash") => command.args(["--norc", "--noprofile"]),
            Some("zsh") => command.arg("-f"),
            Some("fish") => command.arg("--no-config"),
            _ => &mut command,
        };
        command.env("PATH", "/usr/bin:/bin").arg("-c").arg(script).current_dir(&here);
        let done = Act::new(command).run();
        for (number, case) in cases.iter().enumerate().skip(from).take(count) {
            let read = |kind: char| std::fs::read(notes.join(format!("{kind}{number}"))).unwrap_or_default();
            let said = String::from_utf8_lossy(&read('o')).into_owned();
            let code = match case.ends {
                true => done.status.code().or_else(|| exit_of(&done.status)).map(i64::from),
                false => String::from_utf8_lossy(&read('s')).trim().parse().ok(),
            };
            let code = code.unwrap_or_else(|| panic!("{shell} says nothing to {number} {case:?}: {done}"));
            answers.push(Answer { code, said });
        }
        let cwd = std::fs::read_to_string(notes.join("cwd")).expect("where it was");
        here = Path::new(cwd.trim_end_matches('\n')).to_owned();
    }
    answers
}

fn exit_of(status: &std::process::ExitStatus) -> Option<i32> {
    use std::os::unix::process::ExitStatusExt;
    status.signal().map(|signal| 128 + signal)
}

fn posix(shell: &str, notes: &Path, numbers: std::ops::Range<usize>) -> String {
    let notes = notes.display();
    let mut script = String::new();
    if shell.ends_with("bash") {
        script.push_str("shopt -s expand_aliases\n");
    }
    script.push_str("__e() { return $1; }\n__s=0\n");
    for n in numbers {
        let _ = write!(
            script,
            "pwd >|{notes}/cwd\n__c=$(cat {notes}/c{n}; echo x)\n__c=${{__c%x}}\n__c=${{__c%?}}${{__c#\"${{__c%?}}\"}}\n\
             if __e $__s; then eval \"$__c\"; else eval \"$__c\"; fi >|{notes}/o{n} 2>/dev/null\n__s=$?\n\
             command echo $__s >|{notes}/s{n}\n"
        );
    }
    script.push_str(&format!("pwd >|{notes}/cwd\n"));
    script
}

fn fish(notes: &Path, numbers: std::ops::Range<usize>) -> String {
    let notes = notes.display();
    let mut script = String::from("function __e; return $argv[1]; end\nset -g __s 0\n");
    for n in numbers {
        let _ = write!(
            script,
            "pwd >{notes}/cwd\nread -gz __c <{notes}/c{n}\n__e $__s\n\
             eval $__c >{notes}/o{n} 2>/dev/null\nset -g __s $status\necho $__s >{notes}/s{n}\n"
        );
    }
    script.push_str(&format!("pwd >{notes}/cwd\n"));
    script
}
