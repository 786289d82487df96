//! How many tokens a text is, about: without any vocabulary, from the shapes of its words and marks. What providers
//! count corrects it as a session goes on. Tokens are what limits and budgets are made of, so guesses must be near.

mod pieces;
#[cfg(test)]
mod tests;

use crate::context::{Fence, from_pryx};
use crate::message::{Api, Message, Part};
use pieces::{Lexicon, Pieces, SHAPES};
use pryx_terms::ToolSpec;

/// Weights of all shapes, made by `scripts/fit-tokens`: letters, usual words, then a table for each tokenizer.
const WEIGHTS: &[u8] = include_bytes!("tokens/weights.bin");

/// Pairs of letters.
const RARITY: usize = 26 * 26;

/// Bytes of the hashes of usual words.
const USUAL: usize = 2 * 2048;

/// Bytes of a table: two for each shape.
const TABLE: usize = 2 * SHAPES;

/// Tokens that a picture costs at most with the APIs that scale it down to what they read; nobody counts less than a
/// sixth of that, and a session with few pictures is better guessed too full than too empty.
const IMAGE: f64 = 1_600.0;

/// What a message and each of its parts cost besides their text: who speaks, what kind of part it is.
const FRAME: f64 = 4.0;

/// Corrections by what a provider counted stay between a half and the double: outside, it counts something else.
const CORRECTIONS: (f64, f64) = (0.5, 2.0);

/// Requests smaller than this correct nothing: frames and rounding would be most of them.
const MIN_COUNTED: f64 = 200.0;

/// Whose way of cutting text into tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tokenizer {
    /// OpenAI's `o200k`. Google's, which isn't public in a form that could be counted with here, is about as fine.
    OpenAi,
    /// The last one of Claude that was public; later models cut finer.
    Claude,
    /// Mistral's `tekken`, which stands for the open models: their vocabularies are of its size.
    Open,
}

/// Guesses tokens for one model.
#[derive(Debug, Clone)]
pub(crate) struct Estimator {
    tokenizer: Tokenizer,
    /// What was counted, divided by what was guessed.
    ratio: f64,
}

impl Estimator {
    /// For a model that is reached over a format.
    pub(crate) fn new(api: Option<Api>, model: &str) -> Self {
        let model = model.to_ascii_lowercase();
        let named = |words: &[&str]| words.iter().any(|word| model.contains(word));
        let tokenizer = match api {
            _ if named(&["claude"]) => Tokenizer::Claude,
            _ if named(&["gpt-oss", "gpt-4", "gpt-5", "gemini", "o3", "o4-"]) => Tokenizer::OpenAi,
            _ if named(&["mistral", "llama", "qwen", "deepseek", "glm", "kimi", "gemma"]) => Tokenizer::Open,
            Some(Api::AnthropicMessages) => Tokenizer::Claude,
            Some(Api::Ollama) => Tokenizer::Open,
            Some(Api::OpenAiChat | Api::OpenAiResponses | Api::Gemini) | None => Tokenizer::OpenAi,
        };
        Self { tokenizer, ratio: 1.0 }
    }

    /// Tokens of a text as the tables have it, before any correction.
    fn raw(&self, text: &str) -> f64 {
        let (rarity, rest) = WEIGHTS.split_at_checked(RARITY).unwrap_or_default();
        let (usual, tables) = rest.split_at_checked(USUAL).unwrap_or_default();
        let table = tables.get(self.tokenizer as usize * TABLE..).unwrap_or_default().as_chunks::<2>().0;
        let weight = |shape: usize| table.get(shape).map_or(1.0, |bytes| f64::from(u16::from_le_bytes(*bytes)) / 256.0);
        Pieces::new(text, Lexicon { rarity, usual }).map(|piece| piece.units * weight(piece.shape)).sum()
    }

    /// Tokens of a text, before any correction.
    pub(crate) fn text(&self, text: &str) -> f64 {
        self.raw(text)
    }

    /// Tokens of the tools that a request lists, before any correction.
    pub(crate) fn tools(&self, tools: &[ToolSpec]) -> f64 {
        let one = |tool: &ToolSpec| {
            let parameters = self.raw(&tool.parameters.to_string());
            2.0 * FRAME + self.raw(&tool.name) + self.raw(&tool.description) + parameters
        };
        tools.iter().map(one).sum()
    }

    /// Tokens of a message as it is sent, its data fenced, before any correction.
    pub(crate) fn message(&self, message: &Message, fence: &Fence) -> f64 {
        FRAME + message.parts.iter().map(|part| self.part(part, fence)).sum::<f64>()
    }

    /// Tokens of a part of a message, before any correction.
    pub(crate) fn part(&self, part: &Part, fence: &Fence) -> f64 {
        FRAME
            + match part {
                Part::Image(_) => IMAGE,
                Part::Text { text } => self.raw(text),
                Part::Note { note } => self.raw(&from_pryx(note)),
                Part::Data { label, text } => self.raw(&fence.data(label, text)),
                Part::ToolCall(call) => self.raw(&call.tool) + self.raw(&call.arguments.to_string()),
                Part::ToolResult { result, .. } => self.raw(&fence.tool_result(result)),
                Part::Opaque { block, .. } => self.raw(&block.to_string()),
            }
    }

    /// Guessed tokens with what was learned from counts.
    pub(crate) fn corrected(&self, guessed: f64) -> u64 {
        // Positive, and far below what a u64 holds.
        (guessed * self.ratio).ceil() as u64
    }

    /// Learns from what a provider counted for a request of so many tokens before any correction.
    pub(crate) fn correct(&mut self, guessed: f64, counted: u64) {
        let counted = counted as f64;
        if guessed >= MIN_COUNTED && counted >= MIN_COUNTED {
            self.ratio = (counted / guessed).clamp(CORRECTIONS.0, CORRECTIONS.1);
        }
    }
}
