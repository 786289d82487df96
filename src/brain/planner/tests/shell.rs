//! No request can put anything into a command but what the template has room for.

use super::super::intent::Intent;
use super::super::value::{Args, Span, Value};
use super::super::{Os, intents, propose, quote, table, template};
use super::corpus;
use brush_parser::Token;
use proptest::prelude::*;
use std::process::Command;

const SYSTEMS: [Os; 2] = [Os::Linux, Os::MacOs];

/// What somebody might try to get into a shell.
const NASTY: [&str; 14] = [
    "'; rm -rf ~; '",
    "$(touch owned)",
    "`touch owned`",
    "a b  c",
    "\\",
    "a'b\"c",
    "x; y",
    "x | y",
    "> /etc/passwd",
    "& z",
    "-rf",
    "*",
    "é ü 日本",
    "${IFS}",
];

/// The words of a command as the shell sees them, quotes and all; it must be a whole command.
fn words(command: &str) -> Vec<String> {
    let tokens = brush_parser::tokenize_str(command).unwrap_or_else(|err| panic!("{command}: {err}"));
    let options = brush_parser::ParserOptions::default();
    brush_parser::parse_tokens(&tokens, &options).unwrap_or_else(|err| panic!("{command}: {err}"));
    tokens
        .into_iter()
        .map(|token| match token {
            Token::Word(text, _) | Token::Operator(text, _) => text,
        })
        .collect()
}

/// What a word comes to: quotes and backslashes removed.
fn unquoted(word: &str) -> String {
    let (mut out, mut rest) = (String::new(), word.chars());
    while let Some(c) = rest.next() {
        match c {
            '\'' => out.extend(rest.by_ref().take_while(|c| *c != '\'')),
            '\\' => out.extend(rest.next()),
            c => out.push(c),
        }
    }
    out
}

/// Every parameter a template could name; texts and paths hold `text`.
fn all_args(text: &str) -> Args {
    let mut args = Args::default();
    for key in ["path", "old", "new", "place", "anypath", "file", "tar", "zip"] {
        args.set(key, Value::Path(text.to_owned()));
    }
    for key in ["text", "name", "pattern", "ext", "host", "address", "url", "variable", "date"] {
        args.set(key, Value::Text(text.to_owned()));
    }
    for key in ["port", "pid", "count", "epoch"] {
        args.set(key, Value::Number(7));
    }
    args.set("city", Value::Text("Tokyo".to_owned()));
    args.set("larger", Value::KiB(100));
    args.set("since", Value::Span(Span::Today));
    args.set("older", Value::Span(Span::Minutes(60)));
    args
}

/// Whether the template makes something else of a text than a word of its own.
fn transforms(template: &str) -> bool {
    ["{substitution}", "{sender}", "{version}"].iter().any(|key| template.contains(key))
}

/// A nasty text makes the same words as a harmless one, but for those it stands in, and those say exactly the text.
fn assert_contained(intent: &Intent, os: Os, text: &str) {
    // Whether a search minds case depends on the text, not only on where it stands.
    let harmless = if text.chars().any(char::is_uppercase) { "MARK" } else { "mark" };
    let template = intent.run.on(os);
    // A file name pattern holds no slash; and `old` and `path` may be refused as targets, which is safe, too.
    let Some(command) = template::command(template, &all_args(text)) else { return };
    let plain = template::command(template, &all_args(harmless)).unwrap();
    let (got, plain) = (words(&command), words(&plain));
    assert_eq!(got.len(), plain.len(), "{}: {command}", intent.info.name);
    for (word, plain) in got.iter().zip(&plain) {
        if !plain.contains(harmless) {
            assert_eq!(word, plain, "{}: {command}", intent.info.name);
        } else if !transforms(template) {
            let meant = unquoted(word).replace("./-", "-");
            let said = unquoted(plain).replace(harmless, text);
            let part = unquoted(plain).replace(&format!("*{harmless}*"), text);
            // What something is put beside is named without the slash at its end.
            let beside = unquoted(plain).replace(harmless, text.trim_end_matches('/'));
            let fits = [said, part, beside].contains(&meant);
            assert!(fits, "{}: {word} is not {text:?}", intent.info.name);
        }
    }
}

#[test]
fn nasty_parameters_stay_one_word_in_every_template() {
    for intent in table() {
        for os in SYSTEMS {
            assert_contained(intent, os, " /");
            NASTY.iter().for_each(|text| assert_contained(intent, os, text));
        }
    }
}

