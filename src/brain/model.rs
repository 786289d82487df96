//! Which model, from whom, and how it is reached: plain values. The root package reads settings and variables and
//! hands them down; nothing here looks at the environment.

use crate::message::Api;
use pryx_terms::Secret;
use std::fmt;
use std::str::FromStr;

/// The model a provider is asked for when the user named none. The names are the makers' rolling aliases of their
/// middle size, and all take tool calls over the format that pryx speaks to them (OpenAI's gpt-5.4 and later take
/// them over Chat Completions only with reasoning off). Any other name is passed through unchecked. Ollama has none:
/// what it can answer with is what was pulled.
const DEFAULT_MODELS: [(&str, &str); 3] =
    [(ANTHROPIC, "claude-sonnet-5"), (OPENAI, "gpt-5-mini"), (GEMINI, "gemini-flash-latest")];

/// The provider that is reached with `ANTHROPIC_API_KEY` and `ANTHROPIC_BASE_URL`.
pub const ANTHROPIC: &str = "anthropic";

/// The provider that is reached with `OPENAI_API_KEY` and `OPENAI_BASE_URL`.
pub const OPENAI: &str = "openai";

/// The provider that is reached with `GEMINI_API_KEY` or `GOOGLE_API_KEY`.
pub const GEMINI: &str = "gemini";

/// The provider on this machine or at `OLLAMA_HOST`.
pub const OLLAMA: &str = "ollama";

/// The embedded planner: needs no key and no network.
pub const OFFLINE: &str = "offline";

/// The one model of the embedded planner.
const OFFLINE_MODEL: &str = "planner";

/// Where Anthropic's API is.
pub const ANTHROPIC_BASE_URL: &str = "https://api.anthropic.com";

/// Where OpenAI's API is.
pub const OPENAI_BASE_URL: &str = "https://api.openai.com/v1";

/// Where Google's API is.
pub const GEMINI_BASE_URL: &str = "https://generativelanguage.googleapis.com/v1beta";

/// The port that Ollama listens on.
const OLLAMA_PORT: u16 = 11_434;

/// Ollama's address out of `OLLAMA_HOST`, which is written in many ways: `host`, `:port`, `host:port`, a whole
/// address, or the `0.0.0.0` that a server listens on, which no client can go to.
#[must_use]
pub fn ollama_address(host: Option<&str>) -> String {
    let text = host.unwrap_or_default().trim().trim_end_matches('/');
    let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
    let (authority, path) = rest.split_once('/').map_or((rest, String::new()), |(a, path)| (a, format!("/{path}")));
    // In brackets colons belong to the address.
    let port_at = authority.rfind(':').filter(|at| !authority[*at..].contains(']'));
    let (name, port) = port_at.map_or((authority, ""), |at| (&authority[..at], &authority[at + 1..]));
    let name = match name {
        "" | "0.0.0.0" => "127.0.0.1",
        "[::]" => "[::1]",
        name => name,
    };
    let port = match port {
        // A scheme that is written out brings its own port.
        "" if text.contains("://") => String::new(),
        "" => format!(":{OLLAMA_PORT}"),
        port => format!(":{port}"),
    };
    format!("{scheme}://{name}{port}{path}")
}

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
    /// What the user limits it to.
    pub limits: Limits,
}

/// What the settings say about a provider's limits. Nothing said, nothing limited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Requests in a minute.
    pub requests_per_minute: Option<u32>,
    /// Tokens in a minute, of requests and answers together.
    pub tokens_per_minute: Option<u32>,
    /// Tokens that a model reads at once; only Ollama has to be told.
    pub context: Option<u32>,
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
    /// Whether there is a key for Gemini.
    pub gemini_key: bool,
    /// Whether an address for the OpenAI format was set: a model server on this machine needs no key.
    pub openai_base_url: bool,
}

/// Picks the model: what the user asked for; else Anthropic, if there is a key; else OpenAI, if there is a key or an
/// address; else Gemini, if there is a key; else the embedded planner.
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
        Chooser { gemini_key: true, .. } => GEMINI,
        _ => return Ok(ModelSpec::offline()),
    };
    default_model(provider).ok_or_else(|| BadModelSpec(provider.to_owned()))
}

/// The models that pryx takes by itself, in its order.
pub fn defaults() -> impl Iterator<Item = ModelSpec> {
    let spec = |(provider, model): &(&str, &str)| ModelSpec { provider: (*provider).into(), model: (*model).into() };
    DEFAULT_MODELS.iter().map(spec)
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
        let gemini = Chooser { gemini_key: true, ..none };
        assert!(chosen(&gemini).starts_with("gemini/"));
        let openai = Chooser { openai_key: true, ..gemini };
        assert!(chosen(&openai).starts_with("openai/"));
        let both = Chooser { anthropic_key: true, ..openai };
        assert!(chosen(&both).starts_with("anthropic/"));
        let wanted = Chooser { wanted: Some("offline"), ..both };
        assert_eq!(chosen(&wanted), "offline/planner");
        assert!(choose(&Chooser { wanted: Some("nonsense"), ..both }).is_err());
    }

    #[test]
    fn ollamas_address_in_all_its_forms() {
        for (host, address) in [
            (None, "http://127.0.0.1:11434"),
            (Some(""), "http://127.0.0.1:11434"),
            (Some("0.0.0.0"), "http://127.0.0.1:11434"),
            (Some("0.0.0.0:80"), "http://127.0.0.1:80"),
            (Some(":5000"), "http://127.0.0.1:5000"),
            (Some("box"), "http://box:11434"),
            (Some("box:1234/"), "http://box:1234"),
            (Some("[::]"), "http://[::1]:11434"),
            (Some("[fe80::1]:99"), "http://[fe80::1]:99"),
            (Some("https://ollama.example"), "https://ollama.example"),
            (Some("http://box:1/under/"), "http://box:1/under"),
        ] {
            assert_eq!(ollama_address(host), address, "{host:?}");
        }
    }
}
