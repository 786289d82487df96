//! The form that the catalog comes in: models.dev's `api.json`. What can't be read of it is left out; a model with a
//! strange price has an unknown one.

use super::info::{Abilities, MillionTokens, ModelInfo, PriceTier, Prices, Rates, Thinking};
use super::{Entry, Service};
use crate::message::Api;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Most providers read. There were about 150 in 2026; thousands are a mistake or an attack.
const MAX_PROVIDERS: usize = 2_000;

/// Most models of one provider. The largest had about 600 in 2026.
const MAX_MODELS: usize = 20_000;

/// Longest text taken over, such as a name.
const MAX_TEXT: usize = 200;

/// The addresses of providers whose entry names none, because the library that it names knows it. All are of the
/// providers' own documentation and speak OpenAI's Chat Completions.
const ADDRESSES: [(&str, &str); 12] = [
    ("@ai-sdk/cerebras", "https://api.cerebras.ai/v1"),
    ("@ai-sdk/cohere", "https://api.cohere.ai/compatibility/v1"),
    ("@ai-sdk/deepinfra", "https://api.deepinfra.com/v1/openai"),
    ("@ai-sdk/gateway", "https://ai-gateway.vercel.sh/v1"),
    ("@ai-sdk/groq", "https://api.groq.com/openai/v1"),
    ("@ai-sdk/mistral", "https://api.mistral.ai/v1"),
    ("@ai-sdk/perplexity", "https://api.perplexity.ai"),
    ("@ai-sdk/togetherai", "https://api.together.xyz/v1"),
    ("@ai-sdk/vercel", "https://api.v0.dev/v1"),
    ("@ai-sdk/xai", "https://api.x.ai/v1"),
    ("@openrouter/ai-sdk-provider", "https://openrouter.ai/api/v1"),
    ("venice-ai-sdk-provider", "https://api.venice.ai/api/v1"),
];

#[derive(Debug, Default, Deserialize)]
struct Provider {
    name: Option<String>,
    #[serde(default)]
    env: Vec<String>,
    npm: Option<String>,
    api: Option<String>,
    #[serde(default)]
    models: BTreeMap<String, Value>,
}

#[derive(Debug, Default, Deserialize)]
struct Model {
    name: Option<String>,
    family: Option<String>,
    tool_call: Option<bool>,
    reasoning: Option<bool>,
    #[serde(default)]
    reasoning_options: Vec<ReasoningOption>,
    #[serde(default)]
    limit: Limit,
    modalities: Option<Modalities>,
    cost: Option<Cost>,
    status: Option<String>,
    provider: Option<Served>,
}

