//! Names in the settings that must be of something there is: a mode, a model's provider.

use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::{model, policy};

/// Whether what the settings name is there.
///
/// # Errors
/// When it isn't, with what there is.
pub fn check(context: &Context) -> Result<(), Failure> {
    let settings = &context.settings;
    for mode in settings.mode.iter().chain(settings.folders.values().map(|folder| &folder.mode)) {
        mode_is_there(context, mode)?;
    }
    settings.model.as_deref().map_or(Ok(()), |name| model::is_meant(context, name))
}

/// The same for one that is about to be set.
///
/// # Errors
/// As [`check`].
pub fn check_one(context: &Context, name: &str, value: &str) -> Result<(), Failure> {
    match name {
        "model" => model::is_meant(context, value),
        "mode" => mode_is_there(context, value),
        name if name.starts_with("folders.") && name.ends_with(".mode") => mode_is_there(context, value),
        _ => Ok(()),
    }
}

/// Policies of another machine are known there alone.
fn mode_is_there(context: &Context, mode: &str) -> Result<(), Failure> {
    if context.route.host().is_some() { Ok(()) } else { policy::is_there(context, mode) }
}
