//! What is known about models: limits, abilities, prices. The data are in the form of models.dev's `api.json`: bundled
//! with the program, refreshed in the background, and corrected by the user's settings.

mod fetch;
mod info;
mod pack;
mod source;
#[cfg(test)]
mod tests;

pub use fetch::{Due, Refresh, RefreshError, Refreshed};
pub use info::{Abilities, MillionTokens, ModelInfo, PriceTier, Prices, Rates, Thinking};

use crate::message::Api;
use crate::model::{GEMINI, ModelSpec};
use pack::Pack;
use pryx_terms::Timestamp;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The catalog that comes with the program; `scripts/models-snapshot` makes it.
static BUNDLED: &[u8] = include_bytes!("catalog/models.pack");

/// What pryx calls otherwise than the catalog does.
const ALIASES: [(&str, &str); 1] = [(GEMINI, "google")];

/// A provider as the catalog knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The variables that it is set up with: its key, and what its address is made of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    /// How it is spoken to; none when no format of pryx fits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Service>,
    /// Its models.
    #[serde(default)]
    pub models: BTreeMap<String, ModelInfo>,
    /// Models that are spoken to otherwise than the rest.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub elsewhere: BTreeMap<String, Option<Service>>,
}

/// A format and an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// The format.
    pub api: Api,
    /// The address. `${NAME}` in it stands for a variable.
    pub base_url: String,
}

/// Where the data came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// They are part of the program.
    Bundled,
    /// They were fetched.
    Fetched,
}

/// The catalog.
#[derive(Debug)]
pub struct Catalog {
    /// The newer one first.
    packs: Vec<(Origin, Pack)>,
    /// What the user says, by `provider/model`.
    said: BTreeMap<String, ModelInfo>,
}

impl Catalog {
    /// The bundled data, the fetched ones of `cache` if they are newer, and what the user says on top of both. A cache
    /// that can't be read is as good as none. Only heads are read here.
    #[must_use]
    pub fn open(cache: &Path, said: BTreeMap<String, ModelInfo>) -> Self {
        let bundled = Pack::open(Cow::Borrowed(BUNDLED)).map(|pack| (Origin::Bundled, pack));
        let fetched = fetch::cached(cache).map(|pack| (Origin::Fetched, pack));
        let mut packs: Vec<_> = bundled.into_iter().chain(fetched).collect();
        packs.sort_by_key(|(_, pack)| std::cmp::Reverse(pack.date()));
        Self { packs, said }
    }

    /// How old the newest data are, and where they came from.
    #[must_use]
    pub fn date(&self) -> Option<(Origin, Timestamp)> {
        self.packs.first().map(|(origin, pack)| (*origin, pack.date()))
    }

    /// The names of all providers.
    #[must_use]
    pub fn ids(&self) -> BTreeSet<&str> {
        self.packs.iter().flat_map(|(_, pack)| pack.ids()).collect()
    }

    /// A provider, as the newest data know it, with what the user says about its models.
    #[must_use]
    pub fn entry(&self, provider: &str) -> Option<Entry> {
        let id = ALIASES.iter().find(|(ours, _)| *ours == provider).map_or(provider, |(_, theirs)| theirs);
        let mut entry = self.packs.iter().find_map(|(_, pack)| pack.entry(id))?;
        for (model, said) in self.said_of(provider) {
            let known = entry.models.remove(model).unwrap_or_default();
            entry.models.insert(model.to_owned(), known.overlaid(said));
        }
        Some(entry)
    }

    /// What is known about a model; empty when that is nothing.
    #[must_use]
    pub fn info(&self, model: &ModelSpec) -> ModelInfo {
        match self.entry(&model.provider).and_then(|mut entry| entry.models.remove(&model.model)) {
            Some(info) => info,
            None => self.said.get(&model.to_string()).cloned().unwrap_or_default(),
        }
    }

    /// What the user alone says about a model.
    #[must_use]
    pub fn said(&self, model: &ModelSpec) -> Option<&ModelInfo> {
        self.said.get(&model.to_string())
    }

    /// The models of a provider that the user says something about.
    pub fn said_of<'a>(&'a self, provider: &'a str) -> impl Iterator<Item = (&'a str, &'a ModelInfo)> {
        let of = move |(name, info): (&'a String, &'a ModelInfo)| {
            let (its, model) = name.split_once('/')?;
            (its == provider).then_some((model, info))
        };
        self.said.iter().filter_map(of)
    }
}

impl Entry {
    /// How one of its models is spoken to.
    #[must_use]
    pub fn service_of(&self, model: &str) -> Option<&Service> {
        self.elsewhere.get(model).unwrap_or(&self.service).as_ref()
    }

    /// The variables that may hold its key: not those that its address is made of.
    pub fn key_env(&self) -> impl Iterator<Item = &str> {
        let address = self.service.as_ref().map_or("", |service| &service.base_url);
        let in_address = move |name: &str| address.contains(&format!("${{{name}}}"));
        self.env.iter().map(String::as_str).filter(move |name| !in_address(name))
    }
}

impl Service {
    /// The address with variables put in; the name of the first that isn't set.
    ///
    /// # Errors
    /// When a variable is not set.
    pub fn address(&self, variable: impl Fn(&str) -> Option<String>) -> Result<String, String> {
        let (mut address, mut rest) = (String::new(), self.base_url.as_str());
        while let Some((before, behind)) = rest.split_once("${") {
            let Some((name, behind)) = behind.split_once('}') else { break };
            address.push_str(before);
            address.push_str(&variable(name).ok_or_else(|| name.to_owned())?);
            rest = behind;
        }
        Ok(address + rest)
    }
}

/// Packs what models.dev serves (its `api.json`) as the program keeps it.
///
/// # Errors
/// When it isn't of that form.
pub fn pack(json: &[u8], date: Timestamp, etag: Option<String>) -> Result<Vec<u8>, RefreshError> {
    let providers = source::read(json).map_err(|error| RefreshError::NotTheCatalog(error.to_string()))?;
    // Something answered with JSON, but not with this.
    if providers.values().all(|entry| entry.models.is_empty()) {
        return Err(RefreshError::NotTheCatalog("it lists no model".to_owned()));
    }
    pack::write(&providers, date, etag).map_err(|error| RefreshError::NotTheCatalog(error.to_string()))
}
