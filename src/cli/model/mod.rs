//! Which model answers, and with whose key: settings and variables put together.

mod command;
mod local;
mod reach;
mod rule;
mod unlock;

pub use command::{is_meant, run};
pub use local::{Local, find, learn};
pub use reach::{Reach, refresh};
pub use unlock::unlock;

use super::context::Context;
use super::failure::Failure;
use super::keys::Keys;
use super::sessions;
use super::settings::text_var;
use pryx_brain::{
    ANTHROPIC, ANTHROPIC_BASE_URL, Api, Candidate, Chooser, Due, GEMINI, GEMINI_BASE_URL, LocalKind, ModelSpec, OLLAMA,
    OPENAI, OPENAI_BASE_URL, Patience, Route, Traffic,
};
use reach::Known;
use rule::Rule;
use std::sync::Arc;
use std::time::SystemTime;

const KNOWN: [Known; 7] = [
    Known {
        name: ANTHROPIC,
        api: Api::AnthropicMessages,
        base_url: ANTHROPIC_BASE_URL,
        base_env: Some("ANTHROPIC_BASE_URL"),
        key_env: &["ANTHROPIC_API_KEY"],
        local: None,
    },
    Known {
        name: OPENAI,
        api: Api::OpenAiChat,
        base_url: OPENAI_BASE_URL,
        base_env: Some("OPENAI_BASE_URL"),
        key_env: &["OPENAI_API_KEY"],
        local: None,
    },
    Known {
        name: GEMINI,
        api: Api::Gemini,
        base_url: GEMINI_BASE_URL,
        base_env: None,
        key_env: &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
        local: None,
    },
    // Its address is made of OLLAMA_HOST, which is written in many ways.
    Known {
        name: OLLAMA,
        api: Api::Ollama,
        base_url: "",
        base_env: None,
        key_env: &["OLLAMA_API_KEY"],
        local: Some(LocalKind::Ollama),
    },
    Known {
        name: "llama-cpp",
        api: Api::OpenAiChat,
        base_url: "http://127.0.0.1:8080/v1",
        base_env: Some("LLAMA_CPP_BASE_URL"),
        key_env: &["LLAMA_API_KEY"],
        local: Some(LocalKind::LlamaCpp),
    },
    Known {
        name: "lmstudio",
        api: Api::OpenAiChat,
        base_url: "http://127.0.0.1:1234/v1",
        base_env: Some("LMSTUDIO_BASE_URL"),
        key_env: &["LMSTUDIO_API_KEY", "LM_API_TOKEN"],
        local: Some(LocalKind::LmStudio),
    },
    Known {
        name: "vllm",
        api: Api::OpenAiChat,
        base_url: "http://127.0.0.1:8000/v1",
        base_env: Some("VLLM_BASE_URL"),
        key_env: &["VLLM_API_KEY"],
        local: Some(LocalKind::Vllm),
    },
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
/// As [`choose`] and [`Reach::model`].
pub fn check(context: &Context) -> Result<Found, Failure> {
    let (model, _) = choose(context, None)?;
    if model.is_offline() {
        return Ok(Found::Offline);
    }
    let reach = Reach::new(context)?;
    let (provider, _) = reach.model(&model)?;
    let has_key = provider.key.is_some() || reach.keeps(&provider);
    let key = if has_key { provider.key_source } else { "nowhere: it needs none".to_owned() };
    Ok(Found::Connected { model: model.to_string(), key })
}

/// The model: the wanted one, that of the settings, or the first that there is a key for; and why, when a rule chose it.
/// What was measured is read only for a rule that needs it.
///
/// # Errors
/// When what is wanted names no model, or no model fits.
pub fn choose(context: &Context, wanted: Option<&str>) -> Result<(ModelSpec, Option<String>), Failure> {
    let wanted = wanted.or(context.settings.model.as_deref());
    if let Some(rule) = wanted.filter(|wanted| Rule::is_meant(wanted)) {
        let rule: Rule = rule.parse().map_err(|error: String| Failure::usage(error).hint("see docs/models.md"))?;
        let speeds = if rule.needs_speeds() { sessions::open(context)?.speeds()? } else { Vec::new() };
        let picked = rule.pick(context, &Reach::new(context)?, &speeds)?;
        return Ok((picked.model, Some(picked.why)));
    }
    let keys = Keys::new(&context.paths);
    let chooser = Chooser {
        wanted,
        anthropic_key: text_var("ANTHROPIC_API_KEY")?.is_some() || keys.has(ANTHROPIC)?,
        openai_key: text_var("OPENAI_API_KEY")?.is_some() || keys.has(OPENAI)?,
        gemini_key: text_var("GEMINI_API_KEY")?.is_some()
            || text_var("GOOGLE_API_KEY")?.is_some()
            || keys.has(GEMINI)?,
        openai_base_url: text_var("OPENAI_BASE_URL")?.is_some(),
    };
    Ok((pryx_brain::choose(&chooser).map_err(|e| Failure::usage(e.to_string()))?, None))
}

/// Sees to the catalog before a model is asked. One that is a day old is fetched in the background. Only a provider that
/// nobody has heard of is worth waiting for, when the catalog was not fetched for a week.
pub async fn prepare(context: &Context, model: &ModelSpec) -> Result<(), Failure> {
    let Some(url) = context.settings.catalog.by_itself().filter(|_| !model.is_offline()) else { return Ok(()) };
    let refresh = refresh(context, url);
    let due = refresh.due(SystemTime::now());
    if due == Due::Overdue && !Reach::new(context)?.knows(&model.provider) {
        context.talk(&context.style.dim("fetching the catalog of models…"));
        if let Err(error) = refresh.run().await {
            context.talk(&context.style.warn(&error.to_string()));
        }
    } else if due != Due::No {
        refresh.in_background();
    }
    Ok(())
}

/// The model and those that the settings name to fall back to. Keys that pryx keeps are not in it before [`unlock()`].
///
/// # Errors
/// When one of these names no model, or can't be reached with what is set.
pub fn route(context: &Context, model: ModelSpec, chosen: Option<String>) -> Result<Route, Failure> {
    let names = &context.settings.fallback;
    if names.len() > MAX_FALLBACKS {
        return Err(Failure::usage(format!("fallback names {} models; {MAX_FALLBACKS} are the most", names.len())));
    }
    let reach = Reach::new(context)?;
    let candidate = |model: ModelSpec| {
        let (provider, info) = reach.model(&model)?;
        Ok::<_, Failure>(Candidate { model, provider, info })
    };
    let mut candidates = vec![candidate(model)?];
    for name in names {
        let model: ModelSpec = name.parse().map_err(|e| Failure::usage(format!("fallback: {e}")))?;
        if model.is_offline() {
            return Err(Failure::usage("the embedded planner can't take over from a model: take it out of fallback"));
        }
        if candidates.iter().all(|candidate| candidate.model != model) {
            candidates.push(candidate(model)?);
        }
    }
    Ok(Route {
        candidates,
        patience: Patience::default(),
        traffic: Arc::new(Traffic::in_zone(super::system::zone())),
        redact: context.settings.privacy.redact_for_model,
        chosen,
    })
}
