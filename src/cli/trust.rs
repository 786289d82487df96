//! `pryx trust`: the person's yes to a folder's own settings.

use super::args::{Trust, TrustAction};
use super::context::Context;
use super::exit;
use super::failure::Failure;
use super::terminal;
use super::workspace::{Trusted, Workspace};
use pryx_terms::visible;
use std::path::PathBuf;

/// Runs one of them.
pub async fn run(context: &Context, args: Trust) -> Result<u8, Failure> {
    match args.action {
        Some(TrustAction::List) => list(context),
        Some(TrustAction::Revoke { folder }) => {
            super::connect::only_for_persons(context, "take trust back").await?;
            revoke(context, folder)
        }
        None => {
            super::connect::only_for_persons(context, "trust a folder").await?;
            trust(context, args.yes)
        }
    }
}

fn trust(context: &Context, yes: bool) -> Result<u8, Failure> {
    let Some(workspace) = Workspace::find(&context.cwd, &context.paths)? else {
        context.talk("no folder from here upwards has a .pryx/config.toml; there is nothing to trust");
        return Ok(exit::DONE);
    };
    workspace.check()?;
    let file = visible(&workspace.file().display().to_string());
    if workspace.is_trusted(&context.paths)? {
        context.talk(&format!("{file} is trusted as it is"));
        return Ok(exit::DONE);
    }
    if !yes {
        let changed = workspace.was_trusted(&context.paths)?;
        context
            .talk(&format!("{file}{} says:", if changed { " has changed since it was trusted; it now" } else { "" }));
        for line in workspace.text.lines() {
            super::out::talk(&format!("  {}", visible(line)));
        }
        let nobody = || Failure::usage("trusting needs a yes, and nobody can be asked here").hint("pryx trust --yes");
        if !terminal::can_ask() {
            return Err(nobody());
        }
        let question = format!("{} trust it, as it is now?", context.style.warn("?"));
        if !terminal::yes_or_no(&question).ok_or_else(nobody)? {
            return Err(Failure::new("it is not trusted").code(exit::DECLINED));
        }
    }
    let mut trusted = Trusted::load(&context.paths)?;
    trusted.add(&workspace);
    trusted.save(&context.paths)?;
    context.talk(&format!("{file} counts from now on, until it changes · pryx trust revoke takes it back"));
    Ok(exit::DONE)
}

fn list(context: &Context) -> Result<u8, Failure> {
    let trusted = Trusted::load(&context.paths)?;
    if context.json {
        super::print_line(&serde_json::to_string(&trusted.folders).unwrap_or_default())?;
        return Ok(exit::DONE);
    }
    if trusted.folders.is_empty() {
        context.talk("no folder is trusted");
    }
    for one in &trusted.folders {
        super::print_line(&format!("{:.0}  {}", one.at, visible(&one.folder.display().to_string())))?;
    }
    Ok(exit::DONE)
}

fn revoke(context: &Context, folder: Option<PathBuf>) -> Result<u8, Failure> {
    let folder = match folder {
        // One that is gone is taken by the name it had.
        Some(folder) => context.cwd.join(&folder).canonicalize().unwrap_or_else(|_| context.cwd.join(folder)),
        None => {
            Workspace::find(&context.cwd, &context.paths)?.map_or_else(|| context.cwd.clone(), |found| found.folder)
        }
    };
    let mut trusted = Trusted::load(&context.paths)?;
    if !trusted.remove(&folder) {
        return Err(Failure::usage(format!("{} is not trusted", folder.display()))
            .hint("`pryx trust list` lists the folders that are"));
    }
    trusted.save(&context.paths)?;
    context.talk(&format!("{} is not trusted any more", visible(&folder.display().to_string())));
    Ok(exit::DONE)
}
