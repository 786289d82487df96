//! Changing the kept keys: one process at a time, the file whole or not at all, and never a key that can't be opened again.

use super::sealed::{Sealed, Sealing};
use super::{Entry, Held, Index, Keys, New, Place, about, keyring, passphrase};
use crate::cli::failure::Failure;
use pryx_terms::Secret;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The keys of one home, while nobody else changes them.
pub struct Locked<'a> {
    keys: &'a Keys<'a>,
    /// Unlocked when it is closed.
    _file: std::fs::File,
}

impl<'a> Keys<'a> {
    /// Keeps others from changing them.
    ///
    /// # Errors
    /// When there is no place to keep keys in.
    pub fn lock(&'a self) -> Result<Locked<'a>, Failure> {
        self.paths.prepare()?;
        let path = self.paths.home.join("keys.lock");
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let locked = options.open(&path).and_then(|file| file.lock().map(|()| file));
        let file = locked.map_err(|error| Failure::because(format!("{} can't be locked", path.display()), &error))?;
        Ok(Locked { keys: self, _file: file })
    }
}

impl Locked<'_> {
    pub(super) fn save(&self, index: &Index) -> Result<(), Failure> {
        let text = serde_json::to_vec_pretty(index).unwrap_or_default();
        write_private(&self.keys.file(), &text)
            .map_err(|error| Failure::because(format!("{} can't be written", self.keys.file().display()), &error))
    }

    /// Keeps a key; says where, and why not in a keyring if that was wanted.
    ///
    /// # Errors
    /// When it can't be kept.
    pub fn set(&self, new: &New<'_>, place: Place) -> Result<(Held, Option<String>), Failure> {
        let mut index = self.keys.index()?;
        let (provider, address) = (new.provider, new.address);
        let entry = |sealed| Entry { address: address.to_owned(), sealed, login: new.login.clone() };
        let mut no_keyring = None;
        if place == Place::Best {
            match keyring::set(&self.keys.paths.home, provider, address, &new.text()) {
                Ok(()) => {
                    index.keys.insert(provider.to_owned(), entry(None));
                    index.tidy();
                    return self.save(&index).map(|()| (Held::Keyring, None));
                }
                Err(why) => no_keyring = Some(why),
            }
        }
        let sealing = match (index.sealing.take(), place) {
            (Some(Sealing::Machine), Place::Passphrase) => {
                return Err(Failure::usage("keys of this home are sealed with keys.secret already")
                    .hint("pryx auth remove --all, then give them again with --passphrase"));
            }
            (Some(sealing), _) => sealing,
            (None, Place::Passphrase) => Sealing::passphrase()?,
            (None, Place::Best) => Sealing::Machine,
        };
        let first = index.keys.values().all(|entry| entry.sealed.is_none());
        let seal =
            self.keys.seal_key(&sealing, || if first { new_passphrase() } else { passphrase("passphrase: ") })?;
        // A second passphrase beside the first would leave keys that open with neither alone.
        if let Some((other, entry)) = index.keys.iter().find(|(_, entry)| entry.sealed.is_some())
            && entry.sealed.as_ref().is_some_and(|old| old.open(seal, &about(other, &entry.address)).is_none())
        {
            return Err(Failure::usage("the kept keys don't open with that, so no other is sealed with it")
                .hint("the same passphrase again; or `pryx auth remove --all` and give all keys anew"));
        }
        let sealed = Sealed::seal(seal, &about(provider, address), &new.text())?;
        let old = index.keys.insert(provider.to_owned(), entry(Some(sealed)));
        index.sealing = Some(sealing);
        let held = index.keys.get(provider).map_or(Held::File, |entry| index.held(entry));
        self.save(&index)?;
        if old.is_some_and(|old| old.sealed.is_none()) {
            // The old one is of no use to anybody; a keyring that is gone keeps it until it is back.
            let _ = keyring::delete(&self.keys.paths.home, provider);
        }
        Ok((held, no_keyring))
    }

    /// Forgets a key; says whether there was one.
    ///
    /// # Errors
    /// When it can't be forgotten.
    pub fn remove(&self, provider: &str) -> Result<bool, Failure> {
        let mut index = self.keys.index()?;
        let Some(entry) = index.keys.remove(provider) else { return Ok(false) };
        if entry.sealed.is_none() {
            keyring::delete(&self.keys.paths.home, provider).map_err(|why| {
                Failure::new(format!("the key of {provider} can't be taken out of the keyring: {why}"))
                    .hint("unlock the keyring and try again")
            })?;
        }
        index.tidy();
        self.save(&index).map(|()| true)
    }
}

/// Asked for twice: one that was mistyped would open nothing ever again.
fn new_passphrase() -> Result<Secret, Failure> {
    let (first, second) = (passphrase("new passphrase: ")?, passphrase("again: ")?);
    match first.expose().is_empty() || first != second {
        true => Err(Failure::usage("there is no passphrase, or the two are not the same").hint("try again")),
        false => Ok(first),
    }
}

/// Whole or not at all, readable for its owner alone from its first byte on.
pub(super) fn write_private(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut part = file.as_os_str().to_owned();
    part.push(format!(".{}.part", std::process::id()));
    let part = PathBuf::from(part);
    // Of a process of the same number that was cut off.
    let _ = std::fs::remove_file(&part);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&part).and_then(|mut open| {
        open.write_all(bytes)?;
        open.sync_all()?;
        std::fs::rename(&part, file)
    });
    if written.is_err() {
        // What was begun is of no use to anybody.
        let _ = std::fs::remove_file(&part);
    }
    written
}
