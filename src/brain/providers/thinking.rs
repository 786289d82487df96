//! How hard to think, as one model in one format takes it: a number of tokens within its limits, or a word that it knows.
//! What nobody knows about a model is tried; what it refuses is left out, and told.

use crate::catalog::ModelInfo;
use crate::message::Api;
use crate::think::Think;

/// Words for how hard to think, from little to much, over all makers.
const WORDS: [&str; 7] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

/// The least number of tokens that Anthropic takes.
const ANTHROPIC_LEAST: u64 = 1_024;

/// Room that stays for the answer itself behind the longest thinking.
pub(super) const SPOKEN: u64 = 8_192;

/// How a request says how hard to think.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Thought {
    /// Not at all.
    Off,
    /// As much as the model sees fit.
    On,
    /// At most so many tokens.
    Budget(u64),
    /// By a word.
    Effort(String),
}

/// What is known of the model that is to think.
pub(super) struct Thinker<'a> {
    pub(super) api: Api,
    /// The provider's name for it.
    pub(super) model: &'a str,
    pub(super) info: &'a ModelInfo,
}

/// Tokens that a wish comes to where a number is wanted.
pub(super) fn tokens(think: Think) -> u64 {
    match think {
        Think::Off => 0,
        Think::Low => 4_096,
        Think::Medium => 8_192,
        Think::High => 16_384,
        Think::Max => 32_768,
        Think::Tokens(tokens) => tokens,
    }
}

/// The place of a wish among [`WORDS`].
fn rank(think: Think) -> usize {
    match think {
        Think::Off => 0,
        Think::Low => 2,
        Think::Medium => 3,
        Think::High => 4,
        Think::Max => WORDS.len() - 1,
        Think::Tokens(tokens) => match tokens {
            0..=2_048 => 1,
            2_049..=6_144 => 2,
            6_145..=12_288 => 3,
            12_289..=24_576 => 4,
            _ => WORDS.len() - 1,
        },
    }
}

impl Thinker<'_> {
    /// What to ask the model for, when its whole answer may have so many tokens: the best first, then what to ask for if
    /// that is refused.
    pub(super) fn thoughts(&self, think: Think, answer: Option<u64>) -> Vec<Thought> {
        if self.info.abilities.reasoning == Some(false) {
            return Vec::new();
        }
        match self.api {
            Api::Ollama => self.ollama(think),
            // Its models think only when they are asked to.
            Api::AnthropicMessages if think == Think::Off => Vec::new(),
            Api::OpenAiChat | Api::OpenAiResponses => self.words(think),
            Api::AnthropicMessages | Api::Gemini => {
                let (mut words, mut number) = (self.words(think), self.number(think, answer));
                // Who says a number gets one where that can be; else a word says it better to the models of today.
                let number_first = matches!(think, Think::Tokens(_) | Think::Off);
                if number_first {
                    number.append(&mut words);
                    return number;
                }
                words.append(&mut number);
                words
            }
        }
    }

    /// Whether the catalog or the person says how its thinking can be set.
    pub(super) fn is_known(&self) -> bool {
        self.info.thinking.budget.is_some() || !self.info.thinking.efforts.is_empty()
    }

    fn words(&self, think: Think) -> Vec<Thought> {
        let known = &self.info.thinking.efforts;
        let word = |at: usize| Thought::Effort(WORDS[at].to_owned());
        if known.is_empty() {
            // A model with a number alone knows no words.
            return match (self.info.thinking.budget, think, self.api) {
                (Some(_), ..) => Vec::new(),
                (None, Think::Off, Api::Gemini) => vec![word(1)],
                (None, Think::Off, _) => vec![word(0), word(1)],
                // Every maker knows the three in the middle.
                (None, think, _) => vec![word(rank(think).clamp(2, 4))],
            };
        }
        let mut ranks: Vec<usize> =
            known.iter().filter_map(|effort| WORDS.iter().position(|word| word == effort)).collect();
        ranks.sort_unstable();
        let wanted = rank(think);
        let thinks = |rank: &&usize| think == Think::Off || **rank > 0;
        let below = ranks.iter().rev().filter(thinks).find(|rank| **rank <= wanted);
        below.or_else(|| ranks.iter().find(thinks)).map(|rank| word(*rank)).into_iter().collect()
    }

    /// A number within the limits of the model and of its answer.
    fn number(&self, think: Think, answer: Option<u64>) -> Vec<Thought> {
        let (least, most) = match (self.info.thinking.budget, self.api) {
            (Some((least, most)), Api::AnthropicMessages) => (least.max(ANTHROPIC_LEAST), most),
            (Some(limits), _) => limits,
            (None, _) if self.is_known() => return Vec::new(),
            (None, Api::AnthropicMessages) => (ANTHROPIC_LEAST, None),
            (None, _) => (0, None),
        };
        let wanted = tokens(think).clamp(least, most.unwrap_or(u64::MAX).max(least));
        // What is said needs room too.
        let spoken = |answer: u64| (answer / 4).clamp(1, SPOKEN);
        let room = answer.map_or(u64::MAX, |answer| answer.saturating_sub(spoken(answer)));
        match wanted.min(room) {
            budget if budget < least => Vec::new(),
            0 => vec![Thought::Off],
            budget => vec![Thought::Budget(budget)],
        }
    }

    fn ollama(&self, think: Think) -> Vec<Thought> {
        // The only family there that takes a word; it can't be told not to think.
        let takes_words = self.model.contains("gpt-oss") || !self.info.thinking.efforts.is_empty();
        vec![match think {
            _ if takes_words => Thought::Effort(WORDS[rank(think).clamp(2, 4)].to_owned()),
            Think::Off => Thought::Off,
            _ => Thought::On,
        }]
    }
}

