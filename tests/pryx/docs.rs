//! What the documents say about the binary is so.

use super::env::{PRYX, TestEnv};
use std::collections::BTreeSet;
use std::path::Path;

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The subcommands that `pryx --help` lists.
fn commands(env: &TestEnv) -> BTreeSet<String> {
    let help = env.ok(["--help"]);
    let list = help.split("Commands:").nth(1).expect("a list of commands");
    let lines = list.lines().skip(1).take_while(|line| !line.trim().is_empty());
    lines.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

/// The lines of a document's shell blocks that call pryx, from the word after `pryx` on.
fn calls(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if let Some(language) = line.trim().strip_prefix("```") {
            inside = !inside && ["sh", "bash", "console", "shell", ""].contains(&language);
            continue;
        }
        let mut rest = if inside { line } else { "" };
        while let Some(at) = rest.find("pryx ") {
            let starts = at == 0 || rest[..at].ends_with([' ', '(', '|', '&', '`', '$']);
            rest = &rest[at + "pryx ".len()..];
            if starts {
                found.push(rest.to_owned());
            }
        }
    }
    found
}

#[test]
fn every_command_in_the_documents_exists() {
    let env = TestEnv::new();
    let known = commands(&env);
    assert!(known.contains("exec") && known.len() > 8, "{known:?}");
    let mut checked = 0;
    for name in ["README.md", "docs/protocol.md", "docs/gate.md", "docs/exit-codes.md", "docs/settings.md"] {
        for call in calls(&read(name)) {
            let word: String = call.split_whitespace().next().unwrap_or_default().trim_matches(['`', '…']).to_owned();
            let is_request = word.starts_with(['"', '\'', '-', '<']) || word.is_empty();
            let is_word = word.chars().all(|c| c.is_ascii_lowercase());
            if !is_request && is_word {
                assert!(known.contains(&word), "{name} shows `pryx {call}`, and there is no {word}");
                checked += 1;
            }
        }
    }
    assert!(checked > 5, "only {checked} calls were found: the documents were not read");
}

#[test]
fn every_command_has_help_with_its_exit_code_documented() {
    let env = TestEnv::new();
    for command in commands(&env) {
        let help = env.ok([command.as_str(), "--help"]);
        assert!(help.contains("Usage:"), "{command}: {help}");
    }
    assert!(env.ok(["--help"]).contains("Examples:"));
    assert!(env.ok(["--version"]).starts_with("pryx "));
}

#[test]
fn the_exit_codes_are_the_documented_ones() {
    let text = read("docs/exit-codes.md");
    let source = read("src/cli/exit.rs");
    let mut count = 0;
    for line in source.lines().filter(|line| line.starts_with("pub const")) {
        let code = line.rsplit_once("= ").and_then(|(_, value)| value.strip_suffix(';')).expect("a code");
        assert!(text.contains(&format!("\n| {code} | ")), "{code} is not in docs/exit-codes.md");
        count += 1;
    }
    assert!(count >= 10);
    let env = TestEnv::new();
    env.pryx(["--no-such-option"]).run().assert_code(2);
    env.pryx(["exec", "--", "sh", "-c", "exit 42"]).run().assert_code(42);
}

#[test]
fn every_event_in_the_schema_is_in_the_table_and_the_other_way_round() {
    let text = read("docs/events.md");
    let table: BTreeSet<&str> =
        text.lines().filter_map(|l| l.strip_prefix("| `")?.split('`').next()).filter(|n| !n.contains(' ')).collect();
    let block = text.split("```json\n").nth(1).and_then(|rest| rest.split("\n```").next()).expect("a JSON block");
    let schema: serde_json::Value = serde_json::from_str(block).expect("JSON");
    let names = schema["properties"]["event"]["enum"].as_array().expect("a list");
    let names: BTreeSet<&str> = names.iter().filter_map(serde_json::Value::as_str).collect();
    assert_eq!(table, names);
}

#[test]
fn completions_are_valid_scripts() {
    let env = TestEnv::new();
    for (shell, check) in [("bash", &["bash", "-n"][..]), ("zsh", &[]), ("fish", &[])] {
        let script = env.ok(["completions", shell]);
        assert!(script.contains("exec"), "{shell}");
        let [program, option] = check else { continue };
        std::fs::write(env.file("script"), script).expect("a file");
        assert!(env.program(program).args([option, "script"]).status().expect("it runs").success(), "{shell}");
    }
}

#[test]
fn doctor_says_what_works_and_json_says_the_same() {
    let env = TestEnv::new();
    let done = env.pryx(["doctor"]).run();
    done.assert_code(0);
    let json = env.json(["doctor"]);
    let text = json.to_string();
    for name in ["program", "settings", "home", "hands", "terminal", "model"] {
        assert!(done.out().contains(name), "{done}");
        assert!(text.contains(&format!("\"{name}\"")), "{text}");
    }
    assert!(done.out().contains("ANTHROPIC_API_KEY"), "{done}");
    assert!(Path::new(PRYX).is_file());
}
