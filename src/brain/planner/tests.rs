//! What the planner must recognise, what it must leave alone, and what its commands do.

mod document;
mod recognition;
mod running;
mod shell;

/// Sentences by intent: a name in brackets, then the sentences that ask for it, its example first.
const CORPUS: &str = include_str!("tests/corpus.txt");

/// Requests that are no everyday request, or not certainly one.
const NEGATIVES: &str = include_str!("tests/negatives.txt");

/// The corpus as pairs of an intent's name and a sentence.
fn corpus() -> Vec<(&'static str, &'static str)> {
    let mut intent = "";
    let mut pairs = Vec::new();
    for line in CORPUS.lines().filter(|line| !line.is_empty()) {
        match line.strip_prefix('[') {
            Some(name) => intent = name.trim_end_matches(']'),
            None => pairs.push((intent, line)),
        }
    }
    pairs
}
