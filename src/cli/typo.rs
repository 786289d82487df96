//! A few words that are almost a command are more likely a slip than a request: they aren't sent to anybody, since that costs.

use super::args::{Ask, Cli};
use super::failure::Failure;
use clap::CommandFactory;
use std::path::Path;

/// Shorter words are near to too many others.
const SHORTEST: usize = 3;

/// Longer requests are sentences, whatever they begin with.
const LONGEST: usize = 3;

/// What other programs call what pryx has, alone on the line.
const ELSEWHERE: &[(&str, &str)] = &[
    ("history", "sessions list"),
    ("jobs", "ps"),
    ("kill", "stop last"),
    ("list", "ps"),
    ("login", "auth login"),
    ("logout", "auth remove"),
    ("logs", "log"),
    ("ls", "ps"),
    ("status", "hands status"),
    ("uninstall", "--help"),
    ("update", "--help"),
    ("upgrade", "--help"),
    ("usage", "cost"),
];

/// What follows a command rather than begins a sentence.
const FOLLOWS: &[&str] = &["last", "list", "status", "all"];

/// Help and version, which are asked for in plain words too.
pub fn answered_here(ask: &Ask) -> Option<String> {
    let [first, rest @ ..] = ask.words.as_slice() else { return None };
    if *ask != (Ask { words: ask.words.clone(), ..Ask::default() }) {
        return None;
    }
    match (first.as_str(), rest) {
        ("version", []) => Some(Cli::command().render_version()),
        ("help", names) => {
            let mut command = Cli::command();
            // Gives each the options that all have, and its whole name.
            command.build();
            let mut found = &mut command;
            for name in names {
                found = found.find_subcommand_mut(name)?;
            }
            Some(found.render_help().to_string())
        }
        _ => None,
    }
}

/// What to say to such a request, if it is one.
pub fn of_a_command(ask: &Ask) -> Option<Failure> {
    let words = ask.words.as_slice();
    let first = words.first().filter(|first| words.len() <= LONGEST && !first.contains(char::is_whitespace))?;
    let whole = words.join(" ");
    let refused = |said: String| Some(Failure::usage(said).hint(format!("to ask the brain, say `pryx run {whole}`")));
    if is_slash(first) {
        return refused(format!("there is no command {first:?}; `pryx --help` lists those there are"));
    }
    let elsewhere = ELSEWHERE.iter().find(|(word, _)| word == first).map(|(_, ours)| *ours);
    match (elsewhere, words) {
        (Some(ours), [_]) => return refused(format!("there is no command {first:?}; did you mean `pryx {ours}`?")),
        (Some(_), [kill, job]) if kill == "kill" => {
            return refused(format!("there is no command {kill:?}; did you mean `pryx stop {job}`?"));
        }
        _ => {}
    }
    let command = Cli::command();
    let near = command.get_subcommands().filter(|c| !c.is_hide_set()).find(|c| is_near(first, c.get_name()))?;
    let fits = |second: &String| FOLLOWS.contains(&second.as_str()) || near.find_subcommand(second).is_some();
    if words.get(1).is_some_and(|second| !fits(second)) {
        return None;
    }
    let name = [near.get_name()].into_iter().chain(words[1..].iter().map(String::as_str)).collect::<Vec<_>>().join(" ");
    refused(format!("there is no command {first:?}; did you mean `pryx {name}`?"))
}

/// `/x`, as chats have commands; a path is something else, and what the session itself understands too.
fn is_slash(word: &str) -> bool {
    let Some(name) = word.strip_prefix('/') else { return false };
    let named = !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    named && name != "compact" && !Path::new(word).exists()
}

/// One letter wrong, too many, missing, or two exchanged.
fn is_near(word: &str, name: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (word.chars().collect(), name.chars().collect());
    if a.len().min(b.len()) < SHORTEST || a.len().abs_diff(b.len()) > 1 || a == b {
        return false;
    }
    let same = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[same..], &b[same..]);
    let exchanged = a.len() >= 2 && b.len() >= 2 && a[0] == b[1] && a[1] == b[0] && a[2..] == b[2..];
    let wrong = !a.is_empty() && !b.is_empty() && a[1..] == b[1..];
    let too_many = !a.is_empty() && a[1..] == *b;
    let missing = !b.is_empty() && *a == b[1..];
    exchanged || wrong || too_many || missing
}

#[cfg(test)]
mod tests {
    use super::is_near;

    #[test]
    fn slips_are_near_and_words_are_not() {
        for (word, name) in [("lgo", "log"), ("stpo", "stop"), ("attch", "attach"), ("exce", "exec"), ("waitt", "wait")]
        {
            assert!(is_near(word, name), "{word}");
        }
        for (word, name) in
            [("log", "log"), ("ss", "ps"), ("why", "wait"), ("jobs", "log"), ("tops", "stop"), ("", "run")]
        {
            assert!(!is_near(word, name), "{word}");
        }
    }
}
