//! One model, as far as it is known. What isn't known is absent: an unknown limit is not guessed, and an unknown price is
//! not zero.

use pryx_terms::Usage;
use serde::{Deserialize, Serialize};

/// What is known about a model at a provider.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// Its name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The family it belongs to ("claude-sonnet", "gpt-mini"), as the catalog calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// Tokens of its window: request and answer together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<u64>,
    /// Most tokens of a request, where that is less than the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<u64>,
    /// Most tokens of an answer, thinking included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<u64>,
    /// What it can do.
    #[serde(flatten)]
    pub abilities: Abilities,
    /// How its thinking can be set.
    #[serde(default, skip_serializing_if = "Thinking::is_unknown")]
    pub thinking: Thinking,
    /// What it costs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prices: Option<Prices>,
    /// Its makers are about to take it away.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deprecated: bool,
}

/// What a model can do. Absent: nobody said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Abilities {
    /// Calls tools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<bool>,
    /// Sees pictures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vision: Option<bool>,
    /// Thinks before it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<bool>,
}

/// How a model's thinking can be set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thinking {
    /// The least and the most tokens that may be asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<(u64, Option<u64>)>,
    /// The words for how hard to think that it takes, in the catalog's order ("low", "high").
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub efforts: Vec<String>,
}

/// A price: micro-dollars for a million tokens. Three dollars for a million tokens are 3,000,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MillionTokens(pub u64);

/// A dearer token is a mistake: dollars for a million of them.
const MAX_DOLLARS: f64 = 1_000_000.0;

impl MillionTokens {
    /// From dollars, as catalogs and people write them. Finer fractions than a micro-dollar are rounded.
    #[must_use]
    pub fn from_dollars(dollars: f64) -> Option<Self> {
        let fit = (0.0..=MAX_DOLLARS).contains(&dollars);
        fit.then(|| format!("{:.0}", dollars * 1_000_000.0).parse().ok().map(Self))?
    }
}

/// What the tokens of a call cost, by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rates {
    /// Of the request.
    pub input: MillionTokens,
    /// Of the answer.
    pub output: MillionTokens,
    /// Of the request, read from the provider's cache. Absent: as `input`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_read: Option<MillionTokens>,
    /// Of the request, written to the provider's cache. Absent: as `input`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<MillionTokens>,
    /// Of reasoning. Absent: as `output`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<MillionTokens>,
}

/// Rates for requests above a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceTier {
    /// They hold for requests of more tokens than this.
    pub above: u64,
    /// The rates.
    #[serde(flatten)]
    pub rates: Rates,
}

/// What a model costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prices {
    /// The usual rates.
    #[serde(flatten)]
    pub rates: Rates,
    /// Those for large requests, the smallest size first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<PriceTier>,
}

impl Thinking {
    fn is_unknown(&self) -> bool {
        *self == Self::default()
    }
}

impl Prices {
    /// The rates for a request of so many tokens, cached ones included.
    #[must_use]
    pub fn for_request(&self, tokens: u64) -> &Rates {
        self.tiers.iter().rev().find(|tier| tokens > tier.above).map_or(&self.rates, |tier| &tier.rates)
    }

    /// What a call cost, in micro-dollars; none when the provider counted neither request nor answer. All its tokens
    /// are added up in millionths of a micro-dollar and rounded once, half up.
    #[must_use]
    pub fn cost(&self, usage: &Usage) -> Option<u64> {
        let (Some(input), Some(output)) = (usage.input_tokens, usage.output_tokens) else { return None };
        let (read, write) = (usage.cache_read_tokens.unwrap_or(0), usage.cache_write_tokens.unwrap_or(0));
        let rates = self.for_request(input.saturating_add(read).saturating_add(write));
        let reasoning = usage.reasoning_tokens.unwrap_or(0).min(output);
        let parts = [
            (input, rates.input),
            (read, rates.cache_read.unwrap_or(rates.input)),
            (write, rates.cache_write.unwrap_or(rates.input)),
            (output - reasoning, rates.output),
            (reasoning, rates.reasoning.unwrap_or(rates.output)),
        ];
        let sum: u128 = parts.iter().map(|(tokens, price)| u128::from(*tokens) * u128::from(price.0)).sum();
        Some(u64::try_from((sum + 500_000) / 1_000_000).unwrap_or(u64::MAX))
    }

    /// The most that a request can cost, in micro-dollars, rounded up: all of it written to the cache, and an answer
    /// of the greatest length.
    #[must_use]
    pub fn most(&self, request: u64, answer: u64) -> u64 {
        let rates = self.for_request(request);
        let input = rates.input.max(rates.cache_write.unwrap_or(rates.input));
        let output = rates.output.max(rates.reasoning.unwrap_or(rates.output));
        let sum = u128::from(request) * u128::from(input.0) + u128::from(answer) * u128::from(output.0);
        u64::try_from(sum.div_ceil(1_000_000)).unwrap_or(u64::MAX)
    }
}

