//! Systems whose keyring pryx does not use yet: keys are sealed in the file.

use pryx_terms::Secret;
use std::path::Path;

const NONE: &str = "pryx uses no keyring on this system";

/// # Errors
/// Always.
pub(super) fn get(_home: &Path, _provider: &str, _address: &str) -> Result<Option<Secret>, String> {
    Err(NONE.to_owned())
}

/// # Errors
/// Always.
pub(super) fn set(_home: &Path, _provider: &str, _address: &str, _key: &Secret) -> Result<(), String> {
    Err(NONE.to_owned())
}

/// # Errors
/// Always.
pub(super) fn delete(_home: &Path, _provider: &str) -> Result<(), String> {
    Err(NONE.to_owned())
}
