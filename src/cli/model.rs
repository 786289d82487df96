//! Which model answers, and with whose key: settings and variables put together.

use super::context::Context;
use super::failure::Failure;
use super::settings::{self, ProviderSettings, text_var};
use pryx_brain::{
    ANTHROPIC, ANTHROPIC_BASE_URL, Api, Candidate, Chooser, GEMINI, GEMINI_BASE_URL, Limits, ModelInfo, ModelSpec,
    OFFLINE, OLLAMA, OPENAI, OPENAI_BASE_URL, Patience, ProviderConfig, Route, ollama_address,
};
use pryx_terms::Secret;
use std::num::NonZeroU32;
use std::sync::Arc;

/// A provider that is known without settings.
struct Known {
    name: &'static str,
    api: Api,
    base_url: &'static str,
    /// The variable that moves it.
    base_env: Option<&'static str>,
    /// The variables that may hold its key, the first first.
    key_env: &'static [&'static str],
}

const KNOWN: [Known; 4] = [
    Known {
        name: ANTHROPIC,
        api: Api::AnthropicMessages,
        base_url: ANTHROPIC_BASE_URL,
        base_env: Some("ANTHROPIC_BASE_URL"),
        key_env: &["ANTHROPIC_API_KEY"],
    },
    Known {
        name: OPENAI,
        api: Api::OpenAiChat,
        base_url: OPENAI_BASE_URL,
        base_env: Some("OPENAI_BASE_URL"),
        key_env: &["OPENAI_API_KEY"],
    },
    Known {
        name: GEMINI,
        api: Api::Gemini,
        base_url: GEMINI_BASE_URL,
        base_env: None,
        key_env: &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
    },
    // Its address is made of OLLAMA_HOST, which is written in many ways.
    Known { name: OLLAMA, api: Api::Ollama, base_url: "", base_env: None, key_env: &["OLLAMA_API_KEY"] },
];

/// Most models to fall back to. Each failed one costs its tries: a longer row would keep a person waiting for minutes.
const MAX_FALLBACKS: usize = 8;

/// What a request would be answered by.
pub enum Found {
    /// A model.
    Connected {
        /// `provider/model`.
        model: String,
        /// Where its key comes from.
        key: String,
    },
    /// The embedded planner.
    Offline,
}

/// For the doctor: finds the model without calling it.
///
/// # Errors
/// As [`choose`].
pub fn check(context: &Context) -> Result<Found, Failure> {
    let (model, provider) = choose(context, None)?;
    Ok(match provider {
        None => Found::Offline,
        Some(p) => Found::Connected {
            model: model.to_string(),
            key: if p.key.is_some() { p.key_source } else { "nowhere: it needs none".to_owned() },
        },
    })
}

/// The model, and how its provider is reached; none for the embedded planner.
///
/// # Errors
/// When the wanted model names no provider that is known, or its key is missing.
pub fn choose(context: &Context, wanted: Option<&str>) -> Result<(ModelSpec, Option<ProviderConfig>), Failure> {
    let wanted = wanted.or(context.settings.model.as_deref());
    let chooser = Chooser {
        wanted,
        anthropic_key: text_var("ANTHROPIC_API_KEY")?.is_some(),
        openai_key: text_var("OPENAI_API_KEY")?.is_some(),
        gemini_key: text_var("GEMINI_API_KEY")?.is_some() || text_var("GOOGLE_API_KEY")?.is_some(),
        openai_base_url: text_var("OPENAI_BASE_URL")?.is_some(),
    };
    let model = pryx_brain::choose(&chooser).map_err(|e| Failure::usage(e.to_string()))?;
    if model.is_offline() {
        return Ok((model, None));
    }
    let config = provider(context, &model.provider)?;
    Ok((model, Some(config)))
}

/// The model and those that the settings name to fall back to.
///
/// # Errors
/// When one of these names no model, or can't be reached with what is set.
pub fn route(context: &Context, model: ModelSpec, provider: ProviderConfig) -> Result<Route, Failure> {
    let names = &context.settings.fallback;
    if names.len() > MAX_FALLBACKS {
        return Err(Failure::usage(format!("fallback names {} models; {MAX_FALLBACKS} are the most", names.len())));
    }
    let mut candidates = vec![Candidate { model, provider, info: ModelInfo::default() }];
    for name in names {
        let model: ModelSpec = name.parse().map_err(|e| Failure::usage(format!("fallback: {e}")))?;
        if model.is_offline() {
            return Err(Failure::usage("the embedded planner can't take over from a model: take it out of fallback"));
        }
        if candidates.iter().all(|candidate| candidate.model != model) {
            let provider = self::provider(context, &model.provider)?;
            candidates.push(Candidate { model, provider, info: ModelInfo::default() });
        }
    }
    Ok(Route { candidates, patience: Patience::default(), traffic: Arc::default() })
}