/// What a person should know about what becomes of their wish.
pub(super) fn remark(think: Think, thoughts: &[Thought], reasons: Option<bool>) -> Option<&'static str> {
    match (think, thoughts.first()) {
        (Think::Off, Some(Thought::Off) | None) => None,
        (Think::Off, Some(Thought::Effort(word))) if word == WORDS[0] => None,
        (Think::Off, Some(_)) => Some("can't be told not to think: it thinks as little as it can"),
        (_, None) if reasons == Some(false) => Some("can't think before it answers: asking as it is"),
        (_, None) => Some("has no room to think in this answer: asking as it is"),
        (_, Some(_)) => None,
    }
}

/// Whether the words of a refusal are about thinking.
pub(super) fn is_about_thinking(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    ["think", "reasoning", "effort", "budget"].iter().any(|word| message.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Abilities, Thinking};
    use proptest::prelude::*;

    const LEVELS: [Think; 5] = [Think::Off, Think::Low, Think::Medium, Think::High, Think::Max];

    fn info(budget: Option<(u64, Option<u64>)>, efforts: &[&str]) -> ModelInfo {
        let efforts = efforts.iter().map(|effort| (*effort).to_owned()).collect();
        ModelInfo { thinking: Thinking { budget, efforts }, ..ModelInfo::default() }
    }

    fn of(api: Api, info: &ModelInfo, think: Think, answer: u64) -> Vec<Thought> {
        Thinker { api, model: "m", info }.thoughts(think, Some(answer))
    }

    fn word(word: &str) -> Thought {
        Thought::Effort(word.to_owned())
    }

    #[test]
    fn words_are_those_that_the_model_knows() {
        let old = info(None, &["minimal", "low", "medium", "high"]);
        let new = info(None, &["none", "low", "medium", "high", "xhigh"]);
        let few = info(None, &["low", "high"]);
        let said = |info: &ModelInfo| {
            LEVELS.map(|think| match of(Api::OpenAiResponses, info, think, 16_000).as_slice() {
                [Thought::Effort(word)] => word.clone(),
                other => panic!("{other:?}"),
            })
        };
        assert_eq!(said(&old), ["minimal", "low", "medium", "high", "high"]);
        assert_eq!(said(&new), ["none", "low", "medium", "high", "xhigh"]);
        assert_eq!(said(&few), ["low", "low", "low", "high", "high"]);
        assert_eq!(of(Api::OpenAiChat, &new, Think::Tokens(100), 16_000), [word("low")], "some, never none");
    }

    #[test]
    fn a_number_stays_within_the_model_and_its_answer() {
        let model = info(Some((1_024, Some(32_000))), &[]);
        let budget = |think, answer| of(Api::AnthropicMessages, &model, think, answer);
        assert_eq!(budget(Think::High, 32_768), [Thought::Budget(16_384)]);
        assert_eq!(budget(Think::Max, 64_000), [Thought::Budget(32_000)]);
        assert_eq!(budget(Think::Tokens(5), 16_000), [Thought::Budget(1_024)]);
        assert_eq!(budget(Think::High, 8_192), [Thought::Budget(6_144)]);
        assert_eq!(budget(Think::High, 1_200), [], "no room: not asked for at all");
        assert_eq!(budget(Think::Off, 16_000), []);
        let gemini = |least, think| of(Api::Gemini, &info(Some((least, Some(24_576))), &[]), think, 32_768);
        assert_eq!(gemini(0, Think::Off), [Thought::Off]);
        assert_eq!(gemini(128, Think::Off), [Thought::Budget(128)]);
        assert_eq!(gemini(0, Think::Max), [Thought::Budget(24_576)]);
    }

    #[test]
    fn what_nobody_knows_is_tried_in_an_order() {
        let nothing = ModelInfo::default();
        let asked = |api, think| of(api, &nothing, think, 32_768);
        assert_eq!(asked(Api::AnthropicMessages, Think::High), [word("high"), Thought::Budget(16_384)]);
        assert_eq!(asked(Api::AnthropicMessages, Think::Tokens(2_000)), [Thought::Budget(2_000), word("low")]);
        assert_eq!(asked(Api::Gemini, Think::Off), [Thought::Off, word("minimal")]);
        assert_eq!(asked(Api::OpenAiChat, Think::Max), [word("high")]);
        assert_eq!(asked(Api::Ollama, Think::High), [Thought::On]);
        assert_eq!(asked(Api::Ollama, Think::Off), [Thought::Off]);
        let oss = Thinker { api: Api::Ollama, model: "gpt-oss:20b", info: &nothing };
        assert_eq!(oss.thoughts(Think::Max, None), [word("high")]);
        assert_eq!(oss.thoughts(Think::Off, None), [word("low")]);
        let silent = Abilities { reasoning: Some(false), ..Abilities::default() };
        let silent = ModelInfo { abilities: silent, ..ModelInfo::default() };
        assert_eq!(of(Api::OpenAiChat, &silent, Think::High, 9_000), []);
        assert!(remark(Think::High, &[], Some(false)).is_some() && remark(Think::Off, &[], Some(false)).is_none());
    }

    proptest! {
        #[test]
        fn no_number_is_outside_the_limits(
            least in 0_u64..5_000, most in proptest::option::of(0_u64..70_000), answer in 0_u64..70_000,
            wish in prop_oneof![(0..5_usize).prop_map(|at| LEVELS[at]), (1_u64..200_000).prop_map(Think::Tokens)],
        ) {
            let model = info(Some((least, most)), &[]);
            for api in [Api::AnthropicMessages, Api::Gemini] {
                for thought in of(api, &model, wish, answer) {
                    if let Thought::Budget(budget) = thought {
                        prop_assert!(budget < answer && budget >= least, "{budget}");
                        prop_assert!(most.is_none_or(|most| budget <= most.max(least).max(ANTHROPIC_LEAST)), "{budget}");
                    }
                }
            }
        }
    }
}
