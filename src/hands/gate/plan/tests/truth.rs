//! The planner against the shells themselves: whatever bash or sh really runs or writes must stand in the plan, or the plan must say
//! that something is open.

use super::super::super::Surroundings;
use super::super::plan_shell;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use pryx_terms::{Access, Plan};
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Random lines to try. More find nothing new within a test's patience.
const LINES: usize = 400;

/// Pieces of shell text that mean most in combination.
const PIECES: &[&str] = &[
    "rm",
    "ls",
    "cat",
    "x",
    "y z",
    "-a",
    " ",
    " ",
    " ",
    "\n",
    ";",
    "; ",
    " && ",
    " || ",
    " | ",
    " & ",
    "'",
    "\"",
    "\\",
    "\\\n",
    "`",
    "$",
    "$x",
    "${x}",
    "${x:-rm y}",
    "$(",
    ")",
    "(",
    "{ ",
    " }",
    "; }",
    "{a,b}",
    "*",
    "?",
    "[ab]",
    "~",
    "!",
    "#",
    " # ",
    "=",
    "x=rm",
    "x=1 ",
    "<<E\n",
    "<<'E'\n",
    "<<-E\n",
    "\nE\n",
    "\n\tE\n",
    "E",
    "<<< ",
    "> w",
    ">> w",
    "< r",
    "2>&1",
    "&> w",
    ">& w",
    ">| w",
    "<(",
    ">(",
    "$'",
    "$\"",
    "\\x72m",
    "if ",
    "; then ",
    "; else ",
    "; fi",
    "for x in ",
    "; do ",
    "; done",
    "while ",
    "case x in ",
    ") ",
    ";; ",
    " esac",
    "f() { ",
    "function f ",
    "time ",
    "! ",
    "env ",
    "command ",
    "exec ",
    "eval ",
    "sh -c ",
    "bash -c ",
    "xargs ",
    "set -e; ",
    "export ",
    "cd d; ",
    "[[ x ]] ",
    "[ x ] ",
    "((",
    "))",
    "$((1+",
    "1))",
    "coproc ",
    "trap ",
    "printf ",
    "echo ",
    "alias ",
    "'rm x'",
    "\"$(rm x)\"",
    "$(rm x)",
    "`rm x`",
    "$(ls)",
    "read ",
    "test ",
    "unset ",
    "local ",
    "declare ",
    "let ",
    "true",
    "false",
    "nice ",
    "-n",
    "timeout 1 ",
];

/// Words in the disguises that a shell offers.
fn word() -> impl Strategy<Value = String> {
    let plain = proptest::sample::select(
        &["rm", "ls", "cat", "x", "y", "-a", "d", "ab", "r", "1", "x=1", "~", "d/..", "#", "=", "]"][..],
    );
    let disguise = proptest::sample::select(
        &[
            "@",
            "@",
            "@",
            "'@'",
            "\"@\"",
            "\\@",
            "$'@'",
            "@''",
            "''@",
            "@\\\n",
            "$(echo @)",
            "`echo @`",
            "\"$(echo @)\"",
            "${q:-@}",
            "\"@ y\"",
            "@*",
            "[r]m",
            "{@,y}",
            "$@",
            "\"$@\"",
            "$x",
            "\"${x}\"",
            "~/@",
            "@#",
            "#@",
            "\\#@",
            "<(ls @)",
            "$((1+1))",
            "a\\ b",
            "$'\\x72m'",
            "!@",
            "@;",
            "@$",
            "$\"@\"",
        ][..],
    );
    (plain, disguise).prop_map(|(word, disguise)| disguise.replace('@', word))
}

