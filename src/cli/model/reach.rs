//! How a model is reached: settings, variables, what is built in and the catalog, put together.

use super::KNOWN;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::keys::Keys;
use crate::cli::settings::{self, ProviderSettings, text_var};
use pryx_brain::{
    ANTHROPIC, Api, Catalog, CatalogEntry, Limits, LocalKind, LocalPlace, ModelInfo, ModelSpec, OFFLINE, OLLAMA,
    ProviderConfig, Refresh, ollama_address,
};
use pryx_terms::Secret;
use std::cell::RefCell;
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::rc::Rc;

/// A provider that is known without settings and without the catalog.
pub struct Known {
    pub name: &'static str,
    pub api: Api,
    pub base_url: &'static str,
    /// The variable that moves it.
    pub base_env: Option<&'static str>,
    /// The variables that may hold its key, the first first.
    pub key_env: &'static [&'static str],
    /// What it is when it runs on this machine: then it needs no key, and can be asked for its models.
    pub local: Option<LocalKind>,
}

/// What is known about models and how to get at them.
pub struct Reach<'a> {
    context: &'a Context,
    catalog: Catalog,
    keys: Keys<'a>,
    /// Entries that were unpacked: a list asks for each of them once for every model.
    entries: RefCell<HashMap<String, Option<Rc<CatalogEntry>>>>,
}

/// A provider in a list.
pub struct Described {
    pub title: Option<String>,
    pub models: usize,
    /// The variables that may hold its key.
    pub key_env: Vec<String>,
    /// Whether pryx speaks its format.
    pub supported: bool,
}

/// Where a provider is and what speaks for it.
struct Place {
    api: Api,
    base_url: String,
    /// Somebody moved it from where its makers have it.
    moved: bool,
    /// The variables that may hold its key.
    key_env: Vec<String>,
    /// It can't be asked without a key.
    needs_key: bool,
}

impl<'a> Reach<'a> {
    /// Opens the catalog.
    ///
    /// # Errors
    /// When what the settings say about models makes no sense.
    pub fn new(context: &'a Context) -> Result<Self, Failure> {
        let said = settings::said(&context.settings.models)?;
        let catalog = Catalog::open(&context.paths.catalog_file(), said);
        Ok(Self { context, catalog, keys: Keys::new(&context.paths), entries: RefCell::default() })
    }

    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Whether somebody knows how to speak to a provider.
    pub fn knows(&self, provider: &str) -> bool {
        provider == OFFLINE
            || KNOWN.iter().any(|known| known.name == provider)
            || self.context.settings.providers.contains_key(provider)
            || self.catalog.ids().contains(provider)
    }

    /// All providers, sorted.
    pub fn providers(&self) -> Vec<String> {
        let own = self.context.settings.providers.keys().map(String::as_str);
        let mut all: Vec<&str> = KNOWN.iter().map(|known| known.name).chain(own).chain(self.catalog.ids()).collect();
        all.sort_unstable();
        all.dedup();
        // The catalog's name for what is listed as gemini.
        all.retain(|name| *name != "google" || self.context.settings.providers.contains_key(*name));
        all.into_iter().map(str::to_owned).collect()
    }

    /// The models of a provider that the catalog or the user names.
    pub fn models(&self, provider: &str) -> Vec<String> {
        match self.catalog_entry(provider) {
            Some(entry) => entry.models.keys().cloned().collect(),
            None => self.catalog.said_of(provider).map(|(model, _)| model.to_owned()).collect(),
        }
    }

    /// What a list of providers says about one.
    pub fn describe(&self, provider: &str) -> Described {
        let own = self.context.settings.providers.get(provider);
        let known = KNOWN.iter().find(|known| known.name == provider);
        let entry = self.catalog_entry(provider);
        let key_env = match (own.and_then(|own| own.key_env.clone()), known, &entry) {
            (Some(variable), ..) => vec![variable],
            (None, Some(known), _) => known.key_env.iter().map(|name| (*name).to_owned()).collect(),
            (None, None, Some(entry)) => entry.key_env().map(str::to_owned).collect(),
            (None, None, None) => Vec::new(),
        };
        Described {
            supported: own.is_some() || known.is_some() || entry.as_ref().is_some_and(|entry| entry.service.is_some()),
            title: entry.as_ref().and_then(|entry| entry.name.clone()),
            models: entry.as_ref().map_or(0, |entry| entry.models.len()),
            key_env,
        }
    }

    /// The entry of the catalog, under the name that the settings give for it.
    fn catalog_entry(&self, provider: &str) -> Option<Rc<CatalogEntry>> {
        let own = self.context.settings.providers.get(provider);
        self.entry(own.and_then(|own| own.catalog.as_deref()).unwrap_or(provider))
    }

