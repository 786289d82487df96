//! One word that is almost a command's name is more likely a slip than a request: it isn't sent to anybody.

use super::args::{Ask, Cli};
use super::failure::Failure;
use clap::CommandFactory;

/// Shorter words are near to too many others.
const SHORTEST: usize = 3;

/// What to say to such a request, if it is one.
pub fn of_a_command(ask: &Ask) -> Option<Failure> {
    let [word] = ask.words.as_slice() else { return None };
    let command = Cli::command();
    let mut names = command.get_subcommands().filter(|c| !c.is_hide_set()).map(clap::Command::get_name);
    let near = names.find(|name| is_near(word, name))?;
    Some(
        Failure::usage(format!("there is no command {word:?}; did you mean `pryx {near}`?"))
            .hint(format!("to ask the brain, say `pryx run {word}`")),
    )
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
