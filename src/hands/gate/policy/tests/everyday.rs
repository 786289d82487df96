//! Everyday commands that only look, on Linux and macOS.

use super::World;
use pryx_terms::Verdict;

#[test]
fn everyday_commands_run_unasked() {
    let world = World::new();
    let commands: Vec<String> = include_str!("everyday.txt")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| if line.contains("<<") { line.replace("\\n", "\n") } else { line.to_owned() })
        .collect();
    assert!(commands.len() >= 300);
    let asked: Vec<String> = commands
        .iter()
        .map(|command| (command, world.rule(command)))
        .filter(|(_, ruling)| ruling.verdict != Verdict::Allow)
        .map(|(command, ruling)| format!("{command}   ({}: {})", ruling.rule.name, ruling.reason))
        .collect();
    assert!(
        asked.len() * 20 <= commands.len(),
        "{} of {} are asked:\n{}",
        asked.len(),
        commands.len(),
        asked.join("\n")
    );
}