    fn entry(&self, provider: &str) -> Option<Rc<CatalogEntry>> {
        let unpack = || self.catalog.entry(provider).map(Rc::new);
        self.entries.borrow_mut().entry(provider.to_owned()).or_insert_with(unpack).clone()
    }

    /// How a model is reached, and what is known about it. A key that pryx keeps is not opened for it: `key_source` says
    /// where it is, and [`Reach::keeps`] that there is one.
    ///
    /// # Errors
    /// When its provider is not known, can't be spoken to, or its key is missing.
    pub fn model(&self, model: &ModelSpec) -> Result<(ProviderConfig, ModelInfo), Failure> {
        let name = &model.provider;
        let own = self.context.settings.providers.get(name);
        let place = self.place(model, own)?;
        let (key, key_source) = self.key(name, &place)?;
        let info = self.info(model, own, place.moved);
        let Place { api, base_url, .. } = place;
        let config = ProviderConfig { name: name.clone(), api, base_url, key, key_source, limits: limits(own) };
        Ok((config, info))
    }

    /// Whether pryx keeps the key for it.
    pub fn keeps(&self, provider: &ProviderConfig) -> bool {
        let place = || self.keys.place(&provider.name, &provider.base_url);
        provider.key.is_none() && matches!(place(), Ok(Some(_)))
    }

    /// Whether there is a key for a provider, in a variable or kept.
    pub fn has_key(&self, provider: &str) -> bool {
        let place = self.of_any_model(provider);
        place.is_ok_and(|place| {
            let found = self.key(provider, &place);
            found.is_ok_and(|(key, _)| {
                key.is_some() || matches!(self.keys.place(provider, &place.base_url), Ok(Some(_)))
            })
        })
    }

    /// Whether a provider needs a key that isn't there.
    ///
    /// # Errors
    /// When it is not known, or can't be spoken to.
    pub fn lacks_key(&self, provider: &str) -> Result<bool, Failure> {
        let place = self.of_any_model(provider)?;
        Ok(place.needs_key && self.key(provider, &place).is_err())
    }

    fn of_any_model(&self, provider: &str) -> Result<Place, Failure> {
        let any = ModelSpec { provider: provider.to_owned(), model: String::new() };
        self.place(&any, self.context.settings.providers.get(provider))
    }

    /// Where model servers of this machine would be, by the names of their providers.
    pub fn local(&self) -> Vec<(&'static str, LocalPlace)> {
        let mut places = Vec::new();
        for known in &KNOWN {
            let (Some(kind), Ok(place)) = (known.local, self.of_any_model(known.name)) else { continue };
            let key = place.key_env.iter().find_map(|name| text_var(name).ok().flatten()).map(Secret::new);
            places.push((known.name, LocalPlace { kind, base_url: place.base_url, key }));
        }
        places
    }

    /// Where a provider is asked, as its key is kept for.
    ///
    /// # Errors
    /// When it is not known, or can't be spoken to.
    pub fn address_of(&self, provider: &str) -> Result<String, Failure> {
        self.of_any_model(provider).map(|place| place.base_url)
    }

    /// What is known about a model. At another address than its makers' the same name may cost something else.
    fn info(&self, model: &ModelSpec, own: Option<&ProviderSettings>, moved: bool) -> ModelInfo {
        let as_of = own.and_then(|own| own.catalog.clone());
        let same = ModelSpec { provider: as_of.clone().unwrap_or(model.provider.clone()), model: model.model.clone() };
        let known = self.entry(&same.provider).and_then(|entry| entry.models.get(&same.model).cloned());
        let mut info = known.or_else(|| self.catalog.said(&same).cloned()).unwrap_or_default();
        if moved && as_of.is_none() {
            info.prices = None;
        }
        self.catalog.said(model).map_or(info.clone(), |said| info.overlaid(said))
    }

