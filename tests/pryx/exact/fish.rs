//! Commands for fish.

use super::oracle::{Case, Dice};

pub fn fish(dice: &mut Dice) -> Case {
    let (n, m) = (dice.below(256), dice.below(20));
    match dice.below(30) {
        0..5 => Case::of(format!("sh -c 'exit {n}'")),
        5 => Case::of(format!("sh -c 'kill -{} $$'", dice.one_of(&["TERM", "KILL", "SEGV", "USR1", "HUP", "ABRT"]))),
        6 => Case::of(format!("function f{m}; return {n}; end")),
        7 | 8 => Case::of(format!("f{m}")),
        9 => Case::of(format!("cd {}", dice.one_of(&["d0", "d1", "d2/deep", ".", "nowhere", ".."]))),
        10 => Case::of(format!("set -gx V{m} {n}")),
        11 => Case::says(format!("echo \"[$V{m}]\"; sh -c 'echo \"[$V{m}]\"'")),
        12 => Case::says(format!("for i in 1 2 3\n  echo \"$i of {n}\"\n  test $i = 2; and break\nend")),
        13 => Case::says("begin\n  echo 'a!b'\n  echo \"it's\"\nend | tr a-z A-Z"),
        14 => Case::of(format!("not sh -c 'exit {n}'")),
        15 => Case::of(format!("true; and sh -c 'exit {n}'")),
        16 => Case::says("echo $status"),
        17 => Case::of("set x $status; sh -c \"exit $x\""),
        18 => Case::of("no-such-program with arguments"),
        19 => Case::of("echo 'open"),
        20 => Case::of("if true"),
        21 => Case::of("X=1"),
        22 => Case::ends(format!("exit {n}")),
        23 => Case::ends(format!("exec sh -c 'exit {n}'")),
        24 => Case::of(format!("sh -c '(sleep 0.3 &); exit {n}'")),
        25 => Case::of(format!("false | sh -c 'exit {n}'")),
        26 => Case::says(format!("switch x{n}\ncase 'x1*'\n echo one\ncase '*'\n echo other\nend")),
        27 => Case::of(format!("test {n} -gt 100")),
        28 => Case::says(format!("echo '{}' | wc -c", "long ".repeat(dice.below(200)))),
        _ => Case::says("echo \"ünï ✓ 漢\"; printf 'no end'"),
    }
}
