//! The parser, kept from text that would make it slow, deep, or panic.

use brush_parser::{Parser, ParserOptions, ast};

/// Most brackets and compound commands in one text: each may be a level of recursion in the parser.
const MAX_NESTING: usize = 100;
/// Most `case` words: the grammar tries each twice, so the time doubles with every level.
const MAX_CASES: usize = 3;
/// Most `((`: the same.
const MAX_DOUBLE: usize = 4;

/// Parses a script, or says why it won't be looked into.
pub(super) fn parse(text: &str) -> Result<ast::Program, String> {
    if text.len() > super::MAX_COMMAND {
        return Err("it is too long to be looked into".to_owned());
    }
    if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        return Err("it holds control characters".to_owned());
    }
    let words = || text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let brackets = text.bytes().filter(|b| matches!(b, b'(' | b'{' | b'[' | b'`')).count();
    let compounds = words().filter(|word| matches!(*word, "if" | "while" | "until" | "for" | "function")).count();
    let cases = words().filter(|word| *word == "case").count();
    let doubles = text.matches("((").count() + text.matches("( (").count();
    if brackets + compounds > MAX_NESTING || cases > MAX_CASES || doubles > MAX_DOUBLE {
        return Err("it is too complicated to be looked into".to_owned());
    }
    if muddles_here_documents(text) {
        return Err("where its here-documents end".to_owned());
    }
    let options = ParserOptions {
        // As `bash -c` has it. What needs it fails to parse.
        enable_extended_globbing: false,
        tilde_expansion_at_word_start: false,
        ..ParserOptions::default()
    };
    // A panic of the parser on strange input is one more way of not understanding it.
    let parsed = std::panic::catch_unwind(|| Parser::new(text.as_bytes(), &options).parse_program());
    match parsed {
        Ok(Ok(program)) => Ok(program),
        Ok(Err(error)) => Err(format!("it can't be parsed: {error}")),
        Err(_) => Err("it can't be parsed".to_owned()),
    }
}

/// Whether a here-document stands where the parser and the shells were seen to disagree about it: beside another one or
/// a substitution on the line where it begins, on a line that goes on, or after `((`.
fn muddles_here_documents(text: &str) -> bool {
    let text = text.replace("<<<", "");
    let odd = |line: &str, quote: char| line.matches(quote).count() % 2 == 1;
    let begins =
        |line: &str| line.contains("<<") && (line.contains(['(', ')', '`', '$']) || odd(line, '\'') || odd(line, '"'));
    let spread = text.contains("<<") && (text.contains("((") || text.contains("\\\n"));
    text.matches("<<").count() > 1 || spread || text.lines().any(begins)
}
