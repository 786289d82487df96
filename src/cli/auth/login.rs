//! Logging in with a browser, and renewing what came of it when it is about to expire.

use super::{keep, read};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::keys::{Held, Keys, Login, New, Opened, Place};
use crate::cli::model::Reach;
use pryx_brain::{DeviceCode, DeviceLogin, LoginError, Token};
use pryx_terms::{Secret, visible};
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use serde_json::json;
use std::io::IsTerminal;

/// A token that ends within so many seconds is renewed at once: it would end while it is on its way.
const MARGIN: i64 = 60;

/// Logs in where the settings say how; else asks for a key.
pub async fn run(context: &Context, provider: &str) -> Result<(), Failure> {
    let address = Reach::new(context)?.address_of(provider)?;
    let Some(how) = how(context, provider) else {
        context.talk(&format!("the settings name no login for {provider}: it takes a key"));
        let key = read(provider)?;
        return keep(context, &New { provider, address: &address, key: &key, refresh: None, login: None }, Place::Best);
    };
    let code = how.begin().await.map_err(|error| failed(error, provider))?;
    show(context, &code)?;
    let token = how.wait(&code).await.map_err(|error| failed(error, provider))?;
    if token.refresh.is_none()
        && let Some(expires) = token.expires
    {
        let hours = expires.as_secs().div_ceil(3600);
        let words = format!("the login is good for {hours} h; then `pryx auth login {provider}` again");
        context.talk(&context.style.dim(&words));
    }
    keep(context, &new(provider, &address, &token), Place::Best)
}

/// The key that pryx keeps for a provider. One of a login that is about to end is renewed first.
///
/// # Errors
/// When it can't be opened, or it has ended and can't be renewed.
pub async fn fresh(context: &Context, keys: &Keys<'_>, provider: &str, address: &str) -> Result<Secret, Failure> {
    let open = || {
        let gone = || Failure::usage(format!("no key of {provider} is kept")).hint(format!("pryx auth set {provider}"));
        keys.get(provider, address)?.ok_or_else(gone)
    };
    let opened = open()?;
    if !ends(&opened, MARGIN) {
        return Ok(opened.key);
    }
    let locked = keys.lock()?;
    // Another process may have renewed it meanwhile; what it was renewed with then serves no more.
    let opened = open()?;
    if !ends(&opened, MARGIN) {
        return Ok(opened.key);
    }
    let over = || failed(LoginError::Expired, provider);
    let (Some(how), Some(refresh)) = (how(context, provider), &opened.refresh) else {
        return if ends(&opened, 0) { Err(over()) } else { Ok(opened.key) };
    };
    match how.refresh(refresh).await {
        Ok(token) => {
            let place = if opened.place == Held::Passphrase { Place::Passphrase } else { Place::Best };
            locked.set(&new(provider, address, &token), place)?;
            Ok(token.access)
        }
        Err(LoginError::Server { .. }) if !ends(&opened, 0) => Ok(opened.key),
        Err(error) => Err(failed(error, provider)),
    }
}

/// Whether it is over within so many seconds.
fn ends(opened: &Opened, margin: i64) -> bool {
    let expires = opened.login.as_ref().and_then(|login| login.expires);
    expires.is_some_and(|expires| expires <= jiff::Timestamp::now().as_second().saturating_add(margin))
}

fn new<'a>(provider: &'a str, address: &'a str, token: &'a Token) -> New<'a> {
    let after = |life: std::time::Duration| {
        jiff::Timestamp::now().as_second().saturating_add(i64::try_from(life.as_secs()).unwrap_or(i64::MAX))
    };
    let login = Some(Login { expires: token.expires.map(after) });
    New { provider, address, key: &token.access, refresh: token.refresh.as_ref(), login }
}

fn how(context: &Context, provider: &str) -> Option<DeviceLogin> {
    let how = context.settings.providers.get(provider)?.login.as_ref()?;
    Some(DeviceLogin {
        device_url: how.device_url.clone(),
        token_url: how.token_url.clone(),
        client_id: how.client_id.clone(),
        scope: how.scope.clone(),
    })
}

/// The code, and the address as a picture for a telephone's camera.
fn show(context: &Context, code: &DeviceCode) -> Result<(), Failure> {
    if context.json {
        let printed = json!({ "user_code": code.user_code, "address": code.address, "complete": code.complete,
            "expires_in": code.expires.as_secs() });
        crate::cli::print_line(&printed.to_string())?;
    }
    let target = code.complete.as_deref().unwrap_or(&code.address);
    if std::io::stderr().is_terminal() && !context.quiet {
        crate::cli::out::talk(&picture(context, target));
    }
    // Without it nobody can go on, so it is told whatever else is not.
    crate::cli::out::talk(&format!(
        "open {} and type {}",
        visible(&code.address),
        context.style.bold(&visible(&code.user_code))
    ));
    let minutes = code.expires.as_secs().div_ceil(60);
    context.talk(&context.style.dim(&format!("waiting for you, {minutes} minutes at most; Ctrl-C gives up")));
    Ok(())
}

/// Dark on light, whatever colours the terminal has: the light squares are what is drawn.
fn picture(context: &Context, target: &str) -> String {
    let Ok(code) = QrCode::new(target) else { return String::new() };
    let drawn = code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build();
    drawn.lines().map(|line| context.style.white_on_black(line)).collect::<Vec<_>>().join("\n")
}

fn failed(error: LoginError, provider: &str) -> Failure {
    let hint = match error {
        LoginError::Declined | LoginError::Expired => format!("pryx auth login {provider}"),
        LoginError::Server { .. } => format!("try again; [providers.{provider}.login] in the settings says where"),
    };
    Failure::new(error.to_string()).hint(hint)
}
