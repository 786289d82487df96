//! Sealing keys in a file: XChaCha20-Poly1305 with a key out of a passphrase (Argon2id) or out of a file of random bytes.

use crate::cli::failure::Failure;
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use pryx_terms::Secret;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Memory for each guess of a passphrase, in KiB. With less, guessing is cheap; with more, small machines can't open it.
const MEMORY_KIB: u32 = 64 * 1024;

/// Passes over it: with the memory above about a quarter of a second.
const PASSES: u32 = 3;

/// The most memory that a file may ask for, in KiB: a changed one would else take the machine's.
const MAX_MEMORY_KIB: u32 = 1024 * 1024;

/// The most passes that a file may ask for, for the same reason.
const MAX_PASSES: u32 = 16;

const KEY: usize = 32;
const NONCE: usize = 24;
const SALT: usize = 16;

/// How the keys of a file are sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "with", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Sealing {
    /// With random bytes in a file beside it.
    Machine,
    /// With a passphrase.
    Passphrase { salt: String, memory_kib: u32, passes: u32 },
}

/// A sealed key.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sealed {
    nonce: String,
    text: String,
}

/// What seals and opens.
pub(super) struct SealKey([u8; KEY]);

impl Sealing {
    /// A new one with a passphrase.
    pub(super) fn passphrase() -> Result<Self, Failure> {
        Ok(Self::Passphrase { salt: STANDARD.encode(random::<SALT>()?), memory_kib: MEMORY_KIB, passes: PASSES })
    }
}

/// The key of a sealing. The file of random bytes is made if there is none.
pub(super) fn key(
    sealing: &Sealing,
    machine: &Path,
    passphrase: impl FnOnce() -> Result<Secret, Failure>,
) -> Result<SealKey, Failure> {
    let Sealing::Passphrase { salt, memory_kib, passes } = sealing else { return machine_key(machine) };
    let wrong = || Failure::new("keys.json names a way of sealing that can't be");
    let salt = STANDARD.decode(salt).map_err(|_| wrong())?;
    if *memory_kib > MAX_MEMORY_KIB || *passes > MAX_PASSES {
        return Err(wrong());
    }
    let params = Params::new(*memory_kib, *passes, 1, Some(KEY)).map_err(|_| wrong())?;
    let mut key = [0; KEY];
    let passphrase = passphrase()?;
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon.hash_password_into(passphrase.expose().as_bytes(), &salt, &mut key).map_err(|_| wrong())?;
    Ok(SealKey(key))
}

fn machine_key(file: &Path) -> Result<SealKey, Failure> {
    let cannot = |error: &std::io::Error| Failure::because(format!("{} can't be used", file.display()), error);
    match super::read_bounded(file, 1024) {
        Ok(bytes) => bytes.try_into().map(SealKey).map_err(|_| {
            Failure::new(format!("{} is damaged", file.display()))
                .hint("the keys that it sealed are lost: remove it and keys.json, and give them again")
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key = random::<KEY>()?;
            super::change::write_private(file, &key).map_err(|error| cannot(&error))?;
            Ok(SealKey(key))
        }
        Err(error) => Err(cannot(&error)),
    }
}

fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Failure::because("this system gives no random bytes", &error))?;
    Ok(bytes)
}

impl Sealed {
    pub(super) fn seal(key: &SealKey, about: &str, secret: &Secret) -> Result<Self, Failure> {
        let nonce = random::<NONCE>()?;
        let payload = Payload { msg: secret.expose().as_bytes(), aad: about.as_bytes() };
        let text = XChaCha20Poly1305::new(&key.0.into())
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| Failure::new("the key can't be sealed"))?;
        Ok(Self { nonce: STANDARD.encode(nonce), text: STANDARD.encode(text) })
    }

    /// The key, if it was sealed with this for that.
    pub(super) fn open(&self, key: &SealKey, about: &str) -> Option<Secret> {
        let nonce: [u8; NONCE] = STANDARD.decode(&self.nonce).ok()?.try_into().ok()?;
        let text = STANDARD.decode(&self.text).ok()?;
        let payload = Payload { msg: &text, aad: about.as_bytes() };
        let plain = XChaCha20Poly1305::new(&key.0.into()).decrypt(&XNonce::from(nonce), payload).ok()?;
        String::from_utf8(plain).ok().map(Secret::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passphrase_opens_what_it_sealed_and_no_other_does() {
        let sealing = Sealing::Passphrase { salt: STANDARD.encode([1; SALT]), memory_kib: 64, passes: 1 };
        let with = |words: &str| {
            let words = Secret::new(words.to_owned());
            key(&sealing, Path::new("/nonexistent"), || Ok(words)).unwrap()
        };
        let sealed = Sealed::seal(&with("right"), "x", &Secret::new("sk".into())).unwrap();
        assert_eq!(sealed.open(&with("right"), "x").unwrap().expose(), "sk");
        assert!(sealed.open(&with("wrong"), "x").is_none());
        assert!(sealed.open(&with("right"), "y").is_none(), "it is bound to what it is for");
    }

    #[test]
    fn a_file_can_not_ask_for_all_memory() {
        for (memory_kib, passes) in [(u32::MAX, 1), (64, u32::MAX), (0, 0)] {
            let sealing = Sealing::Passphrase { salt: STANDARD.encode([1; SALT]), memory_kib, passes };
            assert!(key(&sealing, Path::new("/nonexistent"), || Ok(Secret::new("x".into()))).is_err());
        }
    }

    #[test]
    fn the_same_key_is_sealed_differently_each_time() {
        let key = SealKey([5; KEY]);
        let seal = || Sealed::seal(&key, "x", &Secret::new("sk".into())).unwrap().text;
        assert_ne!(seal(), seal());
    }
}