impl ModelInfo {
    /// The same with what somebody else says on top of it: what they say nothing about stays.
    #[must_use]
    pub fn overlaid(self, over: &Self) -> Self {
        let abilities = Abilities {
            tools: over.abilities.tools.or(self.abilities.tools),
            vision: over.abilities.vision.or(self.abilities.vision),
            reasoning: over.abilities.reasoning.or(self.abilities.reasoning),
        };
        Self {
            name: over.name.clone().or(self.name),
            family: over.family.clone().or(self.family),
            context: over.context.or(self.context),
            input: over.input.or(self.input),
            output: over.output.or(self.output),
            abilities,
            thinking: if over.thinking.is_unknown() { self.thinking } else { over.thinking.clone() },
            prices: over.prices.clone().or(self.prices),
            deprecated: over.deprecated || self.deprecated,
        }
    }

    /// Most tokens of a request, when the answer may take `answer` tokens of the window; none when the window is not
    /// known.
    #[must_use]
    pub fn room(&self, answer: u64) -> Option<u64> {
        let shared = self.context.map(|context| context.saturating_sub(answer));
        match (shared, self.input) {
            (Some(shared), Some(input)) => Some(shared.min(input)),
            (shared, input) => shared.or(input),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Claude's list prices of 2026: 3 and 15 dollars, cached 0.30, written 3.75.
    fn prices() -> Prices {
        let rates = Rates {
            input: MillionTokens(3_000_000),
            output: MillionTokens(15_000_000),
            cache_read: Some(MillionTokens(300_000)),
            cache_write: Some(MillionTokens(3_750_000)),
            reasoning: None,
        };
        Prices { rates, tiers: Vec::new() }
    }

    fn usage(input: u64, output: u64) -> Usage {
        Usage { input_tokens: Some(input), output_tokens: Some(output), ..Usage::default() }
    }

    #[test]
    fn cached_tokens_are_priced_apart() {
        let call = Usage { cache_read_tokens: Some(10_000), cache_write_tokens: Some(2_000), ..usage(1_000, 500) };
        // 3000 + 3000 + 7500 + 7500
        assert_eq!(prices().cost(&call), Some(21_000));
        let dear = Prices { rates: Rates { reasoning: Some(MillionTokens(20_000_000)), ..prices().rates }, ..prices() };
        assert_eq!(dear.cost(&Usage { reasoning_tokens: Some(100), ..usage(0, 500) }), Some(8_000));
    }

    #[test]
    fn a_call_is_rounded_once_and_half_up() {
        let rates = Rates { input: MillionTokens(100_000), output: MillionTokens(400_000), ..prices().rates };
        let cheap = Prices { rates, tiers: Vec::new() };
        for (input, output, cost) in [(1, 0, 0), (4, 0, 0), (5, 0, 1), (1, 1, 1), (0, 1, 0), (10, 10, 5)] {
            assert_eq!(cheap.cost(&usage(input, output)), Some(cost), "{input} {output}");
        }
        assert_eq!(cheap.cost(&Usage::default()), None, "what was not counted is not free");
        assert_eq!(prices().cost(&usage(u64::MAX, u64::MAX)), Some(u64::MAX));
    }

    #[test]
    fn a_large_request_has_the_rates_of_its_size() {
        let dear = Rates { input: MillionTokens(6_000_000), cache_read: None, ..prices().rates };
        let tiered = Prices { tiers: vec![PriceTier { above: 200_000, rates: dear }], ..prices() };
        assert_eq!(tiered.cost(&usage(200_000, 0)), Some(600_000));
        assert_eq!(tiered.cost(&usage(200_001, 0)), Some(1_200_006));
        // What was read from the cache makes it a large request too.
        let cached = Usage { cache_read_tokens: Some(200_000), ..usage(1, 0) };
        assert_eq!(tiered.cost(&cached), Some(1_200_006));
    }

    #[test]
    fn no_call_costs_more_than_its_most() {
        for (request, answer) in [(0, 0), (1, 1), (12_345, 678), (1_000_000, 64_000)] {
            let most = prices().most(request, answer);
            let written = Usage { cache_write_tokens: Some(request), ..usage(0, answer) };
            assert!(prices().cost(&usage(request, answer)) <= Some(most));
            assert!(prices().cost(&written) <= Some(most));
        }
    }

    #[test]
    fn what_the_user_says_wins_and_the_rest_stays() {
        let known = ModelInfo { context: Some(200_000), output: Some(64_000), ..ModelInfo::default() };
        let said = ModelInfo { context: Some(1_000), prices: Some(prices()), ..ModelInfo::default() };
        let both = known.overlaid(&said);
        assert_eq!((both.context, both.output, both.prices), (Some(1_000), Some(64_000), Some(prices())));
    }

    #[test]
    fn the_answer_takes_its_part_of_the_window() {
        let model = ModelInfo { context: Some(400_000), input: Some(272_000), ..ModelInfo::default() };
        assert_eq!(model.room(128_000), Some(272_000));
        assert_eq!(model.room(200_000), Some(200_000));
        assert_eq!(ModelInfo::default().room(1), None);
    }
}