fn provider(context: &Context, name: &str) -> Result<ProviderConfig, Failure> {
    let own = context.settings.providers.get(name);
    let known = KNOWN.iter().find(|known| known.name == name);
    let api = match (own.and_then(|own| own.api), known) {
        (Some(api), _) => format(api),
        (None, Some(known)) => known.api,
        (None, None) if own.is_some() => {
            return Err(Failure::usage(format!("providers.{name} says no api"))
                .hint("add api = \"openai-chat\", or another of docs/providers.md"));
        }
        (None, None) => return Err(unknown(context, name)),
    };
    let own_url = own.and_then(|own| own.base_url.clone());
    let (base_url, moved) = match (&own_url, known) {
        (Some(url), _) => (url.clone(), true),
        (None, Some(known)) => address(known)?,
        (None, None) => return Err(Failure::usage(format!("providers.{name} says no base_url"))),
    };
    if !base_url.starts_with("http://") && !base_url.starts_with("https://") {
        return Err(Failure::usage(format!(
            "the address of {name} is {base_url:?}; it must begin with http:// or https://"
        )));
    }
    // A key belongs to the address it was made for: one that the settings name gets only the key they name.
    let variables: Vec<&str> = match (own.and_then(|own| own.key_env.as_deref()), known) {
        (Some(variable), _) => vec![variable],
        (None, Some(known)) if own_url.is_none() => known.key_env.to_vec(),
        _ => Vec::new(),
    };
    // A server of one's own usually wants no key, and Ollama wants none.
    let named = own.is_some_and(|own| own.key_env.is_some());
    let free = name == OLLAMA || variables.is_empty() || (moved && name != ANTHROPIC);
    let (key, key_source) = key(name, &variables, named || !free)?;
    Ok(ProviderConfig { name: name.to_owned(), api, base_url, key, key_source, limits: limits(own) })
}

/// Where a known provider is, and whether a variable moved it.
fn address(known: &Known) -> Result<(String, bool), Failure> {
    if known.name == OLLAMA {
        return Ok((ollama_address(text_var("OLLAMA_HOST")?.as_deref()), true));
    }
    let moved = match known.base_env {
        Some(variable) => text_var(variable)?,
        None => None,
    };
    Ok(moved.map_or_else(|| (known.base_url.to_owned(), false), |url| (url, true)))
}

fn key(name: &str, variables: &[&str], needed: bool) -> Result<(Option<Secret>, String), Failure> {
    for variable in variables {
        if let Some(key) = text_var(variable)? {
            return Ok((Some(Secret::new(key)), (*variable).to_owned()));
        }
    }
    let source = *variables.first().unwrap_or(&"no key");
    if needed {
        return Err(
            Failure::usage(format!("{name} needs a key and {source} is not set")).hint(format!("export {source}=…"))
        );
    }
    Ok((None, source.to_owned()))
}

fn limits(own: Option<&ProviderSettings>) -> Limits {
    let Some(own) = own else { return Limits::default() };
    Limits {
        requests_per_minute: own.requests_per_minute.map(NonZeroU32::get),
        tokens_per_minute: own.tokens_per_minute.map(NonZeroU32::get),
        context: own.context.map(NonZeroU32::get),
    }
}

fn format(api: settings::Api) -> Api {
    match api {
        settings::Api::AnthropicMessages => Api::AnthropicMessages,
        settings::Api::OpenaiChat => Api::OpenAiChat,
        settings::Api::OpenaiResponses => Api::OpenAiResponses,
        settings::Api::Gemini => Api::Gemini,
        settings::Api::Ollama => Api::Ollama,
    }
}

fn unknown(context: &Context, name: &str) -> Failure {
    let known: Vec<&str> = KNOWN
        .iter()
        .map(|known| known.name)
        .chain([OFFLINE])
        .chain(context.settings.providers.keys().map(String::as_str))
        .collect();
    Failure::usage(format!("there is no provider {name:?}; known: {}", known.join(", "))).hint(format!(
        "add [providers.{name}] with api, base_url and key_env to {}",
        context.paths.config_file().display()
    ))
}
