//! The stub as one that counts: tokens of a request, what of it a cache would have held, and whether a window is too small
//! for it. It counts in a way of its own, so that pryx has to learn it.

use super::Turn;
use serde_json::Value;
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Bytes that are a token to it. The usual tokenizers come to about so many with output of commands.
const BYTES_PER_TOKEN: u64 = 3;

/// Blocks that Anthropic looks back from a mark for a prefix that it kept.
const LOOK_BACK: usize = 20;

/// How a request for a summary begins.
const SUMMARY: &str = "You summarize the beginning of a conversation";

/// What it counted so far.
#[derive(Debug, Clone, Default)]
pub struct Counter {
    window: u64,
    marks: bool,
    /// Prefixes that were kept.
    kept: BTreeSet<u64>,
    last: Counted,
    /// Requests that were too long.
    pub refused: usize,
    /// Summaries that were written.
    pub summaries: usize,
    /// Tokens of all requests, and those of them that were read from the cache. Summaries aren't in it.
    pub sent: u64,
    pub read: u64,
}

/// One request.
#[derive(Debug, Clone, Default)]
pub struct Counted {
    all: u64,
    read: u64,
    written: u64,
    pub summary: Option<String>,
}

impl Counter {
    /// `marks` says whether only marked prefixes are kept, as Anthropic does, or all, as OpenAI does.
    pub fn new(window: u64, marks: bool) -> Self {
        Self { window, marks, ..Self::default() }
    }

    /// Takes a request; the error is what a provider says.
    pub fn take(&mut self, body: &Value) -> Result<Counted, String> {
        let blocks = blocks(body);
        let all: u64 = blocks.iter().map(|block| block.tokens).sum();
        let answer = body["max_tokens"].as_u64().unwrap_or(0);
        if all + answer > self.window {
            self.refused += 1;
            return Err(format!("prompt is too long: {all} tokens + {answer} of the answer > {} maximum", self.window));
        }
        // The system prompt is a field, or the first message.
        let prompt =
            if body["system"].is_null() { &body["messages"][0]["content"] } else { &body["system"][0]["text"] };
        if prompt.as_str().is_some_and(|prompt| prompt.starts_with(SUMMARY)) {
            self.summaries += 1;
            let summary = format!("Summary number {}: commands were run and their output was read.", self.summaries);
            self.last = Counted { all, summary: Some(summary), ..Counted::default() };
            return Ok(self.last.clone());
        }
        let ends: Vec<u64> = blocks
            .iter()
            .scan(DefaultHasher::new(), |hasher, block| {
                block.text.hash(hasher);
                Some(hasher.finish())
            })
            .collect();
        let marks: Vec<usize> = (0..blocks.len()).filter(|at| blocks[*at].marked).collect();
        let near = marks.iter().flat_map(|mark| (mark.saturating_sub(LOOK_BACK)..=*mark).rev());
        // Who knows no marks keeps every prefix and finds the longest.
        let looked_at: Vec<usize> = if self.marks { near.collect() } else { (0..blocks.len()).collect() };
        let hit = looked_at.into_iter().filter(|at| self.kept.contains(&ends[*at])).max();
        let tokens = |upto: usize| blocks[..=upto].iter().map(|block| block.tokens).sum::<u64>();
        let read = hit.map_or(0, tokens);
        let written = marks.last().map_or(0, |last| tokens(*last)).saturating_sub(read);
        let keep = |at: &usize| !self.marks || marks.contains(at);
        self.kept.extend((0..blocks.len()).filter(keep).map(|at| ends[at]));
        self.sent += all;
        self.read += read;
        self.last = Counted { all, read, written, summary: None };
        Ok(self.last.clone())
    }

    /// A turn with the counts of the last request.
    pub fn counted(&self, turn: Turn) -> Turn {
        let Counted { all, read, written, .. } = self.last;
        let output = turn.usage.map_or(7, |(_, output)| output);
        Turn { usage: Some((all - read - written, output)), cached: Some((read, written)), ..turn }
    }
}

struct Block {
    text: String,
    tokens: u64,
    marked: bool,
}

/// A request in the order in which it's read: tools, system, messages.
fn blocks(body: &Value) -> Vec<Block> {
    let mut all: Vec<&Value> = body["tools"].as_array().into_iter().flatten().collect();
    match &body["system"] {
        Value::Array(blocks) => all.extend(blocks),
        Value::Null => {}
        text => all.push(text),
    }
    for message in body["messages"].as_array().into_iter().flatten() {
        match &message["content"] {
            Value::Array(blocks) => all.extend(blocks),
            _ => all.push(message),
        }
    }
    let block = |value: &Value| {
        let marked = value.get("cache_control").is_some();
        let mut text = value.to_string();
        if marked {
            let mut value = value.clone();
            value.as_object_mut().map(|fields| fields.remove("cache_control"));
            text = value.to_string();
        }
        Block { tokens: (text.len() as u64).div_ceil(BYTES_PER_TOKEN), text, marked }
    };
    all.into_iter().map(block).collect()
}