    fn place(&self, model: &ModelSpec, own: Option<&ProviderSettings>) -> Result<Place, Failure> {
        let name = &model.provider;
        let known = KNOWN.iter().find(|known| known.name == *name);
        let entry = self.entry(name).filter(|_| known.is_none());
        let service = entry.as_ref().and_then(|entry| entry.service_of(&model.model)).cloned();
        let api = match (own.and_then(|own| own.api), known, &service) {
            (Some(api), ..) => format(api),
            (None, Some(known), _) => known.api,
            (None, None, Some(service)) => service.api,
            (None, None, None) => return Err(self.unspoken(name, own.is_some(), entry.as_deref())),
        };
        let own_url = own.and_then(|own| own.base_url.clone());
        let (base_url, moved) = match (&own_url, known, &service) {
            (Some(url), ..) => (url.clone(), true),
            (None, Some(known), _) => address(known)?,
            (None, None, Some(service)) => (filled(name, service)?, false),
            (None, None, None) => return Err(Failure::usage(format!("providers.{name} says no base_url"))),
        };
        if !base_url.starts_with("http://") && !base_url.starts_with("https://") {
            return Err(Failure::usage(format!(
                "the address of {name} is {base_url:?}; it must begin with http:// or https://"
            )));
        }
        // A key belongs to the address it was made for: one that the settings name gets only the key they name.
        let key_env: Vec<String> = match (own.and_then(|own| own.key_env.clone()), known, &entry) {
            (Some(variable), ..) => vec![variable],
            (None, Some(known), _) if own_url.is_none() => known.key_env.iter().map(|name| (*name).into()).collect(),
            (None, None, Some(entry)) if own_url.is_none() => entry.key_env().map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        // A server of one's own usually wants no key, and Ollama wants none.
        let named = own.is_some_and(|own| own.key_env.is_some());
        let local = known.is_some_and(|known| known.local.is_some());
        let free = local || key_env.is_empty() || (moved && name != ANTHROPIC);
        Ok(Place { api, base_url, moved, key_env, needs_key: named || !free })
    }

    fn key(&self, name: &str, place: &Place) -> Result<(Option<Secret>, String), Failure> {
        if let Some(given) = self.context.given.as_ref().filter(|given| given.provider == name) {
            return Ok((Some(given.key.clone()), "the input".to_owned()));
        }
        for variable in &place.key_env {
            if let Some(key) = text_var(variable)? {
                return Ok((Some(Secret::new(key)), variable.clone()));
            }
        }
        match self.keys.place(name, &place.base_url) {
            Ok(Some(kept)) => return Ok((None, kept.to_string())),
            // A server that needs no key gets none that was given for another address.
            Err(failure) if place.needs_key => return Err(failure),
            Ok(None) | Err(_) => {}
        }
        let source = place.key_env.first().map_or("no key", String::as_str);
        if place.needs_key {
            return Err(Failure::usage(format!("{name} needs a key and {source} is not set"))
                .hint(format!("pryx auth set {name}   or   export {source}=…")));
        }
        Ok((None, source.to_owned()))
    }

    /// Nobody knows how to speak to it.
    fn unspoken(&self, name: &str, own: bool, entry: Option<&CatalogEntry>) -> Failure {
        let file = self.context.paths.config_file();
        if own {
            return Failure::usage(format!("providers.{name} says no api"))
                .hint("add api = \"openai-chat\", or another of docs/providers.md");
        }
        if entry.is_some() {
            return Failure::usage(format!(
                "{name} speaks none of the formats that pryx does, as far as the catalog says"
            ))
            .hint(format!("if it does, add [providers.{name}] with api, base_url and key_env to {}", file.display()));
        }
        let known = KNOWN.iter().map(|known| known.name).chain([OFFLINE]);
        let known: Vec<&str> = known.chain(self.context.settings.providers.keys().map(String::as_str)).collect();
        let others = self.catalog.ids().len();
        Failure::usage(format!(
            "there is no provider {name:?}; known: {}, and the {others} of `pryx models --providers`",
            known.join(", ")
        ))
        .hint(format!("add [providers.{name}] with api, base_url and key_env to {}", file.display()))
    }
}

/// Where a known provider is, and whether a variable moved it.
fn address(known: &Known) -> Result<(String, bool), Failure> {
    // What a model costs on this machine is in nobody's catalog.
    if known.name == OLLAMA {
        return Ok((ollama_address(text_var("OLLAMA_HOST")?.as_deref()), true));
    }
    let moved = match known.base_env {
        Some(variable) => text_var(variable)?,
        None => None,
    };
    Ok(moved.map_or_else(|| (known.base_url.to_owned(), known.local.is_some()), |url| (url, true)))
}

/// The address of a provider of the catalog, with variables put in.
fn filled(name: &str, service: &pryx_brain::Service) -> Result<String, Failure> {
    let variable = |variable: &str| text_var(variable).ok().flatten();
    service.address(variable).map_err(|missing| {
        Failure::usage(format!("the address of {name} is made with {missing}, which is not set"))
            .hint(format!("export {missing}=…"))
    })
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

/// Where the catalog is fetched from and kept.
pub fn refresh(context: &Context, url: &str) -> Refresh {
    Refresh { url: url.to_owned(), cache: context.paths.catalog_file() }
}
