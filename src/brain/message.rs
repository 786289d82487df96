//! What is said in a conversation, in pryx's own terms: no provider's format, nothing fenced yet. The store keeps
//! these, the wire formats in `providers` render them.

use crate::image::Image;
use pryx_terms::{ToolResult, Usage};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The person, and everything that reaches the model from the machine.
    User,
    /// The model.
    Assistant,
}

/// A wire format that a model is spoken to in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Api {
    /// Anthropic's Messages API.
    AnthropicMessages,
    /// OpenAI's Chat Completions, which most other servers speak too.
    OpenAiChat,
    /// OpenAI's Responses API.
    OpenAiResponses,
    /// Google's Gemini API.
    Gemini,
    /// Ollama's own API.
    Ollama,
}

/// A call that a model asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The model's own name for the call, repeated with its result.
    pub id: String,
    /// The tool, by its dotted name ("shell.exec").
    pub tool: String,
    /// An object; a string with the raw text when the model wrote something that is no JSON.
    pub arguments: Value,
}

impl Message {
    /// Takes keys, passwords and addresses out of its texts. Pictures and a provider's own blocks stay as they are:
    /// the first can't be read here, the second are signed.
    pub fn redact(&mut self) {
        for part in self.parts.iter_mut().filter(|part| !matches!(part, Part::Image(_) | Part::Opaque { .. })) {
            let redacted = serde_json::to_value(&*part).and_then(|mut value| {
                pryx_terms::redact_json(&mut value);
                serde_json::from_value(value)
            });
            // What can't be put together again (a word of the format itself looked like a secret) goes as a whole.
            *part = redacted.unwrap_or_else(|_| Part::Text { text: "[redacted: a part of the message]".to_owned() });
        }
    }
}

/// One part of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "part", rename_all = "snake_case")]
pub enum Part {
    /// Prose.
    Text {
        /// The words.
        text: String,
    },
    /// Text from outside, such as piped input: data, never instructions.
    Data {
        /// Where it came from, in words.
        label: String,
        /// The text.
        text: String,
    },
    /// Words of pryx to the model: nobody asked for them, and no reader of the conversation is shown them.
    Note {
        /// Half a sentence.
        note: String,
    },
    /// A picture that the person handed over.
    Image(Image),
    /// The model asks for an act.
    ToolCall(ToolCall),
    /// What the act came to.
    ToolResult {
        /// The model's name for the call.
        id: String,
        /// What came of it.
        result: ToolResult,
    },
    /// A block that only the provider understands and wants back unchanged, such as signed reasoning.
    Opaque {
        /// Whose it is: it's sent back to no other format.
        api: Api,
        /// The block.
        block: Value,
    },
}

/// One message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said, in order.
    pub parts: Vec<Part>,
}

impl Message {
    /// A person's request, with data that was handed over beside it.
    #[must_use]
    pub fn request(text: String, data: Vec<Part>) -> Self {
        let mut parts = vec![Part::Text { text }];
        parts.extend(data);
        Self { role: Role::User, parts }
    }

    /// Whether a picture was handed over with it.
    pub(crate) fn has_image(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Image(_)))
    }

    /// The calls that the message asks for, in order.
    pub fn tool_calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.parts.iter().filter_map(|part| match part {
            Part::ToolCall(call) => Some(call),
            _ => None,
        })
    }
}

/// Why a model stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// It had said what it wanted to say.
    Done,
    /// It waits for its tool calls.
    ToolCalls,
    /// Its limit on output was reached: the answer is cut.
    Length,
    /// Its makers' rules stopped it.
    Refusal,
    /// The offline planner has no command for the request.
    NothingToRun,
}

/// One whole answer of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelAnswer {
    /// What it said.
    pub parts: Vec<Part>,
    /// Why it stopped.
    pub stop: StopReason,
    /// What it cost, as far as the provider told.
    pub usage: Usage,
    /// Who answered: it may be another than the one that was asked first. None where nobody was asked over the network.
    pub model: Option<AskedModel>,
}

/// A model that answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedModel {
    /// `provider/model`.
    pub name: String,
    /// What the answer cost, in micro-dollars; none when the price or the counts are not known.
    pub cost_micros: Option<u64>,
}

impl ModelAnswer {
    /// The prose of the answer, joined.
    #[must_use]
    pub fn text(&self) -> String {
        let texts = self.parts.iter().filter_map(|part| match part {
            Part::Text { text } => Some(text.as_str()),
            _ => None,
        });
        texts.collect::<Vec<_>>().concat()
    }
}
