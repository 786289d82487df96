//! Which model, from whom, and how it is reached: plain values. The root package reads settings and variables and
//! hands them down; nothing here looks at the environment.

use crate::message::Api;
use pryx_terms::Secret;
use std::fmt;
use std::str::FromStr;

/// The model a provider is asked for when the user named none. Both names are the makers' rolling aliases of their
/// middle size, and both take tool calls over the format that pryx speaks to them (OpenAI's gpt-5.4 and later take
/// them over Chat Completions only with reasoning off). Any other name is passed through unchecked.
const DEFAULT_MODELS: [(&str, &str); 2] = [(ANTHROPIC, "claude-sonnet-5"), (OPENAI, "gpt-5-mini")];

/// The provider that is reached with `ANTHROPIC_API_KEY` and `ANTHROPIC_BASE_URL`.
pub const ANTHROPIC: &str = "anthropic";

/// The provider that is reached with `OPENAI_API_KEY` and `OPENAI_BASE_URL`.
pub const OPENAI: &str = "openai";

/// The embedded planner: needs no key and no network.
pub const OFFLINE: &str = "offline";

/// The one model of the embedded planner.
const OFFLINE_MODEL: &str = "planner";

/// Where Anthropic's API is.
pub const ANTHROPIC_BASE_URL: &str = "https://api.anthropic.com";

/// Where OpenAI's API is.
pub const OPENAI_BASE_URL: &str = "https://api.openai.com/v1";

/// A model, written `provider/model`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelSpec {
    /// The provider's name in the settings.
    pub provider: String,
    /// The provider's name for the model; it may hold slashes.
    pub model: String,
}

/// A text that names no model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no model: write PROVIDER/MODEL, for example anthropic/{model} or openai/{other}",
    model = DEFAULT_MODELS[0].1, other = DEFAULT_MODELS[1].1)]
pub struct BadModelSpec(String);

impl ModelSpec {
    /// The embedded planner.
    #[must_use]
    pub fn offline() -> Self {
        Self { provider: OFFLINE.to_owned(), model: OFFLINE_MODEL.to_owned() }
    }

    /// Whether this is the embedded planner.
    #[must_use]
    pub fn is_offline(&self) -> bool {
        self.provider == OFFLINE
    }
}

impl FromStr for ModelSpec {
    type Err = BadModelSpec;

    /// Takes `provider/model`, or a provider with a default model alone.
    fn from_str(text: &str) -> Result<Self, BadModelSpec> {
        let text = text.trim();
        let bad = || BadModelSpec(text.chars().take(80).collect());
        let Some((provider, model)) = text.split_once('/') else {
            return match text {
                OFFLINE => Ok(Self::offline()),
                _ => default_model(text).ok_or_else(bad),
            };
        };
        if provider.is_empty() || model.is_empty() || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(bad());
        }
        Ok(Self { provider: provider.to_owned(), model: model.to_owned() })
    }
}

impl fmt::Display for ModelSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", self.provider, self.model))
    }
}

/// How a provider is reached.
#[derive(Debug, Clone)]
pub struct ProviderConfig {
    /// Its name, the first half of a [`ModelSpec`].
    pub name: String,
    /// The format it speaks.
    pub api: Api,
    /// Where it is. A trailing slash doesn't matter; for Anthropic a trailing `/v1` doesn't either.
    pub base_url: String,
    /// The key, if it takes one: a model server on the same machine usually doesn't.
    pub key: Option<Secret>,
    /// Where the key came from or should come from, in words a person can act on ("ANTHROPIC_API_KEY").
    pub key_source: String,
}

/// What the choice of a model depends on.
#[derive(Debug, Clone, Copy, Default)]
pub struct Chooser<'a> {
    /// What the user asked for by option, variable or settings.
    pub wanted: Option<&'a str>,
    /// Whether there is a key for Anthropic.
    pub anthropic_key: bool,
    /// Whether there is a key for OpenAI.
    pub openai_key: bool,
    /// Whether an address for the OpenAI format was set: a model server on this machine needs no key.
    pub openai_base_url: bool,
}

/// Picks the model: what the user asked for; else Anthropic, if there is a key; else OpenAI, if there is a key or an
/// address; else the embedded planner.
///
/// # Errors
/// When what the user asked for names no model.
pub fn choose(from: &Chooser<'_>) -> Result<ModelSpec, BadModelSpec> {
    if let Some(wanted) = from.wanted {
        return wanted.parse();
    }
    let provider = match from {
        Chooser { anthropic_key: true, .. } => ANTHROPIC,
        Chooser { openai_key: true, .. } | Chooser { openai_base_url: true, .. } => OPENAI,
        _ => return Ok(ModelSpec::offline()),
    };
    default_model(provider).ok_or_else(|| BadModelSpec(provider.to_owned()))
}

fn default_model(provider: &str) -> Option<ModelSpec> {
    let (provider, model) = DEFAULT_MODELS.iter().find(|(name, _)| *name == provider)?;
    Some(ModelSpec { provider: (*provider).to_owned(), model: (*model).to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(from: &Chooser<'_>) -> String {
        choose(from).unwrap().to_string()
    }

    #[test]
    fn a_model_may_hold_slashes() {
        let spec: ModelSpec = "openrouter/meta-llama/llama-4".parse().unwrap();
        assert_eq!((spec.provider.as_str(), spec.model.as_str()), ("openrouter", "meta-llama/llama-4"));
        assert_eq!(spec.to_string(), "openrouter/meta-llama/llama-4");
    }

    #[test]
    fn what_names_no_model_is_refused() {
        for bad in ["", "x", "/x", "x/", "x/y z", "x/\n"] {
            assert!(bad.parse::<ModelSpec>().is_err(), "{bad:?} was accepted");
        }
        let words = "gpt".parse::<ModelSpec>().unwrap_err().to_string();
        assert!(words.contains("PROVIDER/MODEL"), "{words}");
    }

    #[test]
    fn the_default_is_the_first_that_can_be_reached() {
        let none = Chooser::default();
        assert_eq!(chosen(&none), "offline/planner");
        let local = Chooser { openai_base_url: true, ..none };
        assert!(chosen(&local).starts_with("openai/"));
        let openai = Chooser { openai_key: true, ..none };
        assert!(chosen(&openai).starts_with("openai/"));
        let both = Chooser { anthropic_key: true, ..openai };
        assert!(chosen(&both).starts_with("anthropic/"));
        let wanted = Chooser { wanted: Some("offline"), ..both };
        assert_eq!(chosen(&wanted), "offline/planner");
        assert!(choose(&Chooser { wanted: Some("nonsense"), ..both }).is_err());
    }
}