/// Commands of a shell, nested.
fn command() -> impl Strategy<Value = String> {
    let before = proptest::sample::select(
        &[
            "",
            "",
            "",
            "",
            "",
            "",
            "",
            "",
            "x=rm ",
            "time ",
            "! ",
            "env ",
            "command ",
            "nice ",
            "timeout 1 ",
            "exec ",
            "> w ",
            "LC_ALL=C ",
        ][..],
    );
    let name = prop_oneof![
        6 => proptest::sample::select(&["rm", "ls", "cat", "echo", "true", ":"][..]).prop_map(str::to_owned),
        1 => proptest::sample::select(&["printf", "xargs", "test", "cd d;", "read", "set", "export", "["][..]).prop_map(str::to_owned),
        1 => word(),
    ];
    let after = proptest::sample::select(
        &[
            "",
            "",
            "",
            "",
            "",
            "",
            "",
            " > w",
            " >> w 2>&1",
            " < r",
            " 2>/dev/null",
            " <<< rm",
            " &> w",
            " <<E\nrm $(ls)\nE\n",
            " <<'E'\n$(rm)\nE\n",
            " >&2",
            " # rm",
        ][..],
    );
    let simple = (before, name, proptest::collection::vec(word(), 0..4), after)
        .prop_map(|(before, name, words, after)| format!("{before}{name} {}{after}", words.join(" ")));
    simple.prop_recursive(4, 24, 2, |inner| {
        let form = proptest::sample::select(
            &[
                "%\n@",
                "%; @",
                "% && @",
                "% || @",
                "% | @",
                "% & @",
                "(%); @",
                "{ %; }; @",
                "if %; then @; fi",
                "for x in a b; do %; done; @",
                "while %; do @; break; done",
                "case x in (x) % ;; *) @ ;; esac",
                "case x in x) %;; esac; @",
                "echo $(%); @",
                "echo \"$(%)\" `@`",
                "cat <<E\n$(%)\nE\n@",
                "cat <<E; @\n`%`\nE\n",
                "sh -c '%'; @",
                "bash -c \"%\"",
                "% |& @",
                "! %; @",
                "until %; do @; break; done",
                "cat <(%) <(@)",
                "% > >(@)",
                "x=$(%); @",
                "echo ${x:-$(%)}",
                "[[ -n $(%) ]] && @",
                "cat <<-E\n\t%\n\tE\n@",
                "{ %\n} | { @\n}",
                "if true\nthen %\nelse @\nfi",
                "xargs -I{} sh -c '%' < r; @",
                "echo x | while read l; do %; done; @",
                "(%) 2>&1 | (@)",
                "echo \\\n%; @",
                "echo '%' \"@\"",
            ][..],
        );
        (form, inner.clone(), inner).prop_map(|(form, one, two)| form.replace('%', &one).replace('@', &two))
    })
}

/// A directory of stand-ins that write down how they were called.
struct Stage {
    shell: &'static str,
    dir: tempfile::TempDir,
    runs: std::cell::Cell<u32>,
}