#[derive(Debug, Default, Deserialize)]
struct Limit {
    context: Option<u64>,
    input: Option<u64>,
    output: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct Modalities {
    #[serde(default)]
    input: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ReasoningOption {
    Effort {
        #[serde(default)]
        values: Vec<Option<String>>,
    },
    BudgetTokens {
        min: Option<f64>,
        max: Option<f64>,
    },
    #[serde(other)]
    Other,
}

#[derive(Debug, Default, Deserialize)]
struct Cost {
    input: Option<f64>,
    output: Option<f64>,
    reasoning: Option<f64>,
    cache_read: Option<f64>,
    cache_write: Option<f64>,
    #[serde(default)]
    tiers: Vec<Tier>,
    context_over_200k: Option<Box<Cost>>,
}

#[derive(Debug, Deserialize)]
struct Tier {
    tier: TierSize,
    #[serde(flatten)]
    cost: Cost,
}

#[derive(Debug, Deserialize)]
struct TierSize {
    size: u64,
}

/// A model that is served otherwise than the rest of its provider.
#[derive(Debug, Deserialize)]
struct Served {
    npm: Option<String>,
    api: Option<String>,
    shape: Option<String>,
}

/// Reads `api.json`.
pub(super) fn read(json: &[u8]) -> Result<BTreeMap<String, Entry>, serde_json::Error> {
    let all: BTreeMap<String, Value> = serde_json::from_slice(json)?;
    let usable = all.into_iter().filter(|(id, _)| is_id(id)).take(MAX_PROVIDERS);
    Ok(usable.filter_map(|(id, value)| Some((id, entry(serde_json::from_value(value).ok()?)))).collect())
}

/// A name that can stand before the slash of a model's name.
fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= MAX_TEXT && !id.chars().any(|c| c == '/' || c.is_whitespace() || c.is_control())
}

fn entry(provider: Provider) -> Entry {
    let service = service(provider.npm.as_deref(), provider.api.as_deref(), None);
    let mut models = BTreeMap::new();
    let mut elsewhere = BTreeMap::new();
    for (id, value) in provider.models.into_iter().take(MAX_MODELS) {
        let named = !id.is_empty() && id.len() <= MAX_TEXT && !id.chars().any(|c| c.is_whitespace() || c.is_control());
        let Some(model) = serde_json::from_value::<Model>(value).ok().filter(|_| named) else { continue };
        if let Some(served) = &model.provider {
            let npm = served.npm.as_deref().or(provider.npm.as_deref());
            let api = served.api.as_deref().or(provider.api.as_deref());
            let own = self::service(npm, api, served.shape.as_deref());
            if own != service {
                elsewhere.insert(id.clone(), own);
            }
        }
        models.insert(id, info(model));
    }
    let env = provider.env.into_iter().filter(|name| is_variable(name)).collect();
    Entry { name: provider.name.map(text), env, service, models, elsewhere }
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.len() <= MAX_TEXT && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// How a provider is spoken to, by the library that the catalog names for it; none when no format here fits.
fn service(npm: Option<&str>, address: Option<&str>, shape: Option<&str>) -> Option<Service> {
    let npm = npm?;
    let api = match (npm, shape) {
        ("@ai-sdk/anthropic", _) => Api::AnthropicMessages,
        ("@ai-sdk/google", _) => Api::Gemini,
        (_, Some("responses")) => Api::OpenAiResponses,
        ("@ai-sdk/openai", None) if address.is_some() => Api::OpenAiResponses,
        ("@ai-sdk/openai" | "@ai-sdk/openai-compatible", _) => Api::OpenAiChat,
        (npm, _) if ADDRESSES.iter().any(|(known, _)| *known == npm) => Api::OpenAiChat,
        _ => return None,
    };
    let known = ADDRESSES.iter().find(|(known, _)| *known == npm).map(|(_, address)| *address);
    let own = match npm {
        "@ai-sdk/anthropic" => Some(crate::model::ANTHROPIC_BASE_URL),
        "@ai-sdk/google" => Some(crate::model::GEMINI_BASE_URL),
        "@ai-sdk/openai" => Some(crate::model::OPENAI_BASE_URL),
        _ => None,
    };
    let base_url = address.or(known).or(own)?;
    // Anybody could read the key on its way to another scheme than these; a variable may stand for all of the address.
    let fit = ["https://", "http://", "${"].iter().any(|start| base_url.starts_with(start));
    (fit && base_url.len() <= MAX_TEXT && !base_url.chars().any(|c| c.is_whitespace() || c.is_control()))
        .then(|| Service { api, base_url: base_url.to_owned() })
}

fn info(model: Model) -> ModelInfo {
    let sees = model.modalities.map(|modalities| modalities.input.iter().any(|kind| kind == "image"));
    // The catalog writes 0 for what it doesn't know.
    let known = |limit: Option<u64>| limit.filter(|limit| *limit > 0);
    ModelInfo {
        name: model.name.map(text),
        family: model.family.map(text),
        context: known(model.limit.context),
        input: known(model.limit.input),
        output: known(model.limit.output),
        abilities: Abilities { tools: model.tool_call, vision: sees, reasoning: model.reasoning },
        thinking: thinking(model.reasoning_options),
        prices: model.cost.as_ref().and_then(prices),
        deprecated: model.status.as_deref() == Some("deprecated"),
    }
}

fn thinking(options: Vec<ReasoningOption>) -> Thinking {
    let mut thinking = Thinking::default();
    for option in options {
        match option {
            ReasoningOption::Effort { values } => {
                thinking.efforts = values.into_iter().flatten().map(text).collect();
            }
            ReasoningOption::BudgetTokens { min, max } => {
                thinking.budget = Some((tokens(min).unwrap_or(0), tokens(max)));
            }
            ReasoningOption::Other => {}
        }
    }
    thinking
}

fn tokens(count: Option<f64>) -> Option<u64> {
    let count = count.filter(|count| (0.0..1e12).contains(count))?;
    format!("{count:.0}").parse().ok()
}

fn prices(cost: &Cost) -> Option<Prices> {
    let rates = rates(cost)?;
    let over = cost.context_over_200k.iter().map(|cost| (200_000, cost.as_ref()));
    let mut tiers = Vec::new();
    for (above, cost) in cost.tiers.iter().map(|tier| (tier.tier.size, &tier.cost)).chain(over) {
        // A tier that can't be read makes the price of large requests unknown, and so the whole.
        let rates = self::rates(cost)?;
        if tiers.iter().all(|tier: &PriceTier| tier.above != above) {
            tiers.push(PriceTier { above, rates });
        }
    }
    tiers.sort_by_key(|tier| tier.above);
    Some(Prices { rates, tiers })
}

fn rates(cost: &Cost) -> Option<Rates> {
    let given = |dollars: Option<f64>| dollars.map(MillionTokens::from_dollars);
    let all = [cost.reasoning, cost.cache_read, cost.cache_write].map(given);
    if all.contains(&Some(None)) {
        return None;
    }
    let [reasoning, cache_read, cache_write] = all.map(Option::flatten);
    Some(Rates {
        input: MillionTokens::from_dollars(cost.input?)?,
        output: MillionTokens::from_dollars(cost.output?)?,
        cache_read,
        cache_write,
        reasoning,
    })
}

fn text(text: String) -> String {
    crate::clean::line(&text, MAX_TEXT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(provider: &str) -> Entry {
        read(format!(r#"{{"p": {provider}}}"#).as_bytes()).unwrap().remove("p").unwrap()
    }

    #[test]
    fn a_model_is_read_whole() {
        let entry = one(
            r#"{"id": "p", "name": "P", "env": ["P_API_KEY"], "npm": "@ai-sdk/anthropic", "doc": "x", "models": {"m/1": {
                "id": "m/1", "name": "M One", "family": "m", "attachment": true, "reasoning": true, "tool_call": true,
                "reasoning_options": [{"type": "toggle"}, {"type": "effort", "values": [null, "low", "high"]},
                    {"type": "budget_tokens", "min": 1024, "max": 32000}],
                "modalities": {"input": ["text", "image"], "output": ["text"]}, "open_weights": false,
                "limit": {"context": 200000, "input": 180000, "output": 64000}, "status": "deprecated",
                "cost": {"input": 3, "output": 15, "cache_read": 0.3, "cache_write": 3.75,
                    "context_over_200k": {"input": 6, "output": 22.5}}}}}"#,
        );
        assert_eq!(entry.env, ["P_API_KEY"]);
        let service = entry.service.unwrap();
        assert_eq!((service.api, service.base_url.as_str()), (Api::AnthropicMessages, "https://api.anthropic.com"));
        let model = &entry.models["m/1"];
        assert_eq!((model.context, model.input, model.output), (Some(200_000), Some(180_000), Some(64_000)));
        let able = Abilities { tools: Some(true), vision: Some(true), reasoning: Some(true) };
        assert_eq!((model.abilities, model.deprecated), (able, true));
        assert_eq!(model.thinking.budget, Some((1024, Some(32_000))));
        assert_eq!(model.thinking.efforts, ["low", "high"]);
        let prices = model.prices.as_ref().unwrap();
        assert_eq!((prices.rates.input.0, prices.rates.cache_read.unwrap().0), (3_000_000, 300_000));
        assert_eq!((prices.tiers[0].above, prices.tiers[0].rates.output.0), (200_000, 22_500_000));
    }

    #[test]
    fn the_format_follows_from_the_library() {
        for (provider, api, url) in [
            (r#"{"npm": "@ai-sdk/groq"}"#, Api::OpenAiChat, "https://api.groq.com/openai/v1"),
            (r#"{"npm": "@ai-sdk/openai-compatible", "api": "https://x/v1"}"#, Api::OpenAiChat, "https://x/v1"),
            (r#"{"npm": "@ai-sdk/openai", "api": "https://x/v1"}"#, Api::OpenAiResponses, "https://x/v1"),
            (r#"{"npm": "@ai-sdk/anthropic", "api": "https://x"}"#, Api::AnthropicMessages, "https://x"),
            (r#"{"npm": "@ai-sdk/google"}"#, Api::Gemini, crate::model::GEMINI_BASE_URL),
        ] {
            let service = one(provider).service.unwrap_or_else(|| panic!("{provider} has none"));
            assert_eq!((service.api, service.base_url.as_str()), (api, url), "{provider}");
        }
        for none in [r#"{"npm": "@ai-sdk/amazon-bedrock"}"#, r#"{"npm": "@ai-sdk/openai-compatible"}"#, "{}"] {
            assert_eq!(one(none).service, None, "{none}");
        }
        assert_eq!(one(r#"{"npm": "@ai-sdk/openai-compatible", "api": "ftp://x"}"#).service, None);
    }

    #[test]
    fn a_model_may_be_served_otherwise() {
        let entry = one(r#"{"npm": "@ai-sdk/openai-compatible", "api": "https://x/v1", "models": {
                "a": {}, "b": {"provider": {"npm": "@ai-sdk/anthropic"}}, "c": {"provider": {"shape": "responses"}}}}"#);
        assert_eq!(entry.elsewhere.len(), 2);
        assert_eq!(entry.elsewhere["b"].as_ref().unwrap().api, Api::AnthropicMessages);
        assert_eq!(entry.elsewhere["c"].as_ref().unwrap().api, Api::OpenAiResponses);
    }

    #[test]
    fn strange_figures_are_unknown_and_never_zero() {
        for cost in [
            r#"{"input": 1}"#,
            r#"{"input": -1, "output": 1}"#,
            r#"{"input": 1e300, "output": 1}"#,
            r#"{"input": 1, "output": 1, "cache_read": -0.1}"#,
            r#"{"input": 1, "output": 1, "tiers": [{"tier": {"size": 5}, "input": 1}]}"#,
        ] {
            let entry = one(&format!(r#"{{"models": {{"m": {{"cost": {cost}, "limit": {{"context": 0}}}}}}}}"#));
            assert_eq!((entry.models["m"].prices.as_ref(), entry.models["m"].context), (None, None), "{cost}");
        }
        let free = one(r#"{"models": {"m": {"cost": {"input": 0, "output": 0}}}}"#);
        assert!(free.models["m"].prices.is_some(), "what the catalog calls free is free");
        assert_eq!(MillionTokens::from_dollars(0.0375), Some(MillionTokens(37_500)));
    }

    #[test]
    fn what_can_not_be_read_is_left_out() {
        let entry = one(r#"{"env": ["OK", "not ok"], "models": {"good": {}, "bad": 7, "no good": {}, "": {}}}"#);
        assert_eq!(entry.models.keys().collect::<Vec<_>>(), ["good"]);
        assert_eq!(entry.env, ["OK"]);
        assert!(read(b"[]").is_err());
        assert!(read(br#"{"a/b": {}, "x y": {}, "n": 3}"#).unwrap().is_empty());
    }
}
