//! Choosing a model by a rule instead of by its name: `cheapest`, `fastest`, `preferred`, by what it can do, of whom.
//! `cheapest:vision+200k@openai` is the cheapest model of OpenAI that sees and reads 200,000 tokens.

use super::reach::Reach;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::money::price;
use pryx_brain::{MillionTokens, ModelInfo, ModelSpec, Rates, Speed};
use std::str::FromStr;

/// A request has about three tokens in for each one out: an agent reads what commands print.
const INPUT_SHARE: u128 = 3;

/// What a model is chosen by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// The user's own order: the setting `model`, those of `fallback`, then what pryx would take by itself.
    Preferred,
    /// The price: three parts request, one part answer.
    Cheapest,
    /// Tokens of an answer in a second, as measured here.
    Fastest,
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    by: By,
    vision: bool,
    reasoning: bool,
    /// The least window, in tokens.
    context: u64,
    provider: Option<String>,
}

/// What a rule came to.
#[derive(Debug)]
pub struct Picked {
    pub model: ModelSpec,
    /// Why, in words.
    pub why: String,
}

impl FromStr for Rule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (rest, provider) = match text.split_once('@') {
            Some((rest, provider)) if !provider.is_empty() => (rest, Some(provider.to_owned())),
            Some(_) => return Err(format!("{text:?} names no provider behind its @")),
            None => (text, None),
        };
        let (by, needs) = rest.split_once(':').unwrap_or((rest, ""));
        let by = match by {
            "preferred" => By::Preferred,
            "cheapest" => By::Cheapest,
            "fastest" => By::Fastest,
            _ => return Err(format!("{by:?} is no rule: preferred, cheapest or fastest")),
        };
        let mut rule = Self { by, vision: false, reasoning: false, context: 0, provider };
        for need in needs.split('+').filter(|need| !need.is_empty()) {
            match need {
                "vision" => rule.vision = true,
                "reasoning" => rule.reasoning = true,
                "tools" => {}
                size => rule.context = window(size).ok_or_else(|| {
                    format!("{size:?} is nothing a model can be chosen by: vision, reasoning, tools, or a window such as 200k")
                })?,
            }
        }
        Ok(rule)
    }
}

