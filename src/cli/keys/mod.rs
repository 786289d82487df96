//! Keys of providers that pryx keeps: in the keyring of the system where there is one, else in a file, sealed. `keys.json`
//! says for whom there is one and where; without it nothing else is looked at, so a turn pays nothing for a keyring that
//! holds no key of ours.

mod change;
#[cfg(target_os = "linux")]
mod keyring_linux;
#[cfg(not(target_os = "linux"))]
mod keyring_none;
mod sealed;

#[cfg(target_os = "linux")]
use keyring_linux as keyring;
#[cfg(not(target_os = "linux"))]
use keyring_none as keyring;

use super::failure::Failure;
use super::paths::Paths;
use super::terminal;
use pryx_terms::Secret;
use sealed::{SealKey, Sealed, Sealing};
use serde::{Deserialize, Serialize};
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Largest file read: a real one has a few hundred bytes for each key.
const MAX_FILE: u64 = 1024 * 1024;

/// The form of the file that this program reads and writes.
const VERSION: u32 = 1;

/// `keys.json`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Index {
    version: u32,
    /// How keys in this file are sealed; none until there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sealing: Option<Sealing>,
    #[serde(default)]
    keys: BTreeMap<String, Entry>,
}

/// One key.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// The address it was given for. It is sent to no other.
    address: String,
    /// The key, sealed; none when the keyring has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sealed: Option<Sealed>,
    /// Set when it came of a login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    login: Option<Login>,
}

/// Where keys are to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The keyring if it works, else the file.
    Best,
    /// The file, sealed with a passphrase that is asked for each time.
    Passphrase,
}

/// Where a key is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// In the system's keyring.
    Keyring,
    /// In `keys.json`, sealed with the bytes of `keys.secret`.
    File,
    /// In `keys.json`, sealed with a passphrase.
    Passphrase,
}

impl std::fmt::Display for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Keyring => "the keyring",
            Self::File => "keys.json",
            Self::Passphrase => "keys.json (passphrase)",
        })
    }
}

/// A kept key, as a list tells it.
#[derive(Debug, Serialize)]
pub struct Kept {
    pub provider: String,
    pub address: String,
    pub place: Held,
    /// It came of a login, and is good until then if the server said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login: Option<Login>,
}

/// What is known about a key that came of a login. What is kept then is [`Tokens`] instead of the key itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// Seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<i64>,
}

/// A key that was opened.
pub struct Opened {
    /// What is sent.
    pub key: Secret,
    /// What gets the next one.
    pub refresh: Option<Secret>,
    pub login: Option<Login>,
    pub place: Held,
}

/// What is sealed of a login.
#[derive(Serialize, Deserialize)]
struct Tokens {
    access: String,
    refresh: Option<String>,
}

/// A key to be kept.
pub struct New<'a> {
    pub provider: &'a str,
    /// It is sent to no other.
    pub address: &'a str,
    pub key: &'a Secret,
    /// Of a login: what gets the next one.
    pub refresh: Option<&'a Secret>,
    pub login: Option<Login>,
}

impl New<'_> {
    fn text(&self) -> Secret {
        match &self.login {
            None => self.key.clone(),
            Some(_) => {
                let tokens = Tokens {
                    access: self.key.expose().to_owned(),
                    refresh: self.refresh.map(|refresh| refresh.expose().to_owned()),
                };
                Secret::new(serde_json::to_string(&tokens).unwrap_or_default())
            }
        }
    }
}

/// The keys of one home.
pub struct Keys<'a> {
    paths: &'a Paths,
    /// What opens those in the file: a passphrase is asked for once.
    opened: OnceCell<SealKey>,
}

impl<'a> Keys<'a> {
    pub fn new(paths: &'a Paths) -> Self {
        Self { paths, opened: OnceCell::new() }
    }

    fn file(&self) -> PathBuf {
        self.paths.home.join("keys.json")
    }

    /// The random key that seals the others when there is neither keyring nor passphrase.
    fn machine_key(&self) -> PathBuf {
        self.paths.home.join("keys.secret")
    }