impl Stage {
    fn new(shell: &'static str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("bin")).unwrap();
        // The log stands beside the directory of the run, found by its mark: a run leaves no trace in the next one.
        let stand_in = "#!/bin/bash\np=$PWD; while [ ! -e \"$p/mark\" ]; do [ \"$p\" != \"${p%/*}\" ] || exit 1; p=${p%/*}; done\n\
            c=${0##*/}; for a; do c+=$'\\1'$a; done; printf '%s\\2' \"$c\" >> \"$p/log\"\n";
        for name in ["rm", "ls", "cat", "x", "E", "y", "z", "w", "a", "b", "1", "d", "ab", "r", "]", "#x", "#rm"] {
            let file = dir.path().join("bin").join(name);
            std::fs::write(&file, stand_in).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        // These start what they are told to.
        for name in ["env", "sh", "bash", "xargs", "nice", "timeout"] {
            let real = ["/usr/bin", "/bin"].iter().map(|dir| Path::new(dir).join(name)).find(|path| path.exists());
            std::os::unix::fs::symlink(real.unwrap(), dir.path().join("bin").join(name)).unwrap();
        }
        Self { shell, dir, runs: std::cell::Cell::new(0) }
    }

    /// A fresh directory to run in, below one with the mark.
    fn prepare(&self) -> PathBuf {
        self.runs.set(self.runs.get() + 1);
        let place = self.dir.path().join(self.runs.get().to_string());
        std::fs::create_dir_all(place.join("run/d")).unwrap();
        std::fs::write(place.join("mark"), "").unwrap();
        for file in ["r", "ab"] {
            std::fs::write(place.join("run").join(file), "rm\n").unwrap();
        }
        place
    }

    fn plan(&self, line: &str, run: &Path) -> Plan {
        let shell = [self.shell.to_owned(), "-c".to_owned()];
        let path = self.dir.path().join("bin").to_string_lossy().into_owned();
        plan_shell("shell.exec", line, &shell, run, &Surroundings { path, home: Some(run.to_owned()), terminal: None })
    }

    /// What bash started, and the files it left behind.
    fn run(&self, line: &str, place: &Path) -> (Vec<Vec<String>>, BTreeSet<String>) {
        let run = place.join("run");
        let before = listing(&run);
        // A loop without an end is stopped; what it did until then counts. Both streams are read to their end, so that
        // commands in the background are waited for.
        let output = Command::new("timeout")
            .args(["-s", "KILL", "2", self.shell, "-c", line])
            .env_clear()
            .env("PATH", self.dir.path().join("bin"))
            .env("HOME", &run)
            .current_dir(&run)
            .stdin(Stdio::null())
            .output();
        output.unwrap();
        let log = std::fs::read(place.join("log")).unwrap_or_default();
        let started = String::from_utf8_lossy(&log)
            .split_terminator('\u{2}')
            .map(|call| call.split('\u{1}').map(str::to_owned).collect())
            .collect();
        let made = listing(&run).difference(&before).cloned().collect();
        (started, made)
    }

    /// What is wrong with the plan for a line, if something is. The other part tells whether it could be compared.
    fn fault(&self, line: &str) -> (Option<String>, bool) {
        let place = self.prepare();
        let plan = self.plan(line, &place.join("run"));
        if !plan.open.is_empty() {
            let _ = std::fs::remove_dir_all(&place);
            return (None, false);
        }
        let (started, made) = self.run(line, &place);
        let _ = std::fs::remove_dir_all(&place);
        // Numbers that the shell fills in stand as they are written.
        let numbers = |text: &String| ["$?", "$$", "$!", "$#"].iter().any(|number| text.contains(number));
        let planned = |call: &Vec<String>| {
            plan.programs.iter().any(|program| {
                let known = program.unsure.is_empty() && !program.args.iter().any(numbers);
                program.name.rsplit('/').next() == Some(&call[0]) && (same_args(&program.args, &call[1..]) || !known)
            })
        };
        let written = |name: &String| {
            plan.files
                .iter()
                .any(|file| matches!(file, Access::Write { path } | Access::Add { path } if path.ends_with(name.as_str()) || numbers(path)))
        };
        let surprise = started.iter().find(|call| !planned(call)).map(|call| format!("ran {call:?}"));
        let surprise = surprise.or_else(|| made.iter().find(|name| !written(name)).map(|name| format!("wrote {name}")));
        let told = surprise.map(|what| format!("{what}\nof: {line:?}\nplan: {:?} {:?}", plan.programs, plan.files));
        (told, true)
    }

    /// Tries lines; gives the number of those that the planner understood.
    fn compare(&self, lines: &impl Strategy<Value = String>, tries: usize) -> usize {
        let mut runner = TestRunner::deterministic();
        let mut faults = Vec::new();
        let mut compared = 0;
        for _ in 0..tries {
            let (fault, understood) = self.fault(&lines.new_tree(&mut runner).unwrap().current());
            faults.extend(fault);
            compared += usize::from(understood);
        }
        assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n\n"));
        compared
    }
}

/// The pipes of process substitutions have numbers of the shell's choice.
fn same_args(planned: &[String], real: &[String]) -> bool {
    let pipe = |text: &String| text.starts_with("/dev/fd/");
    planned.len() == real.len() && planned.iter().zip(real).all(|(a, b)| a == b || pipe(a) && pipe(b))
}

fn listing(dir: &Path) -> BTreeSet<String> {
    let below = |dir: &Path, prefix: &str| {
        let entries = std::fs::read_dir(dir).unwrap().flatten();
        entries.map(|entry| format!("{prefix}{}", entry.file_name().to_string_lossy())).collect::<Vec<_>>()
    };
    let mut all: BTreeSet<String> = below(dir, "").into_iter().collect();
    all.extend(below(&dir.join("d"), "d/"));
    all
}

/// More lines find more, and take longer; a person who changes the planner asks for some 100,000.
fn tries() -> usize {
    std::env::var("PRYX_TEST_LINES").ok().and_then(|n| n.parse().ok()).unwrap_or(LINES)
}

#[test]
fn what_bash_runs_was_planned_for_commands() {
    let compared = Stage::new("/bin/bash").compare(&command(), tries());
    // Otherwise nothing would have been compared.
    assert!(compared > tries() / 20, "only {compared} of {} were understood", tries());
}

#[test]
fn what_sh_runs_was_planned_for_commands() {
    let compared = Stage::new("/bin/sh").compare(&command(), tries());
    assert!(compared > tries() / 40, "only {compared} of {} were understood", tries());
}

#[test]
fn what_bash_runs_was_planned_for_noise() {
    let noise = proptest::collection::vec(proptest::sample::select(PIECES), 1..14).prop_map(|pieces| pieces.concat());
    let compared = Stage::new("/bin/bash").compare(&noise, tries());
    assert!(compared > tries() / 20, "only {compared} of {} were understood", tries());
}

#[test]
fn the_stage_notices_what_was_not_planned() {
    let stage = Stage::new("/bin/bash");
    let place = stage.prepare();
    let (started, made) = stage.run("ls a & wait; $(echo rm) 'y\t'; true > w", &place);
    assert_eq!(started, [vec!["ls", "a"], vec!["rm", "y\t"]]);
    assert_eq!(made.into_iter().collect::<Vec<_>>(), ["w"]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_planned_without_a_panic(text in "\\PC{0,200}") {
        let _ = super::plan(&text);
    }

    #[test]
    fn any_shell_like_text_is_planned_quickly(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..80)) {
        let begun = std::time::Instant::now();
        let _ = super::plan(&pieces.concat());
        // Far above what it takes; exponential time would be far above this.
        prop_assert!(begun.elapsed() < std::time::Duration::from_secs(5));
    }
}
