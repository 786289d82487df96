//! One line per construct: which programs are found in it, and which constructs are left open.

use super::super::super::Surroundings;
use super::super::{MAX_COMMAND, plan_argv, plan_shell};
use super::{around, plan, plan_in, programs};
use pryx_terms::Access;
use std::path::Path;

#[test]
fn programs_are_found_wherever_they_hide() {
    let cases: &[(&str, &[&str])] = &[
        ("ls -l x", &["ls -l x"]),
        ("a | b |& c", &["a", "b", "c"]),
        ("a && b || c; d & e", &["a", "b", "c", "d", "e"]),
        ("a\nb", &["a", "b"]),
        ("! a", &["a"]),
        ("time -p a", &["a"]),
        ("(a; { b; })", &["a", "b"]),
        ("if a; then b; elif c; then d; else e; fi", &["a", "b", "c", "d", "e"]),
        ("while a; do b; done", &["a", "b"]),
        ("until a; do b; done", &["a", "b"]),
        ("for i in $(a); do b; done", &["a", "b"]),
        ("case $(a) in b) c;; *) d;; esac", &["a", "c", "d"]),
        ("f() { a; }", &["a"]),
        ("a $(b $(c))", &["c", "b $(c)", "a $(b $(c))"]),
        ("a `b`", &["b", "a `b`"]),
        ("a \"x $(b) y\"", &["b", "a \"x $(b) y\""]),
        ("x=$(a)", &["a"]),
        ("x=$(a) b", &["a", "b"]),
        ("a <(b) >(c)", &["b", "c", "a /dev/fd/63 /dev/fd/63"]),
        ("a <<E\n$(b) `c`\nE", &["b", "c", "a"]),
        ("a <<'E'\n$(b)\nE", &["a"]),
        ("a <<< $(b)", &["a", "b"]),
        ("a > $(b)", &["b", "a"]),
        ("[[ $(a) == b ]]", &["a"]),
        ("{ a; } > \"$(b)\"", &["b", "a"]),
        ("sh -c 'a; b'", &["sh -c a; b", "a", "b"]),
        ("bash -euc 'a'", &["bash -euc a", "a"]),
        ("env -i A=b sh -c 'a'", &["env -i A=b sh -c a", "sh -c a", "a"]),
        ("timeout -s KILL 5 nice -n 3 a b", &["timeout -s KILL 5 nice -n 3 a b", "nice -n 3 a b", "a b"]),
        ("xargs -0 -n 2 a b", &["xargs -0 -n 2 a b", "a b <input>"]),
        ("xargs", &["xargs", "echo <input>"]),
        ("find . -exec a {} \\; -o -exec b +", &["find . -exec a {} ; -o -exec b +", "a {}", "b"]),
        ("command -v a", &["command -v a"]),
        ("command a b", &["command a b", "a b"]),
        ("sudo -u x a", &["sudo -u x a", "a"]),
        ("nohup a", &["nohup a", "a"]),
    ];
    for (command, expected) in cases {
        let mut found = programs(command);
        let mut expected: Vec<String> = expected.iter().map(|&line| line.to_owned()).collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{command}");
    }
}

