//! A command without its dress: wrappers, quotes, paths and company taken off, so that what was refused is known again.
//! This only ever refuses; what may run is the gate's to say, which reads shell for real.

use serde_json::Value;

/// Arguments of tools that hold something to run or to type.
const RUN: [&str; 4] = ["command", "text", "input", "keys"];

/// Programs that run what follows them.
const WRAPPERS: [&str; 12] =
    ["command", "exec", "nohup", "setsid", "env", "time", "nice", "ionice", "stdbuf", "busybox", "builtin", "then"];

/// Wrappers that lend rights besides: without them it is another act, with them it isn't a lesser one.
const RIGHTS: [&str; 3] = ["sudo", "doas", "pkexec"];

/// Shells whose `-c` is a command of its own.
const SHELLS: [&str; 6] = ["sh", "bash", "dash", "zsh", "ksh", "fish"];

/// Steps that do nothing by themselves.
const IDLE: [&str; 4] = ["cd", "true", ":", "pushd"];

/// Commands within commands that are followed.
const DEPTH: u32 = 4;

/// Bytes of a command that are looked at; a script longer than that is compared by its beginning.
const LONGEST: usize = 64 * 1024;

/// The simple commands of a call, each as its words.
pub(super) type Pieces = Vec<Vec<String>>;

/// The simple commands that a call would run; for a tool that runs none, its arguments as they are.
pub(super) fn pieces(arguments: &Value) -> Pieces {
    let command = RUN.iter().find_map(|name| arguments.get(name)?.as_str());
    let Some(command) = command else { return vec![vec![arguments.to_string()]] };
    let mut all = Vec::new();
    split(&command[..command.floor_char_boundary(LONGEST)], DEPTH, &mut all);
    let acts: Pieces = all.iter().filter(|words| !is_idle(words)).cloned().collect();
    if acts.is_empty() { all } else { acts }
}

/// Whether all that was refused is in what is wanted now, with more rights perhaps.
pub(super) fn is_within(refused: &Pieces, wanted: &Pieces) -> bool {
    let same = |refused: &Vec<String>, wanted: &Vec<String>| {
        wanted == refused || wanted.split_first().is_some_and(|(first, rest)| is_one(&RIGHTS, first) && rest == refused)
    };
    !refused.is_empty() && refused.iter().all(|refused| wanted.iter().any(|wanted| same(refused, wanted)))
}

fn is_one(list: &[&str], word: &str) -> bool {
    list.contains(&word)
}

fn is_idle(words: &[String]) -> bool {
    words.first().is_none_or(|first| is_one(&IDLE, first))
}

/// Cuts a command line at everything that separates commands; quotes are taken off.
fn split(text: &str, depth: u32, out: &mut Pieces) {
    let (mut words, mut word, mut quote, mut open) = (Vec::new(), String::new(), None, false);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (Some('\''), c) => word.push(c),
            (Some(_), '$') if chars.as_str().starts_with('(') => {
                let (within, rest) = parenthesized(chars.as_str());
                chars = rest.chars();
                if depth > 0 {
                    split(within, depth - 1, out);
                }
            }
            (_, '\\') => word.extend(chars.next().filter(|c| *c != '\n')),
            (Some(_), c) if c != '`' => word.push(c),
            (None, '\'' | '"') => (quote, open) = (Some(c), true),
            (_, ';' | '&' | '|' | '\n' | '(' | ')' | '{' | '}' | '`') => {
                close(&mut words, &mut word, &mut open);
                undress(std::mem::take(&mut words), depth, out);
            }
            (_, c) if c.is_whitespace() => close(&mut words, &mut word, &mut open),
            (_, c) => word.push(c),
        }
    }
    close(&mut words, &mut word, &mut open);
    undress(words, depth, out);
}

/// A word is at its end. One between quotes may be empty.
fn close(words: &mut Vec<String>, word: &mut String, open: &mut bool) {
    if std::mem::take(open) || !word.is_empty() {
        words.push(std::mem::take(word));
    }
}

