//! Commands for bash, zsh and dash: what people and models type, and what wrecks a careless harness.

use super::oracle::{Case, Dice};

pub fn bash(dice: &mut Dice) -> Case {
    match dice.below(12) {
        0 => only_bash(dice),
        1 => bash_and_zsh(dice),
        // Its jobs are told of wherever it waits for a child.
        _ => without_jobs(any(dice), "sleep 0.3 & disown"),
    }
}

pub fn zsh(dice: &mut Dice) -> Case {
    match dice.below(12) {
        0 | 1 => bash_and_zsh(dice),
        _ => without_jobs(any(dice), "sleep 0.3 &!"),
    }
}

pub fn dash(dice: &mut Dice) -> Case {
    without_jobs(any(dice), "(sleep 0.3 & true)")
}

/// A zsh that was asked to leave with jobs of its own asks back, and dash tells of them whenever it comes to it.
fn without_jobs(case: Case, instead: &str) -> Case {
    if case.text.ends_with("& true") { Case::of(instead) } else { case }
}

fn any(dice: &mut Dice) -> Case {
    let (n, m) = (dice.below(256), dice.below(20));
    match dice.below(40) {
        0..4 => Case::of(format!("(exit {n})")),
        4 | 5 => Case::of(format!("sh -c 'exit {n}'")),
        6 => Case::of(format!("sh -c 'kill -{} $$'", dice.one_of(&["TERM", "KILL", "SEGV", "USR1", "HUP", "ABRT"]))),
        7 => Case::says(format!("cat <<E\nline {n}\n  it's $((1 + {m})) \"quoted\"\nE")),
        8 => Case::says("cat <<'E' | tr a-z A-Z\n$HOME `no` \\ !\n\tand a tab\nE"),
        9 => Case::says(format!("for i in 1 2 3\ndo\n  echo \"$i of {n}\"\n  test $i = 2 && break\ndone")),
        10 => Case::of(format!("f{m}() {{ return {n}; }}")),
        11 | 12 => Case::of(format!("f{m}")),
        13 => Case::of(format!("cd {}", dice.one_of(&["d0", "d1", "d2/deep", ".", "nowhere", ".."]))),
        14 => Case::of("cd -"),
        15 => Case::of("cd \"${PWD%%/d[012]*}\""),
        16 => Case::of(format!("export V{m}={n}")),
        17 => Case::says(format!("echo \"[$V{m}]\"; sh -c 'echo \"[$V{m}]\"'")),
        18 => Case::of(format!("alias a{m}='sh -c \"exit {n}\"'")),
        19 => Case::of(format!("a{m}")),
        20 => Case::says("printf '%s|' 'a!b' \"c!d\" !! '!x'"),
        21 => Case::of(format!("set -e; true; set +e; (exit {n})")),
        22 => Case::ends(format!("set -e; (exit {})", 1 + n % 255)),
        23 => Case::ends(format!("exec sh -c 'exit {n}'")),
        24 => Case::ends(format!("exit {n}")),
        25 => Case::of(format!("(sleep 0.3 &); (exit {n})")),
        26 => Case::of("(sleep 0.3; echo late >/dev/null) & true"),
        27 => Case::of("no-such-program with arguments"),
        28 => Case::of("/etc"),
        29 => Case::of(format!("! (exit {n})")),
        30 => Case::says(format!("case x{n} in x1*) echo one;; *) echo other;; esac")),
        31 => Case::says("echo $?"),
        32 => Case::of("x=$?; (exit $x)"),
        33 => Case::of(format!("trap 'x=1' USR1; kill -USR1 $$; trap - USR1; (exit {n})")),
        34 => Case::says("IFS=:; v=a:b:c; for i in a:b; do echo \"$i\"; done; set -- a b; echo \"$*\"; IFS=' \n\t'"),
        35 => Case::of(format!("set -C; echo x >n{m}; echo y >n{m}")),
        36 => Case::of(format!("set +C; echo x >n{m}; false | (exit {n})")),
        37 => Case::of("true </no/such/file"),
        38 => Case::says(format!("echo '{}' | wc -c", "long ".repeat(dice.below(900)))),
        _ => Case::says("echo \"ünï ✓ 漢\"; printf 'no end'"),
    }
}

fn bash_and_zsh(dice: &mut Dice) -> Case {
    let n = dice.below(256);
    match dice.below(9) {
        0 => Case::of(format!("set -o pipefail; (exit {n}) | true; x=$?; set +o pipefail; (exit $x)")),
        1 => Case::of(format!("[[ {n} -gt 100 ]]")),
        2 => Case::of("((1 - 1))"),
        3 => Case::says("declare -a arr; arr=(a 'b c' d); echo \"${#arr[@]}\"; unset arr"),
        4 => Case::of("echo 'open"),
        5 => Case::of("if true"),
        6 => Case::of("echo <(true) >/dev/null; cat <(echo in a pipe)"),
        7 => Case::of(format!("set -x; true; set +x; (exit {n})")),
        _ => Case::says("unset nope; set -u; echo \"${nope-none}\"; set +u"),
    }
}

/// What reaches for the hooks themselves.
fn only_bash(dice: &mut Dice) -> Case {
    let n = dice.below(256);
    match dice.below(10) {
        0 => Case::of(format!("PROMPT_COMMAND='false'; (exit {n})")),
        1 => Case::of(format!("PROMPT_COMMAND=\"(exit 3);$PROMPT_COMMAND\"; (exit {n})")),
        2 => Case::of(format!("PS1='$(false)> '; (exit {n})")),
        3 => Case::of(format!("PS0=; (exit {n})")),
        4 => Case::of(format!("alias printf=false read=false local=false; (exit {n})")),
        5 => Case::of("unalias printf read local"),
        6 => Case::of(format!("printf() {{ return 1; }}; read() {{ return 1; }}; (exit {n})")),
        7 => Case::of(format!("trap ':' DEBUG; (exit {n})")),
        8 => Case::of(format!("trap - DEBUG; (exit {n})")),
        _ => Case::of(format!("set -o posix; (exit {n}); x=$?; set +o posix; (exit $x)")),
    }
}