#[test]
fn quotes_are_removed_as_the_shell_does_it() {
    let cases = [
        (r"\ls", "ls"),
        (r#"l's' "a b" 'c'"d"e\ f"#, "ls a b cde f"),
        (r#"a "\$x \" \\ \y""#, r#"a $x " \ \y"#),
        (r"a $'\x2dx\t\101\'' $'\n'", "a -x\tA' \n"),
        ("a x\\\ny", "a xy"),
        ("a ~/x ~ '~' x~", "a /home/u/x /home/u ~ x~"),
        ("a $HOME/x \"${HOME}\"", "a /home/u/x /home/u"),
        ("a b#c # d", "a b#c"),
        ("a '' \"\"", "a  "),
        ("a $ '$x' \\$x", "a $ $x $x"),
        ("a --x=y x=y", "a --x=y x=y"),
    ];
    for (command, expected) in cases {
        let plan = plan(command);
        assert!(plan.open.is_empty(), "{command}: {:?}", plan.open);
        assert!(plan.programs[0].unsure.is_empty(), "{command}: {:?}", plan.programs);
        assert_eq!(programs(command), [expected], "{command}");
    }
}

#[test]
fn arguments_known_only_at_run_time_are_marked() {
    for word in ["$x", "\"$x\"", "${x:-y}", "$(b)", "`b`", "{b,c}", "{1..3}", "$1", "\"$@\"", "$((1+2))", "no*match"] {
        let plan = plan(&format!("a -l {word} z"));
        let program = plan.programs.iter().find(|program| program.name == "a").unwrap();
        assert_eq!(program.unsure, [1], "{word}: {plan:?}");
        assert_eq!(program.args, ["-l", word, "z"]);
    }
}

#[test]
fn what_can_not_be_followed_is_open() {
    for command in [
        "$x",
        "${x} a",
        "$(a)",
        "`a`",
        "l*",
        "{ls,-l}",
        "r${x}m x",
        "eval a",
        "source a",
        ". a",
        "alias a=b",
        "trap a EXIT",
        "exec > x",
        "exec 3< x",
        "env -S 'a b'",
        "coproc a",
        "((x++))",
        "for ((i=0;i<3;i++)); do a; done",
        "a $((x+1))",
        "a ${x/y/z}",
        "a ${!x}",
        "a ${x:=y}",
        "a ${x[1]}",
        "a $[1+1]",
        "a $\"x\"",
        "f() { a; }",
        "function f { a; }",
        "a=(1 2)",
        "a[1]=2",
        "a+=b",
        "PATH=/x a",
        "PATH=/x",
        "LD_PRELOAD=x a",
        "IFS=x",
        "export PATH=/x",
        "unset PATH",
        "read PATH",
        "for PATH in x; do a; done",
        "set -k",
        "shopt -s extglob",
        "declare -i x=1",
        "local x",
        "let x=1",
        "printf -v x y",
        "test -v x",
        "[ -v x ]",
        "[ $x ]",
        "[[ $x -eq 1 ]]",
        "[[ -v x ]]",
        "mapfile x",
        "cd $x",
        "cd -",
        "while a; do cd ..; done",
        "pushd x",
        "sh",
        "sh x",
        "sh -s",
        "sh -c $x",
        "bash -l -c a",
        "bash --rcfile x -c a",
        "zsh -c a",
        "fish -c a",
        "a | sh",
        "python3 -c 'x'",
        "python3 x.py",
        "perl -e x",
        "node x.js",
        "timeout --unknown 5 a",
        "timeout $x a",
        "nice -x a",
        "xargs -a x a",
        "xargs -I a a",
        "xargs -I{} sh -c 'a {}'",
        "find . -exec sh -c 'a {}' \\;",
        "a > $x",
        "a > *",
        "a < $(b)",
        "a >&$x",
        "a ~user/x",
        "a ~+",
        "a $'\\u0041'",
        "a 'x",
        "a \"x",
        "a (",
        "if a",
        "case x in",
        "a <<E",
        "a <<E\n${x/y}\nE",
        "a <<E <<F\nE\nF",
        "a <<\"E F\"\nE F",
        "a \u{1b}[2K",
        "a\rb",
        "select x in y; do a; done",
        "a !(x)",
        "a @(x)",
        "hash -p x ls",
        "enable -n test",
        "bind x",
        "fc",
        "history",
        "command -p a",
        "echo x > ~user/y",
        "wait $x",
        "a \\",
    ] {
        assert!(!plan(command).open.is_empty(), "{command} was understood: {:?}", plan(command).programs);
    }
}

#[test]
fn lines_that_the_parser_was_seen_to_misread_are_open() {
    for command in [
        "cat <<E; case x in x) ! \"$(echo r)\" rm;; esac\n`ls`\nE\n",
        "bash -c \"ls\" |& cat <<E; $(echo rm) \n`ab`\nE\n",
        "cat <<E; echo ${x:-$(ls <<'F'\n$(rm)\nF\n)}\n`ls`\nE\n",
        "((> w : y\\\n <<'E'\n$(rm)\nE\n); ls)",
        "cat <<E \\\n$(rm)\nE\n",
        "echo hi >&'x$(rm)'",
    ] {
        assert!(!plan(command).open.is_empty(), "{command}");
    }
    assert!(plan("cat <<E | wc -l\nit's $HOME\nE\n").open.is_empty());
}

#[test]
fn a_posix_shell_reads_some_things_differently() {
    let open = |command: &str| {
        let shell = ["/bin/sh".to_owned(), "-c".to_owned()];
        !plan_shell("shell.exec", command, &shell, Path::new("/tmp"), &around("/bin")).open.is_empty()
    };
    for command in ["[[ a > b ]]", "((a b))", "a $'x'", "a <(b)"] {
        assert!(open(command), "{command}");
    }
    assert!(!open("ls -l | head"));
    let fish =
        plan_shell("shell.exec", "ls", &["/usr/bin/fish".into(), "-c".into()], Path::new("/tmp"), &around("/bin"));
    assert!(!fish.open.is_empty());
    let login = plan_shell("shell.exec", "ls", &["/bin/bash".into(), "-lc".into()], Path::new("/tmp"), &around("/bin"));
    assert!(!login.open.is_empty());
}

#[test]
fn redirections_are_files() {
    let read = |path: &str| Access::Read { path: path.into() };
    let write = |path: &str| Access::Write { path: path.into() };
    let add = |path: &str| Access::Add { path: path.into() };
    let cases = [
        ("a > x", vec![write("/tmp/x")]),
        ("a >> ~/x 2>/dev/null", vec![add("/home/u/x"), write("/dev/null")]),
        ("a &> x", vec![write("/tmp/x")]),
        ("a >& x", vec![write("/tmp/x")]),
        ("a >| 'x y'", vec![write("/tmp/x y")]),
        ("a <> x", vec![write("/tmp/x")]),
        ("a < /etc/hosts", vec![read("/etc/hosts")]),
        ("a 2>&1 >&2 3>&-", vec![]),
        ("> x", vec![write("/tmp/x")]),
        ("{ a; } > x", vec![write("/tmp/x")]),
        ("cd /usr; a > x", vec![write("/tmp/x"), write("/usr/x")]),
        ("nohup a", vec![add("/tmp/nohup.out")]),
    ];
    for (command, files) in cases {
        assert_eq!(plan(command).files, files, "{command}");
    }
}

#[test]
fn programs_are_resolved_through_links() {
    let dir = tempfile::tempdir().unwrap();
    let root = std::fs::canonicalize(dir.path()).unwrap();
    std::os::unix::fs::symlink("/bin/sh", root.join("mine")).unwrap();
    let plan = plan_in(&root, "./mine x; mine; sh -c true; true");
    let paths: Vec<_> = plan.programs.iter().map(|program| program.path.clone()).collect();
    let sh = std::fs::canonicalize("/bin/sh").unwrap();
    assert_eq!(paths, [Some(sh.clone()), None, Some(sh), None, None]);
}

#[test]
fn a_search_path_that_the_workspace_controls_is_open() {
    let dir = tempfile::tempdir().unwrap();
    let root = std::fs::canonicalize(dir.path()).unwrap();
    std::fs::create_dir(root.join("bin")).unwrap();
    std::os::unix::fs::symlink("/bin/true", root.join("bin/ls")).unwrap();
    let open = |path: String, cwd: &Path| {
        let shell = ["/bin/bash".to_owned(), "-c".to_owned()];
        let around = Surroundings { path, home: Some("/home/u".into()), terminal: None };
        !plan_shell("shell.exec", "ls", &shell, cwd, &around).open.is_empty()
    };
    let own = format!("{}/bin:/usr/bin:/bin", root.display());
    assert!(open(own.clone(), &root));
    assert!(!open(own, Path::new("/usr")), "a directory of the person's own, elsewhere");
    assert!(open(".:/usr/bin:/bin".into(), &root));
    assert!(open(":/usr/bin:/bin".into(), &root));
    assert!(!open("/usr/bin:/bin:.".into(), &root), "found before the relative entry");
}

#[test]
fn globs_are_what_they_match() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["a.rs", "b.rs", ".hidden.rs", "-o", "c[1]"] {
        std::fs::write(dir.path().join(name), "").unwrap();
    }
    std::fs::create_dir(dir.path().join("sub")).unwrap();
    std::fs::write(dir.path().join("sub/d.rs"), "").unwrap();
    let args = |command: &str| plan_in(dir.path(), command).programs[0].args.clone();
    assert_eq!(args("x *.rs"), ["a.rs", "b.rs"]);
    assert_eq!(args("x *"), ["-o", "a.rs", "b.rs", "c[1]", "sub"]);
    assert_eq!(args("x .*.rs"), [".hidden.rs"]);
    assert_eq!(args("x [ab].rs ?.rs [!a].rs"), ["a.rs", "b.rs", "a.rs", "b.rs", "b.rs"]);
    assert_eq!(args("x */*.rs sub/d.*"), ["sub/d.rs", "sub/d.rs"]);
    assert_eq!(args("x */"), ["sub/"]);
    assert_eq!(args("x '*.rs' \\*.rs"), ["*.rs", "*.rs"]);
    assert_eq!(args("x c\\[*"), ["c[1]"]);
    assert_eq!(args("x [a-z].rs"), ["[a-z].rs"], "the locale decides");
}

#[test]
fn settings_of_a_repository_that_start_programs_are_open() {
    let dir = tempfile::tempdir().unwrap();
    let git = dir.path().join(".git");
    for part in ["hooks", "objects", "refs"] {
        std::fs::create_dir_all(git.join(part)).unwrap();
    }
    std::fs::write(git.join("HEAD"), "ref: refs/heads/main").unwrap();
    std::fs::create_dir(dir.path().join("sub")).unwrap();
    let open = |config: &str, command: &str| {
        std::fs::write(git.join("config"), config).unwrap();
        !plan_in(&dir.path().join("sub"), command).open.is_empty()
    };
    let usual = "[core]\n\tbare = false\n[remote \"origin\"]\n\turl = https://example.com/pager.git\n[branch \"main\"]\n\tremote = origin\n";
    assert!(!open(usual, "git status"));
    for setting in [
        "[core]\n fsmonitor = ./x",
        "[core]\nfsMonitor=./x",
        "[core] fsmonitor = x",
        "[diff]\nexternal = ./x",
        "[diff \"a\"]\ntextconv = ./x",
        "[core]\npager = ./x",
        "[pager]\nlog = ./x",
        "[include]\npath = x",
        "[includeIf \"gitdir:/\"]\npath = x",
        "[alias]\nst = !x",
        "[core]\nsshCommand = x",
        "[core]\nhooksPath = .husky",
        "[core] hooksPath = hk",
        "[core]\nalternateRefsCommand = ./x",
        "[blame]\nignoreRevsFile = /home/u/.ssh/id_rsa",
        "[submodule \"x\"]\nurl = x",
        "[anything]\nnew = x",
    ] {
        assert!(open(&format!("{usual}{setting}\n"), "git log"), "{setting}");
        assert!(!open(&format!("{usual}{setting}\n"), "ls"), "{setting}");
    }
    assert!(!open(usual, "git -C .. status"));
    std::fs::write(git.join("hooks/post-index-change"), "").unwrap();
    assert!(open(usual, "git -C .. status"));
    assert!(open(usual, "git -C $x status"));
}

/// Git finds its repository by rules of its own: whatever is not the plain case is asked about.
#[test]
fn a_repository_that_is_not_the_plain_case_is_open() {
    let plain = || {
        let dir = tempfile::tempdir().unwrap();
        for part in [".git/objects", ".git/refs", "sub/deep"] {
            std::fs::create_dir_all(dir.path().join(part)).unwrap();
        }
        std::fs::write(dir.path().join(".git/HEAD"), "ref: refs/heads/main").unwrap();
        dir
    };
    let open = |dir: &tempfile::TempDir, command: &str| !plan_in(&dir.path().join("sub"), command).open.is_empty();
    assert!(!open(&plain(), "git status"));
    type Change = fn(&std::path::Path);
    let changes: [(&str, Change); 6] = [
        ("commondir", |dir| std::fs::write(dir.join(".git/commondir"), "../real").unwrap()),
        ("an empty .git on the way", |dir| std::fs::create_dir(dir.join("sub/.git")).unwrap()),
        ("a bare one on the way", |dir| std::fs::write(dir.join("sub/HEAD"), "x").unwrap()),
        ("submodules", |dir| std::fs::write(dir.join(".gitmodules"), "").unwrap()),
        ("a link", |dir| std::os::unix::fs::symlink("../.git", dir.join("sub/.git")).unwrap()),
        ("a file", |dir| std::fs::write(dir.join("sub/.git"), "gitdir: ../.git").unwrap()),
    ];
    for (what, change) in changes {
        let dir = plain();
        change(dir.path());
        assert!(open(&dir, "git status"), "{what}");
    }
    // Each -C is relative to the one before: the second of these is not below the first's parent.
    let dir = plain();
    std::fs::create_dir_all(dir.path().join("sub/a/b/.git")).unwrap();
    assert!(open(&dir, "git -C a -C b status"));
}

#[test]
fn a_toolchain_file_makes_cargo_open() {
    let dir = tempfile::tempdir().unwrap();
    assert!(plan_in(dir.path(), "cargo --version").open.is_empty());
    std::fs::write(dir.path().join("rust-toolchain.toml"), "[toolchain]\npath = \"./evil\"\n").unwrap();
    assert!(!plan_in(dir.path(), "cargo --version").open.is_empty());
}

#[test]
fn too_much_is_open_and_quick() {
    let begun = std::time::Instant::now();
    for command in [
        "a ".repeat(MAX_COMMAND),
        "a;".repeat(20_000),
        "(".repeat(20_000),
        "$(".repeat(20_000),
        "`".repeat(20_001),
        "{ ".repeat(20_000),
        "if ".repeat(20_000),
        "case x in x) ".repeat(50),
        "a $(( ( ( ( ( ( ( ( ( ( ( ( ( 1 ) ) ) ) ) ) ) ) ) ) ) ) ))".repeat(3),
        "a[$(( ( ( ( ( ( ( ( ( ( ( ( ( 1".repeat(4),
        "[[ ( ".repeat(3000),
        "! ".repeat(5000) + "$x",
        "sh -c 'sh -c \"sh -c ls\"' | ".repeat(50) + "$x",
        "${x:-".repeat(5000),
        "a <<E\n".repeat(2000),
        "'".repeat(20_001),
        "\"$(".repeat(40),
        "~99999999999999999999 ${99999999999999999999} 99999999999999999999>x {1..99999999999999999999}".to_owned(),
    ] {
        assert!(!plan(&command).open.is_empty(), "{:.40}", command);
    }
    // A second each would be exponential time; they take milliseconds.
    assert!(begun.elapsed() < std::time::Duration::from_secs(18), "{:?}", begun.elapsed());
}

#[test]
fn a_program_without_a_shell_has_no_builtins_and_no_expansion() {
    let argv: Vec<String> = ["echo", "$(rm x)", "*", "a b"].iter().map(|&arg| arg.to_owned()).collect();
    let plan = plan_argv("shell.exec", &argv, Path::new("/tmp"), &around("/usr/bin:/bin"));
    assert_eq!(plan.programs.len(), 1);
    assert!(plan.programs[0].path.is_some());
    assert_eq!(plan.programs[0].args, argv[1..]);
    assert_eq!(plan.argv, argv);
    assert_eq!(plan.command, "echo '$(rm x)' '*' 'a b'");
    let argv: Vec<String> = ["sh", "-c", "ls; rm x"].iter().map(|&arg| arg.to_owned()).collect();
    let plan = plan_argv("shell.exec", &argv, Path::new("/tmp"), &around("/usr/bin:/bin"));
    assert_eq!(plan.programs.iter().map(|program| program.name.as_str()).collect::<Vec<_>>(), ["sh", "ls", "rm"]);
}

#[test]
fn the_plan_is_what_runs() {
    let plan = plan("ls '-l'");
    assert_eq!(plan.argv, ["/bin/bash", "-c", "ls '-l'"]);
    assert_eq!(plan.cwd, std::fs::canonicalize("/tmp").unwrap());
    assert!(!plan_in(Path::new("/missing"), "ls").open.is_empty());
}