#[test]
fn every_placeholder_is_known() {
    let args = all_args("x");
    for intent in table() {
        for os in SYSTEMS {
            let command = template::command(intent.run.on(os), &args);
            assert!(command.is_some(), "{}: a parameter of {} is unknown", intent.info.name, intent.run.on(os));
        }
        for prose in [intent.intro, intent.empty] {
            assert!(template::prose(prose, &args).is_some(), "{}: {prose:?}", intent.info.name);
        }
    }
}

#[test]
fn every_command_is_one_that_bash_and_dash_can_read() {
    for (intent, sentence) in corpus() {
        for os in SYSTEMS {
            let command = propose(sentence, os).unwrap_or_else(|| panic!("{intent}: {sentence}")).command;
            words(&command);
            let left = command
                .match_indices('{')
                .find(|(at, _)| template::key_of(&command[*at..]).is_some() && !command[..*at].ends_with('%'));
            assert_eq!(left, None, "a placeholder is left in {command}");
        }
    }
    let mut script = String::new();
    for info in intents() {
        for os in SYSTEMS {
            script.push_str(&propose(info.example, os).unwrap().command);
            script.push('\n');
        }
    }
    for shell in ["bash", "dash"] {
        let checked = Command::new(shell).args(["-n", "-c", &script]).output().unwrap();
        assert!(checked.status.success(), "{shell}: {}", String::from_utf8_lossy(&checked.stderr));
    }
}

#[test]
fn a_real_shell_reads_each_nasty_text_as_itself() {
    let script = NASTY.map(|text| format!("printf '%s\\n' {}\n", quote::word(text))).concat();
    for shell in ["bash", "dash"] {
        let printed = Command::new(shell).args(["-c", &script]).output().unwrap();
        let lines: Vec<_> = std::str::from_utf8(&printed.stdout).unwrap().lines().collect();
        assert_eq!(lines, NASTY);
    }
}

#[test]
fn commands_use_no_rights_they_were_not_given() {
    for info in intents() {
        for os in SYSTEMS {
            let command = propose(info.example, os).unwrap().command;
            assert!(!command.contains("sudo") && !command.contains("doas"), "{command}");
            assert!(info.changes || !command.contains("-delete"), "{command}");
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_one_word(text in "[^\\x00]{0,40}") {
        let word = quote::word(&text);
        prop_assert_eq!(unquoted(&word), text);
        prop_assert_eq!(words(&format!("echo {word} end")).len(), 3);
    }

    #[test]
    fn any_sentence_is_read_without_harm(request in "\\PC{0,200}") {
        for os in SYSTEMS {
            if let Some(proposal) = propose(&request, os) {
                words(&proposal.command);
            }
        }
    }

    /// A sentence of the corpus with one of its words replaced by a quoted text.
    #[test]
    fn quoted_texts_in_sentences_stay_contained(
        at in any::<prop::sample::Index>(),
        word in any::<prop::sample::Index>(),
        text in "[-a-zA-Z0-9 ;|&$()`<>*?~/.'\\\\{}!#]{1,24}",
    ) {
        // Blanks alone stand between the words of any command.
        prop_assume!(!text.trim().is_empty());
        let corpus = corpus();
        let (_, sentence) = at.get(&corpus);
        let mut parts: Vec<String> = sentence.split(' ').map(str::to_owned).collect();
        let replaced = word.index(parts.len());
        parts[replaced] = format!("\"{text}\"");
        for os in SYSTEMS {
            if let Some(proposal) = propose(&parts.join(" "), os) {
                parts[replaced] = "MARK.txt".to_owned();
                let got = words(&proposal.command);
                let holders = got.iter().filter(|word| unquoted(word).contains(text.trim_start_matches("~/"))).count();
                let known = transforms(proposal_template(proposal.intent, os));
                prop_assert!(known || holders > 0 || !proposal.command.contains(&text), "{}", proposal.command);
            }
        }
    }

    #[test]
    fn nasty_texts_stay_one_word(text in "[^\\x00-\\x1f\\x7f]{1,30}", at in any::<prop::sample::Index>()) {
        let all: Vec<_> = table().collect();
        SYSTEMS.iter().for_each(|os| assert_contained(all[at.index(all.len())], *os, &text));
    }
}

fn proposal_template(intent: &str, os: Os) -> &'static str {
    table().find(|known| known.info.name == intent).map_or("", |known| known.run.on(os))
}
