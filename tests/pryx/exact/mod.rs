//! A thousand generated commands in one persistent shell: each has the code, and prints what it prints, in the shell by
//! itself. The seed is fixed; `PRYX_TEST_SEED` chooses another.

mod fish;
mod oracle;
mod posix;
mod wire;

use super::env::TestEnv;
pub use oracle::Dice;

use oracle::{Answer, Case};
use wire::Wire;

/// Commands per shell.
const COMMANDS: usize = 1_000;

fn seed() -> u64 {
    std::env::var("PRYX_TEST_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(20_261_120)
}

/// Runs all of them in a terminal, and by the shell alone, and compares.
#[track_caller]
fn compare(shell: &str, seen: &str, make: impl Fn(&mut Dice) -> Case) {
    let mut env = TestEnv::new();
    env.set("SHELL", shell);
    let mut dice = Dice::new(seed());
    let cases: Vec<Case> = (0..COMMANDS).map(|_| make(&mut dice)).collect();
    let wanted = oracle::ask(&env, shell, &cases);
    let here = env.file("here");
    oracle::furnish(&here);
    env.ok(["ps"]);
    let mut wire = Wire::connect(&env.socket());
    let mut wrong = Vec::new();
    for (number, (case, wanted)) in cases.iter().zip(&wanted).enumerate() {
        let job = wire.run("dev", &case.text, &here, number == 0, shell);
        let got = Answer { code: job.code, said: job.said };
        if got.code != wanted.code || case.says && got.said != wanted.said {
            wrong.push(format!("{number}: {:?}\n  wanted {wanted:?}\n  got    {got:?}", case.text));
        }
        let how = if case.ends { "waitpid" } else { seen };
        assert_eq!(job.seen, how, "{number}: {:?} {got:?}", case.text);
    }
    assert!(wrong.is_empty(), "{} of {COMMANDS} differ (seed {}):\n{}", wrong.len(), seed(), wrong.join("\n"));
}

#[test]
fn exact_codes_of_a_thousand_commands_in_one_bash() {
    compare("/bin/bash", "hook", posix::bash);
}

#[test]
fn exact_codes_of_a_thousand_commands_in_one_zsh() {
    compare("/usr/bin/zsh", "hook", posix::zsh);
}

#[test]
fn exact_codes_of_a_thousand_commands_in_one_fish() {
    compare("/usr/bin/fish", "hook", fish::fish);
}

#[test]
fn exact_codes_of_a_thousand_commands_in_one_dash_marked_as_less_sure() {
    compare("/usr/bin/dash", "nonce", posix::dash);
}
