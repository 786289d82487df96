//! Opening the keys that pryx keeps, for the providers that are about to be asked and for nobody else.

use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::keys::Keys;
use crate::cli::{auth, connect};
use pryx_brain::Route;

/// Puts kept keys into a route. A model to fall back to whose key can't be opened is left out, and that is told.
///
/// # Errors
/// When the first model's key can't be opened, or a command of the agent asks.
pub async fn unlock(context: &Context, route: &mut Route) -> Result<(), Failure> {
    let keys = Keys::new(&context.paths);
    let mut by_a_person = false;
    let mut shut = Vec::new();
    for (at, candidate) in route.candidates.iter_mut().enumerate() {
        let provider = &mut candidate.provider;
        if provider.key.is_some() || !matches!(keys.place(&provider.name, &provider.base_url), Ok(Some(_))) {
            continue;
        }
        if !by_a_person {
            connect::only_for_persons(context, "use the keys that pryx keeps").await?;
            by_a_person = true;
        }
        match auth::fresh(context, &keys, &provider.name, &provider.base_url).await {
            Ok(key) => provider.key = Some(key),
            Err(failure) if at == 0 => return Err(failure),
            Err(failure) => {
                let words = format!("{} is left out of the fallbacks: {}", candidate.model, failure.words().0);
                context.talk(&context.style.warn(&words));
                shut.push(at);
            }
        }
    }
    for at in shut.into_iter().rev() {
        route.candidates.remove(at);
    }
    Ok(())
}
