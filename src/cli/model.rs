//! Which model answers, and with whose key: settings and variables put together.

use super::context::Context;
use super::failure::Failure;
use super::settings::{self, text_var};
use pryx_brain::{ANTHROPIC, ANTHROPIC_BASE_URL, Api, Chooser, ModelSpec, OPENAI, OPENAI_BASE_URL, ProviderConfig};
use pryx_terms::Secret;

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
        openai_base_url: text_var("OPENAI_BASE_URL")?.is_some(),
    };
    let model = pryx_brain::choose(&chooser).map_err(|e| Failure::usage(e.to_string()))?;
    if model.is_offline() {
        return Ok((model, None));
    }
    let config = provider(context, &model.provider)?;
    Ok((model, Some(config)))
}

fn provider(context: &Context, name: &str) -> Result<ProviderConfig, Failure> {
    if let Some(own) = context.settings.providers.get(name) {
        let api = match own.api {
            settings::Api::AnthropicMessages => Api::AnthropicMessages,
            settings::Api::OpenaiChat => Api::OpenAiChat,
        };
        return configure(name, api, own.base_url.clone(), own.key_env.as_deref(), own.key_env.is_some());
    }
    let base = |variable, usual: &str| Ok::<_, Failure>(text_var(variable)?.unwrap_or_else(|| usual.to_owned()));
    match name {
        ANTHROPIC => configure(
            name,
            Api::AnthropicMessages,
            base("ANTHROPIC_BASE_URL", ANTHROPIC_BASE_URL)?,
            Some("ANTHROPIC_API_KEY"),
            true,
        ),
        OPENAI => {
            // A server of one's own usually wants no key.
            let own_server = text_var("OPENAI_BASE_URL")?.is_some();
            configure(
                name,
                Api::OpenAiChat,
                base("OPENAI_BASE_URL", OPENAI_BASE_URL)?,
                Some("OPENAI_API_KEY"),
                !own_server,
            )
        }
        other => {
            let known: Vec<&str> = [ANTHROPIC, OPENAI, "offline"]
                .into_iter()
                .chain(context.settings.providers.keys().map(String::as_str))
                .collect();
            Err(Failure::usage(format!("there is no provider {other:?}; known: {}", known.join(", "))).hint(format!(
                "add [providers.{other}] with api, base_url and key_env to {}",
                context.paths.config_file().display()
            )))
        }
    }
}

fn configure(
    name: &str,
    api: Api,
    base_url: String,
    key_env: Option<&str>,
    needs_key: bool,
) -> Result<ProviderConfig, Failure> {
    if !base_url.starts_with("http://") && !base_url.starts_with("https://") {
        return Err(Failure::usage(format!(
            "the address of {name} is {base_url:?}; it must begin with http:// or https://"
        )));
    }
    let key = match key_env {
        Some(variable) => text_var(variable)?.map(Secret::new),
        None => None,
    };
    let key_source = key_env.unwrap_or("no key").to_owned();
    if needs_key && key.is_none() {
        return Err(Failure::usage(format!("{name} needs a key and {key_source} is not set"))
            .hint(format!("export {key_source}=…")));
    }
    Ok(ProviderConfig { name: name.to_owned(), api, base_url, key, key_source })
}