    fn index(&self) -> Result<Index, Failure> {
        let file = self.file();
        let cannot = |error: &dyn std::error::Error| {
            Failure::because(format!("the keys in {} can't be read", file.display()), error)
                .hint("the file was not changed; move it away and give the keys again with `pryx auth set`")
        };
        let text = match read_bounded(&file, MAX_FILE) {
            Ok(text) => text,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(Index { version: VERSION, sealing: None, keys: BTreeMap::new() });
            }
            Err(error) => return Err(cannot(&error)),
        };
        let index: Index = serde_json::from_slice(&text).map_err(|error| cannot(&error))?;
        if index.version == VERSION {
            return Ok(index);
        }
        Err(Failure::new(format!("{} is of another pryx (version {})", file.display(), index.version))
            .hint("use the pryx that wrote it; the file was not changed"))
    }

    /// Whether there is a key for a provider, at whatever address. It is not opened.
    ///
    /// # Errors
    /// When it can't be told.
    pub fn has(&self, provider: &str) -> Result<bool, Failure> {
        Ok(self.index()?.keys.contains_key(provider))
    }

    /// What there is. No key is opened.
    ///
    /// # Errors
    /// When it can't be told.
    pub fn list(&self) -> Result<Vec<Kept>, Failure> {
        let index = self.index()?;
        let kept = |(provider, entry): (&String, &Entry)| Kept {
            place: index.held(entry),
            address: entry.address.clone(),
            provider: provider.clone(),
            login: entry.login.clone(),
        };
        Ok(index.keys.iter().map(kept).collect())
    }

    /// Where the key is for a provider at an address. It is not opened.
    ///
    /// # Errors
    /// When there is one that was given for another address.
    pub fn place(&self, provider: &str, address: &str) -> Result<Option<Held>, Failure> {
        let index = self.index()?;
        let entry = index.entry(provider, address)?;
        Ok(entry.map(|entry| index.held(entry)))
    }

    /// The key for a provider at an address.
    ///
    /// # Errors
    /// When there is one and it can't be opened, or it was given for another address.
    pub fn get(&self, provider: &str, address: &str) -> Result<Option<Opened>, Failure> {
        let index = self.index()?;
        let Some(entry) = index.entry(provider, address)? else { return Ok(None) };
        let text = match &entry.sealed {
            None => self.out_of_keyring(provider, address)?,
            Some(sealed) => self.unsealed(&index, sealed, provider, address)?,
        };
        let (place, login) = (index.held(entry), entry.login.clone());
        if login.is_none() {
            return Ok(Some(Opened { key: text, refresh: None, login, place }));
        }
        let tokens: Tokens = serde_json::from_str(text.expose())
            .map_err(|_| Failure::new(format!("the kept login of {provider} is damaged")).hint(again(provider)))?;
        let (key, refresh) = (Secret::new(tokens.access), tokens.refresh.map(Secret::new));
        Ok(Some(Opened { key, refresh, login, place }))
    }

    fn out_of_keyring(&self, provider: &str, address: &str) -> Result<Secret, Failure> {
        match keyring::get(&self.paths.home, provider, address) {
            Ok(Some(key)) => Ok(key),
            Ok(None) => Err(Failure::usage(format!("the keyring has no key of {provider} for that address any more"))
                .hint(again(provider))),
            Err(why) => {
                Err(Failure::usage(format!("the key of {provider} is in the keyring, which can't be used: {why}"))
                    .hint("unlock the keyring, or set the provider's variable"))
            }
        }
    }

    fn unsealed(&self, index: &Index, sealed: &Sealed, provider: &str, address: &str) -> Result<Secret, Failure> {
        let unknown = || Failure::new("keys.json says not how it is sealed").hint(again(provider));
        let sealing = index.sealing.as_ref().ok_or_else(unknown)?;
        let key = self.seal_key(sealing, || passphrase("passphrase of the kept keys: "))?;
        sealed.open(key, &about(provider, address)).ok_or_else(|| {
            let why = match sealing {
                Sealing::Machine => "keys.json or keys.secret was changed",
                Sealing::Passphrase { .. } => "another passphrase, or keys.json was changed",
            };
            Failure::usage(format!("the kept key of {provider} can't be opened: {why}")).hint(again(provider))
        })
    }

    fn seal_key(
        &self,
        sealing: &Sealing,
        passphrase: impl FnOnce() -> Result<Secret, Failure>,
    ) -> Result<&SealKey, Failure> {
        if let Some(key) = self.opened.get() {
            return Ok(key);
        }
        let key = sealed::key(sealing, &self.machine_key(), passphrase)?;
        Ok(self.opened.get_or_init(|| key))
    }
}

impl Index {
    /// The key for an address.
    fn entry(&self, provider: &str, address: &str) -> Result<Option<&Entry>, Failure> {
        match self.keys.get(provider) {
            Some(entry) if entry.address != address => {
                let (given, now) = (pryx_terms::visible(&entry.address), pryx_terms::visible(address));
                Err(Failure::usage(format!("the kept key of {provider} was given for {given}, not for {now}"))
                    .hint(format!("if it belongs there: pryx auth set {provider}")))
            }
            entry => Ok(entry),
        }
    }

    fn held(&self, entry: &Entry) -> Held {
        match (&entry.sealed, &self.sealing) {
            (None, _) => Held::Keyring,
            (Some(_), Some(Sealing::Passphrase { .. })) => Held::Passphrase,
            (Some(_), _) => Held::File,
        }
    }

    /// Without a sealed key the way of sealing can be chosen anew.
    fn tidy(&mut self) {
        if self.keys.values().all(|entry| entry.sealed.is_none()) {
            self.sealing = None;
        }
    }
}

fn again(provider: &str) -> String {
    format!("pryx auth set {provider}")
}

/// What a seal is bound to: a key moved to another name or address in the file doesn't open.
fn about(provider: &str, address: &str) -> String {
    format!("pryx key 1\n{provider}\n{address}")
}

fn passphrase(prompt: &str) -> Result<Secret, Failure> {
    terminal::secret(prompt).map_err(|failure| failure.hint("run pryx in a terminal, or set the provider's variable"))
}

fn read_bounded(file: &Path, most: u64) -> std::io::Result<Vec<u8>> {
    let meta = std::fs::metadata(file)?;
    if !meta.is_file() || meta.len() > most {
        return Err(std::io::Error::other("not a plain file of a usual size"));
    }
    std::fs::read(file)
}

#[cfg(test)]
mod tests;
