//! awk: programs that only compute and print.

use super::known::is_option;

/// awk is a language: only programs that can neither start, write nor open anything.
pub(super) fn only_prints(args: &[&str]) -> bool {
    let mut args = args.iter();
    let program = loop {
        match args.next() {
            Some(&"-F" | &"-v") => drop(args.next()),
            Some(&"--") => break args.next(),
            Some(arg) if arg.starts_with("-F") || arg.starts_with("-v") => {}
            Some(arg) if arg.starts_with('-') => return false,
            other => break other,
        }
    };
    // gawk takes options after the program as operands, but other awks do as they like.
    program.is_some_and(|text| awk_program(text)) && args.all(|arg| !is_option(arg))
}

fn awk_program(text: &str) -> bool {
    let calls_system = text.match_indices("system").any(|(at, word)| {
        // A line may go on after a backslash.
        let after = text[at + word.len()..].trim_start_matches(|c: char| c.is_whitespace() || c == '\\');
        after.starts_with('(')
    });
    if calls_system || text.contains("getline") || text.replace("||", "  ").contains(['|', '@']) {
        return false;
    }
    // ARGV names files to read, and a comment may hold any bracket or quote.
    if text.contains("ARGV") || text.contains("ENVIRON") {
        return false;
    }
    if !text.contains('>') {
        return true;
    }
    if text.contains('#') {
        return false;
    }
    // A `>` outside braces, or inside parentheses, compares; elsewhere it may write. With a regular expression around,
    // brackets can't be counted.
    if text.contains('/') {
        return false;
    }
    let (mut braces, mut parens, mut quoted, mut escaped) = (0_i32, 0_i32, false, false);
    for c in text.chars() {
        if quoted {
            quoted = escaped || c != '"';
            escaped = !escaped && c == '\\';
            continue;
        }
        match c {
            '"' => quoted = true,
            '{' => braces += 1,
            '}' => braces -= 1,
            '(' => parens += 1,
            ')' => parens -= 1,
            '>' if braces > 0 && parens <= 0 => return false,
            _ => {}
        }
    }
    true
}
