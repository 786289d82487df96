//! The one place where text becomes a word of a shell command.

/// Characters that no POSIX shell gives a meaning to, wherever they stand in a word.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ':' | '@' | '+' | ',')
}

/// One word that the shell reads as exactly `text`. What needs no quotes gets none: a person reads the command.
pub(super) fn word(text: &str) -> String {
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// One word that names a file. A leading `~/` (or `$HOME/`) still means the home directory, and a leading dash can't
/// be taken for an option.
pub(super) fn path(text: &str) -> String {
    let home = ["~", "$HOME", "${HOME}"].iter().find_map(|home| {
        let rest = text.strip_prefix(home)?;
        (rest.is_empty() || rest.starts_with('/')).then_some(rest)
    });
    match home {
        Some("" | "/") => "~".to_owned(),
        Some(rest) => format!("~/{}", word(rest.trim_start_matches('/'))),
        None if text.starts_with('-') => word(&format!("./{text}")),
        None => word(text),
    }
}

#[cfg(test)]
mod tests {
    use super::{path, word};

    #[test]
    fn plain_words_stay_readable_and_others_are_quoted() {
        let shown = ["a.txt", "", "a b", "it's", "$(x)", "a;b", "*.rs"].map(word);
        assert_eq!(shown, ["a.txt", "''", "'a b'", r"'it'\''s'", "'$(x)'", "'a;b'", "'*.rs'"]);
    }

    #[test]
    fn home_expands_and_dashes_are_no_options() {
        let shown = ["~", "~/a b", "$HOME/x", "~bob/x", "-rf", "~/$(x)", "~//"].map(path);
        assert_eq!(shown, ["~", "~/'a b'", "~/x", "'~bob/x'", "./-rf", "~/'$(x)'", "~/''"]);
    }
}
