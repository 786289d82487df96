//! `pryx auth`: giving pryx a provider's key, and taking it away.

mod login;

pub use login::fresh;

use super::args::AuthAction;
use super::context::Context;
use super::exit;
use super::failure::Failure;
use super::keys::{Held, Keys, New, Place};
use super::model::Reach;
use super::settings::text_var;
use super::{connect, terminal};
use pryx_terms::{Secret, visible};
use serde_json::json;
use std::io::{IsTerminal, Read};

/// Longest key. Real ones have some hundred characters; more is something else that was piped in.
const MAX_KEY: u64 = 16 * 1024;

/// Does what was asked for. All of it is for persons: who has which key is none of the agent's business either.
pub async fn run(context: &Context, action: Option<AuthAction>) -> Result<u8, Failure> {
    connect::only_for_persons(context, "look at or change the keys that pryx keeps").await?;
    match action.unwrap_or(AuthAction::List) {
        AuthAction::List => list(context)?,
        AuthAction::Set { keys, provider, .. } if !keys.is_empty() => {
            return Err(Failure::usage(
                "a key is not given on the command line: other programs see it, the shell keeps it",
            )
            .hint(format!("`pryx auth set {provider}` asks for it; or: pryx auth set {provider} < FILE")));
        }
        AuthAction::Set { provider, passphrase, .. } => {
            set(context, &provider, if passphrase { Place::Passphrase } else { Place::Best })?;
        }
        AuthAction::Login { provider } => login::run(context, &provider).await?,
        AuthAction::Remove { provider, all } => remove(context, provider, all)?,
    }
    Ok(exit::DONE)
}

fn list(context: &Context) -> Result<(), Failure> {
    let kept = Keys::new(&context.paths).list()?;
    let reach = Reach::new(context)?;
    let mut variables = Vec::new();
    for provider in reach.providers() {
        for name in reach.describe(&provider).key_env {
            if text_var(&name)?.is_some() {
                variables.push((provider.clone(), name));
            }
        }
    }
    if context.json {
        let variables: Vec<_> =
            variables.iter().map(|(provider, name)| json!({ "provider": provider, "variable": name })).collect();
        return super::print_line(&json!({ "kept": kept, "variables": variables }).to_string());
    }
    if kept.is_empty() && variables.is_empty() {
        context.talk("no key is kept, and no variable holds one");
        context.talk(&format!("  {} pryx auth set PROVIDER", context.style.bold("→")));
    }
    let names = kept.iter().map(|key| &key.provider).chain(variables.iter().map(|(provider, _)| provider));
    let width = names.map(|name| name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for key in &kept {
        text.push_str(&format!("{:width$}  {:22}  {}\n", visible(&key.provider), key.place, visible(&key.address)));
    }
    for (provider, name) in &variables {
        let beats = if kept.iter().any(|key| key.provider == *provider) { "beats the kept key" } else { "" };
        text.push_str(format!("{:width$}  {:22}  {beats}", visible(provider), visible(name)).trim_end());
        text.push('\n');
    }
    super::print_data(text.as_bytes())
}

/// Asks for a key and keeps it.
fn set(context: &Context, provider: &str, place: Place) -> Result<(), Failure> {
    let address = Reach::new(context)?.address_of(provider)?;
    let key = read(provider)?;
    keep(context, &New { provider, address: &address, key: &key, refresh: None, login: None }, place)
}

/// Keeps a key, and says where and what that means.
///
/// # Errors
/// When it can't be kept.
pub fn keep(context: &Context, new: &New<'_>, place: Place) -> Result<(), Failure> {
    let keys = Keys::new(&context.paths);
    let (held, no_keyring) = keys.lock()?.set(new, place)?;
    if context.json {
        super::print_line(&json!({ "provider": new.provider, "address": new.address, "place": held }).to_string())?;
    }
    context.talk(&format!("the key of {} is kept in {held}, for {}", new.provider, visible(new.address)));
    if held == Held::File {
        let why = no_keyring.map_or_else(String::new, |why| format!("no keyring: {why}. "));
        let words = format!(
            "{why}The key is sealed with keys.secret, which lies beside it: that protects a copy of one of the two, not from \
             programs that may read all your files. `--passphrase` does"
        );
        context.talk(&context.style.dim(&words));
    }
    Ok(())
}

/// A key from the terminal, without echo, or from a pipe.
///
/// # Errors
/// When there is none.
pub fn read(provider: &str) -> Result<Secret, Failure> {
    if std::io::stdin().is_terminal() {
        return terminal::secret(&format!("key of {provider}: ")).and_then(|key| checked(key.expose(), provider));
    }
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .take(MAX_KEY + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::because("the key can't be read", &error).hint("pipe it in"))?;
    let text = String::from_utf8(bytes).map_err(|_| {
        Failure::usage("that is no key: it is no text").hint(format!("pryx auth set {provider} < FILE"))
    })?;
    checked(&text, provider)
}

fn checked(text: &str, provider: &str) -> Result<Secret, Failure> {
    let key = text.trim();
    let odd = key.len() as u64 > MAX_KEY || key.chars().any(|c| c.is_whitespace() || c.is_control());
    if key.is_empty() || odd {
        return Err(Failure::usage(if key.is_empty() { "there is no key" } else { "that is no key: it is one word" })
            .hint(format!("pryx auth set {provider} < FILE")));
    }
    Ok(Secret::new(key.to_owned()))
}

fn remove(context: &Context, provider: Option<String>, all: bool) -> Result<(), Failure> {
    let keys = Keys::new(&context.paths);
    let locked = keys.lock()?;
    let names = if all { keys.list()?.into_iter().map(|key| key.provider).collect() } else { Vec::from_iter(provider) };
    for name in names {
        if !locked.remove(&name)? {
            return Err(Failure::usage(format!("no key of {} is kept", visible(&name))).hint("pryx auth list"));
        }
        context.talk(&format!("the key of {} is forgotten", visible(&name)));
    }
    Ok(())
}
