//! From a command's text to the line that is typed for it: one line, whole by its form, whatever the text is.
//!
//! What plainly is one whole command is typed as it stands. Everything else goes through `eval` as one quoted word: line
//! ends and tabs can't reach the line editor, `!` can't reach the history, and a quote without its end is an error of the
//! shell's instead of a shell that waits for more.

use super::Flavor;

/// Words that begin or end something longer. A line with one of them is never taken for plain.
const RESERVED: &[&str] = &[
    "if",
    "then",
    "elif",
    "else",
    "fi",
    "for",
    "foreach",
    "while",
    "until",
    "do",
    "done",
    "case",
    "esac",
    "select",
    "function",
    "coproc",
    "time",
    "begin",
    "end",
    "switch",
    "repeat",
    "nocorrect",
    "noglob",
    "and",
    "or",
    "not",
    "in",
    "always",
];

/// Variables and a directory that are set before the command, and stay set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::keeper) struct Setting<'a> {
    pub enter: Option<&'a str>,
    pub export: &'a [(String, String)],
}

/// The line, without Enter. The space keeps it out of the person's history.
pub(in crate::keeper) fn line(flavor: Flavor, text: &str, setting: &Setting<'_>) -> String {
    // What fish can't parse it does not take at all, and a shortened word it would write out.
    let plain = flavor != Flavor::Fish && is_plain(text);
    let command = if plain { text.to_owned() } else { format!("eval {}", quote(flavor, text)) };
    let mut line = String::from(" ");
    let and = if flavor == Flavor::Fish { "; and " } else { " && " };
    let mut before = false;
    if let Some(dir) = setting.enter {
        line.push_str(&format!("cd -- {}{and}", quote(flavor, dir)));
        before = true;
    }
    for (name, value) in setting.export {
        let value = quote(flavor, value);
        line.push_str(&match flavor {
            Flavor::Fish => format!("set -gx {name} {value}{and}"),
            _ => format!("export {name}={value}{and}"),
        });
        before = true;
    }
    match flavor {
        // Without a hook in the right place: a word of ours says where the output begins.
        Flavor::Fish | Flavor::Sh if before => line.push_str(&format!("__pryx{and}eval {}", quote(flavor, text))),
        Flavor::Fish | Flavor::Sh => line.push_str(&format!("__pryx; {command}")),
        _ if before => line.push_str(&format!("eval {}", quote(flavor, text))),
        _ => line.push_str(&command),
    }
    line
}

/// Words of letters, digits and harmless signs, whole quotes, and `;`, `|`, `&&`, `||`, `>`, `<` between them.
fn is_plain(text: &str) -> bool {
    let mut chars = text.chars().peekable();
    let mut operator = true;
    while let Some(c) = chars.next() {
        match c {
            ' ' => continue,
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' | '.' | '/' | ':' | '=' | ',' | '+' | '@' | '%' => {}
            '$' => match chars.peek() {
                Some('a'..='z' | 'A'..='Z' | '_' | '?') => {}
                _ => return false,
            },
            '?' if !operator => {}
            '\'' | '"' => {
                let closed = chars.by_ref().find(|inner| *inner == c || !is_plain_inside(*inner));
                if closed != Some(c) {
                    return false;
                }
            }
            ';' | '<' | '>' if !operator => {
                operator = true;
                continue;
            }
            '|' | '&' if !operator => {
                let doubled = chars.next_if_eq(&c).is_some();
                // A single & sends it into the background, which eval does as well.
                if c == '&' && !doubled {
                    return false;
                }
                operator = true;
                continue;
            }
            _ => return false,
        }
        operator = false;
    }
    let words = || text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    !operator && text.is_ascii() && words().all(|word| !RESERVED.contains(&word))
}

/// No history, no expansion, no escape, nothing that a line editor would take for a key.
fn is_plain_inside(c: char) -> bool {
    (c.is_ascii_graphic() || c == ' ') && !matches!(c, '!' | '\\' | '$' | '`')
}

/// One word for the shell that stands for exactly this text, on one line.
pub(in crate::keeper) fn quote(flavor: Flavor, text: &str) -> String {
    match flavor {
        Flavor::Bash | Flavor::Zsh => dollar_quote(text),
        Flavor::Fish => fish_quote(text),
        Flavor::Sh => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// `$'…'`, with escapes for whatever could be a key or the history's sign.
fn dollar_quote(text: &str) -> String {
    let mut quoted = String::from("$'");
    for c in text.chars() {
        match c {
            '\'' => quoted.push_str(r"\'"),
            '\\' => quoted.push_str(r"\\"),
            '\n' => quoted.push_str(r"\n"),
            '\t' => quoted.push_str(r"\t"),
            '!' => quoted.push_str(r"\041"),
            c if c.is_ascii_control() => quoted.push_str(&format!(r"\{:03o}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}

/// Single quotes, with the escapes between them that fish knows only outside.
fn fish_quote(text: &str) -> String {
    let mut quoted = String::from("'");
    for c in text.chars() {
        match c {
            '\'' => quoted.push_str(r"\'"),
            '\\' => quoted.push_str(r"\\"),
            '\n' => quoted.push_str(r"'\n'"),
            '\t' => quoted.push_str(r"'\t'"),
            c if c.is_ascii_control() => quoted.push_str(&format!(r"'\x{:02x}'", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(flavor: Flavor, text: &str) -> String {
        line(flavor, text, &Setting::default())
    }

    #[test]
    fn what_plainly_is_whole_is_typed_as_it_stands() {
        for text in
            ["ls -la /tmp", "make test && echo 'it is over'", "cd ..; pwd", "a=b c | sort > x", "echo $? \"a b\""]
        {
            assert_eq!(of(Flavor::Bash, text), format!(" {text}"));
        }
    }

    #[test]
    fn everything_else_is_one_quoted_word() {
        for text in [
            "echo 'open",
            "(echo",
            "if true",
            "cat <<E",
            "echo hi &",
            "a |",
            "echo `x",
            "echo \\",
            "! true",
            "echo hi!",
            "for x in a; do echo; done",
            "echo ${x",
            "a\nb",
            "tab\there",
            "# comment",
            "é",
            "",
            "; x",
            "echo $(a)",
            "time",
        ] {
            assert!(of(Flavor::Bash, text).starts_with(" eval $'"), "{text:?}");
            assert!(!of(Flavor::Bash, text).contains(['\n', '\t', '!']), "{text:?}");
        }
        assert_eq!(of(Flavor::Fish, "x=1"), " __pryx; eval 'x=1'");
        assert_eq!(of(Flavor::Fish, "a\n'b\\'"), r" __pryx; eval 'a'\n'\'b\\\''");
        assert_eq!(of(Flavor::Sh, "it's"), r" __pryx; eval 'it'\''s'");
    }

    #[test]
    fn what_is_set_before_stands_before() {
        let export = [("A".to_owned(), "b c".to_owned())];
        let setting = Setting { enter: Some("/x y"), export: &export };
        assert_eq!(line(Flavor::Zsh, "ls", &setting), " cd -- $'/x y' && export A=$'b c' && eval $'ls'");
        assert_eq!(line(Flavor::Fish, "ls", &setting), " cd -- '/x y'; and set -gx A 'b c'; and __pryx; and eval 'ls'");
    }
}