/// `200k`, `1m`: tokens.
fn window(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let (number, unit) = match lower.strip_suffix('k') {
        Some(number) => (number, 1_000),
        None => (lower.strip_suffix('m')?, 1_000_000),
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

impl Rule {
    /// Whether a text means to be a rule: a model's name has a slash, and no provider is called so.
    pub fn is_meant(text: &str) -> bool {
        let word = text.split([':', '@']).next().unwrap_or_default();
        !text.contains('/') && ["preferred", "cheapest", "fastest"].contains(&word)
    }

    /// Whether [`Rule::pick`] wants to know what was measured.
    pub fn needs_speeds(&self) -> bool {
        self.by == By::Fastest
    }

    /// Chooses. `speeds` is what was measured here.
    ///
    /// # Errors
    /// When no model that can be asked now fits.
    pub fn pick(&self, context: &Context, reach: &Reach<'_>, speeds: &[Speed]) -> Result<Picked, Failure> {
        let fits = self.candidates(reach);
        let count = fits.len();
        let picked = match self.by {
            By::Preferred => preferred(context, &fits),
            By::Cheapest => cheapest(&fits),
            By::Fastest => fastest(&fits, speeds),
        };
        let (model, why) = picked.ok_or_else(|| self.nothing(count))?;
        Ok(Picked { why: format!("{model} is {why} of {count} that can be asked and fit"), model })
    }

    /// The models that can be asked now and do what is needed.
    fn candidates(&self, reach: &Reach<'_>) -> Vec<(ModelSpec, ModelInfo)> {
        let mut fits = Vec::new();
        for provider in reach.providers() {
            if self.provider.as_ref().is_some_and(|only| *only != provider) {
                continue;
            }
            for model in reach.models(&provider) {
                let spec = ModelSpec { provider: provider.clone(), model };
                let Ok((_, info)) = reach.model(&spec) else { continue };
                if self.fits(&info) {
                    fits.push((spec, info));
                }
            }
        }
        fits
    }

    /// Without tools a model is no agent; and one that goes away soon is nobody's choice.
    fn fits(&self, info: &ModelInfo) -> bool {
        let able = info.abilities;
        able.tools == Some(true)
            && !info.deprecated
            && (!self.vision || able.vision == Some(true))
            && (!self.reasoning || able.reasoning == Some(true))
            && (self.context == 0 || info.context.is_some_and(|context| context >= self.context))
    }

    fn nothing(&self, count: usize) -> Failure {
        let (message, hint) = match (self.by, count) {
            (By::Fastest, 1..) => (
                format!(
                    "none of the {count} models that fit has been asked three times here: nobody knows which is fastest"
                ),
                "name one with --model; what is asked is measured",
            ),
            (By::Cheapest, 1..) => (
                format!("nobody knows what any of the {count} models that fit costs"),
                "`pryx models --refresh` fetches prices",
            ),
            _ => (
                "no model that can be asked now fits".to_owned(),
                "`pryx models` lists those that can be asked, with what they can do",
            ),
        };
        Failure::usage(message).hint(hint)
    }
}

fn preferred(context: &Context, fits: &[(ModelSpec, ModelInfo)]) -> Option<(ModelSpec, String)> {
    let own = context.settings.model.iter().chain(&context.settings.fallback).filter_map(|name| name.parse().ok());
    let usual = pryx_brain::defaults();
    let order: Vec<ModelSpec> = own.chain(usual).collect();
    let first = order.iter().find(|model| fits.iter().any(|(fit, _)| fit == *model)).cloned();
    match first {
        Some(model) => Some((model, "the first in your order".to_owned())),
        None => cheapest(fits).map(|(model, why)| (model, format!("not in your order, but {why}"))),
    }
}

fn cheapest(fits: &[(ModelSpec, ModelInfo)]) -> Option<(ModelSpec, String)> {
    let priced = fits.iter().filter_map(|(model, info)| Some((model, info.prices.as_ref()?.rates)));
    let (model, rates) = priced.min_by_key(|(model, rates)| (blend(rates), model.to_string()))?;
    Some((model.clone(), format!("the cheapest ({} in, {} out)", price(rates.input), price(rates.output))))
}

fn blend(rates: &Rates) -> u128 {
    let of = |price: MillionTokens| u128::from(price.0);
    INPUT_SHARE * of(rates.input) + of(rates.output)
}

fn fastest(fits: &[(ModelSpec, ModelInfo)], speeds: &[Speed]) -> Option<(ModelSpec, String)> {
    let speed = |model: &ModelSpec| speeds.iter().find(|speed| speed.model == model.to_string());
    let measured = fits.iter().filter_map(|(model, _)| Some((model, speed(model)?)));
    let (model, speed) = measured.max_by_key(|(_, speed)| speed.tokens_per_second)?;
    let (pace, calls) = (speed.tokens_per_second, speed.calls);
    Some((model.clone(), format!("the fastest measured here ({pace} tokens a second over {calls} calls)")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pryx_brain::{Abilities, Prices};

    fn model(name: &str, input: u64, output: u64) -> (ModelSpec, ModelInfo) {
        let (input, output) = (MillionTokens(input), MillionTokens(output));
        let rates = Rates { input, output, cache_read: None, cache_write: None, reasoning: None };
        let info = ModelInfo {
            abilities: Abilities { tools: Some(true), vision: Some(false), reasoning: None },
            context: Some(128_000),
            prices: Some(Prices { rates, tiers: Vec::new() }),
            ..ModelInfo::default()
        };
        (name.parse().unwrap(), info)
    }

    #[test]
    fn rules_are_read() {
        let rule: Rule = "cheapest:vision+200k@openai".parse().unwrap();
        assert_eq!((rule.by, rule.vision, rule.reasoning, rule.context), (By::Cheapest, true, false, 200_000));
        assert_eq!(rule.provider.as_deref(), Some("openai"));
        assert_eq!("fastest:1m".parse::<Rule>().unwrap().context, 1_000_000);
        for bad in ["dearest", "cheapest:flight", "cheapest@", "cheapest:k", "fastest:99999999999999999m"] {
            assert!(bad.parse::<Rule>().is_err(), "{bad} was accepted");
        }
        assert!(Rule::is_meant("cheapest:flight") && Rule::is_meant("fastest@x"));
        assert!(!Rule::is_meant("anthropic") && !Rule::is_meant("cheapest/model"));
    }

    #[test]
    fn needs_are_met_or_the_model_is_left_out() {
        let rule = |text: &str| text.parse::<Rule>().unwrap();
        let (_, info) = model("a/b", 1, 1);
        assert!(rule("cheapest").fits(&info) && rule("cheapest:128k").fits(&info));
        assert!(!rule("cheapest:vision").fits(&info) && !rule("cheapest:reasoning").fits(&info));
        assert!(!rule("cheapest:200k").fits(&info));
        let talker = ModelInfo { abilities: Abilities::default(), ..info.clone() };
        assert!(!rule("cheapest").fits(&talker), "what can't call tools, or may not, is no agent");
        assert!(!rule("cheapest").fits(&ModelInfo { deprecated: true, ..info }));
    }

    #[test]
    fn the_price_of_requests_weighs_more() {
        let fits = [model("a/dear-in", 4, 1), model("b/dear-out", 1, 9), model("c/middle", 3, 3)];
        assert_eq!(cheapest(&fits).unwrap().0.to_string(), "b/dear-out");
        let unknown = ModelInfo { prices: None, ..fits[0].1.clone() };
        assert!(cheapest(&[(fits[0].0.clone(), unknown)]).is_none(), "an unknown price is not the lowest");
    }

    #[test]
    fn the_fastest_is_one_that_was_measured() {
        let fits = [model("a/x", 1, 1), model("b/y", 1, 1), model("c/z", 1, 1)];
        let speed = |model: &str, tokens_per_second| Speed { model: model.into(), tokens_per_second, calls: 3 };
        let speeds = [speed("a/x", 30), speed("b/y", 90), speed("other/fast", 900)];
        assert_eq!(fastest(&fits, &speeds).unwrap().0.to_string(), "b/y");
        assert!(fastest(&fits, &[]).is_none());
    }
}
