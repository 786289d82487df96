//! The documentation lists what the table holds. `UPDATE_DOCS=1` writes it anew.

use super::super::{ROOMS, intents};
use std::fmt::Write as _;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/offline-planner.md");

const HEAD: &str = "\
# The offline planner

Without a key, an account or a model server, pryx still answers everyday requests: `pryx \"what is using port 8080?\"`.
The embedded planner turns a sentence into one shell command for Linux or macOS, and the hands run it like any other:
what the [mode](policies.md) allows runs at once (looking, and writing in the folder where it can't destroy); the rest is
asked first.

It takes a sentence only when every word of it is accounted for, and says so when it doesn't know; nothing is guessed.
Politeness, case and punctuation make no difference. Where a request is about files and names no place, it's about the
current directory. Put names with spaces in quotes.

Parameters are read from the sentence: ports, process ids, paths (`~/Downloads`, \"my documents folder\", \"here\"), counts
(\"top ten\"), sizes (\"bigger than 1.5 GB\"), times (\"in the last 2 hours\", \"today\", \"older than 30 days\"), extensions
(\"python files\", \"*.log\"), hosts, cities, dates. No parameter can become anything else than one word of the command.

The lists below are written from the planner's own tables by its tests.
";

fn document() -> String {
    let mut text = HEAD.to_owned();
    for (title, intents) in ROOMS {
        let _ = write!(text, "\n## {title}\n\n| intent | for example | |\n|---|---|---|\n");
        for intent in intents {
            let asks = if intent.info.changes { "changes something" } else { "" };
            let _ = writeln!(text, "| {} | {} | {asks} |", intent.info.name, intent.info.example.replace('|', "\\|"));
        }
    }
    let all = intents().count();
    let changing = intents().filter(|info| info.changes).count();
    let _ = write!(text, "\n{all} intents, of which {changing} change something.\n");
    text
}

#[test]
fn the_document_lists_what_the_table_holds() {
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(PATH, document()).unwrap();
    }
    let written = std::fs::read_to_string(PATH).unwrap_or_default();
    assert_eq!(written, document(), "run the test with UPDATE_DOCS=1 and commit docs/offline-planner.md");
}
