//! `pryx grants`: what was allowed beyond once, and its end.

use super::args::GrantsAction;
use super::context::Context;
use super::exit;
use super::failure::Failure;
use pryx_ipc::{ListGrants, RevokeGrant};
use pryx_terms::{Grant, GrantId, GrantScope, GrantSubject, Timestamp, visible};

/// Runs one of its parts.
pub async fn run(context: &Context, action: Option<GrantsAction>) -> Result<u8, Failure> {
    match action.unwrap_or(GrantsAction::List) {
        GrantsAction::List => list(context).await,
        GrantsAction::Revoke { id, .. } => revoke(context, id.as_deref()).await,
    }
}

async fn list(context: &Context) -> Result<u8, Failure> {
    let client = super::connect::connect(&context.route).await?;
    let grants = client.call(ListGrants {}).await?.grants;
    if context.json {
        super::print_line(&serde_json::to_string(&grants).unwrap_or_default())?;
        return Ok(exit::DONE);
    }
    if grants.is_empty() {
        context.talk("nothing is granted; the key a on a question's card grants something");
    }
    for grant in &grants {
        super::print_line(&format!("{}  {}", grant.id, line(grant)))?;
    }
    Ok(exit::DONE)
}

/// `shell.exec cargo test * · in /w · for good · used 3 times`.
pub fn line(grant: &Grant) -> String {
    let mut parts = vec![format!("{} {}", grant.tool, subject(grant)), scope(grant), until(grant)];
    if let Some(left) = grant.uses_left {
        parts.push(format!("{left} more times"));
    }
    parts.push(format!("used {} times", grant.used));
    parts.join(" · ")
}

/// What it is for.
pub fn subject(grant: &Grant) -> String {
    match &grant.subject {
        GrantSubject::Exact { command, cwd } => {
            format!("exactly `{}` in {}", visible(command), visible(&cwd.display().to_string()))
        }
        GrantSubject::Commands { patterns } => visible(&patterns.join(", ")),
        GrantSubject::Hosts { hosts } => format!("fetch from {}", visible(&hosts.join(", "))),
        GrantSubject::Tool { name } => visible(name),
    }
}

/// Where it holds.
pub fn scope(grant: &Grant) -> String {
    match &grant.scope {
        GrantScope::Workspace { root } => format!("in {}", visible(&root.display().to_string())),
        GrantScope::Host => "anywhere on this machine".to_owned(),
        GrantScope::Network => "for requests to other machines".to_owned(),
        GrantScope::Integration => "for one integration".to_owned(),
    }
}

/// How long it holds.
pub fn until(grant: &Grant) -> String {
    let expires = grant.expires.map(|time| {
        let left = time.as_second().saturating_sub(Timestamp::now().as_second()).max(0);
        let left = super::jobs::duration(u64::try_from(left).unwrap_or(0).saturating_mul(1000));
        let left = left.strip_suffix("00h").filter(|days| days.ends_with('d')).unwrap_or(&left);
        format!("for {left} more")
    });
    match (&grant.session, expires) {
        (Some(session), None) => format!("in session {session}"),
        (Some(session), Some(time)) => format!("in session {session}, {time}"),
        (None, Some(time)) => time,
        (None, None) => "for good".to_owned(),
    }
}

async fn revoke(context: &Context, id: Option<&str>) -> Result<u8, Failure> {
    let client = super::connect::connect(&context.route).await?;
    let ids: Vec<GrantId> = match id {
        Some(id) => {
            let id = GrantId::parse(id);
            vec![id.map_err(|e| Failure::usage(e.to_string()).hint("`pryx grants list` shows those that hold"))?]
        }
        None => client.call(ListGrants {}).await?.grants.into_iter().map(|grant| grant.id).collect(),
    };
    for grant in ids {
        let said = format!("revoked {grant}: such a command is asked about again");
        client.call(RevokeGrant { grant }).await?;
        context.talk(&said);
    }
    Ok(exit::DONE)
}