/// What stands in the parentheses that a text begins with, and what comes behind them.
fn parenthesized(text: &str) -> (&str, &str) {
    let mut level = 0_u32;
    for (at, c) in text.char_indices() {
        match c {
            '(' => level += 1,
            ')' if level == 1 => return (text.get(1..at).unwrap_or_default(), &text[at + 1..]),
            ')' => level = level.saturating_sub(1),
            _ => {}
        }
    }
    (text.get(1..).unwrap_or_default(), "")
}

/// Takes off what stands before the program, and follows shells into their commands.
fn undress(words: Vec<String>, depth: u32, out: &mut Pieces) {
    let mut rest = words.as_slice();
    let mut rights = None;
    let mut wrapped = false;
    while let Some((first, behind)) = rest.split_first() {
        let name = first.rsplit('/').next().unwrap_or(first);
        let assignment = first.split_once('=').is_some_and(|(name, _)| !name.is_empty() && !name.contains('/'));
        if is_one(&RIGHTS, name) {
            rights = Some(name.to_owned());
        } else if !(assignment || is_one(&WRAPPERS, name) || wrapped && first.starts_with('-') || name == "$") {
            break;
        }
        wrapped = true;
        rest = behind;
    }
    let Some((program, arguments)) = rest.split_first() else { return };
    let program = program.rsplit('/').next().unwrap_or(program).to_owned();
    if is_one(&SHELLS, &program) && depth > 0 {
        let script = arguments.iter().position(|word| word.starts_with('-') && word.ends_with('c'));
        if let Some(script) = script.and_then(|at| arguments.get(at + 1)) {
            return split(script, depth - 1, out);
        }
    }
    if program == "eval" && depth > 0 {
        return split(&arguments.join(" "), depth - 1, out);
    }
    if program.is_empty() {
        return;
    }
    out.push(rights.into_iter().chain([program]).chain(arguments.iter().cloned()).collect());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn of(command: &str) -> Pieces {
        pieces(&json!({ "command": command }))
    }

    #[test]
    fn the_same_act_in_another_dress_is_known() {
        let refused = of("rm -rf build");
        for dressed in [
            "rm  -rf   build",
            "/bin/rm -rf build",
            "'rm' -rf \"build\"",
            "r\\m -rf bu''ild",
            "true && rm -rf build",
            "echo x; rm -rf build | cat",
            "sh -c 'rm -rf build'",
            "bash -lc \"sh -c 'rm -rf build'\"",
            "FOO=1 env BAR=2 nohup rm -rf build &",
            "sudo rm -rf build",
            "sudo -n rm -rf build",
            "echo `rm -rf build`",
            "echo $(rm -rf build)",
            "(cd . && command rm -rf build)",
            "eval rm -rf build",
            "eval 'rm -rf build'",
            "echo \"so $(rm -rf build) it is\"",
        ] {
            assert!(is_within(&refused, &of(dressed)), "{dressed}: {:?}", of(dressed));
        }
        assert!(is_within(&refused, &pieces(&json!({"job": "x", "text": "rm -rf build\n"}))), "typed into a terminal");
    }

    #[test]
    fn another_act_is_another_act() {
        let refused = of("rm -rf build");
        for other in ["rm -rf target", "ls build", "rm build", "echo rm -rf build", "", "'rm -rf build'"] {
            assert!(!is_within(&refused, &of(other)), "{other}: {:?}", of(other));
        }
        // Of a refused list each part alone is something else, and less rights are not more.
        assert!(!is_within(&of("make && make install"), &of("make")));
        assert!(is_within(&of("make && make install"), &of("make; make install")));
        assert!(!is_within(&of("sudo reboot"), &of("reboot")));
        assert!(!is_within(&of("cd /x"), &of("ls")));
        assert!(is_within(&pieces(&json!({"path": "/etc/passwd"})), &pieces(&json!({"path": "/etc/passwd"}))));
    }

    proptest! {
        #[test]
        fn any_command_is_cut_and_within_itself(command in "[a-z '\"\\\\;&|()$`{}\n/=-]{0,60}") {
            let cut = of(&command);
            prop_assert!(cut.is_empty() || is_within(&cut, &cut));
        }
    }
}
