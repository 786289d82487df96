//! Settings about models: where the catalog comes from, and what the user knows better than it.

use crate::cli::failure::Failure;
use pryx_brain::{Abilities, MillionTokens, ModelInfo, Prices, Rates, Think, Thinking};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;

/// Where the catalog of models is fetched from, if nothing else is said.
const CATALOG: &str = "https://models.dev/api.json";

/// The catalog.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CatalogSettings {
    /// Whether it's fetched by itself, once a day.
    pub(super) refresh: bool,
    /// From where; another of the same form.
    pub(super) url: String,
}

impl Default for CatalogSettings {
    fn default() -> Self {
        Self { refresh: true, url: CATALOG.to_owned() }
    }
}

impl CatalogSettings {
    /// The address to fetch it from; none when it isn't to be fetched by itself.
    pub fn by_itself(&self) -> Option<&str> {
        self.refresh.then_some(self.url.as_str())
    }

    /// The address for somebody who asks for it.
    pub fn on_demand(&self) -> &str {
        &self.url
    }

    /// What the variable says: an address, or `off`.
    pub fn overrule(&mut self, text: String) {
        if text == "off" {
            self.refresh = false;
        } else {
            *self = Self { refresh: true, url: text };
        }
    }

    /// # Errors
    /// When the address is none.
    pub fn check(&self) -> Result<(), Failure> {
        if self.url.starts_with("https://") || self.url.starts_with("http://") {
            return Ok(());
        }
        Err(Failure::usage(format!("catalog.url is {:?}: it must begin with https:// or http://", self.url)))
    }
}

/// A login by device authorization (RFC 8628).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoginSettings {
    /// The device authorization endpoint.
    pub device_url: String,
    /// The token endpoint.
    pub token_url: String,
    /// Who asks, as the server knows it.
    pub client_id: String,
    /// What for.
    pub scope: Option<String>,
}

impl LoginSettings {
    /// # Errors
    /// When an address is none that a token may go over: in plain text only within this machine.
    pub fn check(&self, provider: &str) -> Result<(), Failure> {
        for (name, url) in [("device_url", &self.device_url), ("token_url", &self.token_url)] {
            let here = ["http://127.0.0.1", "http://localhost", "http://[::1]"].iter().any(|start| {
                url.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
            });
            if !url.starts_with("https://") && !here {
                return Err(Failure::usage(format!("providers.{provider}.login.{name} must begin with https://")));
            }
        }
        Ok(())
    }
}

/// What the user says about one model.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSettings {
    context: Option<u64>,
    input: Option<u64>,
    output: Option<u64>,
    tools: Option<bool>,
    vision: Option<bool>,
    reasoning: Option<bool>,
    /// The words for how hard to think that it takes.
    #[serde(default)]
    efforts: Vec<String>,
    /// The least and the most tokens that it can be told to think.
    thinking: Option<(u64, u64)>,
    price: Option<PriceSettings>,
}

/// How hard to think: a word, or a number.
pub fn think<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Think>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Said {
        Word(String),
        Number(u64),
    }
    let said = match Said::deserialize(from)? {
        Said::Word(word) => word,
        Said::Number(number) => number.to_string(),
    };
    said.parse().map(Some).map_err(D::Error::custom)
}

/// Dollars for a million tokens.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceSettings {
    input: f64,
    output: f64,
    cache_read: Option<f64>,
    cache_write: Option<f64>,
    reasoning: Option<f64>,
}

/// The same as the brain takes it.
///
/// # Errors
/// When a price is no price, or a name names no model.
pub fn said(models: &BTreeMap<String, ModelSettings>) -> Result<BTreeMap<String, ModelInfo>, Failure> {
    let mut said = BTreeMap::new();
    for (name, model) in models {
        if name.split_once('/').is_none_or(|(provider, model)| provider.is_empty() || model.is_empty()) {
            return Err(Failure::usage(format!("models.{name:?} names no model: write [models.\"PROVIDER/MODEL\"]")));
        }
        let prices = model.price.as_ref().map(|price| prices(name, price)).transpose()?;
        let info = ModelInfo {
            context: model.context,
            input: model.input,
            output: model.output,
            abilities: Abilities { tools: model.tools, vision: model.vision, reasoning: model.reasoning },
            thinking: Thinking {
                budget: model.thinking.map(|(least, most)| (least, Some(most))),
                efforts: model.efforts.clone(),
            },
            prices,
            ..ModelInfo::default()
        };
        said.insert(name.clone(), info);
    }
    Ok(said)
}

fn prices(name: &str, said: &PriceSettings) -> Result<Prices, Failure> {
    let price = |dollars: f64| {
        MillionTokens::from_dollars(dollars)
            .ok_or_else(|| Failure::usage(format!("models.{name:?}.price: {dollars} is no price in dollars")))
    };
    let maybe = |dollars: Option<f64>| dollars.map(price).transpose();
    let rates = Rates {
        input: price(said.input)?,
        output: price(said.output)?,
        cache_read: maybe(said.cache_read)?,
        cache_write: maybe(said.cache_write)?,
        reasoning: maybe(said.reasoning)?,
    };
    Ok(Prices { rates, tiers: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<BTreeMap<String, ModelInfo>, Failure> {
        said(&toml::from_str(text).unwrap())
    }

    #[test]
    fn a_model_is_described_in_dollars() {
        let said = read("[\"p/m\"]\ncontext = 5\nvision = true\nprice = { input = 0.15, output = 0.6 }\n").unwrap();
        let model = &said["p/m"];
        assert_eq!((model.context, model.abilities.vision), (Some(5), Some(true)));
        assert_eq!(model.prices.as_ref().unwrap().rates.input, MillionTokens(150_000));
    }

    #[test]
    fn nonsense_is_refused() {
        for bad in ["[\"m\"]", "[\"p/\"]", "[\"p/m\"]\nprice = { input = -1, output = 2 }"] {
            assert!(read(bad).is_err(), "{bad} was accepted");
        }
    }
}
